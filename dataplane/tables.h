/* Which pinned set of program and maps is in force. See the theory in tables.c. */
#ifndef VNETLAB_TABLES_H
#define VNETLAB_TABLES_H

#include <stdbool.h>

struct vnl_bpf;
struct vnl_err;
struct vnl_plan;

struct vnl_tables {
    const char *lab;     /* borrowed */
    struct vnl_bpf *bpf; /* the set to work with */
    unsigned number;     /* its directory, tables/NUMBER */
    bool fresh;          /* just loaded: dead, and not in force until vnl_tables_commit */
};

/* Opens the set in force when the plan fits in it, else loads a new one beside it. */
int vnl_tables_open(const struct vnl_plan *plan, struct vnl_tables *ret, struct vnl_err **err);
/* The same, but loads nothing: ret->bpf is NULL when there is no set, or none that the plan fits in. */
int vnl_tables_find(const struct vnl_plan *plan, struct vnl_tables *ret, struct vnl_err **err);
/* Puts a fresh set in the place of the old one, whose pins go. Call it when every port runs the new program.
 */
int vnl_tables_commit(struct vnl_tables *tables, struct vnl_err **err);
void vnl_tables_done(struct vnl_tables *tables);

#endif
