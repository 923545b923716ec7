/* From the settled lab to the plan: one pass over VNets, one over VMs, one over the NICs of each VNet. Then what names NICs by their
 * number: public IPs, load balancers, and last the routes that lead to NICs and to these.
 * Nothing is decided here that another run could decide otherwise: order is the lab's, numbers are the slots.
 */
#include "vnetlab/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/layout.h"
#include "parts.h"

#define FLOW_TIMEOUT_MIN 4 /* where flowTimeoutInMinutes is not set (spec 3.4) */
#define FIRST_USABLE     4 /* Azure keeps the first addresses of a subnet (spec 1.2) */

/* --- VNets and peerings --------------------------------------------------------------------------------- */

static int add_vnet(struct vnl_plan *plan, const struct vnl_vnet *vnet)
{
    struct vnl_plan_vnet *out = &plan->vnets[plan->n_vnets];

    plan->n_vnets++;
    out->slot = vnet->slot;
    if (vnet->slot >= plan->vnet_slots)
        plan->vnet_slots = vnet->slot + 1;
    out->space = calloc(vnet->space.n + 1, sizeof(*out->space));
    if (!out->space || vnl_text_copy(&out->id, vnet->id) < 0 || vnl_text_copy(&out->name, vnet->name) < 0 ||
        vnl_text_copy(&out->location, vnet->scope.location) < 0)
        return -ENOMEM;
    out->flow_timeout_s = (uint32_t)(vnet->flow_timeout_min ? vnet->flow_timeout_min : FLOW_TIMEOUT_MIN) * 60;
    out->n_space = vnet->space.n;
    for (size_t i = 0; i < vnet->space.n; i++)
        out->space[i] = vnet->space.items[i];
    out->bastion_rules = VNL_PLAN_NO_RULES;
    return vnl_dns_build(out, vnet);
}

/* It has no space: what is there is said host by host. */
static int add_internet(struct vnl_plan *plan)
{
    struct vnl_plan_vnet *out = &plan->vnets[plan->n_vnets];

    plan->internet = (uint32_t)plan->n_vnets++;
    out->internet = true;
    out->slot = VNL_INTERNET_SLOT;
    plan->vnet_slots = VNL_INTERNET_SLOT + 1;
    out->flow_timeout_s = FLOW_TIMEOUT_MIN * 60;
    out->bastion_rules = VNL_PLAN_NO_RULES;
    out->space = calloc(1, sizeof(*out->space));
    if (!out->space || vnl_text_copy(&out->name, "internet") < 0)
        return -ENOMEM;
    return vnl_text_copy(&out->resolv, ""); /* nobody there serves names */
}

/* A site's network is a VNet to everybody who looks at NICs; the way out of it is its device (tables.c). */
static int add_site(struct vnl_plan *plan, const struct vnl_site *site)
{
    struct vnl_plan_vnet *out = &plan->vnets[plan->n_vnets++];

    out->site = true;
    out->slot = VNL_SITE_SLOT + site->slot;
    if (out->slot >= plan->vnet_slots)
        plan->vnet_slots = out->slot + 1;
    out->flow_timeout_s = FLOW_TIMEOUT_MIN * 60;
    out->bastion_rules = VNL_PLAN_NO_RULES;
    out->space = calloc(site->prefixes.n + 1, sizeof(*out->space));
    if (!out->space || vnl_text_copy(&out->id, site->id) < 0 || vnl_text_copy(&out->name, site->name) < 0)
        return -ENOMEM;
    for (; out->n_space < site->prefixes.n; out->n_space++)
        out->space[out->n_space] = site->prefixes.items[out->n_space];
    return vnl_text_copy(&out->resolv, "");
}

static char *flags_text(const struct vnl_peering *link)
{
    char buf[64];
    int n =
        snprintf(buf, sizeof(buf), "%s%s%s%s", link->allow_vnet_access ? "access " : "",
                 link->allow_forwarded_traffic ? "forwarded " : "",
                 link->allow_gateway_transit ? "transit " : "", link->use_remote_gateways ? "gateways " : "");

    if (n == 0)
        return strdup("-");
    buf[n - 1] = '\0';
    return strdup(buf);
}

/* A link whose remote VNet is gone has the id of it as its reference. */
static const char *remote_name(const struct vnl_peering *link)
{
    const char *slash = link->remote ? NULL : strrchr(link->remote_ref, '/');

    if (link->remote)
        return link->remote->name;
    return slash ? slash + 1 : link->remote_ref;
}

static int add_peering(struct vnl_plan *plan, const struct vnl_peering *link)
{
    struct vnl_plan_peering *out = &plan->peerings[plan->n_peerings++];

    out->state = vnl_peering_state_str(link->state);
    out->sync = vnl_peering_sync_str(link->sync);
    out->name = vnl_text("%s/%s", link->vnet->name, link->name);
    out->flags = flags_text(link);
    if (!out->name || !out->flags || vnl_text_copy(&out->id, link->id) < 0)
        return -ENOMEM;
    return vnl_text_copy(&out->remote, remote_name(link));
}

static int build_vnets(struct vnl_plan *plan, const struct vnl_lab *lab)
{
    size_t n_links = 0;
    int r = 0;

    for (size_t i = 0; i < lab->n_vnets; i++)
        n_links += lab->vnets[i]->n_peerings;
    plan->internet = VNL_PLAN_NOBODY;
    plan->vnets = calloc(lab->n_vnets + lab->n_sites + 1, sizeof(*plan->vnets));
    plan->peerings = calloc(n_links + 1, sizeof(*plan->peerings));
    if (!plan->vnets || !plan->peerings)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_vnets && r == 0; i++)
        r = add_vnet(plan, lab->vnets[i]);
    for (size_t i = 0; i < lab->n_vnets && r == 0; i++)
        for (size_t k = 0; k < lab->vnets[i]->n_peerings && r == 0; k++)
            r = add_peering(plan, lab->vnets[i]->peerings[k]);
    if (r == 0 && vnl_lab_has_internet(lab))
        r = add_internet(plan);
    for (size_t i = 0; i < lab->n_sites && r == 0; i++)
        r = add_site(plan, lab->sites[i]);
    return r;
}

/* A session from Bastion comes from the first usable address of its subnet (spec 6.3). */
static void find_bastion(const struct vnl_plan_work *work, const struct vnl_vnet *vnet)
{
    const struct vnl_subnet *subnet = vnl_subnet_lookup(vnet, "AzureBastionSubnet");
    struct vnl_plan_vnet *out = &work->plan->vnets[vnet->number];

    for (size_t i = 0; subnet && i < subnet->prefixes.n; i++) {
        struct vnl_addr first = vnl_prefix_first(&subnet->prefixes.items[i]);

        if (first.family != AF_INET)
            continue;
        out->bastion = vnl_addr_add(&first, FIRST_USABLE);
        out->bastion_rules = vnl_rules_index(work, subnet->nsg, subnet);
        return;
    }
}

/* --- whole ---------------------------------------------------------------------------------------------- */

/* A slot beyond the tables would be a packet decided by another NIC's entry: refuse, do not truncate. */
static int check_slot(const char *what, const char *name, uint32_t slot, struct vnl_err **err)
{
    if (slot < VNL_NIC_SLOTS_MAX)
        return 0;
    return vnl_fail(err, E2BIG, "%s '%s' has slot %u; there are %u", what, name, slot, VNL_NIC_SLOTS_MAX);
}

static int check_vpn_slots(const struct vnl_lab *lab, struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; i < lab->n_gateways && r == 0; i++) {
        const struct vnl_vpn_gateway *gateway = lab->gateways[i];

        for (size_t k = 0; k < gateway->n_instances && r == 0; k++) {
            r = check_slot("virtual network gateway", gateway->name, gateway->instances[k].in_slot, err);
            if (r == 0)
                r = check_slot("virtual network gateway", gateway->name, gateway->instances[k].out_slot, err);
        }
    }
    for (size_t i = 0; i < lab->n_sites && r == 0; i++) {
        const struct vnl_site *site = lab->sites[i];

        if (site->slot >= VNL_SITES_MAX)
            return vnl_fail(err, E2BIG, "site '%s' has slot %u; there are %u", site->name, site->slot,
                            VNL_SITES_MAX);
        r = check_slot("site", site->name, site->in_slot, err);
        if (r == 0)
            r = check_slot("site", site->name, site->out_slot, err);
        for (size_t k = 0; k < site->n_hosts && r == 0; k++)
            r = check_slot("host", site->hosts[k]->name, site->hosts[k]->slot, err);
    }
    return r;
}

static int check_slots(const struct vnl_lab *lab, struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; i < lab->n_vnets; i++)
        if (lab->vnets[i]->slot >= VNL_VNET_SLOTS_MAX)
            return vnl_fail(err, E2BIG, "virtual network '%s' has slot %u; there are %u", lab->vnets[i]->name,
                            lab->vnets[i]->slot, VNL_VNET_SLOTS_MAX);
    for (size_t i = 0; i < lab->n_vms && r == 0; i++)
        for (size_t k = 0; k < lab->vms[i]->n_nics && r == 0; k++)
            r = check_slot("network interface", lab->vms[i]->nics[k]->name, lab->vms[i]->nics[k]->slot, err);
    for (size_t i = 0; i < lab->n_hosts && r == 0; i++)
        r = check_slot("host", lab->hosts[i]->name, lab->hosts[i]->slot, err);
    return r < 0 ? r : check_vpn_slots(lab, err);
}

static int build_all(struct vnl_plan_work *work)
{
    static int (*const steps[])(struct vnl_plan_work * work) = {
        vnl_tables_build,  vnl_rules_build,       vnl_vms_build,      vnl_gateways_build,  vnl_delays_build,
        vnl_tunnels_build, vnl_gateway_bgp_build, vnl_internet_build, vnl_balancers_build,
    };
    int r = vnl_text_copy(&work->plan->lab, work->lab->name);

    if (r == 0)
        r = build_vnets(work->plan, work->lab);
    for (size_t i = 0; i < ARRAY_SIZE(steps) && r == 0; i++)
        r = steps[i](work);
    for (size_t i = 0; i < work->lab->n_vnets && r == 0; i++)
        find_bastion(work, work->lab->vnets[i]);
    if (r == 0)
        r = vnl_addrs_index(work->plan);
    if (r == 0)
        r = vnl_tables_fill(work);
    return r < 0 ? r : vnl_links_build(work->plan);
}

static void work_done(struct vnl_plan_work *work)
{
    free(work->udrs);
    free(work->table_of_subnet);
    free(work->tags_of_table);
    free(work->rules_key);
    free(work->rules_start);
    free(work->nic_of_slot);
    free(work->gateway_of_vnet);
}

int vnl_plan_build(const struct vnl_lab *lab, struct vnl_plan **ret, struct vnl_err **err)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = calloc(1, sizeof(*plan));
    CLEANUP(work_done) struct vnl_plan_work work = { .lab = lab, .plan = plan, .err = err };
    int r = check_slots(lab, err);

    if (r < 0)
        return r;
    r = plan ? build_all(&work) : -ENOMEM;
    if (r == -ENOMEM)
        return vnl_fail(err, ENOMEM, "plan of lab '%s'", lab->name);
    if (r == 0)
        *ret = TAKE_PTR(plan);
    return r;
}

static void free_vnets(struct vnl_plan *plan)
{
    for (size_t i = 0; i < plan->n_vnets; i++) {
        free(plan->vnets[i].id);
        free(plan->vnets[i].name);
        free(plan->vnets[i].location);
        free(plan->vnets[i].space);
        free(plan->vnets[i].hosts);
        free(plan->vnets[i].resolv);
        free(plan->vnets[i].dns_suffix);
        free(plan->vnets[i].dns);
    }
    for (size_t i = 0; i < plan->n_peerings; i++) {
        free(plan->peerings[i].id);
        free(plan->peerings[i].name);
        free(plan->peerings[i].remote);
        free(plan->peerings[i].flags);
    }
    for (size_t i = 0; i < plan->n_tables; i++)
        vnl_routes_done(&plan->tables[i]);
    for (size_t i = 0; i < plan->n_rules; i++)
        vnl_rules_done(&plan->rules[i]);
    for (size_t i = 0; i < plan->n_bridges; i++)
        free(plan->bridges[i].alias);
    for (size_t i = 0; i < plan->n_delays; i++) {
        free(plan->delays[i].a);
        free(plan->delays[i].b);
    }
}

void vnl_plan_free(struct vnl_plan **ret)
{
    struct vnl_plan *plan = *ret;

    if (!plan)
        return;
    free_vnets(plan);
    vnl_vms_done(plan);
    vnl_internet_done(plan);
    vnl_balancers_done(plan);
    vnl_tunnels_done(plan);
    vnl_gateways_done(plan);
    free(plan->lab);
    free(plan->vnets);
    free(plan->peerings);
    free(plan->tables);
    free(plan->rules);
    free(plan->bridges);
    free(plan->delays);
    free(plan->by_addr);
    free(plan);
    *ret = NULL;
}
