/* Expansion of service tags, private to ctl/plan. */
#ifndef VNETLAB_PLAN_RULES_H
#define VNETLAB_PLAN_RULES_H

#include "vnetlab/lab.h"

/* What each tag stands for at the NICs of one VNet whose subnets have one route table. */
struct vnl_tags {
    struct vnl_prefixes prefixes[VNL_TAG_MAX];
};

/* udrs: NULL without a route table. ret: zeroed by the caller, and freed by it also after a failure. 0 or -ENOMEM. */
int vnl_tags_build(const struct vnl_lab *lab, const struct vnl_vnet *vnet, const struct vnl_udr_table *udrs,
                   struct vnl_tags *ret);
void vnl_tags_done(struct vnl_tags *tags);

#endif
