/* Who sends what to whom, and what should become of it. */
#include "play.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

const struct proto protos[PROTOS] = {
    { VNL_PROBE_ICMP, IPPROTO_ICMP, 0, "icmp" },      { VNL_PROBE_TCP, IPPROTO_TCP, 80, "tcp 80" },
    { VNL_PROBE_TCP, IPPROTO_TCP, 443, "tcp 443" },   { VNL_PROBE_UDP, IPPROTO_UDP, 53, "udp 53" },
    { VNL_PROBE_UDP, IPPROTO_UDP, 5000, "udp 5000" },
};

/* Where nobody is: private, public, and inside of the first VNets. */
static const char *const nobodys[] = { "172.31.0.100", "192.0.2.1",  "198.51.100.100", "10.0.0.200",
                                       "10.1.0.200",   "10.100.2.9", "fd00:1::99",     "2001:db8::1" };

static bool row_add(struct play *play, const struct vnl_nic *from, const struct vnl_nic *aim,
                    const struct vnl_addr *dst)
{
    if (!vnl_nic_addr(from, dst->family))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
        struct row *row = &play->rows[play->n_rows++];
        struct naive_flow flow = { from, *dst, protos[i].number, DRY_PORT, protos[i].port };

        *row = (struct row){ .from = from, .aim = aim, .dst = *dst, .proto = i };
        naive_lab_exchange(play->lab, play->hosts, &flow, &row->way);
        row->passes = row->way.passes;
    }
    return true;
}

/* Somebody may happen to be there after all, and what a guest sends to itself never leaves it. */
static bool owns(const struct vnl_nic *nic, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (vnl_addr_eq(&nic->configs[i].addr, addr))
            return true;
    }
    return false;
}

static void rows_outside(struct play *play, const struct vnl_nic *from)
{
    for (size_t i = 0; i < naive_hosts_count(play->hosts); i++) {
        const struct vnl_nic *host = naive_host(play->hosts, i);

        if (host != from)
            (void)row_add(play, from, host, &host->configs[0].addr);
    }
    for (size_t i = 0; i < play->lab->n_public_ips; i++) {
        const struct vnl_public_ip *public = play->lab->public_ips[i];

        if (public->nic && public->nic != from)
            (void)row_add(play, from, public->nic, &public->addr);
    }
}

/* Frontends; in the lab of topology_balancer.c each pool has one member. */
static void rows_balanced(struct play *play, const struct vnl_nic *from)
{
    for (size_t i = 0; i < play->lab->n_lbs; i++) {
        const struct vnl_lb_pool *pool = play->lab->lbs[i]->pools[0];

        if (pool->nics[0] != from || !from->subnet->route_table) /* a guest drops what it has sent itself */
            (void)row_add(play, from, pool->nics[0], &play->lab->lbs[i]->frontends[0]->addr);
    }
}

static void rows_of(struct play *play, const struct vnl_nic *from)
{
    for (size_t i = 0; i < play->lab->n_vms; i++) {
        const struct vnl_nic *to = play->lab->vms[i]->nics[0];

        for (size_t k = 0; to != from && k < to->n_configs; k++)
            (void)row_add(play, from, to, &to->configs[k].addr);
    }
    for (size_t i = 0; i < ARRAY_SIZE(nobodys); i++) {
        struct vnl_addr addr;

        if (vnl_addr_parse(nobodys[i], &addr, NULL) == 0 && !owns(from, &addr))
            (void)row_add(play, from, NULL, &addr);
    }
    rows_outside(play, from);
    rows_balanced(play, from);
}

static void count(struct play *play, const struct row *row)
{
    play->checked++;
    play->met[row->way.there.reason]++;
    if (row->way.there.reason == VNL_DROP_NONE)
        play->met_back[row->way.back.reason]++;
    play->through += row->passes && row->way.there.n_got > 1;
}

void rows_make(struct play *play)
{
    size_t vms = play->lab->n_vms, hosts = play->lab->n_hosts,
           each = 2 * vms + ARRAY_SIZE(nobodys) + hosts + play->lab->n_public_ips + play->lab->n_lbs;

    free(play->rows);
    free(play->hosts);
    play->hosts = naive_hosts_new(play->lab);
    play->n_rows = 0;
    play->rows = calloc((vms + hosts) * each * PROTOS + 1, sizeof(*play->rows));
    if (!play->rows)
        abort();
    for (size_t i = 0; i < vms; i++)
        rows_of(play, play->lab->vms[i]->nics[0]);
    for (size_t i = 0; i < hosts; i++)
        rows_of(play, naive_host(play->hosts, i));
    for (size_t i = 0; i < play->n_rows; i++)
        count(play, &play->rows[i]);
}

static void print_reasons(const char *what, const size_t met[VNL_DROP_MAX])
{
    (void)printf("%s:", what);
    for (int i = 0; i < VNL_DROP_MAX; i++) {
        if (met[i])
            (void)printf(" %s %zu", vnl_drop_str((enum vnl_drop)i), met[i]);
    }
    (void)printf("\n");
}

void rows_print_met(const struct play *play)
{
    print_reasons("packets", play->met);
    print_reasons("replies", play->met_back);
}

void say(struct play *play, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(play->said, sizeof(play->said), fmt, args);
    va_end(args);
}

void say_err(struct play *play, const char *what, const struct vnl_err *err)
{
    say(play, "%s: %s%s%s", what, err && err->code ? err->code : "", err && err->code ? ": " : "",
        err ? err->msg : "?");
}

const char *vm_of(const struct vnl_nic *nic)
{
    return nic ? nic->vm->name : "nobody";
}

void say_row(struct play *play, const struct row *row, const char *fmt, ...)
{
    char addr[VNL_ADDR_STR], other[256];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(other, sizeof(other), fmt, args);
    va_end(args);
    say(play, "%s -> %s %s %s: predicted %s at %s%s%s after %zu guests, reply %s at %s after %zu; %s",
        vm_of(row->from), vm_of(row->aim), vnl_addr_format(&row->dst, addr), protos[row->proto].name,
        vnl_drop_str(row->way.there.reason), vm_of(row->way.there.at), row->way.there.rule ? " by " : "",
        row->way.there.rule ? row->way.there.rule : "", row->way.there.n_got,
        vnl_drop_str(row->way.back.reason), vm_of(row->way.back.at), row->way.back.n_got, other);
}
