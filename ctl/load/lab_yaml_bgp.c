/* BGP settings: of a VPN gateway, of a local network gateway's device, of a site. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>

#define PREPEND_MAX     10
#define PEER_WEIGHT_MAX 65535

static struct vnl_bgp *bgp_of(const struct vnl_lab_key *key, void *resource)
{
    return (struct vnl_bgp *)((char *)resource + key->field);
}

/* --- one end ----------------------------------------------------------------------------------------- */

static void read_asn(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                     const struct vnl_yaml *node)
{
    long asn;

    if (vnl_lab_number(l, key->name, node, 1, UINT32_MAX, &asn))
        bgp_of(key, resource)->asn = (uint32_t)asn;
    else
        vnl_lab_broken(l);
}

static void read_peer_address(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    struct vnl_src src;

    vnl_lab_address(l, key, node, &bgp_of(key, resource)->addr, &src);
}

static void read_weight(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    long weight;

    if (vnl_lab_number(l, key->name, node, 0, PEER_WEIGHT_MAX, &weight))
        bgp_of(key, resource)->weight = (int)weight;
}

static void read_end(struct vnl_loading *l, const struct vnl_lab_keys *table, struct vnl_bgp *bgp,
                     void *resource, const struct vnl_yaml *node)
{
    size_t n_broken = l->n_broken;

    bgp->written = true;
    bgp->src = node->key ? node->key_src : node->src;
    vnl_lab_read_map(l, table, resource, node);
    if (l->n_broken != n_broken)
        return;
    if (!bgp->asn)
        vnl_lab_missing(l, node, "write 'asn: 65050'", "asn");
    else if (!bgp->addr.family)
        vnl_lab_missing(l, node, "write 'bgpPeeringAddress: 192.168.255.254'", "bgpPeeringAddress");
}

/* --- of a VPN gateway -------------------------------------------------------------------------------- */

/* A number that is none leaves 0, which no gateway has. */
void vnl_lab_read_gateway_asn(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    struct vnl_vpn_gateway *gateway = resource;
    long asn = 0;

    (void)vnl_lab_number(l, key->name, node, 1, UINT32_MAX, &asn);
    gateway->asn = (uint32_t)asn;
}

static const struct vnl_lab_key gateway_keys[] = {
    { "asn", vnl_lab_read_gateway_asn, .type = "a number", .fallback = "65515",
      .text = "autonomous system number" },
    { "bgpPeeringAddress", .refuse = VNL_SET_BY_AZURE },
    { "bgpPeeringAddresses", .refuse = VNL_NOT_YET },
    { "peerWeight", .refuse = VNL_NOT_YET },
};
static const struct vnl_lab_keys gateway_table = { "BGP settings", "bgpSettings", gateway_keys,
                                                   ARRAY_SIZE(gateway_keys) };

void vnl_lab_read_gateway_bgp(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                              const struct vnl_yaml *node)
{
    (void)key;
    vnl_lab_read_map(l, &gateway_table, resource, node);
}

/* --- of a local network gateway ---------------------------------------------------------------------- */

#define END_KEYS(owner, of_it, asn_text, addr_text, weight_text)                                              \
    {                                                                                                         \
        "asn", read_asn, offsetof(owner, of_it), .type = "a number", .fallback = "required", .text = asn_text \
    },                                                                                                        \
        { "bgpPeeringAddress",    read_peer_address,                                                          \
          offsetof(owner, of_it), .type = "an IPv4 address such as 192.168.255.254",                          \
          .fallback = "required", .text = addr_text },                                                        \
    {                                                                                                         \
        "peerWeight", read_weight, offsetof(owner, of_it), .type = "0 to 65535", .fallback = "0",             \
                                                           .text = weight_text                                \
    }

static const struct vnl_lab_key local_keys[] = {
    END_KEYS(struct vnl_local_gateway, bgp,
             "autonomous system number of the device; not that of a gateway that is connected to it",
             "of the device inside: not its public one, and in no VNet that is connected to it; the gateway "
             "finds it through the tunnel by itself",
             "kept and shown"),
};
const struct vnl_lab_keys vnl_lab_local_bgp_keys = { "BGP settings of a local network gateway", "bgpSettings",
                                                     local_keys, ARRAY_SIZE(local_keys) };

void vnl_lab_read_local_bgp(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    struct vnl_local_gateway *local = resource;

    (void)key;
    if (!vnl_yaml_is_null(node))
        read_end(l, &vnl_lab_local_bgp_keys, &local->bgp, local, node);
}

/* --- of a site --------------------------------------------------------------------------------------- */

static void read_advertised(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    struct vnl_site *site = resource;

    site->advertises = true;
    vnl_lab_prefixes(l, key->name, node, &site->advertised);
}

static void read_prepend(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    long times;

    if (vnl_lab_number(l, key->name, node, 0, PREPEND_MAX, &times))
        ((struct vnl_site *)resource)->prepend = (int)times;
}

static const struct vnl_lab_key site_keys[] = {
    END_KEYS(struct vnl_site, bgp, "autonomous system number of its device",
             "what the device speaks from: any private address, such as one of its loopback, or one of the "
             "site's that no host has",
             "kept and shown"),
    { "advertisedPrefixes", read_advertised, .type = "a prefix or a list of prefixes",
      .fallback = "addressPrefixes", .text = "what it announces, also 0.0.0.0/0" },
    { "asPathPrepend", read_prepend, .type = "0 to 10", .fallback = "0",
      .text = "how often it puts its number in the path once more, to be the worse way" },
};
const struct vnl_lab_keys vnl_lab_site_bgp_keys = { "BGP settings of a site", "bgpSettings", site_keys,
                                                    ARRAY_SIZE(site_keys) };

void vnl_lab_read_site_bgp(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    struct vnl_site *site = resource;

    (void)key;
    if (!vnl_yaml_is_null(node))
        read_end(l, &vnl_lab_site_bgp_keys, &site->bgp, site, node);
}
