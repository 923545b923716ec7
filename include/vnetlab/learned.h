/* Routes that the gateways of a running lab have learned by BGP. The agent hears of them, writes them to RUN_DIR/LAB/learned (0600), and
 * publishes the plan that has them; whoever builds a plan of a running lab reads them first, so that all see the same routes. The file
 * ends with the lab. Order: by gateway, connection, prefix. */
#ifndef VNETLAB_LEARNED_H
#define VNETLAB_LEARNED_H

#include <stdbool.h>
#include <stddef.h>

#include "vnetlab/addr.h"

struct vnl_err;

/* A route that is the best one at an instance of the gateway. Two instances that learned the same by the same connection are one. */
struct vnl_learned_route {
    char *gateway;    /* resource id; of a site's device "sites/NAME" */
    char *connection; /* resource id: by whose session it came */
    struct vnl_prefix prefix;
    char *as_path; /* "65010 65020" */
};

struct vnl_learned {
    struct vnl_learned_route *items;
    size_t n;
};

/* ret: zeroed before. No file, or no such lab: 0 and no routes. -EBADMSG: damaged; says where. */
int vnl_learned_read(const char *lab, struct vnl_learned *ret, struct vnl_err **err);
/* Sorts, and replaces the file at once (a reader sees the old or the new one). *ret_changed: it was another one. */
int vnl_learned_write(const char *lab, struct vnl_learned *learned, bool *ret_changed, struct vnl_err **err);
/* Copies the strings. -ENOMEM. */
int vnl_learned_add(struct vnl_learned *learned, const char *gateway, const char *connection,
                    const struct vnl_prefix *prefix, const char *as_path);
void vnl_learned_done(struct vnl_learned *learned);

#endif
