/* Resolve and settle: the order of the rules. */
#include "gateway.h"
#include "outside.h"
#include "p2s.h"

#include <stdlib.h>

const struct vnl_addr *vnl_nic_addr(const struct vnl_nic *nic, int family)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (nic->configs[i].addr.family == family)
            return &nic->configs[i].addr;
    }
    return NULL;
}

/* The loader writes the lab's own defaults; nothing was added with them, so nothing checked them yet. */
static void check_defaults(struct vnl_check *check)
{
    struct vnl_scope *defaults = &check->lab->defaults;
    char *location = vnl_location_normalize(defaults->location);

    vnl_scope_check(check, defaults, NULL, NULL);
    if (!location) {
        vnl_check_nomem(check, "location");
        return;
    }
    free(defaults->location);
    defaults->location = location;
}

int vnl_lab_resolve(struct vnl_lab *lab, struct vnl_err **err)
{
    struct vnl_check check = { .lab = lab, .err = err };

    check_defaults(&check);
    vnl_vnets_check(&check);
    vnl_subnets_check(&check);
    vnl_gateways_resolve(&check);
    vnl_peerings_resolve(&check);
    vnl_overlaps_check(&check);
    vnl_nics_resolve(&check);
    vnl_asgs_resolve(&check);
    vnl_rules_resolve(&check);
    vnl_nsgs_resolve(&check);
    vnl_udr_tables_resolve(&check);
    vnl_public_ips_resolve(&check);
    vnl_lbs_resolve(&check);
    vnl_nat_gateways_resolve(&check);
    vnl_hosts_check(&check);
    vnl_local_gateways_check(&check);
    vnl_connections_resolve(&check);
    vnl_p2s_check(&check);
    vnl_clients_resolve(&check);
    vnl_sites_check(&check);
    vnl_guest_names_check(&check);
    vnl_latencies_check(&check);
    vnl_claims_check(&check);
    vnl_limits_check(&check);
    vnl_expects_resolve(&check);
    return check.result;
}

int vnl_lab_settle(struct vnl_lab *lab, const struct vnl_lab *before, struct vnl_err **err)
{
    struct vnl_check check = { .lab = lab, .before = before, .err = err };

    vnl_settle_spelling(&check);
    vnl_settle_vnets(&check);
    vnl_settle_nics(&check);
    vnl_settle_outside(&check);
    vnl_settle_gateways(&check);
    vnl_settle_peerings(&check);
    vnl_settle_nsgs(&check);
    vnl_settle_udr_tables(&check);
    if (check.result == 0)
        vnl_check_note(&check, vnl_lab_derive(lab, err));
    return check.result;
}
