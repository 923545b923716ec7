/* The platform's namespace of a lab: where what a guest reaches at 168.63.129.16 and 169.254.169.254 is served from (spec 1.8). */
#ifndef VNETLAB_DATAPLANE_PLATFORM_H
#define VNETLAB_DATAPLANE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vnl_err;
struct vnl_nl;
struct vnl_seen;

struct vnl_platform {
    const char *lab;
    const struct vnl_seen *seen;
    struct vnl_nl *fabric; /* a socket in the fabric namespace, nothing queued */
    int fabric_fd;
    int prog_fd;
    uint32_t prog_id;
};

/* Makes it, or makes it right. Adds to the counts; nothing is counted when it was as it is to be. It goes with the lab. */
int vnl_platform_sync(const struct vnl_platform *platform, size_t *created, size_t *changed,
                      struct vnl_err **err);

#endif
