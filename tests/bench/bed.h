/* The port program of a lab without guests: loaded from a lab file's text into a namespace of its own, and run by BPF_PROG_TEST_RUN as
 * for packets from the devices. */
#ifndef VNETLAB_BENCH_BED_H
#define VNETLAB_BENCH_BED_H

#include <stddef.h>
#include <stdint.h>

#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

struct vnl_bpf;

struct bed {
    struct vnl_lab *lab;
    struct vnl_plan *plan;
    struct vnl_bpf *bpf;
};

/* Both end the process with a message when something is not as it should. flow_slots: 0 = as the loader decides. */
void bed_make(struct bed *bed, const char *text, uint32_t flow_slots);
void bed_done(struct bed *bed);

/* Runs the frame as if NIC `slot` had sent it. Returns nanoseconds per run, as the kernel takes them; *ret_reason: enum vnl_drop. More
 * than one run: only of a frame that is dropped, for a delivered one has another MAC then. */
double bed_run(const struct bed *bed, uint32_t slot, const void *frame, size_t size, uint32_t repeat,
               uint32_t *ret_reason);

/* Enters a network namespace of its own, with devices that have the numbers of the first NICs' ports. */
void bed_enter(void);

double bed_now_s(void);
double bed_median(double *values, size_t n); /* sorts them */

#endif
