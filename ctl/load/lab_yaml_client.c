/* clients: point-to-site clients on the internet side. */
#include "lab_yaml.h"

#include <stdlib.h>

static void read_gateway(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    struct vnl_client *client = resource;

    vnl_lab_ref(l, key, node, &client->gateway_ref, &client->gateway_src);
    if (!client->gateway_ref)
        vnl_lab_broken(l);
}

static void read_address(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    struct vnl_host *host = ((struct vnl_client *)resource)->host;

    vnl_lab_address(l, key, node, &host->addr, &host->addr_src);
}

static void read_root(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    struct vnl_client *client = resource;
    const char *text = vnl_lab_text(l, key->name, key->type, node);

    client->root_src = node->src;
    if (text)
        vnl_lab_copy(l, &client->root, text);
    else
        vnl_lab_broken(l);
}

static void read_file(struct vnl_loading *l, const struct vnl_lab_key *key, struct vnl_client *client,
                      const struct vnl_yaml *node, char **ret)
{
    client->certificate_src = node->src;
    vnl_lab_file(l, key, node, ret);
    if (!*ret)
        vnl_lab_broken(l);
}

static void read_certificate(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                             const struct vnl_yaml *node)
{
    read_file(l, key, resource, node, &((struct vnl_client *)resource)->certificate);
}

static void read_private_key(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                             const struct vnl_yaml *node)
{
    read_file(l, key, resource, node, &((struct vnl_client *)resource)->private_key);
}

static void read_run(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                     const struct vnl_yaml *node)
{
    vnl_lab_read_names(l, key, ((struct vnl_client *)resource)->host, node);
}

static const struct vnl_lab_key client_keys[] = {
    { "virtualNetworkGateway", read_gateway, .type = "a virtual network gateway", .fallback = "required",
      .text = "that it connects to; it has a `vpnClientConfiguration`. `NAME: GATEWAY` says the same" },
    { "publicIPAddress", read_address, .type = "an IPv4 address such as 198.51.100.20",
      .fallback = "given by the lab", .text = "of its computer, which is a host of the internet side" },
    { "rootCertificate", read_root, .type = "a name", .fallback = "the gateway's first",
      .text = "the gateway's root certificate that its own is signed with" },
    { "certificate", read_certificate, .type = "a file", .fallback = "made by the lab",
      .text = "a certificate of your own, PEM; the path is seen from the lab file. Needed when the root "
              "certificate is yours" },
    { "privateKey", read_private_key, .type = "a file", .fallback = "made by the lab",
      .text = "the key of that certificate, PEM" },
    { "run", read_run, offsetof(struct vnl_host, run), .type = "a command or a list of commands",
      .fallback = "none", .text = "shell commands started in the client with the lab" },
};
const struct vnl_lab_keys vnl_lab_client_keys = { "Point-to-site client", "a client", client_keys,
                                                  ARRAY_SIZE(client_keys) };

static void read_client(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct vnl_client *client;
    size_t n_broken;

    vnl_lab_enter(l, &node->key_src, "clients", node->key);
    client = vnl_client_add(l->lab, node->key, &node->key_src, &l->mistakes);
    vnl_lab_broken_if_twice(l, before);
    if (!client)
        return;
    n_broken = l->n_broken;
    if (node->type == VNL_YAML_SCALAR && !vnl_yaml_is_null(node))
        read_gateway(l, &client_keys[0], client, node);
    else
        vnl_lab_read_map(l, &vnl_lab_client_keys, client, node);
    if (!client->gateway_ref && l->n_broken == n_broken)
        vnl_lab_missing(l, node, "write 'virtualNetworkGateway: NAME'", "virtualNetworkGateway");
}

void vnl_lab_read_clients(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    (void)resource;
    if (!vnl_lab_is_map(l, key->name, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++)
        read_client(l, node->kids[i]);
}
