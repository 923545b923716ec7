/* Text to model and back. The lab file's grammar is docs/lab-file.md; keys are ARM's property names. */
#ifndef VNETLAB_LOAD_H
#define VNETLAB_LOAD_H

#include <stddef.h>

struct vnl_err;
struct vnl_json;
struct vnl_lab;
struct vnl_yaml;

/* Reads a lab file and resolves it (vnl_lab_resolve). All mistakes of the file come back in one list, in file order.
 * A lab without `name` is called after its file, or its directory when the file is lab.yaml.
 * Returns 0, -EINVAL (mistakes), -ENOENT and friends (the file cannot be read). */
int vnl_lab_load(const char *path, struct vnl_lab **ret, struct vnl_err **err);
/* The same from memory (fuzzers, tests); `name` stands for the path in messages and is copied. */
int vnl_lab_load_text(const char *name, const char *text, size_t size, struct vnl_lab **ret, struct vnl_err **err);

/* The whole settled lab as canonical ARM JSON and back:
 *   {"name", "file", "location", "resourceGroup", "subscription", "semantics": {...},
 *    "resources": [ARM resources: id, name, type, location, properties], "expect": [...]}
 * Server-filled properties (peeringState, remoteAddressSpace, privateIPAddress, slots under "vnetlab") are included, so that
 * vnl_lab_from_json(vnl_lab_to_json(lab)) equals lab. The result of from_json is resolved and settled. */
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

#endif
