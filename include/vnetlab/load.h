/* Text to model and back. The lab file's grammar is docs/lab-file.md; keys are ARM's property names. */
#ifndef VNETLAB_LOAD_H
#define VNETLAB_LOAD_H

#include <stddef.h>

#include "vnetlab/lab.h"

struct vnl_err;
struct vnl_json;
struct vnl_lab;
struct vnl_yaml;

/* Reads a lab file and resolves it (vnl_lab_resolve). All mistakes of the file come back in one list, in file order.
 * A lab without `name` is called after its file, or its directory when the file is lab.yaml.
 * Returns 0, -EINVAL (mistakes), -ENOENT and friends (the file cannot be read). */
int vnl_lab_load(const char *path, struct vnl_lab **ret, struct vnl_err **err);
/* The same from memory (fuzzers, tests); `name` stands for the path in messages and is copied. */
int vnl_lab_load_text(const char *name, const char *text, size_t size, struct vnl_lab **ret,
                      struct vnl_err **err);

/* `vnetlab set`: changes one property as if the lab file said so. path: "nsgs.web.rules.allow-http.access"; value: YAML, as in the
 * file, `null` takes away what may be absent. lab: resolved; must be resolved and settled anew afterwards, and must not be used when
 * this fails. -EINVAL: no such property (hint: the nearest), or no such value. */
int vnl_lab_set(struct vnl_lab *lab, const char *path, const char *value, struct vnl_err **err);
/* What such a path may go on with: adds each whole path that begins with `path` up to its next dot or end. 0 or -ENOMEM. */
int vnl_lab_set_paths(const struct vnl_lab *lab, const char *path, struct vnl_names *ret,
                      struct vnl_err **err);

/* The whole settled lab as canonical ARM JSON and back:
 *   {"name", "file", "location", "resourceGroup", "subscription", "semantics": {...},
 *    "resources": [ARM resources: id, name, type, location, properties], "expect": [...]}
 * Server-filled properties (peeringState, remoteAddressSpace, privateIPAddress) are included, and what ARM has no place for
 * (slots, source positions, references as written, guest settings) stands under "vnetlab" of each resource, so that
 * vnl_lab_from_json(vnl_lab_to_json(lab)) equals lab, but for shared keys of connections and sites, which only vnl_lab_text_build() has. The result of from_json is resolved and settled; nothing is decided anew.
 * from_json refuses with -EINVAL what is not such a document, and says which member of which resource is wrong. */
int vnl_lab_to_json(const struct vnl_lab *lab, struct vnl_json **ret, struct vnl_err **err);
int vnl_lab_from_json(const struct vnl_json *json, struct vnl_lab **ret, struct vnl_err **err);

/* One resource in ARM's shape, as `show -o json` prints it (and the ARM endpoint will). Owned by the caller; NULL on ENOMEM. */
struct vnl_vnet;
struct vnl_subnet;
struct vnl_peering;
struct vnl_vm;
struct vnl_nic;
struct vnl_json *vnl_vnet_to_json(const struct vnl_vnet *vnet);
struct vnl_json *vnl_subnet_to_json(const struct vnl_subnet *subnet);
struct vnl_json *vnl_peering_to_json(const struct vnl_peering *link);
struct vnl_json *vnl_vm_to_json(const struct vnl_vm *vm);
struct vnl_json *vnl_nic_to_json(const struct vnl_nic *nic);

const char *vnl_arm_type_str(enum vnl_type type); /* "Microsoft.Network/virtualNetworks" */

/* The same lab as text, cut into what the store keeps apart: each top-level resource, and `head`, which is the document without
 * its "resources". Put together again they are vnl_lab_to_json(), with shared keys besides: this is the store's. */
struct vnl_resource_text {
    const char *id;   /* borrowed from the lab */
    const char *type; /* vnl_arm_type_str() */
    const char *body; /* not terminated */
    size_t size;
};
struct vnl_lab_text {
    char *text;                          /* everything below lies in here */
    struct vnl_resource_text head;       /* id and type are NULL */
    struct vnl_resource_text *resources; /* VNets, NSGs, ASGs, VMs, NICs, each in the lab's order */
    size_t n_resources;
};
int vnl_lab_text_build(const struct vnl_lab *lab, struct vnl_lab_text *ret,
                       struct vnl_err **err); /* 0 or -ENOMEM */
void vnl_lab_text_done(struct vnl_lab_text *text);

struct vnl_nsg;
struct vnl_rule;
struct vnl_asg;
struct vnl_json *vnl_nsg_to_json(const struct vnl_nsg *nsg);
struct vnl_json *vnl_rule_to_json(const struct vnl_rule *rule);
struct vnl_json *vnl_asg_to_json(const struct vnl_asg *asg);
struct vnl_json *vnl_udr_table_to_json(const struct vnl_udr_table *table);
struct vnl_json *vnl_udr_to_json(const struct vnl_udr *udr);
struct vnl_json *vnl_public_ip_to_json(const struct vnl_public_ip *public_ip);
struct vnl_json *vnl_nat_gateway_to_json(const struct vnl_nat_gateway *nat);
struct vnl_json *vnl_lb_to_json(const struct vnl_lb *lb);
struct vnl_json *vnl_vpn_gateway_to_json(const struct vnl_vpn_gateway *gateway);
struct vnl_json *vnl_local_gateway_to_json(const struct vnl_local_gateway *gateway);
/* connectionStatus and byte counters are the running lab's: "Unknown", 0. Never the key. */
struct vnl_json *vnl_connection_to_json(const struct vnl_connection *connection);
struct vnl_json *vnl_site_to_json(const struct vnl_site *site); /* a lab's own; without the key */
/* A point-to-site client, which is a lab's own too: {"name", "virtualNetworkGateway", "publicIPAddress", ...}. */
struct vnl_json *vnl_client_to_json(const struct vnl_client *client);
/* A simulated internet host: {"name", "address", "run"}; ARM has no such resource. */
struct vnl_json *vnl_host_to_json(const struct vnl_host *host);

#endif
