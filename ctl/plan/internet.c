/* The internet side: public IPs, the addresses that NICs share on their way out, and which of them a NIC has (spec 6.1, 6.2). The order of
 * precedence is the program's (bpf/outside.h); here is only what there is. */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/lab.h"
#include "vnetlab/layout.h"

#define IDLE_TIMEOUT_S                                                                                       \
    240 /* of public IPs, and of NAT gateways for TCP, where none is written; for UDP always */

/* Default outbound: from 192.0.2.128 on, a port range of its own for each of 62 NIC slots on each address. */
#define SHARED_SLOTS 62
#define SHARED_PORTS 1024
#define SHARED_ADDRS 128
static const struct vnl_addr shared_first = { AF_INET, { 192, 0, 2, 128 } };

static uint32_t timeout_s(int minutes)
{
    return minutes ? (uint32_t)minutes * 60 : IDLE_TIMEOUT_S;
}

/* --- public IPs ------------------------------------------------------------------------------------------------- */

static void attach_public(struct vnl_plan_work *work, uint32_t index, const struct vnl_public_ip *ip)
{
    struct vnl_plan_public *out = &work->plan->publics[index];
    struct vnl_plan_nic *nic;

    out->nic = vnl_nic_index(work, ip->nic);
    nic = &work->plan->nics[out->nic];
    out->inner = ip->config->addr;
    out->closed =
        !out->basic && nic->rules_nic == VNL_PLAN_NO_RULES && nic->rules_subnet == VNL_PLAN_NO_RULES;
    nic->addrs[ip->config - ip->nic->configs].public_ip = index;
}

static int add_public(struct vnl_plan_work *work, const struct vnl_public_ip *ip)
{
    uint32_t index = (uint32_t)work->plan->n_publics++;
    struct vnl_plan_public *out = &work->plan->publics[index];

    out->addr = ip->addr;
    out->basic = ip->sku == VNL_SKU_BASIC;
    out->timeout_s = timeout_s(ip->idle_timeout_min);
    out->nic = VNL_PLAN_NOBODY;
    out->nat = ip->nat ? ip->nat->number : VNL_PLAN_NOBODY;
    if (ip->config)
        attach_public(work, index, ip);
    return vnl_text_copy(&out->id, ip->id) < 0 ? -ENOMEM : vnl_text_copy(&out->name, ip->name);
}

/* --- shared addresses ------------------------------------------------------------------------------------------- */

static int add_gateway(struct vnl_plan *plan, const struct vnl_nat_gateway *gateway)
{
    struct vnl_plan_nat *out = &plan->nats[plan->n_nats++];

    out->gateway = true;
    out->tcp_timeout_s = timeout_s(gateway->idle_timeout_min);
    out->udp_timeout_s = IDLE_TIMEOUT_S;
    out->outer = calloc(gateway->n_publics + 1, sizeof(*out->outer));
    if (!out->outer || vnl_text_copy(&out->id, gateway->id) < 0 ||
        vnl_text_copy(&out->name, gateway->name) < 0)
        return -ENOMEM;
    for (; out->n_outer < gateway->n_publics; out->n_outer++)
        out->outer[out->n_outer] = gateway->publics[out->n_outer]->addr;
    return 0;
}

static bool needs_default(const struct vnl_nic *nic)
{
    return !nic->subnet->nat && !nic->subnet->private_outbound;
}

static const struct vnl_nic *last_of_default(const struct vnl_lab *lab)
{
    const struct vnl_nic *last = NULL;

    for (size_t i = 0; i < lab->n_vms; i++)
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            const struct vnl_nic *nic = lab->vms[i]->nics[k];

            if (needs_default(nic) && (!last || nic->slot > last->slot))
                last = nic;
        }
    return last;
}

static int add_default(struct vnl_plan *plan, uint32_t last_slot)
{
    struct vnl_plan_nat *out = &plan->nats[plan->n_nats++];
    size_t n = last_slot / SHARED_SLOTS + 1;

    out->tcp_timeout_s = out->udp_timeout_s = IDLE_TIMEOUT_S;
    out->n_outer = n < SHARED_ADDRS ? n : SHARED_ADDRS;
    out->outer = calloc(out->n_outer, sizeof(*out->outer));
    if (!out->outer)
        return -ENOMEM;
    for (size_t i = 0; i < out->n_outer; i++)
        out->outer[i] = vnl_addr_add(&shared_first, i);
    return vnl_text_copy(&out->name, "default outbound");
}

static void set_way_out(struct vnl_plan_work *work, const struct vnl_nic *nic)
{
    struct vnl_plan_nic *out = &work->plan->nics[vnl_nic_index(work, nic)];

    out->has_sessions = true;
    if (nic->subnet->nat) {
        out->nat = nic->subnet->nat->number;
        out->nat_port_first = SHARED_PORTS;
        out->nat_ports = (uint16_t)(0x10000 - SHARED_PORTS);
    } else if (needs_default(nic)) {
        out->nat = (uint32_t)work->lab->n_nat_gateways;
        out->nat_port_first = (uint16_t)(SHARED_PORTS + nic->slot % SHARED_SLOTS * SHARED_PORTS);
        out->nat_ports = SHARED_PORTS;
    }
}

static int build_publics(struct vnl_plan_work *work)
{
    int r = 0;

    work->plan->publics = calloc(work->lab->n_public_ips + 1, sizeof(*work->plan->publics));
    if (!work->plan->publics)
        return -ENOMEM;
    for (size_t i = 0; i < work->lab->n_public_ips && r == 0; i++)
        r = add_public(work, work->lab->public_ips[i]);
    return r;
}

static int build_nats(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    const struct vnl_nic *last = last_of_default(lab);
    int r = 0;

    work->plan->nats = calloc(lab->n_nat_gateways + 1, sizeof(*work->plan->nats));
    if (!work->plan->nats)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_nat_gateways && r == 0; i++)
        r = add_gateway(work->plan, lab->nat_gateways[i]);
    return r < 0 || !last ? r : add_default(work->plan, last->slot);
}

static int add_subnet(struct vnl_plan *plan, const struct vnl_subnet *subnet)
{
    struct vnl_plan_subnet *out = &plan->subnets[plan->n_subnets++];

    out->id = strdup(subnet->id);
    out->name = vnl_text("%s/%s", subnet->vnet->name, subnet->name);
    out->way_out = subnet->nat
                       ? vnl_text("NAT gateway %s", subnet->nat->name)
                       : strdup(subnet->private_outbound ? "none: private subnet" : "default outbound");
    return out->id && out->name && out->way_out ? 0 : -ENOMEM;
}

/* As the lab has it, also without an internet side: what comes with that side is told where it comes. */
static int build_subnets(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; i < lab->n_vnets; i++)
        n += lab->vnets[i]->n_subnets;
    work->plan->subnets = calloc(n + 1, sizeof(*work->plan->subnets));
    if (!work->plan->subnets)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_vnets; i++)
        for (size_t k = 0; k < lab->vnets[i]->n_subnets && r == 0; k++)
            r = add_subnet(work->plan, lab->vnets[i]->subnets[k]);
    return r;
}

int vnl_internet_build(struct vnl_plan_work *work)
{
    const struct vnl_lab *lab = work->lab;
    int r = build_subnets(work);

    if (r < 0 || work->plan->internet == VNL_PLAN_NOBODY)
        return r;
    r = build_publics(work);
    if (r == 0)
        r = build_nats(work);
    for (size_t i = 0; i < lab->n_vms && r == 0; i++)
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++)
            set_way_out(work, lab->vms[i]->nics[k]);
    return r;
}

void vnl_internet_done(struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_publics; i++) {
        free(plan->publics[i].id);
        free(plan->publics[i].name);
    }
    for (size_t i = 0; i < plan->n_nats; i++) {
        free(plan->nats[i].id);
        free(plan->nats[i].name);
        free(plan->nats[i].outer);
    }
    for (size_t i = 0; i < plan->n_subnets; i++) {
        free(plan->subnets[i].id);
        free(plan->subnets[i].name);
        free(plan->subnets[i].way_out);
    }
    free(plan->publics);
    free(plan->nats);
    free(plan->subnets);
}
