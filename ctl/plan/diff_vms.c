/* What changed in VMs, in the simulated hosts of the internet side, and in those of sites. */
#include "diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

/* Behind the VMs stand hosts of the internet side, then gateways and sites' devices, which are resources of another kind, then hosts of
 * sites. */
static size_t count_vms(const struct vnl_plan *plan)
{
    size_t n = 0;

    while (n < plan->n_vms && !plan->vms[n].host && !plan->vms[n].gateway && !plan->vms[n].site_host)
        n++;
    return n;
}

static const char *vm_key(const struct vnl_plan *plan, size_t i)
{
    return plan->vms[i].id;
}

static const char *vm_name(const struct vnl_plan *plan, size_t i)
{
    return plan->vms[i].name;
}

/* "10.0.0.4 fd00::4"; with_len: "10.0.0.4/24 fd00::4/64" */
static char *addrs_text(const struct vnl_plan_nic *nic, bool with_len)
{
    struct vnl_prefix host;
    char buf[VNL_ADDR_STR], *text = strdup("");

    for (size_t i = 0; i < nic->n_addrs && text; i++) {
        char *longer;

        host = (struct vnl_prefix){ .addr = nic->addrs[i].addr, .len = nic->addrs[i].prefix_len };
        (void)vnl_addr_format(&host.addr, buf);
        longer = with_len ? vnl_text("%s%s%s/%u", text, i ? " " : "", buf, host.len)
                          : vnl_text("%s%s%s", text, i ? " " : "", buf);
        free(text);
        text = longer;
    }
    return text;
}

static char *vm_describe(const struct vnl_plan *plan, size_t i)
{
    const struct vnl_plan_vm *vm = &plan->vms[i];
    char *text = strdup("");

    for (size_t k = 0; k < vm->n_nics && text; k++) {
        const struct vnl_plan_nic *nic = &plan->nics[vm->nics[k]];
        char *addrs = addrs_text(nic, false);
        char *longer = addrs ? vnl_text("%s%s%s in %s", text, k ? ", " : "", addrs, nic->subnet) : NULL;

        free(addrs);
        free(text);
        text = longer;
    }
    return text;
}

static const char *nsg_name(const struct vnl_plan *plan, uint32_t rules)
{
    return rules == VNL_PLAN_NO_RULES ? "none" : plan->rules[rules].nsg_name;
}

/* "'python3 -m http.server 80' 'sleep 1'" on one line, "none" */
static char *run_text(const struct vnl_plan_vm *vm)
{
    char *text = strdup(vm->n_run ? "" : "none");

    for (size_t i = 0; i < vm->n_run && text; i++) {
        char *longer = vnl_text("%s%s'%s'", text, i ? " " : "", vm->run[i]);

        free(text);
        text = longer;
    }
    for (char *p = text; p && *p; p++)
        if (*p == '\n')
            *p = ' ';
    return text;
}

static const char *table_name(const struct vnl_plan *plan, uint32_t table)
{
    const char *id = plan->tables[table].route_table;

    return id ? strrchr(id, '/') + 1 : "none";
}

static char *rate_text(const struct vnl_plan_nic *nic)
{
    return nic->bandwidth_bps ? vnl_text("%" PRIu64 " bit/s", nic->bandwidth_bps) : strdup("unlimited");
}

static int nic_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair,
                       const struct vnl_plan_nic *before, const struct vnl_plan_nic *after)
{
    int r = vnl_diff_texts(work, pair, "address", addrs_text(before, true), addrs_text(after, true));

    if (r == 0)
        r = vnl_diff_names(work, pair, "subnet", before->subnet, after->subnet);
    if (r == 0)
        r = vnl_diff_names(work, pair, "routeTable of the subnet", table_name(work->before, before->table),
                           table_name(work->after, after->table));
    if (r == 0)
        r = vnl_diff_texts(work, pair, "bandwidth", rate_text(before), rate_text(after));
    if (r == 0)
        r = vnl_diff_names(work, pair, "networkSecurityGroup of the subnet",
                           nsg_name(work->before, before->rules_subnet),
                           nsg_name(work->after, after->rules_subnet));
    if (r == 0)
        r = vnl_diff_names(work, pair, "networkSecurityGroup", nsg_name(work->before, before->rules_nic),
                           nsg_name(work->after, after->rules_nic));
    return r < 0 ? r
                 : vnl_diff_bools(work, pair, "enableIPForwarding", before->ip_forwarding,
                                  after->ip_forwarding);
}

int vnl_diff_guest(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    const struct vnl_plan_vm *before = &work->before->vms[pair->before],
                             *after = &work->after->vms[pair->after];
    const struct vnl_plan_nic *old = work->before->nics, *new = work->after->nics;
    int r = 0;

    if (before->n_nics != after->n_nics)
        r = vnl_diff_texts(work, pair, "network interfaces", vm_describe(work->before, pair->before),
                           vm_describe(work->after, pair->after));
    for (size_t i = 0; i < before->n_nics && before->n_nics == after->n_nics && r == 0; i++)
        r = nic_compare(work, pair, &old[before->nics[i]], &new[after->nics[i]]);
    if (r == 0)
        r = vnl_diff_bools(work, pair, "ipForward", before->ip_forward, after->ip_forward);
    if (r == 0)
        r = vnl_diff_texts(work, pair, "run", run_text(before), run_text(after));
    if (r == 0 && before->n_nics && after->n_nics)
        r = vnl_diff_slots(work, pair, old[before->nics[0]].slot, new[after->nics[0]].slot);
    return r;
}

const struct vnl_diff_kind vnl_diff_vms = { "virtualMachines", count_vms,   vm_key,
                                            vm_name,           vm_describe, vnl_diff_guest };

/* --- hosts of the internet side --------------------------------------------------------------------------------- */

/* Clients are told as such (diff_p2s.c). */
static size_t count_hosts(const struct vnl_plan *plan)
{
    size_t n = 0;

    for (size_t i = count_vms(plan); i < plan->n_vms && plan->vms[i].host; i++)
        n += !plan->vms[i].client;
    return n;
}

static size_t host_at(const struct vnl_plan *plan, size_t i)
{
    size_t at = count_vms(plan);

    while (plan->vms[at].client || i-- > 0)
        at++;
    return at;
}

static const char *host_key(const struct vnl_plan *plan, size_t i)
{
    return vm_key(plan, host_at(plan, i));
}

static const char *host_name(const struct vnl_plan *plan, size_t i)
{
    return vm_name(plan, host_at(plan, i));
}

static char *host_describe(const struct vnl_plan *plan, size_t i)
{
    return addrs_text(&plan->nics[plan->vms[host_at(plan, i)].nics[0]], false);
}

static int host_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    pair->before = host_at(work->before, pair->before);
    pair->after = host_at(work->after, pair->after);
    return vnl_diff_guest(work, pair);
}

const struct vnl_diff_kind vnl_diff_hosts = { "internet/hosts", count_hosts,   host_key,
                                              host_name,        host_describe, host_compare };

/* --- hosts of sites --------------------------------------------------------------------------------------------- */

static size_t count_site_hosts(const struct vnl_plan *plan)
{
    size_t n = 0;

    while (n < plan->n_vms && plan->vms[plan->n_vms - 1 - n].site_host)
        n++;
    return n;
}

static size_t site_host_at(const struct vnl_plan *plan, size_t i)
{
    return plan->n_vms - count_site_hosts(plan) + i;
}

static const char *site_host_key(const struct vnl_plan *plan, size_t i)
{
    return vm_key(plan, site_host_at(plan, i));
}

/* The id is "sites/NAME/hosts/HOST". */
static const char *site_host_name(const struct vnl_plan *plan, size_t i)
{
    return strchr(site_host_key(plan, i), '/') + 1;
}

static char *site_host_describe(const struct vnl_plan *plan, size_t i)
{
    return vm_describe(plan, site_host_at(plan, i));
}

static int site_host_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair)
{
    pair->before = site_host_at(work->before, pair->before);
    pair->after = site_host_at(work->after, pair->after);
    return vnl_diff_guest(work, pair);
}

const struct vnl_diff_kind vnl_diff_site_hosts = { "sites",        count_site_hosts,   site_host_key,
                                                   site_host_name, site_host_describe, site_host_compare };
