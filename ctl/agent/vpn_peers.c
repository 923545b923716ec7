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

static bool list_build(const struct vnl_vpn *vpn, uint32_t gateway, struct list *ret)
{
    ret->peers = calloc(vpn->n_tunnels + 1, sizeof(*ret->peers));
    ret->ports = calloc(vpn->n_tunnels + 1, sizeof(*ret->ports));
    for (size_t i = 0; i < vpn->n_tunnels && ret->peers && ret->ports; i++) {
        if (vpn->tunnels[i]->plan->gateway != gateway || vpn->tunnels[i]->plan->kind != VNL_TUNNEL_CONNECTION)
            continue;
        ret->peers[ret->n] = vpn->tunnels[i]->plan->remote;
        ret->ports[ret->n++] = vpn->tunnels[i]->daemon->spec.port;
    }
    return ret->peers && ret->ports;
}

/* Clients of a gateway come from anywhere: they find its port 500. Each time, as what is in the kernel may have been taken away: it costs less than to look. */
static void follow(struct vnl_vpn *vpn, uint32_t index)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(list_done) struct list list = { .n = 0 };

    if (list_build(vpn, index, &list) && vpn->hands.peers_set(vpn->lab, vpn->plan->gateways[index].name,
                                                              list.peers, list.ports, list.n, &err) < 0)
        vnl_err_print(stderr, err);
}

void vnl_vpn_peers_follow(struct vnl_vpn *vpn)
{
    for (size_t i = 0; i < vpn->plan->n_gateways; i++)
        if (!vpn->plan->gateways[i].client &&
            vnl_vpn_engine_at(vpn, vpn->plan->gateways[i].name) == VNL_VPN_LIBIPSEC)
            follow(vpn, (uint32_t)i);
}
