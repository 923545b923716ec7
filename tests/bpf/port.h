/* What the tests of the port program share: the program, loaded for the small lab of
 * tests/harness/world.h. */
#ifndef VNETLAB_TESTS_BPF_PORT_H
#define VNETLAB_TESTS_BPF_PORT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../harness/frames.h"
#include "../harness/naive.h"
#include "../harness/world.h"
#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"

struct port {
    struct world world;
    struct vnl_bpf *bpf;
};

static inline void port_publish(struct port *port, uint8_t digest)
{
    CLEANUP(vnl_image_free) struct vnl_image *image = world_image(&port->world, &world_size, digest);

    assert_int_equal(vnl_bpf_publish_image(port->bpf, image, NULL, NULL), 0);
}

static inline void port_init(struct port *port)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    world_init(&port->world);
    port->bpf = NULL;
    if (vnl_bpf_load_sized(&world_size, NULL, &port->bpf, &err) < 0)
        fail_msg("%s", err->msg);
    port_publish(port, 0);
}

static inline void port_done(struct port *port)
{
    vnl_bpf_close(&port->bpf);
    world_done(&port->world);
}

static inline int port_setup(void **state)
{
    static struct port port;

    port_init(&port);
    *state = &port;
    return 0;
}

static inline int port_teardown(void **state)
{
    port_done(*state);
    return 0;
}

/* The verdict and, in `frame`, what the program made of it. False: the kernel takes no such frame for a
 * test run (newer ones refuse what ends within the IP header that its type promises; test_port_live.c
 * sends those). */
static inline bool port_try(struct port *port, uint32_t slot, struct frame *frame, struct vnl_verdict *ret)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = vnl_bpf_what_if(port->bpf, slot, frame->data, frame->size, true, ret, &err);

    if (r == -EINVAL && frame->size < AT_L4_V6)
        return false;
    if (r < 0)
        fail_msg("%s", err->msg);
    assert_int_equal(ret->frame_size, frame->size);
    memcpy(frame->data, ret->frame, frame->size);
    free(ret->frame);
    ret->frame = NULL;
    return true;
}

static inline struct vnl_verdict port_run(struct port *port, uint32_t slot, struct frame *frame)
{
    struct vnl_verdict verdict = { 0 };

    assert_true(port_try(port, slot, frame, &verdict));
    return verdict;
}

/* The verdict on a TCP packet of the NIC in `slot`. */
static inline enum vnl_drop reason_of(struct vnl_bpf *bpf, uint32_t slot, const char *src, const char *dst)
{
    struct frame_spec spec = { .from = slot, .src = src, .dst = dst };
    struct vnl_verdict verdict;
    struct frame frame;

    frame_build(&frame, &spec);
    assert_int_equal(vnl_bpf_what_if(bpf, slot, frame.data, frame.size, false, &verdict, NULL), 0);
    assert_null(verdict.frame);
    return verdict.reason;
}

#define PASSES(bpf) assert_int_equal(reason_of(bpf, WORLD_VM, "10.0.0.4", "10.1.0.4"), VNL_DROP_NONE)

static inline struct vnl_bpf *port_load(const char *where)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_bpf *bpf = NULL;

    if (vnl_bpf_load_sized(&world_size, where, &bpf, &err) < 0)
        fail_msg("%s", err->msg);
    return bpf;
}

#endif
