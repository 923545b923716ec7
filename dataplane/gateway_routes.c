/* Routes and rules of a gateway's guest: what the kernel has of ours is read, the missing is added first, then the superfluous removed. So a
 * prefix that stays is routed all the time.
 *
 * Routes are appended, never replaced: two tunnels may have the same prefix, and IPv4's "replace" would take the other one's away. */
#include "gateway.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netlink.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/gateway.h"

#define DUMP_TRIES    20
#define RULE_PRIORITY 100
#define TUNNEL_METRIC 300 /* behind what is inside (gateway.c) */

/* --- one route ------------------------------------------------------------------------------------------------------------- */

static void put_addr(struct nlmsghdr *msg, uint16_t type, const struct vnl_addr *addr)
{
    if (addr->family == AF_INET)
        mnl_attr_put(msg, type, 4, addr->bytes);
}

static void put_route(struct vnl_nl *nl, uint16_t type, uint8_t protocol,
                      const struct vnl_gateway_route *route, const char *vm)
{
    bool adds = type == RTM_NEWROUTE;
    struct vnl_nl_what what = {
        .action = adds ? "give a route to" : "take a route from",
        .object = "the gateway",
        .vm = vm,
        .ignore = adds ? EEXIST : ESRCH,
    };
    struct rtmsg head = {
        .rtm_family = AF_INET,
        .rtm_dst_len = route->dst.len,
        .rtm_table = RT_TABLE_UNSPEC, /* RTA_TABLE says it */
        .rtm_protocol = protocol,
        .rtm_scope = route->oif && route->via.family == AF_UNSPEC ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
        .rtm_type = route->oif ? RTN_UNICAST : RTN_BLACKHOLE,
        .rtm_flags = route->via.family == AF_INET ? RTNH_F_ONLINK : 0,
    };
    struct nlmsghdr *msg =
        vnl_nl_put(nl, type, adds ? NLM_F_CREATE | NLM_F_APPEND : 0, &head, sizeof(head), &what);

    if (route->dst.len)
        put_addr(msg, RTA_DST, &route->dst.addr);
    put_addr(msg, RTA_GATEWAY, &route->via);
    put_addr(msg, RTA_PREFSRC, &route->src);
    if (route->oif)
        mnl_attr_put_u32(msg, RTA_OIF, route->oif);
    mnl_attr_put_u32(msg, RTA_TABLE, route->table);
    mnl_attr_put_u32(msg, RTA_PRIORITY, route->metric);
}

static void read_addr(const struct nlattr *attr, struct vnl_addr *ret)
{
    if (mnl_attr_get_payload_len(attr) != 4)
        return;
    ret->family = AF_INET;
    memcpy(ret->bytes, mnl_attr_get_payload(attr), 4);
}

static struct vnl_gateway_route read_route(const struct nlmsghdr *msg)
{
    const struct rtmsg *head = mnl_nlmsg_get_payload(msg);
    struct vnl_gateway_route route = { .table = head->rtm_table };
    const struct nlattr *attr;

    route.dst = (struct vnl_prefix){ .addr = { .family = AF_INET }, .len = head->rtm_dst_len };
    mnl_attr_for_each(attr, msg, sizeof(*head))
    {
        switch (mnl_attr_get_type(attr)) {
        case RTA_DST:
            read_addr(attr, &route.dst.addr);
            break;
        case RTA_GATEWAY:
            read_addr(attr, &route.via);
            break;
        case RTA_PREFSRC:
            read_addr(attr, &route.src);
            break;
        case RTA_OIF:
            route.oif = mnl_attr_get_u32(attr);
            break;
        case RTA_PRIORITY:
            route.metric = mnl_attr_get_u32(attr);
            break;
        case RTA_TABLE:
            route.table = mnl_attr_get_u32(attr);
            break;
        default:
            break;
        }
    }
    return route;
}

static bool same_addr(const struct vnl_addr *a, const struct vnl_addr *b)
{
    return a->family == b->family && (a->family == AF_UNSPEC || vnl_addr_eq(a, b));
}

static bool same_route(const struct vnl_gateway_route *a, const struct vnl_gateway_route *b)
{
    return a->table == b->table && a->metric == b->metric && a->oif == b->oif && a->dst.len == b->dst.len &&
           same_addr(&a->dst.addr, &b->dst.addr) && same_addr(&a->via, &b->via) &&
           same_addr(&a->src, &b->src);
}

/* --- all of them ------------------------------------------------------------------------------------------------------------ */

struct routes {
    uint8_t protocol;
    uint32_t oif;
    struct vnl_gateway_route *items;
    size_t n;
};

static void routes_done(struct routes *routes)
{
    free(routes->items);
    routes->items = NULL;
    routes->n = 0;
}

static int note_route(const struct nlmsghdr *msg, void *arg)
{
    const struct rtmsg *head = mnl_nlmsg_get_payload(msg);
    struct vnl_gateway_route route = read_route(msg);
    struct routes *routes = arg;
    struct vnl_gateway_route *items;

    if (head->rtm_family != AF_INET || head->rtm_protocol != routes->protocol ||
        (routes->oif && route.oif != routes->oif))
        return 0;
    items = reallocarray(routes->items, routes->n + 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    routes->items = items;
    items[routes->n++] = route;
    return 0;
}

static int read_routes(struct vnl_nl *nl, struct routes *ret, const char *vm, struct vnl_err **err)
{
    struct rtmsg all = { .rtm_family = AF_INET };
    int r = -EINTR;

    for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
        routes_done(ret);
        r = vnl_nl_dump(nl, RTM_GETROUTE, &all, sizeof(all), note_route, ret, err);
    }
    if (r == -ENOMEM || r == -EINTR)
        return vnl_fail(err, -r, "VM '%s': cannot read its routes: %s", vm, strerror(-r));
    return r;
}

static bool has_route(const struct vnl_gateway_route *routes, size_t n, const struct vnl_gateway_route *route)
{
    for (size_t i = 0; i < n; i++)
        if (same_route(&routes[i], route))
            return true;
    return false;
}

int vnl_gateway_routes_sync(struct vnl_nl *nl, uint8_t protocol, uint32_t oif,
                            const struct vnl_gateway_route *routes, size_t n, const char *vm,
                            bool *ret_changed, struct vnl_err **err)
{
    CLEANUP(routes_done) struct routes seen = { .protocol = protocol, .oif = oif };
    int r = read_routes(nl, &seen, vm, err);

    for (size_t i = 0; i < n && r == 0; i++)
        if (!has_route(seen.items, seen.n, &routes[i])) {
            put_route(nl, RTM_NEWROUTE, protocol, &routes[i], vm);
            *ret_changed = true;
        }
    if (r < 0 || (r = vnl_nl_flush(nl, err)) < 0)
        return r;
    for (size_t i = 0; i < seen.n; i++)
        if (!has_route(routes, n, &seen.items[i])) {
            put_route(nl, RTM_DELROUTE, protocol, &seen.items[i], vm);
            *ret_changed = true;
        }
    return vnl_nl_flush(nl, err);
}

/* --- the rules -------------------------------------------------------------------------------------------------------------- */

struct rule {
    struct vnl_addr src;
    uint32_t table, priority;
    uint8_t action;
    char iif[16]; /* where the packet comes from; "lo": the guest itself */
};

#define RULES 2

struct rules {
    const struct rule *wanted;
    size_t n_wanted;
    bool found[RULES];
    struct rule stale[16]; /* more are found by the next round */
    size_t n_stale;
};

static void put_rule(struct vnl_nl *nl, uint16_t type, const struct rule *rule, const char *vm)
{
    bool adds = type == RTM_NEWRULE;
    struct vnl_nl_what what = {
        .action = adds ? "give a routing rule to" : "take a routing rule from",
        .object = "the gateway",
        .vm = vm,
        .ignore = adds ? EEXIST : ENOENT,
    };
    struct fib_rule_hdr head = {
        .family = AF_INET,
        .src_len = rule->src.family == AF_INET ? 32 : 0,
        .action = rule->action,
    };
    struct nlmsghdr *msg =
        vnl_nl_put(nl, type, adds ? NLM_F_CREATE | NLM_F_EXCL : 0, &head, sizeof(head), &what);

    put_addr(msg, FRA_SRC, &rule->src);
    if (rule->table)
        mnl_attr_put_u32(msg, FRA_TABLE, rule->table);
    mnl_attr_put_u32(msg, FRA_PRIORITY, rule->priority);
    mnl_attr_put_u8(msg, FRA_PROTOCOL, VNL_GATEWAY_PROTO);
    if (*rule->iif)
        mnl_attr_put_strz(msg, FRA_IIFNAME, rule->iif);
}

static bool read_rule(const struct nlmsghdr *msg, struct rule *ret)
{
    const struct fib_rule_hdr *head = mnl_nlmsg_get_payload(msg);
    const struct nlattr *attr;
    bool is_ours = false;

    *ret = (struct rule){ .table = head->table, .action = head->action };
    mnl_attr_for_each(attr, msg, sizeof(*head))
    {
        uint16_t type = mnl_attr_get_type(attr);

        if (type == FRA_SRC)
            read_addr(attr, &ret->src);
        else if (type == FRA_TABLE)
            ret->table = mnl_attr_get_u32(attr);
        else if (type == FRA_PRIORITY)
            ret->priority = mnl_attr_get_u32(attr);
        else if (type == FRA_IIFNAME)
            (void)snprintf(ret->iif, sizeof(ret->iif), "%s", mnl_attr_get_str(attr));
        else if (type == FRA_PROTOCOL)
            is_ours = mnl_attr_get_u8(attr) == VNL_GATEWAY_PROTO;
    }
    return is_ours;
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
    return same_addr(&a->src, &b->src) && a->table == b->table && a->priority == b->priority &&
           a->action == b->action && strcmp(a->iif, b->iif) == 0;
}

static int note_rule(const struct nlmsghdr *msg, void *arg)
{
    struct rules *rules = arg;
    struct rule rule;
    size_t i = 0;

    if (!read_rule(msg, &rule))
        return 0;
    while (i < rules->n_wanted && (rules->found[i] || !same_rule(&rule, &rules->wanted[i])))
        i++;
    if (i < rules->n_wanted)
        rules->found[i] = true;
    else if (rules->n_stale < ARRAY_SIZE(rules->stale))
        rules->stale[rules->n_stale++] = rule;
    return 0;
}

int vnl_gateway_rules_remove(struct vnl_nl *nl, const char *vm, bool *ret_changed, struct vnl_err **err)
{
    struct fib_rule_hdr all = { .family = AF_INET };
    struct rules rules = { .n_wanted = 0 };
    int r = vnl_nl_dump(nl, RTM_GETRULE, &all, sizeof(all), note_rule, &rules, err);

    if (r < 0 && r != -EINTR)
        return r;
    for (size_t i = 0; i < rules.n_stale; i++)
        put_rule(nl, RTM_DELRULE, &rules.stale[i], vm);
    *ret_changed |= rules.n_stale;
    return vnl_nl_flush(nl, err);
}

int vnl_gateway_rules_sync(struct vnl_nl *nl, const struct vnl_addr *outer, uint32_t table, const char *vm,
                           bool *ret_changed, struct vnl_err **err)
{
    const struct rule wanted[RULES] = {
        { .priority = RULE_PRIORITY + 1, .action = FR_ACT_BLACKHOLE, .iif = "eth1" },
        { .src = *outer, .table = table, .priority = RULE_PRIORITY, .action = FR_ACT_TO_TBL, .iif = "lo" },
    };
    struct fib_rule_hdr all = { .family = AF_INET };
    struct rules rules = { .wanted = wanted, .n_wanted = RULES };
    int r = vnl_nl_dump(nl, RTM_GETRULE, &all, sizeof(all), note_rule, &rules, err);

    if (r < 0 && r != -EINTR)
        return r;
    for (size_t i = 0; i < rules.n_stale; i++)
        put_rule(nl, RTM_DELRULE, &rules.stale[i], vm);
    for (size_t i = 0; i < RULES; i++)
        if (!rules.found[i])
            put_rule(nl, RTM_NEWRULE, &wanted[i], vm);
    *ret_changed |= rules.n_stale || !rules.found[0] || !rules.found[1];
    return vnl_nl_flush(nl, err);
}

/* --- into a tunnel ----------------------------------------------------------------------------------------------------------- */

/* What the guest itself sends into a tunnel has its inside address: the kernel would take any, and what has the public one leaves by
 * eth1. A client has no inside: its address of the pool is the tunnel's own. */
struct sources {
    uint32_t tunnel;
    struct vnl_addr inside, own;
    size_t n_own;
};

static void read_local(const struct nlmsghdr *msg, struct vnl_addr *ret)
{
    const struct nlattr *attr;

    mnl_attr_for_each(attr, msg, sizeof(struct ifaddrmsg)) if (mnl_attr_get_type(attr) == IFA_LOCAL)
        read_addr(attr, ret);
}

static bool is_stand(const struct nlmsghdr *msg)
{
    const struct nlattr *attr;

    mnl_attr_for_each(attr, msg,
                      sizeof(struct ifaddrmsg)) if (mnl_attr_get_type(attr) ==
                                                    IFA_RT_PRIORITY) return mnl_attr_get_u32(attr) ==
        VNL_STAND_METRIC;
    return false;
}

static int note_source(const struct nlmsghdr *msg, void *arg)
{
    const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
    struct sources *sources = arg;

    if (head->ifa_family != AF_INET)
        return 0;
    if (head->ifa_index == VNL_GATEWAY_ETH0 && sources->inside.family != AF_INET)
        read_local(msg, &sources->inside);
    if (head->ifa_index != sources->tunnel || head->ifa_scope != RT_SCOPE_UNIVERSE)
        return 0;
    if (is_stand(msg))
        return 0;
    read_local(msg, &sources->own);
    sources->n_own++;
    return 0;
}

static int tunnel_routes(struct vnl_nl *nl, uint32_t oif, const struct vnl_prefix *prefixes, size_t n,
                         const char *vm, struct vnl_err **err)
{
    struct vnl_gateway_route *routes = calloc(n + 1, sizeof(*routes));
    struct ifaddrmsg all = { .ifa_family = AF_INET };
    struct sources sources = { .tunnel = oif };
    bool changed = false;
    size_t n_routes = 0;
    int r;

    if (!routes)
        return vnl_fail(err, ENOMEM, "routes of VM '%s'", vm);
    r = vnl_nl_dump(nl, RTM_GETADDR, &all, sizeof(all), note_source, &sources, err);
    for (size_t i = 0; i < n; i++) {
        if (prefixes[i].addr.family != AF_INET)
            continue;
        routes[n_routes++] = (struct vnl_gateway_route){
            .table = RT_TABLE_MAIN,
            .metric = TUNNEL_METRIC,
            .oif = oif,
            .dst = prefixes[i],
            .src = sources.n_own == 1 ? sources.own : sources.inside,
        };
    }
    if (r == 0 || r == -EINTR)
        r = vnl_gateway_routes_sync(nl, VNL_TUNNEL_PROTO, oif, routes, n_routes, vm, &changed, err);
    free(routes);
    return r;
}

int vnl_gateway_routes_set(const char *lab, const char *gateway, const char *ifname,
                           const struct vnl_prefix *prefixes, size_t n, struct vnl_err **err)
{
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    CLEANUP(vnl_fd_close) int fd = -1;
    uint32_t oif = 0;
    int r = vnl_netns_open(lab, gateway, &fd, err);

    if (r < 0 || (r = vnl_nl_open_in(fd, &nl, err)) < 0)
        return r;
    r = vnl_gateway_ifindex(fd, ifname, &oif, err);
    if (r < 0)
        return r;
    if (oif == 0)
        return n == 0 ? 0 : vnl_fail(err, ENODEV, "VM '%s' has no interface '%s'", gateway, ifname);
    return tunnel_routes(nl, oif, prefixes, n, gateway, err);
}
