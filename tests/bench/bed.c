#include "bed.h"

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"
#include "vnetlab/image.h"
#include "vnetlab/load.h"

#define PORTS 2

static void check(int r, const char *what, const struct vnl_err *failed)
{
    if (r < 0)
        errx(1, "%s: %s", what, failed && failed->msg ? failed->msg : strerror(-r));
}

void bed_enter(void)
{
    char command[128];

    if (unshare(CLONE_NEWNET) < 0)
        err(1, "network namespace");
    for (unsigned i = 0; i < PORTS; i++) {
        (void)snprintf(command, sizeof(command), "ip link add nic%u index %u type veth", i,
                       VNL_NIC_IFINDEX + i);
        if (system(command) != 0)
            errx(1, "%s: failed", command);
    }
}

static void load(struct bed *bed, uint32_t flow_slots)
{
    CLEANUP(vnl_err_free) struct vnl_err *failed = NULL;
    struct vnl_image_size size;

    check(vnl_image_size(bed->plan, &size, &failed), "tables", failed);
    size.flow_slots = flow_slots;
    size.parts = VNL_PART_RULES;
    check(flow_slots ? vnl_bpf_load_sized(&size, NULL, &bed->bpf, &failed)
                     : vnl_bpf_load(bed->plan, NULL, NULL, &bed->bpf, &failed),
          "port program", failed);
    check(vnl_bpf_publish(bed->bpf, bed->plan, NULL, &failed), "tables", failed);
}

void bed_make(struct bed *bed, const char *text, uint32_t flow_slots)
{
    CLEANUP(vnl_err_free) struct vnl_err *failed = NULL;

    *bed = (struct bed){ 0 };
    check(vnl_lab_load_text("bench.yaml", text, strlen(text), &bed->lab, &failed), "lab", failed);
    check(vnl_lab_settle(bed->lab, NULL, &failed), "lab", failed);
    check(vnl_plan_build(bed->lab, &bed->plan, &failed), "plan", failed);
    load(bed, flow_slots);
}

void bed_done(struct bed *bed)
{
    vnl_bpf_close(&bed->bpf);
    vnl_plan_free(&bed->plan);
    vnl_lab_free(&bed->lab);
}

double bed_run(const struct bed *bed, uint32_t slot, const void *frame, size_t size, uint32_t repeat,
               uint32_t *ret_reason)
{
    struct __sk_buff ctx = { .ifindex = VNL_NIC_IFINDEX + slot };
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (uint32_t)size, .ctx_in = &ctx,
                .ctx_size_in = sizeof(ctx), .ctx_out = &ctx, .ctx_size_out = sizeof(ctx),
                .repeat = (int)repeat);
    int r;

    do
        r = bpf_prog_test_run_opts(vnl_bpf_prog_fd(bed->bpf), &opts);
    while (r == -EINTR || r == -EAGAIN);
    check(r, "test run", NULL);
    *ret_reason = ctx.cb[VNL_CB_REASON];
    return opts.duration;
}

double bed_now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double bed_median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare);
    return values[n / 2];
}
