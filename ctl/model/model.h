/* Private to ctl/model: what its files share. The public side is vnetlab/lab.h. */
#ifndef VNETLAB_MODEL_H
#define VNETLAB_MODEL_H

#include <errno.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"

/* Types as they stand in ids. */
#define VNL_VNET_TYPE        "Microsoft.Network/virtualNetworks"
#define VNL_NIC_TYPE         "Microsoft.Network/networkInterfaces"
#define VNL_VM_TYPE          "Microsoft.Compute/virtualMachines"
#define VNL_NSG_TYPE         "Microsoft.Network/networkSecurityGroups"
#define VNL_ASG_TYPE         "Microsoft.Network/applicationSecurityGroups"
#define VNL_ROUTE_TABLE_TYPE "Microsoft.Network/routeTables"

/* References in full; '*' is one segment. */
#define VNL_VNET_ID_FORM        "/subscriptions/*/resourceGroups/*/providers/" VNL_VNET_TYPE "/*"
#define VNL_SUBNET_ID_FORM      VNL_VNET_ID_FORM "/subnets/*"
#define VNL_NSG_ID_FORM         "/subscriptions/*/resourceGroups/*/providers/" VNL_NSG_TYPE "/*"
#define VNL_ASG_ID_FORM         "/subscriptions/*/resourceGroups/*/providers/" VNL_ASG_TYPE "/*"
#define VNL_ROUTE_TABLE_ID_FORM "/subscriptions/*/resourceGroups/*/providers/" VNL_ROUTE_TABLE_TYPE "/*"

/* Limits of spec 1.10, 2.3, 2.8, 3.1 and 3.6. */
#define VNL_LIMIT_VNETS           1000u   /* per region and subscription */
#define VNL_LIMIT_NICS            65536u  /* per region and subscription */
#define VNL_LIMIT_SUBNETS         3000u   /* per VNet */
#define VNL_LIMIT_PEERINGS        500u    /* per VNet */
#define VNL_LIMIT_PEERING_SUBNETS 200u    /* per link, both lists together */
#define VNL_LIMIT_ADDRS           65536u  /* private addresses per VNet */
#define VNL_LIMIT_ADDRS_PEERED    128000u /* private addresses of a VNet and the VNets it is peered with */
#define VNL_LIMIT_NSGS            5000u   /* per region and subscription */
#define VNL_LIMIT_ASGS            3000u   /* per region and subscription */
#define VNL_LIMIT_RULES           1000u   /* per NSG */
#define VNL_LIMIT_RULE_PREFIXES   4000u   /* per side, over all rules of an NSG */
#define VNL_LIMIT_RULE_ASGS       10u     /* per side of a rule */
#define VNL_LIMIT_NSG_ASGS        100u    /* different ones over all rules of an NSG */
#define VNL_LIMIT_NIC_ASGS        20u     /* per ip configuration */
#define VNL_LIMIT_ASG_CONFIGS     4000u   /* ip configurations per ASG */
#define VNL_LIMIT_ROUTE_TABLES    200u    /* per region and subscription: spec 4.3 */
#define VNL_LIMIT_ROUTES          400u    /* per route table */
#define VNL_LIMIT_VM_NICS         8u      /* of the largest sizes of VMs */
#define VNL_LIMIT_NIC_CONFIGS     256u    /* private addresses per NIC: spec 1.4 */

/* One run over a lab that collects mistakes: the first one's number is what the run returns. */
struct vnl_check {
    struct vnl_lab *lab;
    const struct vnl_lab *before; /* settle only; may be NULL */
    struct vnl_err **err;
    int result;
};

/* Notes a failure (or 0) and passes it on. */
int vnl_check_note(struct vnl_check *check, int r);
/* Out of memory while checking `what`. */
int vnl_check_nomem(struct vnl_check *check, const char *what);

/* A mistake of the user at `src`; `id` is the resource's. The words after `hint` are a format. */
#define vnl_mistake(check, code, src, id, hint, ...)                                                         \
    vnl_check_note(check, vnl_fail_at((check)->err, EINVAL, code, src, vnl_id_path(id), hint, __VA_ARGS__))

/* --- lab.c: what all resources have ------------------------------------------------------------------ */

/* location: the one to use when none is written; NULL leaves it open. 0 or -ENOMEM. */
int vnl_scope_fill(struct vnl_scope *ret, const struct vnl_scope *written, const struct vnl_scope *defaults,
                   const char *location);
void vnl_scope_done(struct vnl_scope *scope);
/* Is `key` new? One that stands twice is not entered in the index again: references to it are to the first. */
bool vnl_new_check(struct vnl_check *check, const struct vnl_index *index, enum vnl_type type,
                   const char *key, const struct vnl_src *src, const char *id, const char *name);
void *vnl_add_failed(struct vnl_err **err, enum vnl_type type, const char *name); /* says so; NULL */

void vnl_nsg_free(struct vnl_nsg **nsg); /* nsg.c */
void vnl_asg_free(struct vnl_asg **asg);
void vnl_udr_table_free(struct vnl_udr_table **table); /* udr.c */
void vnl_nic_free(struct vnl_nic **nic);               /* nic_add.c */

/* --- index.c: text (compared without case, as ARM does) to resource ---------------------------------- */

/* key: borrowed, lives as long as the index. A key may be put several times: the first value stays, the count
 * grows. 0 or -ENOMEM. */
int vnl_index_put(struct vnl_index **index, enum vnl_type type, const char *key, void *value);
/* NULL when absent (or index is NULL). *ret_count: how often the key was put; may be NULL. */
void *vnl_index_get(const struct vnl_index *index, enum vnl_type type, const char *key, size_t len,
                    size_t *ret_count);
/* The value of a key that was put once, else NULL. */
void *vnl_index_unique(const struct vnl_index *index, enum vnl_type type, const char *key);
/* Takes an entry out, however often it was put; it is there. */
void vnl_index_drop(struct vnl_index *index, enum vnl_type type, const char *key);
void vnl_index_free(struct vnl_index **index);

/* --- id.c -------------------------------------------------------------------------------------------- */

bool vnl_id_eq(const char *a, const char *b); /* NULL equals nothing */
const char *vnl_id_path(const char *id); /* "virtualNetworks/vnet-1": what follows the provider; borrowed */
bool vnl_id_matches(const char *text, const char *form);
const char *vnl_type_str(enum vnl_type type); /* "virtual network": for sentences */
bool vnl_name_ok(enum vnl_type type, const char *name);
const char *vnl_name_hint(enum vnl_type type); /* what is allowed */
void vnl_name_check(struct vnl_check *check, enum vnl_type type, const char *name, const struct vnl_src *src,
                    const char *id);
char *vnl_location_normalize(const char *text); /* "East US" is "eastus"; NULL on ENOMEM */
void vnl_scope_check(struct vnl_check *check, const struct vnl_scope *scope, const struct vnl_src *src,
                     const char *id);

/* --- list.c, nearest.c ------------------------------------------------------------------------------- */

/* The array with room for one more element behind the first n; capacities are powers of two, so nobody stores
 * them. NULL on ENOMEM: then the old array is still there. */
void *vnl_list_grow(void *items, size_t n, size_t item_size);
/* "a, b, c", at most `max` of them and then "and 12 more". The text is the caller's; NULL on ENOMEM. */
char *vnl_names_join(const struct vnl_names *names, size_t max);
char *vnl_prefixes_join(const struct vnl_prefixes *list);
bool vnl_prefixes_have(const struct vnl_prefixes *list, const struct vnl_prefix *prefix);
/* The prefixes of both lists that overlap one of the other list, each once. 0 or -ENOMEM. */
int vnl_prefixes_overlapping(const struct vnl_prefixes *a, const struct vnl_prefixes *b,
                             struct vnl_prefixes *ret);
/* "did you mean 'x'?", or NULL when nothing is near (or memory is short). The text is the caller's. */
char *vnl_did_you_mean(const char *word, const struct vnl_names *names);

/* --- span.c: overlaps among many prefixes ------------------------------------------------------------ */

struct vnl_span {
    struct vnl_prefix prefix;
    size_t order;      /* the later of two that overlap is blamed */
    const void *owner; /* the caller's */
    size_t parent;     /* used by the search */
    bool blamed;
};

/* Sorts `spans` and calls `blame` for overlapping pairs until it returned true for the later one. */
void vnl_spans_search(struct vnl_span *spans, size_t n,
                      bool (*blame)(void *arg, const struct vnl_span *later, const struct vnl_span *earlier),
                      void *arg);

/* --- rules, in the order in which vnl_lab_resolve() calls them --------------------------------------- */

void vnl_vnets_check(struct vnl_check *check);      /* vnet.c: address spaces (spec 1.1) */
void vnl_subnets_check(struct vnl_check *check);    /* subnet.c: spec 1.2, 1.9 */
void vnl_peerings_resolve(struct vnl_check *check); /* peering_check.c: spec 2.3, 2.6, 2.8 */
void vnl_overlaps_check(struct vnl_check *check);   /* peering_overlap.c: spec 2.3 */
void vnl_nics_resolve(
    struct vnl_check *check); /* nic.c: references, configurations, static addresses (spec 1.4) */
void vnl_asgs_resolve(struct vnl_check *check);  /* asg.c: members (spec 3.6) */
void vnl_rules_resolve(struct vnl_check *check); /* rule.c: spec 3.1, and 3.6 as far as it is about rules */
void vnl_nsgs_resolve(struct vnl_check *check);  /* nsg_attach.c: spec 3.7, 1.9 */
void vnl_udr_tables_resolve(struct vnl_check *check); /* udr_check.c: spec 4.3, 1.9 */
void vnl_claims_check(struct vnl_check *check);    /* claim.c: addresses taken twice, subnets that are full */
void vnl_limits_check(struct vnl_check *check);    /* limit.c: spec 1.10 */
void vnl_expects_resolve(struct vnl_check *check); /* expect.c */

/* --- asg.c: references to ASGs, from NICs and from rules ---------------------------------------------- */

/* Turns `refs` into `*ret`, each once; those that name nothing are mistakes at `src`. who: "security rule 'x'". */
void vnl_asg_refs_resolve(struct vnl_check *check, const struct vnl_names *refs, const struct vnl_src *src,
                          const char *id, const char *who, struct vnl_asg ***ret, size_t *ret_n);
/* To what the NSGs are attached, from subnets and NICs (nsg_attach.c). 0 or -ENOMEM. */
int vnl_nsgs_derive(const struct vnl_lab *lab);
/* To what the route tables are attached, from the subnets (udr_check.c). 0 or -ENOMEM. */
int vnl_udr_tables_derive(const struct vnl_lab *lab);
/* Members and VNets of the ASGs, from the NICs'. 0 or -ENOMEM. */
int vnl_asgs_derive(const struct vnl_lab *lab);
/* Do the two scopes name one region and subscription? If not, a mistake: `what` (of `there`), referenced by `who`
 * (of `here`). */
bool vnl_region_check(struct vnl_check *check, const char *what, const struct vnl_scope *there,
                      const char *who, const struct vnl_scope *here, const struct vnl_src *src,
                      const char *id);

/* --- shared by rules and settle ---------------------------------------------------------------------- */

/* Azure's own subnets (spec 1.9), NULL for others. Names are compared without case. */
struct vnl_special_subnet {
    const char *name;  /* as Azure writes it */
    uint8_t max_len;   /* smallest IPv4 subnet */
    const char *owner; /* the only resource that may be in it */
};
const struct vnl_special_subnet *vnl_special_subnet_lookup(const char *name);

/* The subnet's prefix that holds addr, or NULL. */
const struct vnl_prefix *vnl_subnet_prefix_of(const struct vnl_subnet *subnet, const struct vnl_addr *addr);
bool vnl_subnet_has_family(const struct vnl_subnet *subnet, uint16_t family);
/* Does Azure keep this address of the prefix for itself? */
bool vnl_addr_reserved(const struct vnl_prefix *prefix, const struct vnl_addr *addr);
/* First and last address that a NIC can get; false when there is none. */
bool vnl_prefix_usable(const struct vnl_prefix *prefix, struct vnl_addr *ret_first,
                       struct vnl_addr *ret_last);

/* nic_config.c: brings a NIC's configurations to their order, names them, adds those that every NIC has, and checks them. */
void vnl_nic_configs_complete(struct vnl_check *check, struct vnl_nic *nic);
void vnl_nic_configs_check(struct vnl_check *check, const struct vnl_nic *nic);

/* Gives every configuration without an address the lowest free one of its subnet, in file order. */
void vnl_claims_allocate(struct vnl_check *check);

/* The part of `side` whose overlap with the other side Azure checks for `link` (spec 2.8). 0 or -ENOMEM. */
int vnl_peering_overlap_space(const struct vnl_peering *link, const struct vnl_vnet *side,
                              struct vnl_prefixes *ret);
/* InvalidResourceReference: the link's remote VNet is not in the lab. */
int vnl_mistake_no_remote(struct vnl_check *check, const struct vnl_peering *link);
/* Is this the link of its pair that the file makes first? The other one has nothing new to tell about the
 * pair. */
bool vnl_peering_is_first(const struct vnl_peering *link);

void vnl_settle_spelling(struct vnl_check *check);   /* settle_spelling.c */
void vnl_settle_vnets(struct vnl_check *check);      /* settle.c */
void vnl_settle_nics(struct vnl_check *check);       /* settle_nic.c */
void vnl_settle_peerings(struct vnl_check *check);   /* settle_peering.c */
void vnl_settle_nsgs(struct vnl_check *check);       /* settle_nsg.c */
void vnl_settle_udr_tables(struct vnl_check *check); /* udr_check.c */
/* Source: ARM front end, InvalidResourceLocation (409): what is there already cannot move. */
void vnl_location_check(struct vnl_check *check, enum vnl_type type, const char *id, const char *name,
                        const struct vnl_src *src, const struct vnl_scope *scope,
                        const struct vnl_scope *old);
/* Slots that are set stay; those that are VNL_SLOT_NONE get the lowest free ones. 0 or -ENOMEM. */
int vnl_slots_assign(uint32_t **slots, size_t n);
int vnl_sync_derive(struct vnl_peering *link); /* settle_peering.c: 0 or -ENOMEM */
void vnl_expect_derive(const struct vnl_lab *lab, struct vnl_expect *expect);

#endif
