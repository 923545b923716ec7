/* A lab in hand, and what its witnesses say about it. */
#ifndef VNETLAB_TESTS_PLAY_H
#define VNETLAB_TESTS_PLAY_H

#include <stdbool.h>

#include "vnetlab/probe.h"

#include "../harness/naive_lab.h"

struct vnl_bpf;
struct vnl_err;
struct vnl_plan;

#define DRY_PORT                                                                                             \
    30000 /* source port of dry runs: no real flow has it, and no rule parts it from the ephemeral ones */

/* Rows are every pair of addresses with each of these. */
#define PROTOS 5
extern const struct proto {
    enum vnl_probe_proto proto;
    uint8_t number;
    uint16_t port;
    const char *name;
} protos[PROTOS];

struct row {
    const struct vnl_nic *from;
    const struct vnl_nic *aim; /* whose address it is, or NULL */
    struct vnl_addr dst;
    size_t proto;
    struct naive_exchange way;
    bool passes; /* an answer comes */
};

/* A flow that was let in may live on when the rules change: a later one may happen to be the same. */
struct flow_known {
    uint32_t slot;
    struct vnl_addr dst;
    size_t proto;
};

struct play {
    unsigned features; /* enum topology_feature */
    bool plan_only;    /* not root: packets need it */
    char name[32];
    struct vnl_lab *lab;
    struct vnl_plan *plan;
    struct naive_hosts *hosts; /* of lab */
    struct row *rows;
    size_t n_rows;
    struct vnl_bpf *bpf;
    struct flow_known *known; /* of the steps before this one */
    size_t n_known;
    size_t checked, through, repeated; /* of all plays */
    size_t met[VNL_DROP_MAX], met_back[VNL_DROP_MAX];
    char said[1024]; /* the disagreement; empty: none */
};

void say(struct play *play, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_err(struct play *play, const char *what, const struct vnl_err *err);
/* With what was predicted for the row. */
void say_row(struct play *play, const struct row *row, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *vm_of(const struct vnl_nic *nic);

/* All rows of play->lab, with what the naive evaluator says. */
void rows_make(struct play *play);
void rows_print_met(const struct play *play);

/* Each compares with the prediction, and says what differs. */
void ask_plan(struct play *play, const struct row *row);
void ask_program(struct play *play, const struct row *row);
void ask_packets(struct play *play); /* of all rows */

#endif
