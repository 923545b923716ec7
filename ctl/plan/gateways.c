/* Who speaks IKE, and what is behind sites: the guests of VPN gateways' instances, of sites' devices, and of sites' hosts, in this order
 * behind all others; clients (gateway_p2s.c) are among the hosts of the internet side. A gateway's first NIC is in its VNet, the second on the internet side, with the public IP itself as its address: nothing
 * translates what it sends there. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

#define MBPS 1000000u

static const struct vnl_names nothing_to_run;

/* With two NICs. */
static size_t count_devices(const struct vnl_lab *lab)
{
    size_t n = lab->n_sites;

    for (size_t i = 0; i < lab->n_gateways; i++)
        n += lab->gateways[i]->n_instances;
    return n;
}

size_t vnl_gateways_count_vms(const struct vnl_lab *lab)
{
    size_t n = count_devices(lab);

    for (size_t i = 0; i < lab->n_sites; i++)
        n += lab->sites[i]->n_hosts;
    return n;
}

size_t vnl_gateways_count_nics(const struct vnl_lab *lab)
{
    return vnl_gateways_count_vms(lab) + count_devices(lab);
}

const struct vnl_plan_gateway *vnl_gateway_by_outer(const struct vnl_plan *plan, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < plan->n_gateways; i++)
        if (!plan->gateways[i].client && vnl_addr_eq(&plan->gateways[i].outer, addr))
            return &plan->gateways[i];
    return NULL;
}

/* --- NICs ----------------------------------------------------------------------------------------------------------- */

/* The router is the subnet's first address, or the second where `addr` is the first. */
static void add_addr(struct vnl_plan_nic *nic, const struct vnl_addr *addr, const struct vnl_prefix *subnet)
{
    struct vnl_plan_addr *out = &nic->addrs[nic->n_addrs++];

    *out = (struct vnl_plan_addr){
        .addr = *addr,
        .prefix_len = subnet->len,
        .gateway = vnl_router_of(subnet),
        .public_ip = VNL_PLAN_NOBODY,
    };
    if (vnl_addr_eq(&out->gateway, addr))
        out->gateway = vnl_addr_add(addr, 1);
}

static int add_outside(struct vnl_plan *plan, uint32_t slot, const struct vnl_mac *mac,
                       const struct vnl_addr *addr)
{
    struct vnl_plan_nic *nic = vnl_vm_nic(plan, slot, plan->internet, "out", 1);

    if (!nic)
        return -ENOMEM;
    nic->mac = *mac;
    nic->addrs[nic->n_addrs++] = (struct vnl_plan_addr){
        .addr = *addr,
        .prefix_len = 32,
        .gateway = vnl_internet_router(addr),
        .public_ip = VNL_PLAN_NOBODY,
    };
    return vnl_nic_name(plan, nic, 1);
}

/* A new guest and its entry. resource: the resource's name. */
static struct vnl_plan_gateway *new_gateway(struct vnl_plan_work *work, const char *id, const char *resource,
                                            const char *name, uint32_t vnet)
{
    struct vnl_plan *plan = work->plan;
    struct vnl_plan_vm *vm = vnl_vm_new(plan, id, name, &nothing_to_run, 2);
    struct vnl_plan_gateway *out = &plan->gateways[plan->n_gateways++];

    if (!vm || vnl_text_copy(&out->id, id) < 0 || vnl_text_copy(&out->name, name) < 0 ||
        vnl_text_copy(&out->resource, resource) < 0)
        return NULL;
    vm->gateway = vm->ip_forward = true;
    out->vm = (uint32_t)plan->n_vms - 1;
    out->vnet = vnet;
    out->nic_in = (uint32_t)plan->n_nics;
    out->nic_out = out->nic_in + 1;
    if (!work->gateway_of_vnet[vnet])
        work->gateway_of_vnet[vnet] = (uint32_t)plan->n_gateways;
    return out;
}

/* Takes the list. */
static int set_inside(struct vnl_plan_gateway *out, struct vnl_prefixes *prefixes)
{
    out->inside = calloc(prefixes->n + 1, sizeof(*out->inside));
    for (size_t i = 0; out->inside && i < prefixes->n; i++)
        out->inside[out->n_inside++] = prefixes->items[i];
    vnl_prefixes_done(prefixes);
    return out->inside ? 0 : -ENOMEM;
}

/* --- VPN gateways --------------------------------------------------------------------------------------------------- */

static int add_inside(struct vnl_plan_work *work, const struct vnl_vpn_gateway *gateway,
                      const struct vnl_gateway_instance *instance)
{
    struct vnl_plan *plan = work->plan;
    struct vnl_plan_nic *nic = vnl_vm_nic(plan, instance->in_slot, gateway->vnet->number, "in", 2);

    if (!nic)
        return -ENOMEM;
    nic->gateway = true;
    nic->mac = instance->in_mac;
    nic->table = vnl_tables_index(work, gateway->subnet);
    free(nic->subnet);
    free(nic->subnet_id);
    nic->subnet = vnl_text("%s/%s", gateway->vnet->name, gateway->subnet->name);
    nic->subnet_id = vnl_text("%s", gateway->subnet->id);
    if (!nic->subnet || !nic->subnet_id)
        return -ENOMEM;
    add_addr(nic, &instance->inner, &gateway->subnet_prefix);
    if (instance->bgp_addr.family != AF_UNSPEC && !vnl_addr_eq(&instance->bgp_addr, &instance->inner))
        add_addr(nic, &instance->bgp_addr, &gateway->subnet_prefix);
    return vnl_nic_name(plan, nic, 0);
}

static uint64_t throughput_bps(const struct vnl_lab *lab, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_gateway_sku *sku =
        lab->gateway_throughput ? vnl_gateway_sku_lookup(gateway->sku, gateway->generation) : NULL;

    return sku ? (uint64_t)sku->mbps * MBPS : 0;
}

static int add_instance(struct vnl_plan_work *work, const struct vnl_vpn_gateway *gateway, uint32_t number)
{
    const struct vnl_gateway_instance *instance = &gateway->instances[number];
    const char *name = number ? instance->name : gateway->name;
    struct vnl_plan_gateway *out = new_gateway(work, gateway->id, gateway->name, name, gateway->vnet->number);
    struct vnl_prefixes inside = { 0 };
    int r;

    if (!out)
        return -ENOMEM;
    out->instance = number;
    out->outer = instance->public_ip->addr;
    out->throughput_bps = throughput_bps(work->lab, gateway);
    if (gateway->scope.location &&
        vnl_text_copy(&work->plan->vms[out->vm].location, gateway->scope.location) < 0)
        return -ENOMEM;
    r = vnl_gateway_space(gateway->vnet, &inside);
    if (set_inside(out, &inside) < 0 || r < 0 || vnl_gateway_p2s(out, gateway) < 0)
        return -ENOMEM;
    r = add_inside(work, gateway, instance);
    return r < 0 ? r : add_outside(work->plan, instance->out_slot, &instance->out_mac, &out->outer);
}

static int add_gateway(struct vnl_plan_work *work, const struct vnl_vpn_gateway *gateway)
{
    int r = 0;

    for (uint32_t i = 0; i < gateway->n_instances && r == 0; i++)
        r = add_instance(work, gateway, i);
    return r;
}

/* --- sites ---------------------------------------------------------------------------------------------------------- */

static uint32_t vnet_of(const struct vnl_plan_work *work, const struct vnl_site *site)
{
    return (uint32_t)(work->plan->n_vnets - work->lab->n_sites + site->number);
}

static const struct vnl_prefix *prefix_of(const struct vnl_site *site, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < site->prefixes.n; i++)
        if (vnl_prefix_has(&site->prefixes.items[i], addr))
            return &site->prefixes.items[i];
    return &site->prefixes.items[0];
}

/* A loopback is usual (spec vpn 9.2), so it need not be of the site's network. */
static void add_bgp_addr(struct vnl_plan_nic *nic, const struct vnl_site *site)
{
    const struct vnl_addr *addr = &site->bgp.addr;
    struct vnl_addr router = nic->addrs[0].gateway;

    if (!site->bgp.written || addr->family != AF_INET || vnl_addr_eq(addr, &site->inner))
        return;
    add_addr(nic, addr, prefix_of(site, addr));
    nic->addrs[1].gateway = router;
    if (!vnl_prefix_has(prefix_of(site, addr), addr))
        nic->addrs[1].prefix_len = 32;
}

static int add_site_nic(struct vnl_plan_work *work, const struct vnl_site *site, uint32_t slot,
                        const struct vnl_addr *addr, const struct vnl_mac *mac, bool device)
{
    struct vnl_plan_nic *nic = vnl_vm_nic(work->plan, slot, vnet_of(work, site), device ? "in" : "nic", 2);

    if (!nic)
        return -ENOMEM;
    nic->gateway = device;
    nic->mac = *mac;
    add_addr(nic, addr, prefix_of(site, addr));
    if (device)
        add_bgp_addr(nic, site);
    return vnl_nic_name(work->plan, nic, 0);
}

static int add_site(struct vnl_plan_work *work, const struct vnl_site *site)
{
    struct vnl_plan_gateway *out = new_gateway(work, site->id, site->name, site->name, vnet_of(work, site));
    struct vnl_prefixes inside = { 0 };
    int r;

    if (!out)
        return -ENOMEM;
    out->site = true;
    out->outer = site->addr;
    if (site->swanctl && vnl_text_copy(&out->swanctl, site->swanctl) < 0)
        return -ENOMEM;
    r = vnl_prefixes_copy(&inside, &site->prefixes);
    if (set_inside(out, &inside) < 0 || r < 0)
        return -ENOMEM;
    r = add_site_nic(work, site, site->in_slot, &site->inner, &site->in_mac, true);
    return r < 0 ? r : add_outside(work->plan, site->out_slot, &site->out_mac, &site->addr);
}

static int add_host(struct vnl_plan_work *work, const struct vnl_site *site, const struct vnl_site_host *host)
{
    CLEANUP(vnl_str_free) char *id = vnl_text("%s/hosts/%s", site->id, host->name);
    struct vnl_plan_vm *vm = id ? vnl_vm_new(work->plan, id, host->name, &host->run, 1) : NULL;

    if (!vm)
        return -ENOMEM;
    vm->site_host = true;
    return add_site_nic(work, site, host->slot, &host->addr, &host->mac, false);
}

int vnl_gateways_build(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    int r = 0;

    work->plan->gateways = calloc(count_devices(lab) + lab->n_clients + 1, sizeof(*work->plan->gateways));
    work->gateway_of_vnet = calloc(work->plan->n_vnets + 1, sizeof(*work->gateway_of_vnet));
    if (!work->plan->gateways || !work->gateway_of_vnet)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_gateways && r == 0; i++)
        r = add_gateway(work, lab->gateways[i]);
    for (size_t i = 0; i < lab->n_sites && r == 0; i++)
        r = add_site(work, lab->sites[i]);
    for (size_t i = 0; i < lab->n_sites; i++)
        for (size_t k = 0; k < lab->sites[i]->n_hosts && r == 0; k++)
            r = add_host(work, lab->sites[i], lab->sites[i]->hosts[k]);
    return r < 0 ? r : vnl_gateway_clients_build(work);
}

void vnl_gateways_done(struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_gateways; i++) {
        struct vnl_plan_gateway *gateway = &plan->gateways[i];

        free(gateway->id);
        free(gateway->name);
        free(gateway->resource);
        free(gateway->swanctl);
        free(gateway->inside);
        free(gateway->announced);
        free(gateway->refused);
        vnl_gateway_p2s_free(&gateway->p2s);
    }
    free(plan->gateways);
}
