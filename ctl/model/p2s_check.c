/* What a gateway's vpnClientConfiguration may be. Spec 13, 16 (row 19). Where Azure refuses and its code is not known, the code is BadRequest. */
#include "gateway.h"
#include "p2s.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_LEN_MAX        31 /* the first address is nobody's */
#define POOL_LEN_MAX_ACTIVE 30 /* each instance has its half */

/* Source: spec 3, 13: Basic has no IkeV2 clients, PolicyBased none at all. */
static void check_gateway(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_gateway_sku *sku =
        gateway->sku ? vnl_gateway_sku_lookup(gateway->sku, gateway->generation) : NULL;

    if (gateway->policy_based)
        vnl_mistake(check, "BadRequest", &gateway->p2s->src, gateway->id,
                    "clients need 'vpnType: RouteBased', and another SKU than Basic",
                    "Virtual network gateway '%s' cannot have a vpnClientConfiguration: it is PolicyBased",
                    gateway->name);
    else if (sku && sku->basic)
        vnl_mistake(check, "BadRequest", &gateway->p2s->src, gateway->id, "such as 'sku: VpnGw1'",
                    "Virtual network gateway '%s' cannot have a vpnClientConfiguration: SKU Basic has no "
                    "IkeV2 clients",
                    gateway->name);
}

/* --- prefixes ---------------------------------------------------------------------------------------- */

static void check_pool_prefix(struct vnl_check *check, const struct vnl_vpn_gateway *gateway,
                              const struct vnl_prefix *prefix)
{
    const int max = gateway->active_active ? POOL_LEN_MAX_ACTIVE : POOL_LEN_MAX;
    char text[VNL_PREFIX_STR];

    vnl_prefix_format(prefix, text);
    if (prefix->addr.family != AF_INET)
        vnl_mistake(check, "BadRequest", &gateway->p2s->pool_src, gateway->id, "VPN gateways carry IPv4",
                    "The address pool of virtual network gateway '%s' cannot have %s: that is no IPv4 prefix",
                    gateway->name, text);
    else if (prefix->len > max)
        vnl_mistake(check, "BadRequest", &gateway->p2s->pool_src, gateway->id,
                    gateway->active_active ? "each instance has one half of it"
                                           : "its first address is nobody's",
                    "The address pool of virtual network gateway '%s' cannot have %s: the smallest is /%d",
                    gateway->name, text, max);
}

static void check_pool(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_p2s *p2s = gateway->p2s;

    if (p2s->pool.n == 0)
        vnl_mistake(check, "BadRequest", &p2s->pool_src, gateway->id,
                    "write 'vpnClientAddressPool: [172.16.201.0/24]'",
                    "The vpnClientConfiguration of virtual network gateway '%s' has no address pool",
                    gateway->name);
    for (size_t i = 0; i < p2s->pool.n; i++)
        check_pool_prefix(check, gateway, &p2s->pool.items[i]);
}

static void check_custom_routes(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    char text[VNL_PREFIX_STR];

    for (size_t i = 0; i < gateway->custom_routes.n; i++) {
        if (gateway->custom_routes.items[i].addr.family != AF_INET)
            vnl_mistake(check, "BadRequest", &gateway->custom_src, gateway->id, "VPN gateways carry IPv4",
                        "customRoutes of virtual network gateway '%s' cannot have %s: that is no IPv4 prefix",
                        gateway->name, vnl_prefix_format(&gateway->custom_routes.items[i], text));
    }
}

/* --- certificates ------------------------------------------------------------------------------------ */

static int base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* Size of what the text stands for, and its first bytes; 0: it is no base64. */
static size_t base64_begin(const char *text, uint8_t *ret, size_t size)
{
    size_t len = strlen(text), n_pad = 0;
    uint32_t bits = 0;

    if (len == 0 || len % 4 != 0)
        return 0;
    n_pad = (size_t)(text[len - 1] == '=') + (text[len - 1] == '=' && text[len - 2] == '=');
    for (size_t i = 0; i < len - n_pad; i++) {
        int value = base64_value(text[i]);

        if (value < 0)
            return 0;
        bits = bits << 6 | (uint32_t)value;
        for (size_t k = 0; i % 4 == 3 && k < 3; k++) {
            if (i / 4 * 3 + k < size)
                ret[i / 4 * 3 + k] = (uint8_t)(bits >> (16 - 8 * k));
        }
    }
    return len / 4 * 3 - n_pad;
}

/* X.690: a SEQUENCE that is as long as it says. The rest is read by who uses it. */
static bool is_sequence(const uint8_t head[6], size_t size)
{
    size_t len = head[1], n = 0;

    if (size < 6 || head[0] != 0x30)
        return false;
    if (len & 0x80) {
        n = len & 0x7f;
        if (n < 1 || n > 3)
            return false;
        len = 0;
        for (size_t i = 0; i < n; i++)
            len = len << 8 | head[2 + i];
    }
    return size == 2 + n + len;
}

static void check_root(struct vnl_check *check, const struct vnl_vpn_gateway *gateway,
                       const struct vnl_p2s_root *root)
{
    uint8_t head[6] = { 0 };
    size_t size;

    if (!root->data)
        return;
    size = base64_begin(root->data, head, sizeof(head));
    if (!size)
        vnl_mistake(check, "BadRequest", &root->src, gateway->id,
                    "the text between BEGIN CERTIFICATE and END CERTIFICATE, without these lines",
                    "publicCertData of root certificate '%s' of virtual network gateway '%s' is no base64",
                    root->name, gateway->name);
    else if (!is_sequence(head, size))
        vnl_mistake(check, "BadRequest", &root->src, gateway->id,
                    "the text between BEGIN CERTIFICATE and END CERTIFICATE, without these lines",
                    "publicCertData of root certificate '%s' of virtual network gateway '%s' is no X.509 "
                    "certificate",
                    root->name, gateway->name);
}

static void check_roots(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_p2s *p2s = gateway->p2s;

    if (p2s->n_roots == 0)
        vnl_mistake(check, "BadRequest", &p2s->src, gateway->id,
                    "write 'vpnClientRootCertificates: {P2SRootCert: {}}': the lab makes it",
                    "The vpnClientConfiguration of virtual network gateway '%s' has no root certificate",
                    gateway->name);
    if (p2s->n_roots > VNL_LIMIT_ROOTS)
        vnl_mistake(check, "BadRequest", &p2s->roots[VNL_LIMIT_ROOTS].src, gateway->id, NULL,
                    "Virtual network gateway '%s' has %zu root certificates; at most %u are allowed",
                    gateway->name, p2s->n_roots, VNL_LIMIT_ROOTS);
    for (size_t i = 0; i < p2s->n_roots; i++)
        check_root(check, gateway, &p2s->roots[i]);
}

static bool is_thumbprint(const char *text)
{
    size_t len = strlen(text);

    return len == 40 && strspn(text, "0123456789ABCDEF") == len;
}

static void check_revoked(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    for (size_t i = 0; i < gateway->p2s->n_revoked; i++) {
        const struct vnl_p2s_revoked *one = &gateway->p2s->revoked[i];

        if (!one->thumbprint)
            vnl_mistake(check, "BadRequest", &one->src, gateway->id, "'vnetlab show CLIENT' tells it",
                        "Revoked certificate '%s' of virtual network gateway '%s' has no thumbprint",
                        one->name, gateway->name);
        else if (!is_thumbprint(one->thumbprint))
            vnl_mistake(check, "BadRequest", &one->src, gateway->id, "'vnetlab show CLIENT' tells it",
                        "Thumbprint '%s' of revoked certificate '%s' of virtual network gateway '%s' is not "
                        "40 hexadecimal digits",
                        one->thumbprint, one->name, gateway->name);
    }
}

/* --- all of it --------------------------------------------------------------------------------------- */

static void check_policy(struct vnl_check *check, const struct vnl_vpn_gateway *gateway)
{
    CLEANUP(vnl_str_free) char *who = NULL;

    if (!gateway->p2s->policy.written)
        return;
    if (asprintf(&who, "the clients of virtual network gateway '%s'", gateway->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "virtual network gateway");
        return;
    }
    vnl_ipsec_words_check(check, &gateway->p2s->policy, gateway->id, who);
}

void vnl_p2s_check(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_gateways; i++) {
        const struct vnl_vpn_gateway *gateway = check->lab->gateways[i];

        check_custom_routes(check, gateway);
        if (!gateway->p2s)
            continue;
        check_gateway(check, gateway);
        check_pool(check, gateway);
        vnl_p2s_space_check(check, gateway);
        check_roots(check, gateway);
        check_revoked(check, gateway);
        check_policy(check, gateway);
    }
}
