/* Point-to-site of VPN gateways, and clients, from their canonical JSON: see arm_read.c. */
#include "arm_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arm_member.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"

static int check_ipv4(const struct vnl_prefixes *prefixes, const char *key, struct vnl_err **err)
{
    for (size_t i = 0; i < prefixes->n; i++) {
        if (prefixes->items[i].addr.family != AF_INET)
            return vnl_fail(err, EINVAL, "'%s' has a prefix that is not IPv4", key);
    }
    return prefixes->n ? 0 : vnl_fail(err, EINVAL, "'%s' is empty", key);
}

/* Its first address is nobody's, so there is a second one. */
static int check_pool(const struct vnl_prefixes *pool, struct vnl_err **err)
{
    for (size_t i = 0; i < pool->n; i++) {
        if (pool->items[i].len > 31)
            return vnl_fail(err, EINVAL, "'vpnClientAddressPool' has a prefix of one address");
    }
    return check_ipv4(pool, "vpnClientAddressPool", err);
}

/* --- gateways ---------------------------------------------------------------------------------------- */

/* One of a list: its name, its properties, and where it was written. */
struct part {
    const char *name;
    const struct vnl_json *properties;
    struct vnl_src src;
};

static int get_part(const struct vnl_lab *lab, const struct vnl_json *json, struct part *ret,
                    struct vnl_err **err)
{
    const struct vnl_json *own;

    if (vnl_member_text(json, "name", &ret->name, err) < 0 ||
        vnl_member_object(json, "properties", &ret->properties, err) < 0 ||
        vnl_member_object(json, "vnetlab", &own, err) < 0)
        return -EINVAL;
    return vnl_member_source(lab, own, "source", &ret->src, err);
}

static int get_roots(const struct vnl_lab *lab, const struct vnl_json *json, struct vnl_vpn_gateway *gateway,
                     struct vnl_err **err)
{
    const struct vnl_json *array;

    if (vnl_member_array(json, "vpnClientRootCertificates", &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        struct vnl_p2s_root *root;
        struct part part = { 0 };

        if (get_part(lab, vnl_json_at(array, i), &part, err) < 0)
            return vnl_wrap(err, "root certificate %zu", i);
        root = vnl_p2s_root_add(gateway, part.name, &part.src, err);
        if (!root || *err || vnl_member_copy_if(part.properties, "publicCertData", &root->data, err) < 0)
            return vnl_wrap(err, "root certificate %zu", i);
    }
    return gateway->p2s->n_roots ? 0 : vnl_fail(err, EINVAL, "'vpnClientRootCertificates' is empty");
}

static int get_revoked(const struct vnl_lab *lab, const struct vnl_json *json,
                       struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    const struct vnl_json *array;

    if (vnl_member_array(json, "vpnClientRevokedCertificates", &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        struct vnl_p2s_revoked *one;
        struct part part = { 0 };

        if (get_part(lab, vnl_json_at(array, i), &part, err) < 0)
            return vnl_wrap(err, "revoked certificate %zu", i);
        one = vnl_p2s_revoked_add(gateway, part.name, &part.src, err);
        if (!one || *err || vnl_member_copy(part.properties, "thumbprint", &one->thumbprint, err) < 0)
            return vnl_wrap(err, "revoked certificate %zu", i);
    }
    return 0;
}

static int get_p2s(const struct vnl_lab *lab, const struct vnl_arm_resource *in,
                   struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    const struct vnl_json *json;
    struct vnl_src src = { 0 };
    struct vnl_p2s *p2s;

    if (vnl_member_object(in->properties, "vpnClientConfiguration", &json, err) < 0 ||
        vnl_member_source(lab, in->own, "vpnClientConfigurationSource", &src, err) < 0)
        return -EINVAL;
    p2s = vnl_p2s_add(gateway, &src, err);
    if (!p2s || vnl_member_space(json, "vpnClientAddressPool", &p2s->pool, err) < 0 ||
        check_pool(&p2s->pool, err) < 0 || get_roots(lab, json, gateway, err) < 0 ||
        get_revoked(lab, json, gateway, err) < 0 ||
        vnl_arm_get_policy(json, "vpnClientIpsecPolicies", &p2s->policy, err) < 0)
        return vnl_wrap(err, "'vpnClientConfiguration'");
    if (vnl_member_source(lab, in->own, "vpnClientAddressPoolSource", &p2s->pool_src, err) < 0)
        return -EINVAL;
    return vnl_member_source(lab, in->own, "vpnClientIpsecPolicySource", &p2s->policy.src, err);
}

int vnl_arm_get_p2s(const struct vnl_lab *lab, const struct vnl_arm_resource *in,
                    struct vnl_vpn_gateway *gateway, struct vnl_err **err)
{
    if (vnl_json_get(in->properties, "customRoutes") &&
        (vnl_member_space(in->properties, "customRoutes", &gateway->custom_routes, err) < 0 ||
         check_ipv4(&gateway->custom_routes, "customRoutes", err) < 0 ||
         vnl_member_source(lab, in->own, "customRoutesSource", &gateway->custom_src, err) < 0))
        return -EINVAL;
    return vnl_json_get(in->properties, "vpnClientConfiguration") ? get_p2s(lab, in, gateway, err) : 0;
}

/* --- clients ----------------------------------------------------------------------------------------- */

static int get_gateway(const struct vnl_lab *lab, const struct vnl_json *json, struct vnl_client *client,
                       struct vnl_err **err)
{
    const char *id;

    if (vnl_member_ref(json, "virtualNetworkGateway", &id, err) < 0)
        return -EINVAL;
    client->gateway = vnl_vpn_gateway_lookup(lab, id);
    if (!client->gateway || !client->gateway->p2s)
        return vnl_fail(err, EINVAL, "virtual network gateway '%s' %s", id,
                        client->gateway ? "has no vpnClientConfiguration" : "is not in the lab");
    return 0;
}

static int get_certificate(const struct vnl_json *json, struct vnl_client *client, struct vnl_err **err)
{
    const struct vnl_p2s_root *root;

    if (vnl_member_copy_if(json, "rootCertificate", &client->root, err) < 0 ||
        vnl_member_copy_if(json, "certificate", &client->certificate, err) < 0 ||
        vnl_member_copy_if(json, "privateKey", &client->private_key, err) < 0)
        return -EINVAL;
    root = vnl_client_root(client);
    if (!root)
        return vnl_fail(err, EINVAL, "root certificate '%s' is not one of its gateway", client->root);
    if (!client->certificate != !client->private_key || (root->data && !client->certificate))
        return vnl_fail(err, EINVAL, "'certificate' and 'privateKey' must both be there");
    return 0;
}

static int get_client_own(const struct vnl_lab *lab, const struct vnl_json *own, struct vnl_client *client,
                          struct vnl_err **err)
{
    if (vnl_member_copy_if(own, "virtualNetworkGatewayRef", &client->gateway_ref, err) < 0 ||
        vnl_member_source(lab, own, "virtualNetworkGatewaySource", &client->gateway_src, err) < 0 ||
        vnl_member_source(lab, own, "publicIPAddressSource", &client->host->addr_src, err) < 0 ||
        vnl_member_source(lab, own, "rootCertificateSource", &client->root_src, err) < 0 ||
        vnl_member_source(lab, own, "certificateSource", &client->certificate_src, err) < 0)
        return -EINVAL;
    return vnl_arm_get_slot(own, &client->host->slot, err);
}

static int read_client(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *own;
    struct vnl_src src = { 0 };
    struct vnl_client *client;
    const char *name;

    if (vnl_member_text(json, "name", &name, err) < 0 || vnl_member_object(json, "vnetlab", &own, err) < 0 ||
        vnl_member_source(lab, own, "source", &src, err) < 0)
        return -EINVAL;
    client = vnl_client_add(lab, name, &src, err);
    if (!client || *err || vnl_member_addr(json, "publicIPAddress", &client->host->addr, err) < 0)
        return -EINVAL;
    if (client->host->addr.family != AF_INET)
        return vnl_fail(err, EINVAL, "'publicIPAddress' is no IPv4 address");
    if (get_gateway(lab, json, client, err) < 0 || get_certificate(json, client, err) < 0 ||
        get_client_own(lab, own, client, err) < 0)
        return -EINVAL;
    return vnl_member_names(json, "run", &client->host->run, err);
}

int vnl_arm_read_clients(struct vnl_lab *lab, const struct vnl_json *json, struct vnl_err **err)
{
    const struct vnl_json *array;

    if (!vnl_json_get(json, "clients"))
        return 0;
    if (vnl_member_array(json, "clients", &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        if (read_client(lab, vnl_json_at(array, i), err) < 0)
            return vnl_wrap(err, "client %zu", i);
    }
    return 0;
}
