#include "running.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "labs.h"
#include "leftovers.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"

const char *running_lab_name(void)
{
    static char name[32];

    (void)snprintf(name, sizeof(name), "t%d", (int)getpid());
    return name;
}

struct vnl_plan *running_plan(const char *text, struct vnl_lab **lab)
{
    struct vnl_lab *next = labs_settle(text, *lab);
    struct vnl_plan *plan = NULL;

    free(next->name);
    next->name = strdup(running_lab_name());
    assert_int_equal(vnl_plan_build(next, &plan, NULL), 0);
    vnl_lab_free(lab);
    *lab = next;
    return plan;
}

struct vnl_dp_stats running_apply(const struct vnl_plan *plan)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_dp_stats stats = { 0 };

    if (vnl_dp_apply(plan, NULL, &stats, &err) < 0) {
        vnl_err_print(stderr, err);
        fail_msg("apply failed");
    }
    leftovers_note_pins();
    return stats;
}

struct vnl_dp_stats running_converge(const struct vnl_plan *plan)
{
    struct vnl_dp_stats stats = running_apply(plan), again = running_apply(plan);

    assert_int_equal(again.created, 0);
    assert_int_equal(again.changed, 0);
    assert_int_equal(again.deleted, 0);
    assert_false(again.published);
    return stats;
}

void running_down(void)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    if (vnl_dp_down(running_lab_name(), true, &err) < 0) {
        vnl_err_print(stderr, err);
        fail_msg("down failed");
    }
}

/* --- commands ------------------------------------------------------------------------------------- */

static const char *run(const char *command)
{
    static char text[1 << 20];
    FILE *in = popen(command, "re");
    size_t n;

    assert_non_null(in);
    n = fread(text, 1, sizeof(text) - 1, in);
    text[n] = '\0';
    (void)pclose(in);
    return text;
}

const char *running_sh(const char *fmt, ...)
{
    char command[1024];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    return run(command);
}

const char *running_in(const char *vm, const char *fmt, ...)
{
    char command[2048];
    va_list args;
    int n = snprintf(command, sizeof(command), "nsenter --net=%s/%s/ns/%s ", vnl_run_dir(),
                     running_lab_name(), vm);

    va_start(args, fmt);
    (void)vsnprintf(command + n, sizeof(command) - (size_t)n, fmt, args);
    va_end(args);
    return run(command);
}

bool running_ping(const char *vm, const char *address)
{
    return strstr(running_in(vm, "ping -c 3 -i 0.2 -W 2 %s 2>&1", address), " bytes from ") != NULL;
}

void running_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in:\n%s", part, text);
}

void running_lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' is in:\n%s", part, text);
}

/* --- as planned? ---------------------------------------------------------------------------------- */

/* The line of `ip -o` output that is about this link. */
static const char *line_of(char *text, const char *ifname, char buf[4096])
{
    char pattern[32], *at;

    (void)snprintf(pattern, sizeof(pattern), ": %s@", ifname);
    at = strstr(text, pattern);
    if (!at)
        fail_msg("no link '%s' in:\n%s", ifname, text);
    (void)snprintf(buf, 4096, "%.*s", (int)strcspn(at, "\n"), at);
    return buf;
}

static void check_port(const struct vnl_plan_nic *nic, char *links)
{
    char line[4096], wanted[512];

    (void)line_of(links, nic->ifname, line);
    (void)snprintf(wanted, sizeof(wanted), "master %s ", nic->bridge);
    running_has(line, wanted);
    (void)snprintf(wanted, sizeof(wanted), "alias %s", nic->alias);
    running_has(line, wanted);
    running_has(line, ",UP");
    running_has(line, "isolated on");
    running_has(line, "learning off");
    running_has(line, " flood off");
    running_has(line, "mcast_flood off");
    running_has(line, "bcast_flood off");
    running_has(line, "link/ether 12:34:56:78:9a:bc");
    running_has(running_in(VNL_FABRIC, "tc filter show dev %s ingress", nic->ifname), "direct-action");
}

static void check_guest(const struct vnl_plan *plan, const struct vnl_plan_nic *nic)
{
    const struct vnl_plan_vm *vm = &plan->vms[nic->vm];
    char buf[VNL_ADDR_STR], mac[VNL_MAC_STR], wanted[128], path[512], target[512] = "";
    size_t n = 0, number = 0;
    const char *text;

    while (&plan->nics[vm->nics[number]] != nic)
        number++;
    text = running_in(vm->name, "ip addr show dev eth%zu 2>&1", number);

    for (size_t i = 0; i < nic->n_addrs; i++) {
        (void)snprintf(wanted, sizeof(wanted), " %s/%u ", vnl_addr_format(&nic->addrs[i].addr, buf),
                       nic->addrs[i].prefix_len);
        running_has(text, wanted);
    }
    running_has(text, vnl_mac_format(&nic->mac, mac));
    for (const char *at = text; (at = strstr(at, "    inet")); at++)
        n++;
    /* A NIC with an IPv6 address has a link-local one too. */
    assert_int_equal(n, nic->n_addrs + (nic->addrs[nic->n_addrs - 1].addr.family == AF_INET6));
    (void)snprintf(path, sizeof(path), "/run/netns/%s", vm->netns);
    assert_true(readlink(path, target, sizeof(target) - 1) > 0);
    (void)snprintf(path, sizeof(path), "%s/%s/ns/%s", vnl_run_dir(), plan->lab, vm->name);
    assert_string_equal(target, path);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;

    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

void running_check(const struct vnl_plan *plan)
{
    char *links = strdup(running_in(VNL_FABRIC, "ip -o -d link"));
    size_t n_own =
        plan->n_vms ? 2 : 1; /* the fabric's namespace, and the platform's when there is somebody to serve */

    for (size_t i = 0; i < plan->n_nics; i++) {
        check_port(&plan->nics[i], links);
        check_guest(plan, &plan->nics[i]);
    }
    assert_int_equal(count(links, ": nic"), plan->n_nics);
    assert_int_equal(count(links, ": vnet") + count(links, ": internet") + count(links, ": site"),
                     plan->n_bridges);
    running_has(links, "lo: <LOOPBACK> ");
    assert_int_equal(count(running_sh("ls %s/%s/ns", vnl_run_dir(), plan->lab), "\n"), plan->n_vms + n_own);
    assert_int_equal(count(running_sh("ls /run/netns"), running_lab_name()), plan->n_vms + n_own);
    assert_string_equal(running_in(VNL_FABRIC, "ip addr show to 0/0"), "");
    assert_string_equal(running_in(VNL_FABRIC, "ip -6 addr"), "");
    free(links);
}
