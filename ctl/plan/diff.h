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

/* Adds "-TEXT" and "+TEXT" for what is in one list only; lists that mostly keep their order are fast. Takes both, NULL being a failed
 * allocation. */
int vnl_diff_rows(struct vnl_diff_work *work, struct vnl_diff_pair *pair, char **gone, size_t n_gone,
                  char **come, size_t n_come);

/* diff_rules.c: NSGs by the VNet in which they act. */
size_t vnl_diff_rules_count(const struct vnl_plan *plan);
const char *vnl_diff_rules_key(const struct vnl_plan *plan, size_t i);
const char *vnl_diff_rules_name(const struct vnl_plan *plan, size_t i);
char *vnl_diff_rules_describe(const struct vnl_plan *plan, size_t i);
int vnl_diff_rules_compare(struct vnl_diff_work *work, struct vnl_diff_pair *pair);

#endif
