/* The internet side: spec section 6. */
#include "naive_lab_parts.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

/* Stands for the port that a shared address has for a flow: no rule parts it from others that are not reserved. */
#define SHARED_PORT 2000

static struct vnl_vnet internet = { .name = (char *)"internet" };
static struct vnl_subnet outside = { .vnet = &internet };

/* --- hosts as guests ----------------------------------------------------------------------------------------------------- */

struct host {
    struct vnl_nic nic;
    struct vnl_nic *nics[1];
    struct vnl_vm vm;
    struct vnl_ip_config config;
};

struct naive_hosts {
    size_t n;
    struct host hosts[];
};

struct naive_hosts *naive_hosts_new(const struct vnl_lab *lab)
{
    struct naive_hosts *all = calloc(1, sizeof(*all) + lab->n_hosts * sizeof(struct host));

    if (!all)
        abort();
    all->n = lab->n_hosts;
    for (size_t i = 0; i < all->n; i++) {
        struct host *it = &all->hosts[i];

        it->config.addr = lab->hosts[i]->addr;
        it->vm = (struct vnl_vm){ .name = lab->hosts[i]->name, .nics = it->nics, .n_nics = 1 };
        it->nic = (struct vnl_nic){ .vm = &it->vm,
                                    .subnet = &outside,
                                    .configs = &it->config,
                                    .n_configs = 1,
                                    .mac = lab->hosts[i]->mac,
                                    .slot = lab->hosts[i]->slot };
        it->nics[0] = &it->nic;
    }
    return all;
}

size_t naive_hosts_count(const struct naive_hosts *hosts)
{
    return hosts->n;
}

const struct vnl_nic *naive_host(const struct naive_hosts *hosts, size_t i)
{
    return &hosts->hosts[i].nic;
}

bool naive_is_host(const struct vnl_nic *nic)
{
    return nic->subnet == &outside;
}

/* --- out ----------------------------------------------------------------------------------------------------------------- */

/* Public IP of the one configuration that has the address. */
static const struct vnl_public_ip *own_public(const struct vnl_nic *nic, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (vnl_addr_eq(&nic->configs[i].addr, addr))
            return nic->configs[i].public_ip;
    }
    return NULL;
}

static struct vnl_addr default_outbound(const struct vnl_nic *nic)
{
    return (struct vnl_addr){ .family = AF_INET, .bytes = { 192, 0, 2, (uint8_t)(128 + nic->slot / 62) } };
}

/* Spec 6.2: NAT gateway, public IP, default outbound access; what is shared knows ports only. */
enum vnl_drop naive_leave(const struct vnl_nic *nic, uint8_t proto, struct vnl_addr *src, uint16_t *sport)
{
    const struct vnl_nat_gateway *gateway = nic->subnet->nat;
    const struct vnl_public_ip *own = own_public(nic, src);
    bool has_ports = proto == IPPROTO_TCP || proto == IPPROTO_UDP;

    if (own && !(gateway && has_ports)) {
        *src = own->addr;
        return VNL_DROP_NONE;
    }
    if (!gateway && nic->subnet->private_outbound)
        return VNL_DROP_NO_OUTBOUND;
    if (!has_ports)
        return VNL_DROP_SNAT_PROTOCOL;
    *src = gateway ? gateway->publics[0]->addr : default_outbound(nic);
    *sport = SHARED_PORT;
    return VNL_DROP_NONE;
}

/* --- in ------------------------------------------------------------------------------------------------------------------ */

static enum vnl_drop enter(const struct vnl_public_ip *public, const struct vnl_nic **ret)
{
    if (public->nat)
        return VNL_DROP_NO_SESSION;
    if (!public->config)
        return VNL_DROP_NO_OWNER;
    if (public->sku == VNL_SKU_STANDARD && !public->nic->nsg && !public->nic->subnet->nsg)
        return VNL_DROP_PUBLIC_CLOSED;
    *ret = public->nic;
    return VNL_DROP_NONE;
}

/* Who gets what nobody has asked for; dst becomes the private address. */
enum vnl_drop naive_enter(const struct vnl_lab *lab, const struct naive_hosts *hosts, struct vnl_addr *dst,
                          const struct vnl_nic **ret)
{
    for (size_t i = 0; i < hosts->n; i++) {
        if (vnl_addr_eq(&hosts->hosts[i].config.addr, dst)) {
            *ret = &hosts->hosts[i].nic;
            return VNL_DROP_NONE;
        }
    }
    for (size_t i = 0; i < lab->n_public_ips; i++) {
        const struct vnl_public_ip *public = lab->public_ips[i];
        enum vnl_drop drop;

        if (!vnl_addr_eq(&public->addr, dst))
            continue;
        drop = enter(public, ret);
        if (drop == VNL_DROP_NONE)
            *dst = public->config->addr;
        return drop;
    }
    return VNL_DROP_NO_OWNER;
}
