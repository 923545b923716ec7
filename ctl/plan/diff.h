/* What the files that compare two plans share. */
#ifndef VNETLAB_PLAN_DIFF_H
#define VNETLAB_PLAN_DIFF_H

#include "parts.h"

struct vnl_diff_work {
    struct vnl_diff *diff;
    size_t room;
    const struct vnl_plan *before, *after;
};

/* One resource of each plan: the same one. */
struct vnl_diff_pair {
    const char *path, *name; /* "virtualMachines", "vm-1" */
    size_t before, after;    /* indices */
    bool shown;              /* a change of it was added */
};

/* A kind of resource: its objects are "PATH/NAME". */
struct vnl_diff_kind {
    const char *path;
    size_t (*count)(const struct vnl_plan *plan);
    const char *(*key)(const struct vnl_plan *plan, size_t i);
    const char *(*name)(const struct vnl_plan *plan, size_t i);
    char *(*describe)(const struct vnl_plan *plan, size_t i); /* NULL: only changes are shown */
    int (*compare)(struct vnl_diff_work *work, struct vnl_diff_pair *pair);
};

extern const struct vnl_diff_kind vnl_diff_vnets, vnl_diff_peerings;       /* diff_vnets.c */
extern const struct vnl_diff_kind vnl_diff_routes, vnl_diff_route_tables;  /* diff_routes.c */
extern const struct vnl_diff_kind vnl_diff_rules;                          /* diff_rules.c: NSGs by VNet */
extern const struct vnl_diff_kind vnl_diff_publics, vnl_diff_nat_gateways; /* diff_outside.c */
extern const struct vnl_diff_kind vnl_diff_subnets;                        /* diff_outside.c: their way out */
extern const struct vnl_diff_kind vnl_diff_lbs;                            /* diff_outside.c */
extern const struct vnl_diff_kind vnl_diff_gateways, vnl_diff_sites;       /* diff_vpn.c */
extern const struct vnl_diff_kind vnl_diff_connections;                    /* diff_connections.c */
extern const struct vnl_diff_kind vnl_diff_clients;                        /* diff_p2s.c */
extern const struct vnl_diff_kind vnl_diff_vms, vnl_diff_hosts;            /* diff_vms.c */
extern const struct vnl_diff_kind vnl_diff_site_hosts;                     /* diff_vms.c */

/* diff_p2s.c: what clients of a gateway authenticate against, and what they are offered. */
int vnl_diff_p2s(struct vnl_diff_work *work, struct vnl_diff_pair *pair);
/* diff_vms.c: the pair is one of guests (plan->vms). */
int vnl_diff_guest(struct vnl_diff_work *work, struct vnl_diff_pair *pair);

/* Each adds "WHAT OLD -> NEW" when the two differ. Texts takes both, NULL being a failed allocation. */
int vnl_diff_texts(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what, char *before,
                   char *after);
int vnl_diff_names(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what,
                   const char *before, const char *after);
int vnl_diff_bools(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what, bool before,
                   bool after);
/* "WHAT changed", of what is not to be seen. */
int vnl_diff_hidden(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what, bool changed);
/* Kernel slots mean nothing to the operator: only where nothing else was shown of the resource. */
int vnl_diff_slots(struct vnl_diff_work *work, struct vnl_diff_pair *pair, uint32_t before, uint32_t after);

/* Adds "-TEXT" and "+TEXT" for what is in one list only; lists that mostly keep their order are fast. Takes both, NULL being a failed
 * allocation. */
int vnl_diff_rows(struct vnl_diff_work *work, struct vnl_diff_pair *pair, char **gone, size_t n_gone,
                  char **come, size_t n_come);

#endif
