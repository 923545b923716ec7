/* Point-to-site as JSON: vpnClientConfiguration and customRoutes of VPN gateways, and clients, which are a lab's own. See arm_resource.c. Spec of the shapes:
 * vpn-gateway-semantics 13.
 *
 * A root certificate that the lab makes has no publicCertData: it is made with the lab, and gone with it. */
#include "arm_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "vnetlab/base.h"
#include "vnetlab/json_writer.h"
#include "vnetlab/lab.h"

static void write_space(struct vnl_json_writer *out, const char *key, const struct vnl_prefixes *prefixes)
{
    char buf[VNL_PREFIX_STR];

    vnl_json_write_open(out, key, '{');
    vnl_json_write_open(out, "addressPrefixes", '[');
    for (size_t i = 0; i < prefixes->n; i++)
        vnl_json_write_text(out, NULL, vnl_prefix_format(&prefixes->items[i], buf));
    vnl_json_write_close(out, ']');
    vnl_json_write_close(out, '}');
}

static void write_words(struct vnl_json_writer *out, const char *key, const char *word)
{
    vnl_json_write_open(out, key, '[');
    if (word)
        vnl_json_write_text(out, NULL, word);
    vnl_json_write_close(out, ']');
}

/* --- gateways ---------------------------------------------------------------------------------------- */

/* One of a list: its name, its one property, and where it is written. */
static void write_part(struct vnl_json_writer *out, const char *parent, const char *name, const char *key,
                       const char *value, const struct vnl_src *src)
{
    CLEANUP(vnl_str_free) char *id = NULL;

    if (asprintf(&id, "%s/%s", parent, name) < 0) {
        id = NULL;
        out->failed = true;
        return;
    }
    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "id", id);
    vnl_json_write_text(out, "name", name);
    vnl_json_write_open(out, "properties", '{');
    vnl_json_write_text(out, "provisioningState", "Succeeded");
    vnl_arm_write_optional(out, key, value);
    vnl_json_write_close(out, '}');
    vnl_json_write_open(out, "vnetlab", '{');
    vnl_arm_write_source(out, "source", src);
    vnl_json_write_close(out, '}');
    vnl_json_write_close(out, '}');
}

static void write_roots(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_p2s *p2s = gateway->p2s;
    CLEANUP(vnl_str_free) char *parent = NULL;

    if (asprintf(&parent, "%s/vpnClientRootCertificates", gateway->id) < 0) {
        parent = NULL;
        out->failed = true;
        return;
    }
    vnl_json_write_open(out, "vpnClientRootCertificates", '[');
    for (size_t i = 0; i < p2s->n_roots; i++)
        write_part(out, parent, p2s->roots[i].name, "publicCertData", p2s->roots[i].data, &p2s->roots[i].src);
    vnl_json_write_close(out, ']');
}

static void write_revoked(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_p2s *p2s = gateway->p2s;
    CLEANUP(vnl_str_free) char *parent = NULL;

    if (asprintf(&parent, "%s/vpnClientRevokedCertificates", gateway->id) < 0) {
        parent = NULL;
        out->failed = true;
        return;
    }
    vnl_json_write_open(out, "vpnClientRevokedCertificates", '[');
    for (size_t i = 0; i < p2s->n_revoked; i++)
        write_part(out, parent, p2s->revoked[i].name, "thumbprint", p2s->revoked[i].thumbprint,
                   &p2s->revoked[i].src);
    vnl_json_write_close(out, ']');
}

/* A gateway without them has neither member. */
void vnl_arm_write_p2s(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_p2s *p2s = gateway->p2s;

    if (gateway->custom_routes.n)
        write_space(out, "customRoutes", &gateway->custom_routes);
    if (!p2s)
        return;
    vnl_json_write_open(out, "vpnClientConfiguration", '{');
    write_space(out, "vpnClientAddressPool", &p2s->pool);
    write_words(out, "vpnClientProtocols", "IkeV2");
    write_words(out, "vpnAuthenticationTypes", "Certificate");
    write_roots(out, gateway);
    write_revoked(out, gateway);
    write_words(out, "radiusServers", NULL);
    vnl_arm_write_policy(out, "vpnClientIpsecPolicies", &p2s->policy);
    vnl_json_write_close(out, '}');
}

void vnl_arm_write_p2s_own(struct vnl_json_writer *out, const struct vnl_vpn_gateway *gateway)
{
    const struct vnl_p2s *p2s = gateway->p2s;

    if (gateway->custom_routes.n)
        vnl_arm_write_source(out, "customRoutesSource", &gateway->custom_src);
    if (!p2s)
        return;
    vnl_arm_write_source(out, "vpnClientConfigurationSource", &p2s->src);
    vnl_arm_write_source(out, "vpnClientAddressPoolSource", &p2s->pool_src);
    if (p2s->policy.written)
        vnl_arm_write_source(out, "vpnClientIpsecPolicySource", &p2s->policy.src);
}

/* --- clients ----------------------------------------------------------------------------------------- */

static void write_client_own(struct vnl_json_writer *out, const struct vnl_client *client)
{
    vnl_json_write_open(out, "vnetlab", '{');
    vnl_arm_write_source(out, "source", &client->src);
    vnl_arm_write_written(out, "virtualNetworkGateway", client->gateway_ref, &client->gateway_src);
    vnl_arm_write_source(out, "publicIPAddressSource", &client->host->addr_src);
    vnl_arm_write_source(out, "rootCertificateSource", &client->root_src);
    vnl_arm_write_source(out, "certificateSource", &client->certificate_src);
    vnl_json_write_int(out, "slot", client->host->slot);
    vnl_json_write_close(out, '}');
}

void vnl_arm_write_client(struct vnl_json_writer *out, const struct vnl_client *client)
{
    char buf[VNL_ADDR_STR];

    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "name", client->name);
    vnl_arm_write_ref(out, "virtualNetworkGateway", client->gateway->id);
    vnl_json_write_text(out, "publicIPAddress", vnl_addr_format(&client->host->addr, buf));
    vnl_arm_write_optional(out, "rootCertificate", client->root);
    vnl_arm_write_optional(out, "certificate", client->certificate);
    vnl_arm_write_optional(out, "privateKey", client->private_key);
    vnl_arm_write_names(out, "run", &client->host->run);
    write_client_own(out, client);
    vnl_json_write_close(out, '}');
}

/* A lab without clients has no such member. */
void vnl_arm_write_clients(struct vnl_json_writer *out, const struct vnl_lab *lab)
{
    if (lab->n_clients == 0)
        return;
    vnl_json_write_open(out, "clients", '[');
    for (size_t i = 0; i < lab->n_clients; i++)
        vnl_arm_write_client(out, lab->clients[i]);
    vnl_json_write_close(out, ']');
}
