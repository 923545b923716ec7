/* What `vnetlab set` can set of VPN gateways, local network gateways, connections and sites. */
#include "lab_set.h"

#include <stdlib.h>
#include <string.h>

static void clear_text(char **text)
{
    free(*text);
    *text = NULL;
}

static void clear_default_site(void *resource)
{
    struct vnl_vpn_gateway *gateway = resource;

    clear_text(&gateway->default_site_ref);
    gateway->default_site = NULL;
}

static void clear_local_prefixes(void *resource)
{
    vnl_prefixes_done(&((struct vnl_local_gateway *)resource)->prefixes);
}

/* Without a key, one is generated when the lab is settled. */
static void clear_connection_key(void *resource)
{
    struct vnl_connection *connection = resource;

    clear_text(&connection->shared_key);
    clear_text(&connection->key_written);
    connection->key_generated = false;
}

static void clear_dpd(void *resource)
{
    ((struct vnl_connection *)resource)->dpd_timeout_s = 0;
}

/* Back to Azure's default algorithms. */
static void clear_policy(void *resource)
{
    struct vnl_ipsec_policy *policy = &((struct vnl_connection *)resource)->policy;

    clear_text(&policy->ike_encryption);
    clear_text(&policy->ike_integrity);
    clear_text(&policy->dh_group);
    clear_text(&policy->ipsec_encryption);
    clear_text(&policy->ipsec_integrity);
    clear_text(&policy->pfs_group);
    policy->lifetime_s = policy->lifetime_kib = 0;
    policy->written = false;
}

static void clear_site_key(void *resource)
{
    clear_text(&((struct vnl_site *)resource)->shared_key);
}

static void clear_site_prefixes(void *resource)
{
    vnl_prefixes_done(&((struct vnl_site *)resource)->prefixes);
}

static void clear_local_bgp(void *resource)
{
    ((struct vnl_local_gateway *)resource)->bgp = (struct vnl_bgp){ 0 };
}

static void clear_site_bgp(void *resource)
{
    struct vnl_site *site = resource;

    site->bgp = (struct vnl_bgp){ 0 };
    vnl_prefixes_done(&site->advertised);
    site->advertises = false;
    site->prepend = 0;
}

const struct vnl_settable vnl_set_gateway_keys[7] = {
    { "sku", NULL },          { "gatewayDefaultSite", clear_default_site },
    { "asn", NULL },          { "bgpSettings", NULL },
    { "activeActive", NULL }, { "publicIPAddress", NULL },
    { "enableBgp", NULL },
};

const struct vnl_settable vnl_set_local_keys[3] = {
    { "gatewayIpAddress", NULL },
    { "addressPrefixes", clear_local_prefixes },
    { "bgpSettings", clear_local_bgp },
};

const struct vnl_settable vnl_set_connection_keys[7] = {
    { "sharedKey", clear_connection_key },
    { "routingWeight", NULL },
    { "dpdTimeoutSeconds", clear_dpd },
    { "connectionMode", NULL },
    { "usePolicyBasedTrafficSelectors", NULL },
    { "ipsecPolicies", clear_policy },
    { "enableBgp", NULL },
};

const struct vnl_settable vnl_set_site_keys[4] = {
    { "sharedKey", clear_site_key },
    { "publicIPAddress", NULL },
    { "addressPrefixes", clear_site_prefixes },
    { "bgpSettings", clear_site_bgp },
};

/* --- where it is ------------------------------------------------------------------------------------- */

void *vnl_set_gateway_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_gateways ? (*ret_name = lab->gateways[i]->name, lab->gateways[i]) : NULL;
}

void *vnl_set_local_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_local_gateways ? (*ret_name = lab->local_gateways[i]->name, lab->local_gateways[i])
                                     : NULL;
}

void *vnl_set_connection_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_connections ? (*ret_name = lab->connections[i]->name, lab->connections[i]) : NULL;
}

void *vnl_set_site_at(const void *parent, size_t i, const char **ret_name)
{
    const struct vnl_lab *lab = parent;

    return i < lab->n_sites ? (*ret_name = lab->sites[i]->name, lab->sites[i]) : NULL;
}
