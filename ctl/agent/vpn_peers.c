#include <stdio.h>
#include <stdlib.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vpn_parts.h"

struct list {
    struct vnl_addr *peers;
    uint16_t *ports;
    size_t n;
};

static void list_done(struct list *list)
{
    free(list->peers);
    free(list->ports);
}

/* With the kernel's ESP one daemon has the ports themselves; a site's device needs nothing then. */
static bool list_build(const struct vnl_vpn *vpn, uint32_t gateway, struct list *ret)
{
    bool shared = vnl_vpn_engine_at(vpn, vpn->plan->gateways[gateway].name) == VNL_VPN_LIBIPSEC;
    size_t n = shared || !vpn->plan->gateways[gateway].site ? vpn->n_tunnels : 0;

    ret->peers = calloc(vpn->n_tunnels + 1, sizeof(*ret->peers));
    ret->ports = calloc(vpn->n_tunnels + 1, sizeof(*ret->ports));
    for (size_t i = 0; i < n && ret->peers && ret->ports; i++) {
        if (vpn->tunnels[i]->plan->gateway != gateway || vpn->tunnels[i]->plan->kind != VNL_TUNNEL_CONNECTION)
            continue;
        ret->peers[ret->n] = vpn->tunnels[i]->plan->remote;
        ret->ports[ret->n++] = shared && vpn->tunnels[i]->daemon ? vpn->tunnels[i]->daemon->spec.port : 0;
    }
    return ret->peers && ret->ports;
}

/* Clients of a gateway come from anywhere: they find its port 500. */
static enum vnl_gateway_door door_of(const struct vnl_plan_gateway *gateway)
{
    if (gateway->site)
        return VNL_GATEWAY_DOOR_OPEN;
    return gateway->p2s ? VNL_GATEWAY_DOOR_CLIENTS : VNL_GATEWAY_DOOR_PEERS;
}

/* Each time, as what is in the kernel may have been taken away: it costs less than to look. */
static void follow(struct vnl_vpn *vpn, uint32_t index)
{
    const struct vnl_plan_gateway *gateway = &vpn->plan->gateways[index];
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(list_done) struct list list = { .n = 0 };

    if (list_build(vpn, index, &list) && vpn->hands.peers_set(vpn->lab, gateway->name, door_of(gateway),
                                                              list.peers, list.ports, list.n, &err) < 0)
        vnl_err_print(stderr, err);
}

void vnl_vpn_peers_follow(struct vnl_vpn *vpn)
{
    for (size_t i = 0; i < vpn->plan->n_gateways; i++)
        if (!vpn->plan->gateways[i].client)
            follow(vpn, (uint32_t)i);
}
