/* The BPF side of one lab: the loaded port program and its mapped tables. Image building is pure (image.h); this is the mechanism. */
#ifndef VNETLAB_BPF_H
#define VNETLAB_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/layout.h"

struct vnl_bpf;
struct vnl_err;
struct vnl_plan;

/* Loads the program with tables large enough for `plan` (and room to grow), everything dead: each port drops with UnknownPort.
 * Pins program and maps in `dir` (a bpffs). -EOPNOTSUPP names the missing kernel feature. */
int vnl_bpf_load(const struct vnl_plan *plan, const char *dir, struct vnl_bpf **ret, struct vnl_err **err);
/* The pinned ones of a running lab. -ENOENT when a pin is missing, -ESTALE when they have another layout version. */
int vnl_bpf_open(const char *dir, struct vnl_bpf **ret, struct vnl_err **err);
void vnl_bpf_close(struct vnl_bpf **bpf); /* pins stay */

bool vnl_bpf_fits(const struct vnl_bpf *bpf, const struct vnl_plan *plan);
int vnl_bpf_prog_fd(const struct vnl_bpf *bpf);
uint32_t vnl_bpf_prog_id(const struct vnl_bpf *bpf); /* as shown by a tc filter dump */

/* Puts the plan in force with one flip, and returns when no packet can see the old one any more. Does nothing when the digest
 * says that it is in force already. *ret_changed may be NULL. */
int vnl_bpf_publish(struct vnl_bpf *bpf, const struct vnl_plan *plan, bool *ret_changed, struct vnl_err **err);

void vnl_bpf_counters(const struct vnl_bpf *bpf, uint32_t slot, uint64_t ret[VNL_DROP_MAX]);
void vnl_bpf_counters_reset(struct vnl_bpf *bpf, uint32_t slot); /* a new NIC in an old slot starts at zero */

struct vnl_verdict {
    enum vnl_drop reason;
    enum vnl_stage stage;
    uint32_t slot;     /* where it was decided */
    uint32_t out_slot; /* delivered to; when reason is VNL_DROP_NONE */
    bool answered;     /* sent back to the sender: ARP or neighbor reply */
    void *frame;       /* the frame as rewritten, owned by the caller (free); NULL unless asked for */
    size_t frame_size;
};

/* One dry run of the loaded program for a frame that the guest of NIC `slot` would send. Changes nothing, counts nothing. */
int vnl_bpf_what_if(struct vnl_bpf *bpf, uint32_t slot, const void *frame, size_t size, bool want_frame,
                    struct vnl_verdict *ret, struct vnl_err **err);

const char *vnl_drop_str(enum vnl_drop reason);  /* "NoRoute" */
const char *vnl_drop_text(enum vnl_drop reason); /* the sentence */
int vnl_drop_parse(const char *name, enum vnl_drop *ret); /* case-insensitive; -EINVAL */
const char *vnl_stage_str(enum vnl_stage stage);

#endif
