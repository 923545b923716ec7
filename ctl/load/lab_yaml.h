/* Private to the lab file's loader: the state of one load, key tables, and readers of values.
 *
 * Each resource has one table of keys. Reading, "did you mean", "not supported yet" and the reference in
 * docs/lab-file.md all come from it, so they cannot disagree.
 *
 * Readers return nothing: a mistake is put into vnl_loading.mistakes and reading goes on, because a user
 * wants to hear of all mistakes in one run. Out of memory ends up there too: vnl_lab_no_memory(). */
#ifndef VNL_LOAD_LAB_YAML_H
#define VNL_LOAD_LAB_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/yaml.h"

/* One top-level resource, or a subnet, peering or rule of one, in file order: to know later whose line a mistake is
 * on. */
struct vnl_loaded {
    struct vnl_src src;
    bool broken;     /* something that others build on could not be read: see lab_yaml_resolve.c */
    bool beside;     /* a VNet that is peered with a broken one */
    size_t owner;    /* a part's VNet; itself for others */
    size_t n_broken; /* of the loading when the part began */
};

struct vnl_loading {
    struct vnl_lab *lab;
    struct vnl_err *mistakes;
    char target[200]; /* resource being read, "virtualNetworks/vnet-1"; empty at the top */
    struct vnl_loaded *loaded;
    size_t n_loaded;
    bool inside; /* reading loaded[current] */
    size_t current;
    size_t n_broken;   /* calls of vnl_lab_broken(): tells whether a missing value was already spoken of */
    bool lost_section; /* a whole section is unreadable: references into it say nothing */
    const struct vnl_vm *mixed; /* it has keys of both forms, which was said */
};

struct vnl_lab_key;
typedef void vnl_lab_read(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node);

struct vnl_lab_key {
    const char *name;
    vnl_lab_read *read;   /* NULL: read before the walk, by lookup (scopes) */
    size_t field;         /* offset of the value in the resource, for the readers that are shared */
    const char *refuse;   /* instead of reading: "is not supported yet" */
    const char *instead;  /* with refuse: the key that does this here */
    const char *type;     /* in messages behind "must be" and in the reference */
    const char *fallback; /* the reference's column "Default" */
    const char *text;     /* the reference's column "Meaning" */
};

struct vnl_lab_keys {
    const char *title; /* in the reference */
    const char *what;  /* in messages: "virtual network" */
    const struct vnl_lab_key *keys;
    size_t n;
};

extern const struct vnl_lab_keys vnl_lab_top_keys, vnl_lab_semantics_keys, vnl_lab_vnet_keys,
    vnl_lab_subnet_keys, vnl_lab_peering_keys, vnl_lab_vm_keys, vnl_lab_nic_keys, vnl_lab_config_keys,
    vnl_lab_udr_table_keys, vnl_lab_udr_keys, vnl_lab_nsg_keys, vnl_lab_rule_keys, vnl_lab_asg_keys,
    vnl_lab_expect_keys, vnl_lab_refusal_keys, vnl_lab_public_keys, vnl_lab_nat_keys, vnl_lab_lb_keys,
    vnl_lab_frontend_keys, vnl_lab_probe_keys, vnl_lab_lb_rule_keys, vnl_lab_internet_keys, vnl_lab_host_keys,
    vnl_lab_latency_keys, vnl_lab_gateway_keys, vnl_lab_local_keys, vnl_lab_connection_keys,
    vnl_lab_policy_keys, vnl_lab_selector_keys, vnl_lab_site_keys, vnl_lab_site_host_keys,
    vnl_lab_local_bgp_keys, vnl_lab_site_bgp_keys, vnl_lab_p2s_keys, vnl_lab_root_keys, vnl_lab_revoked_keys,
    vnl_lab_client_keys;

#define VNL_NOT_YET      "is not supported yet"
#define VNL_SET_BY_AZURE "is set by Azure and cannot be written"

/* Adds a mistake at `at` (struct vnl_src), about the resource being read. */
#define vnl_lab_mistake(l, at, code, hint, ...)                                                              \
    ((void)vnl_fail_at(&(l)->mistakes, EINVAL, code, &(at), (l)->target[0] ? (l)->target : NULL, hint,       \
                       __VA_ARGS__))

/* Is one of them no mistake of the user? Then the lab is only half read. */
bool vnl_lab_no_memory(const struct vnl_err *mistakes);

/* What is read from here on belongs to this top-level resource. */
void vnl_lab_enter(struct vnl_loading *l, const struct vnl_src *src, const char *type, const char *name);
void vnl_lab_leave(struct vnl_loading *l);
/* The same for a child of it; leaving takes what entering returned. */
size_t vnl_lab_enter_child(struct vnl_loading *l, const char *type, const char *name);
void vnl_lab_leave_child(struct vnl_loading *l, size_t parent);

/* What is read from here on belongs to this part of the resource, a subnet, a peering or a rule; then to it again. */
void vnl_lab_enter_part(struct vnl_loading *l, const struct vnl_src *src);
void vnl_lab_leave_part(struct vnl_loading *l);

/* The resource being read (at the top: a whole section) lacks something that others build on. */
void vnl_lab_broken(struct vnl_loading *l);
/* Broken when there is a second one of its name, a mistake that was not there `before` (an earlier last one of
 * l->mistakes): it is a copy as a rule, and collides with the first one. A bad name breaks nothing. */
void vnl_lab_broken_if_twice(struct vnl_loading *l, const struct vnl_err *before);
/* A mistake: `node` lacks a required key. */
void vnl_lab_missing(struct vnl_loading *l, const struct vnl_yaml *node, const char *hint, const char *key);

/* Reads each key of `node` by its table; refuses what is not a map, and unknown keys. */
void vnl_lab_read_map(struct vnl_loading *l, const struct vnl_lab_keys *table, void *resource,
                      const struct vnl_yaml *node);
/* Is the node a map (NULL and an empty value are an empty one)? Else a mistake. */
bool vnl_lab_is_map(struct vnl_loading *l, const char *name, const struct vnl_yaml *node);
/* "'KEY' must be TYPE, not ...". */
void vnl_lab_wrong_type(struct vnl_loading *l, const char *name, const char *type,
                        const struct vnl_yaml *node);

/* A scalar's text, borrowed; NULL after a mistake. */
const char *vnl_lab_text(struct vnl_loading *l, const char *name, const char *type,
                         const struct vnl_yaml *node);
bool vnl_lab_number(struct vnl_loading *l, const char *name, const struct vnl_yaml *node, long min, long max,
                    long *ret);
/* Appends a prefix or a list of prefixes. */
void vnl_lab_prefixes(struct vnl_loading *l, const char *name, const struct vnl_yaml *node,
                      struct vnl_prefixes *ret);
/* The value of a reference: a scalar with a name or an id, or the one inside ARM's {id: ...}. */
const struct vnl_yaml *vnl_lab_ref_value(const struct vnl_yaml *node);
/* A reference to one resource, and one or a list of references to ASGs (appended). */
void vnl_lab_ref(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                 char **ret, struct vnl_src *ret_src);
void vnl_lab_asg_refs(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                      struct vnl_names *ret, struct vnl_src *ret_src);
/* Replaces *ret with a copy. */
void vnl_lab_copy(struct vnl_loading *l, char **ret, const char *text);
/* location, resourceGroup and subscription of a resource that is about to be added; fields are borrowed from
 * the tree. */
struct vnl_scope vnl_lab_scope(struct vnl_loading *l, const struct vnl_yaml *node);

/* Shared readers for tables: the value goes to `field` of the resource. */
vnl_lab_read vnl_lab_read_bool, vnl_lab_read_prefixes, vnl_lab_read_names;

/* Sections. */
vnl_lab_read vnl_lab_read_vnets, vnl_lab_read_vms, vnl_lab_read_nsgs, vnl_lab_read_asgs,
    vnl_lab_read_udr_tables, vnl_lab_read_expects;

/* lab_yaml_nic.c: the networkInterfaces of a VM; a key of a NIC, for VMs of the short form too; the IPv4 configuration that each NIC has
 * (false: no memory); and the mistake that there is no subnet. n_broken: of the loading when the NIC began. */
vnl_lab_read vnl_lab_read_nics;
void vnl_lab_read_nic_key(struct vnl_loading *l, const char *name, struct vnl_nic *nic,
                          const struct vnl_yaml *node);
bool vnl_lab_nic_complete(struct vnl_loading *l, struct vnl_nic *nic);
void vnl_lab_check_subnet(struct vnl_loading *l, struct vnl_nic *nic, const struct vnl_yaml *node,
                          size_t n_broken);

/* lab_yaml_routes.c: a subnet's routeTable. */
vnl_lab_read vnl_lab_read_route_table_ref;

/* lab_yaml_outside.c. A publicIPAddress key: a reference, `true` (makes a resource "OWNER-ip" in that scope; owner NULL: not
 * possible), or `false` and null (nothing). Text is copied to *ret. */
void vnl_lab_public_ref(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                        const char *owner, const struct vnl_scope *scope, char **ret,
                        struct vnl_src *ret_src);
void vnl_lab_minutes(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                     long max, int *ret);                                    /* from 4 */
vnl_lab_read vnl_lab_read_publics, vnl_lab_read_nats, vnl_lab_read_internet; /* sections */
vnl_lab_read vnl_lab_read_sku;                                               /* to `field`, an enum vnl_sku */
vnl_lab_read vnl_lab_read_nat_ref, vnl_lab_read_outbound;                    /* a subnet's */

/* An address; what is none is a mistake, and breaks the resource. */
void vnl_lab_address(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                     struct vnl_addr *ret, struct vnl_src *ret_src);

/* lab_yaml_gateway.c, lab_yaml_connection.c, lab_yaml_site.c: sections; a shared key. */
vnl_lab_read vnl_lab_read_gateways, vnl_lab_read_locals, vnl_lab_read_connections, vnl_lab_read_sites;
void vnl_lab_read_key(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                      char **ret, struct vnl_src *ret_src);

/* lab_yaml_bgp.c: bgpSettings of each, and a VPN gateway's asn beside them. */
vnl_lab_read vnl_lab_read_gateway_bgp, vnl_lab_read_local_bgp, vnl_lab_read_site_bgp;
vnl_lab_read vnl_lab_read_gateway_asn;
/* lab_yaml_site.c: a file of the user's, as an absolute path. lab_yaml_connection.c: one policy, or a list of it; owner: "a connection". */
void vnl_lab_file(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                  char **ret);
void vnl_lab_policy(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                    const char *owner, struct vnl_ipsec_policy *ret);

/* lab_yaml_p2s.c: keys of a VPN gateway. lab_yaml_client.c: the section. */
vnl_lab_read vnl_lab_read_p2s, vnl_lab_read_custom_routes, vnl_lab_read_clients;

/* lab_yaml_network.c: the lab's latency; bandwidth, to `field`, a uint64_t; a VNet's dnsServers and dhcpOptions. */
vnl_lab_read vnl_lab_read_latency, vnl_lab_read_bandwidth, vnl_lab_read_dns, vnl_lab_read_dhcp;

/* lab_yaml_lb.c: the section; parts as a whole, also for `set`. */
vnl_lab_read vnl_lab_read_lbs;
void vnl_lab_read_pool(struct vnl_loading *l, struct vnl_lb_pool *pool, const struct vnl_yaml *node);
void vnl_lab_read_probe(struct vnl_loading *l, struct vnl_lb_probe *probe, const struct vnl_yaml *node);

/* A whole rule, with all that it must have; also for `set`, which makes new ones. */
void vnl_lab_read_rule(struct vnl_loading *l, struct vnl_rule *rule, const struct vnl_yaml *node);
void vnl_lab_read_udr(struct vnl_loading *l, struct vnl_udr *udr, const struct vnl_yaml *node);

/* vnl_lab_resolve(), without what only follows from mistakes that reading found. */
void vnl_lab_resolve_loaded(struct vnl_loading *l);

/* The key tables as Markdown, as docs/lab-file.md holds them. */
void vnl_lab_keys_print(FILE *out);

#endif
