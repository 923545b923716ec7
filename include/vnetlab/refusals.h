/* A lab file that Azure would refuse may expect just that: `expect: [{error: CODE, mentions: TEXT}]`.
 * Read on its own, because such a file never becomes a lab. */
#ifndef VNETLAB_REFUSALS_H
#define VNETLAB_REFUSALS_H

#include <stddef.h>

struct vnl_err;

struct vnl_refusal {
    char *code;     /* ARM error code that a mistake of the file must have */
    char *mentions; /* a part of its sentence; NULL: any */
};

struct vnl_refusals {
    struct vnl_refusal *items;
    size_t n;
};

/* The refusals that the file expects, in file order; none is fine. Entries that are packets are passed over.
 * Errors as of vnl_yaml_load(). */
int vnl_refusals_load(const char *path, struct vnl_refusals *ret, struct vnl_err **err);
void vnl_refusals_done(struct vnl_refusals *list);

#endif
