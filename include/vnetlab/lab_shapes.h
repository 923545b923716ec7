/* What many of a lab's resources have (lab.h). */
#ifndef VNETLAB_LAB_SHAPES_H
#define VNETLAB_LAB_SHAPES_H

#include <stddef.h>

#include "vnetlab/addr.h"

/* Where a top-level resource lives; empty fields are filled with the lab's defaults when it is added. */
struct vnl_scope {
    char *subscription; /* a GUID */
    char *resource_group;
    char *location; /* normalized: lower case, no spaces ("East US" is "eastus") */
};

struct vnl_prefixes {
    struct vnl_prefix *items; /* in the order of the file */
    size_t n;
};

#endif
