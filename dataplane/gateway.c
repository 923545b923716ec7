/* A gateway's guest: a VPN gateway's instance, or a site's device. It forwards between eth0 (inside) and its tunnels; eth1 has the public
 * address and carries IKE and ESP.
 *
 * Nothing that is forwarded leaves by eth1 in clear, whatever the tunnels' state: no route of the main table leads there. What is for no
 * tunnel and not inside meets `blackhole default`. Only what the guest itself sends from its public address (`iif lo`) is looked up in
 * another table, whose one route is eth1's. And what comes in by eth1 in clear is for the guest itself, or goes nowhere: a rule.
 *
 *   main   the subnet of eth0                    the kernel's
 *          inside prefixes                       via eth0's gateway; a site's: on the link
 *          what goes into tunnels                vnl_gateway_routes_set, behind the inside ones
 *          blackhole default
 *   100    default via eth1's gateway, on the link
 *
 * A point-to-site client's guest is a host of the internet side and stays one: its tunnel's interface is all that it gets here, and what
 * goes in there is vnl_gateway_routes_set's.
 *
 * All of it is read from the kernel each time and made right where it is not; there is no memory of it, and a guest has few routes. */
#include "gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "delta.h"
#include "netlink.h"
#include "netns.h"
#include "shaper.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/gateway.h"
#include "vnetlab/plan.h"

#ifndef RTPROT_DHCP
#define RTPROT_DHCP 16
#endif

#define OUTSIDE_TABLE    100
#define INSIDE_METRIC    200 /* behind the subnet's own route (address.c) */
#define BLACKHOLE_METRIC UINT32_MAX

/* --- sysctls --------------------------------------------------------------------------------------------------------------- */

/* ip_forward first: it sets others back. Interfaces that are made later start with "default". */
static const struct {
    const char *name, *value;
} sysctls[] = {
    { "net/ipv4/ip_forward", "1" },
    { "net/ipv4/conf/all/rp_filter", "0" },
    { "net/ipv4/conf/default/rp_filter", "0" },
    { "net/ipv4/conf/eth0/rp_filter", "0" },
    { "net/ipv4/conf/eth1/rp_filter", "0" },
    { "net/ipv4/conf/all/send_redirects", "0" },
    { "net/ipv4/conf/default/send_redirects", "0" },
    { "net/ipv4/conf/eth0/send_redirects", "0" },
    { "net/ipv4/conf/eth1/send_redirects", "0" },
    { "net/ipv4/conf/all/accept_redirects", "0" },
    { "net/ipv4/conf/default/accept_redirects", "0" },
    { "net/ipv4/conf/eth0/accept_redirects", "0" },
    { "net/ipv4/conf/eth1/accept_redirects", "0" },
    { "net/ipv6/conf/all/disable_ipv6", "1" },
    { "net/ipv6/conf/default/disable_ipv6", "1" },
};

/* What does not exist cannot be wrong. */
static bool is_right(int dir, const char *name, const char *value)
{
    CLEANUP(vnl_fd_close) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    char text[16] = "";

    if (fd < 0)
        return errno == ENOENT;
    return read(fd, text, sizeof(text) - 1) > 0 && atoi(text) == atoi(value);
}

int vnl_gateway_sysctls(bool *ret_changed, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int dir = open("/proc/sys", O_DIRECTORY | O_PATH | O_CLOEXEC);
    int r = dir < 0 ? vnl_fail(err, errno, "cannot open /proc/sys: %s", strerror(errno)) : 0;

    for (size_t i = 0; i < ARRAY_SIZE(sysctls) && r == 0; i++) {
        if (is_right(dir, sysctls[i].name, sysctls[i].value))
            continue;
        r = vnl_netns_sysctl(sysctls[i].name, sysctls[i].value, err);
        *ret_changed = true;
    }
    return r;
}

static int sysctls_in(int netns_fd, bool *ret_changed, struct vnl_err **err)
{
    CLEANUP(vnl_netns_leave) int saved = -1;
    int r = vnl_netns_enter(netns_fd, &saved, err);

    return r < 0 ? r : vnl_gateway_sysctls(ret_changed, err);
}

/* --- routes ---------------------------------------------------------------------------------------------------------------- */

static const struct vnl_plan_addr *ipv4_of(const struct vnl_plan_nic *nic)
{
    for (size_t i = 0; i < nic->n_addrs; i++)
        if (nic->addrs[i].addr.family == AF_INET)
            return &nic->addrs[i];
    return NULL;
}

static const struct vnl_addr nothing;
static const struct vnl_prefix everything = { .addr = { .family = AF_INET } };

static struct vnl_gateway_route outside_route(const struct vnl_plan_addr *outside)
{
    return (struct vnl_gateway_route){
        .table = OUTSIDE_TABLE,
        .oif = VNL_GATEWAY_ETH1,
        .dst = everything,
        .via = outside ? outside->gateway : nothing,
    };
}

static size_t list_routes(const struct vnl_plan_gateway *gateway, const struct vnl_plan_addr *inside,
                          const struct vnl_plan_addr *outside, struct vnl_gateway_route *ret)
{
    size_t n = 0;

    ret[n++] =
        (struct vnl_gateway_route){ .table = RT_TABLE_MAIN, .metric = BLACKHOLE_METRIC, .dst = everything };
    ret[n++] = outside_route(outside);
    for (size_t i = 0; i < gateway->n_inside && inside; i++) {
        if (gateway->inside[i].addr.family != AF_INET)
            continue;
        ret[n++] = (struct vnl_gateway_route){
            .table = RT_TABLE_MAIN,
            .metric = INSIDE_METRIC,
            .oif = VNL_GATEWAY_ETH0,
            .dst = gateway->inside[i],
            .via = gateway->site ? nothing : inside->gateway,
            .src = inside->addr,
        };
    }
    return n;
}

static int sync_routes(const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway, struct vnl_nl *nl,
                       bool *ret_changed, struct vnl_err **err)
{
    const struct vnl_plan_addr *inside = ipv4_of(&plan->nics[gateway->nic_in]),
                               *outside = ipv4_of(&plan->nics[gateway->nic_out]);
    struct vnl_gateway_route *routes = calloc(gateway->n_inside + 2, sizeof(*routes));
    size_t n;
    int r;

    if (!routes)
        return vnl_fail(err, ENOMEM, "routes of VM '%s'", gateway->name);
    n = list_routes(gateway, inside, outside, routes);
    r = vnl_gateway_routes_sync(nl, VNL_GATEWAY_PROTO, 0, routes, n, gateway->name, ret_changed, err);
    if (r == 0) /* of a VM that had the name before */
        r = vnl_gateway_routes_sync(nl, RTPROT_DHCP, 0, NULL, 0, gateway->name, ret_changed, err);
    free(routes);
    return r < 0
               ? r
               : vnl_gateway_rules_sync(nl, &gateway->outer, OUTSIDE_TABLE, gateway->name, ret_changed, err);
}

int vnl_gateway_outside_keep(const struct vnl_plan *plan, size_t index, struct vnl_err **err)
{
    const struct vnl_plan_gateway *gateway = &plan->gateways[index];
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    CLEANUP(vnl_fd_close) int fd = -1;
    struct vnl_gateway_route route;
    bool changed = false;
    int r;

    if (gateway->client)
        return 0;
    route = outside_route(ipv4_of(&plan->nics[gateway->nic_out]));
    if ((r = vnl_netns_open(plan->lab, gateway->name, &fd, err)) < 0 ||
        (r = vnl_nl_open_in(fd, &nl, err)) < 0)
        return r;
    r = vnl_gateway_routes_sync(nl, VNL_GATEWAY_PROTO, VNL_GATEWAY_ETH1, &route, 1, gateway->name, &changed,
                                &why);
    if (r == -ENETDOWN)
        return 0;
    if (r < 0)
        vnl_err_append(err, &why);
    return r;
}

/* --- one gateway, all gateways ------------------------------------------------------------------------------------------------ */

static int sync_rate(const struct vnl_plan_gateway *gateway, struct vnl_nl *nl, bool *ret_changed,
                     struct vnl_err **err)
{
    if (vnl_shaper_rate(nl, 1) == gateway->throughput_bps / 8 * 8)
        return 0;
    *ret_changed = true;
    return vnl_shaper_set(nl, 1, gateway->throughput_bps, gateway->name, err);
}

static int sync_guest(const struct vnl_plan *plan, const struct vnl_plan_gateway *gateway, int netns_fd,
                      struct vnl_nl *nl, const struct vnl_gateway_programs *programs, bool *ret_changed,
                      struct vnl_err **err)
{
    int r;

    if ((r = sysctls_in(netns_fd, ret_changed, err)) < 0 ||
        (r = sync_routes(plan, gateway, nl, ret_changed, err)) < 0 ||
        (r = vnl_gateway_inside_sync(programs, nl, gateway->name, gateway->site, ret_changed, err)) < 0)
        return r;
    return sync_rate(gateway, nl, ret_changed, err);
}

static int sync_one(const struct vnl_plan *plan, size_t index, const struct vnl_gateway_programs *programs,
                    bool *ret_changed, struct vnl_err **err)
{
    const struct vnl_plan_gateway *gateway = &plan->gateways[index];
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    CLEANUP(vnl_fd_close) int fd = -1;
    int r;

    if ((r = vnl_netns_open(plan->lab, gateway->name, &fd, err)) < 0 ||
        (r = vnl_nl_open_in(fd, &nl, err)) < 0)
        return r;
    if (!gateway->client && (r = sync_guest(plan, gateway, fd, nl, programs, ret_changed, err)) < 0)
        return r;
    return vnl_gateway_uses_xfrm(gateway->name)
               ? vnl_gateway_tunnels_sync_one(plan, index, nl, ret_changed, err)
               : 0;
}

int vnl_gateways_sync(const struct vnl_plan *plan, const bool *fresh, size_t *changed, struct vnl_err **err)
{
    CLEANUP(vnl_gateway_programs_free) struct vnl_gateway_programs *programs = NULL;
    int r = plan->n_gateways ? vnl_gateway_programs_load(&programs, err) : 0;

    for (size_t i = 0; i < plan->n_gateways && r == 0; i++) {
        bool was_wrong = false;

        r = sync_one(plan, i, programs, &was_wrong, err);
        *changed += was_wrong && !fresh[plan->gateways[i].vm];
    }
    return r;
}

static int leave_one(const struct vnl_plan *plan, const char *vm, bool has_eth1, struct vnl_err **err)
{
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    CLEANUP(vnl_fd_close) int fd = -1;
    bool was = false;
    int r;

    if ((r = vnl_netns_open(plan->lab, vm, &fd, err)) < 0 || (r = vnl_nl_open_in(fd, &nl, err)) < 0 ||
        (r = vnl_gateway_rules_remove(nl, vm, &was, err)) < 0 || !was)
        return r;
    if ((r = vnl_gateway_routes_sync(nl, VNL_GATEWAY_PROTO, 0, NULL, 0, vm, &was, err)) < 0 ||
        (r = vnl_gateway_routes_sync(nl, VNL_TUNNEL_PROTO, 0, NULL, 0, vm, &was, err)) < 0 ||
        (r = vnl_gateway_tunnels_sync_one(plan, SIZE_MAX, nl, &was, err)) < 0)
        return r;
    return vnl_gateway_filters_remove(nl, vm, has_eth1, err);
}

int vnl_gateways_leave(const struct vnl_plan *plan, const bool *fresh, const uint8_t *nics,
                       struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; i < plan->n_nics && r == 0; i++) {
        const struct vnl_plan_vm *vm = &plan->vms[plan->nics[i].vm];

        if (nics[i] && !vm->gateway && !fresh[plan->nics[i].vm] && vnl_nic_number(plan, i) == 0)
            r = leave_one(plan, vm->name, vm->n_nics > 1, err);
    }
    return r;
}
