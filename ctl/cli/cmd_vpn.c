/* vnetlab vpn log|reset: the IKE daemons of gateways and sites. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmds.h"
#include "connections.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

enum { OPT_FOLLOW };

const struct vnl_opt vnl_vpn_opts[] = {
    [OPT_FOLLOW] = { "--follow", "-f", NULL, "log: go on printing what is written, until ^C" },
    { NULL },
};

struct target {
    struct vnl_lab *lab;
    struct vnl_plan *plan;
    const char *gateway;                     /* name of a gateway or site, or NULL */
    const struct vnl_connection *connection; /* or NULL */
};

static void target_done(struct target *target)
{
    vnl_plan_free(&target->plan);
    vnl_lab_free(&target->lab);
}

static int find(struct target *target, const char *word, unsigned types, struct vnl_err **err)
{
    CLEANUP(vnl_resources_done) struct vnl_resources resources = { 0 };
    const struct vnl_resource *found = NULL;
    int r = vnl_resources_build(target->lab, &resources, err);

    if (r >= 0)
        r = vnl_resource_find(&resources, types, target->lab->name, word, &found, err);
    if (r < 0)
        return r;
    if (found->type == VNL_TYPE_SITE && found->site_host)
        return vnl_fail(err, EINVAL, "vpn: '%s' is a host of site '%s': it is the site that speaks IKE", word,
                        found->site->name);
    target->gateway = found->type == VNL_TYPE_VPN_GATEWAY ? found->gateway->name
                      : found->type == VNL_TYPE_SITE      ? found->site->name
                                                          : NULL;
    target->connection = found->type == VNL_TYPE_CONNECTION ? found->connection : NULL;
    return 0;
}

static int load(struct target *target, const struct vnl_args *args, unsigned types, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    int r = vnl_cmd_pick_lab(args, &name, err);

    if (r >= 0)
        r = vnl_cmd_load_stored(name, &target->lab, NULL, err);
    if (r >= 0)
        r = find(target, args->operands[1], types, err);
    return r < 0 ? r : vnl_plan_build(target->lab, &target->plan, err);
}

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

int vnl_cmd_vpn(const struct vnl_args *args, struct vnl_err **err)
{
    const unsigned gateways = 1u << VNL_TYPE_VPN_GATEWAY | 1u << VNL_TYPE_SITE;
    CLEANUP(target_done) struct target target = { 0 };
    bool log = !strcmp(args->operands[0], "log");
    int r;

    if (!log && args->values[OPT_FOLLOW])
        return vnl_fail(err, EINVAL, "vpn: --follow is for 'vpn log'");
    r = load(&target, args, log ? gateways : gateways | 1u << VNL_TYPE_CONNECTION, err);
    if (r < 0)
        return r;
    if (!log)
        return reset(&target, err);
    r = vnl_vpn_log(target.lab->name, target.gateway, STDOUT_FILENO, args->values[OPT_FOLLOW] != NULL, err);
    return r < 0 ? VNL_EXIT_SYSTEM : VNL_EXIT_OK;
}
