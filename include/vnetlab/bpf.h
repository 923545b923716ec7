/* The BPF side of one lab: the loaded port program and its mapped tables. Image building is pure (image.h); this is the mechanism. */
#ifndef VNETLAB_BPF_H
#define VNETLAB_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/drop.h"
#include "vnetlab/layout.h"

struct vnl_bpf;
struct vnl_err;
struct vnl_image;
struct vnl_image_size;
struct vnl_plan;

/* Loads the program with tables large enough for `plan` (and room to grow), everything dead: each port drops with UnknownPort.
 * Pins program and maps in `dir` (a bpffs). -EOPNOTSUPP names the missing kernel feature. */
int vnl_bpf_load(const struct vnl_plan *plan, const char *dir, struct vnl_bpf **ret, struct vnl_err **err);
/* The same with tables of just this size; dir NULL: not pinned, gone with vnl_bpf_close. */
int vnl_bpf_load_sized(const struct vnl_image_size *size, const char *dir, struct vnl_bpf **ret,
                       struct vnl_err **err);
/* The pinned ones of a running lab. -ENOENT when a pin is missing (a load that did not end is such a case), -ESTALE when they have
 * another layout version or do not belong together: load anew. */
int vnl_bpf_open(const char *dir, struct vnl_bpf **ret, struct vnl_err **err);
void vnl_bpf_close(struct vnl_bpf **bpf); /* pins stay */

bool vnl_bpf_fits(const struct vnl_bpf *bpf, const struct vnl_plan *plan);
int vnl_bpf_prog_fd(const struct vnl_bpf *bpf);
uint32_t vnl_bpf_prog_id(const struct vnl_bpf *bpf); /* as shown by a tc filter dump */

/* Puts the plan in force with one flip, and returns when no packet can see the old one any more. Does nothing when the digest
 * says that it is in force already. *ret_changed may be NULL. */
int vnl_bpf_publish(struct vnl_bpf *bpf, const struct vnl_plan *plan, bool *ret_changed,
                    struct vnl_err **err);
/* The same for an image that is built already; its size is that of the tables, else -EINVAL. An all-zero digest is always published. */
int vnl_bpf_publish_image(struct vnl_bpf *bpf, const struct vnl_image *image, bool *ret_changed,
                          struct vnl_err **err);

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

/* One dry run of the loaded program for a frame that the guest of NIC `slot` would send. Changes nothing, counts nothing, needs no
 * namespace of the lab. size: more than an Ethernet header and less than a page, else -EINVAL: the kernel's limits. */
int vnl_bpf_what_if(struct vnl_bpf *bpf, uint32_t slot, const void *frame, size_t size, bool want_frame,
                    struct vnl_verdict *ret, struct vnl_err **err);

#endif
