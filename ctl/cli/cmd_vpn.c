/* vnetlab vpn log|reset|bgp|learned|advertised: the daemons of gateways, sites and clients. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bgp_tables.h"
#include "cmds.h"
#include "connections.h"
#include "out.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

enum { OPT_FOLLOW };

const struct vnl_opt vnl_vpn_opts[] = {
    [OPT_FOLLOW] = { "--follow", "-f", NULL, "log: go on printing what is written, until ^C" },
    { NULL },
};

enum what { WHAT_LOG, WHAT_RESET, WHAT_BGP, WHAT_LEARNED, WHAT_ADVERTISED, WHAT_MAX };

#define GATEWAYS (1u << VNL_TYPE_VPN_GATEWAY | 1u << VNL_TYPE_SITE)
static const struct {
    const char *name;
    unsigned types; /* what it can be asked of */
} whats[] = {
    [WHAT_LOG] = { "log", GATEWAYS | 1u << VNL_TYPE_CLIENT },
    [WHAT_RESET] = { "reset", GATEWAYS | 1u << VNL_TYPE_CLIENT | 1u << VNL_TYPE_CONNECTION },
    [WHAT_BGP] = { "bgp", GATEWAYS },
    [WHAT_LEARNED] = { "learned", GATEWAYS },
    [WHAT_ADVERTISED] = { "advertised", GATEWAYS },
};
static_assert(ARRAY_SIZE(whats) == WHAT_MAX, "name everything that can be asked");

struct target {
    enum what what;
    struct vnl_lab *lab;
    struct vnl_plan *plan;
    const char *gateway; /* name of a gateway, of one instance of it, of a site or a client; or NULL */
    const struct vnl_connection *connection; /* or NULL */
};

static void target_done(struct target *target)
{
    vnl_plan_free(&target->plan);
    vnl_lab_free(&target->lab);
}

/* --- who is meant ------------------------------------------------------------------------------------- */

/* The second instance of an active-active gateway is no resource. */
static const struct vnl_plan_gateway *instance_lookup(const struct vnl_plan *plan, const char *word)
{
    for (size_t i = 0; i < plan->n_gateways; i++)
        if (plan->gateways[i].instance && !strcasecmp(plan->gateways[i].name, word))
            return &plan->gateways[i];
    return NULL;
}

static int find_resource(struct target *target, const char *word, struct vnl_err **err)
{
    CLEANUP(vnl_resources_done) struct vnl_resources resources = { 0 };
    const struct vnl_resource *found = NULL;
    int r = vnl_resources_build(target->lab, &resources, err);

    if (r >= 0)
        r = vnl_resource_find(&resources, whats[target->what].types, target->lab->name, word, &found, err);
    if (r < 0)
        return r;
    if (found->type == VNL_TYPE_SITE && found->site_host)
        return vnl_fail(err, EINVAL, "vpn: '%s' is a host of site '%s': it is the site that speaks IKE", word,
                        found->site->name);
    target->connection = found->type == VNL_TYPE_CONNECTION ? found->connection : NULL;
    for (size_t i = 0; !target->connection && i < target->plan->n_gateways; i++)
        if (!strcasecmp(target->plan->gateways[i].resource, found->name))
            target->gateway = target->plan->gateways[i].resource;
    if (!target->connection && !target->gateway)
        return vnl_fail(err, ENOENT, "vpn: %s has no tunnel", word);
    return 0;
}

static int find(struct target *target, const char *word, struct vnl_err **err)
{
    const struct vnl_plan_gateway *instance = instance_lookup(target->plan, word);

    if (!instance)
        return find_resource(target, word, err);
    target->gateway = instance->name;
    return 0;
}

static int load(struct target *target, const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    int r = vnl_cmd_pick_lab(args, &name, err);

    if (r >= 0)
        r = vnl_cmd_load_stored(name, &target->lab, NULL, err);
    if (r >= 0)
        r = vnl_plan_build(target->lab, &target->plan, err);
    if (r >= 0)
        r = find(target, args->operands[1], err);
    if (r >= 0 && !vnl_dp_exists(target->lab->name))
        return vnl_fail_at(err, ENOENT, NULL, NULL, NULL, "vnetlab up FILE", "lab '%s' is not running",
                           target->lab->name);
    return r;
}

/* --- reset -------------------------------------------------------------------------------------------- */

static int reset(const struct target *target, struct vnl_err **err)
{
    CLEANUP(vnl_cmd_tunnels_done) struct vnl_cmd_tunnels tunnels = { 0 };
    const char *connection = target->connection ? target->connection->id : NULL;
    int r = vnl_vpn_reset(target->lab->name, target->gateway, connection, err);

    if (r >= 0)
        r = vnl_cmd_tunnels_wait(target->plan, connection, target->gateway, VNL_CONNECT_MS, &tunnels, err);
    if (r < 0)
        return VNL_EXIT_SYSTEM;
    vnl_cmd_tunnels_print(target->plan, &tunnels, connection, target->gateway, true);
    return VNL_EXIT_OK;
}

/* --- BGP ---------------------------------------------------------------------------------------------- */

/* The gateway, or one instance of it. */
static bool is_asked(const struct target *target, const struct vnl_plan_gateway *gateway)
{
    return !strcmp(gateway->resource, target->gateway) || !strcmp(gateway->name, target->gateway);
}

static int check_bgp(const struct target *target, struct vnl_err **err)
{
    for (size_t i = 0; i < target->plan->n_gateways; i++)
        if (is_asked(target, &target->plan->gateways[i]) && target->plan->gateways[i].asn)
            return 0;
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL,
                       "enableBgp: true at a connection, and at both of a pair; a site needs bgpSettings",
                       "%s speaks no BGP", target->gateway);
}

/* peer: as typed; it must be one of the gateway's. */
static int check_peer(const struct target *target, const char *peer, struct vnl_err **err)
{
    struct vnl_addr addr;
    int r = vnl_addr_parse(peer, &addr, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < target->plan->n_tunnels; i++) {
        const struct vnl_plan_tunnel *tunnel = &target->plan->tunnels[i];

        if (is_asked(target, &target->plan->gateways[tunnel->gateway]) && tunnel->peer_asn &&
            vnl_addr_eq(&tunnel->peer_bgp, &addr))
            return 0;
    }
    return vnl_fail(err, ENOENT, "%s has no BGP peer %s", target->gateway, peer);
}

static int ask_bgp(const struct target *target, const char *peer, struct vnl_json **ret, struct vnl_err **err)
{
    const char *lab = target->lab->name;

    if (target->what == WHAT_BGP)
        return vnl_bgp_peers(lab, target->gateway, ret, err);
    if (target->what == WHAT_LEARNED)
        return vnl_bgp_learned(lab, target->gateway, ret, err);
    return vnl_bgp_advertised(lab, target->gateway, peer, ret, err);
}

static int show_bgp(const struct target *target, const char *peer, bool as_json, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *list = NULL;
    int r = check_bgp(target, err);

    if (r >= 0 && peer)
        r = check_peer(target, peer, err);
    if (r < 0)
        return r;
    if (ask_bgp(target, peer, &list, err) < 0)
        return VNL_EXIT_SYSTEM;
    if (as_json)
        return vnl_out_json(vnl_bgp_to_json(TAKE_PTR(list)), err);
    return target->what == WHAT_BGP ? vnl_bgp_peers_print(stdout, list, err)
                                    : vnl_bgp_routes_print(stdout, list, err);
}

/* --- the command -------------------------------------------------------------------------------------- */

static enum what what_of(const char *word)
{
    size_t i = 0;

    while (i + 1 < WHAT_MAX && strcmp(whats[i].name, word) != 0)
        i++;
    return (enum what)i;
}

static int check_words(const struct vnl_args *args, enum what what, struct vnl_err **err)
{
    if (what != WHAT_LOG && args->values[OPT_FOLLOW])
        return vnl_fail(err, EINVAL, "vpn: --follow is for 'vpn log'");
    if (what != WHAT_ADVERTISED && args->n_operands > 2)
        return vnl_fail(err, EINVAL, "vpn: PEER is for 'vpn advertised'");
    if ((what == WHAT_LOG || what == WHAT_RESET) && args->json)
        return vnl_fail(err, EINVAL, "vpn: -o json is for 'vpn bgp', 'vpn learned' and 'vpn advertised'");
    return 0;
}

int vnl_cmd_vpn(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(target_done) struct target target = { .what = what_of(args->operands[0]) };
    int r = check_words(args, target.what, err);

    if (r >= 0)
        r = load(&target, args, err);
    if (r < 0)
        return r;
    if (target.what == WHAT_RESET)
        return reset(&target, err);
    if (target.what != WHAT_LOG)
        return show_bgp(&target, args->n_operands > 2 ? args->operands[2] : NULL, args->json, err);
    r = vnl_vpn_log(target.lab->name, target.gateway, STDOUT_FILENO, args->values[OPT_FOLLOW] != NULL, err);
    return r < 0 ? VNL_EXIT_SYSTEM : VNL_EXIT_OK;
}
