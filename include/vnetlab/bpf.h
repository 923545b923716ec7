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
 * Pins program and maps in `dir` (a bpffs). -EOPNOTSUPP names the missing kernel feature.
 * old: the set that this one is to replace, or NULL. Flows, what is remembered of NICs, counters and fragments stay: both sets share
 * them where their size allows, while the ports move from one to the other; else counters are copied. (Flows always stay.) The old set
 * remains good, but forgets the digest of its plan. */
int vnl_bpf_load(const struct vnl_plan *plan, const struct vnl_bpf *old, const char *dir,
                 struct vnl_bpf **ret, struct vnl_err **err);
/* The same with tables of just this size; dir NULL: not pinned, gone with vnl_bpf_close. */
int vnl_bpf_load_sized(const struct vnl_image_size *size, const char *dir, struct vnl_bpf **ret,
                       struct vnl_err **err);
int vnl_bpf_load_after(const struct vnl_image_size *size, const struct vnl_bpf *old, const char *dir,
                       struct vnl_bpf **ret, struct vnl_err **err);
/* The pinned ones of a running lab. -ENOENT when a pin is missing (a load that did not end is such a case), -ESTALE when they have
 * another layout version or do not belong together: load anew. */
int vnl_bpf_open(const char *dir, struct vnl_bpf **ret, struct vnl_err **err);
void vnl_bpf_close(struct vnl_bpf **bpf); /* pins stay */

bool vnl_bpf_fits(const struct vnl_bpf *bpf, const struct vnl_plan *plan);
int vnl_bpf_prog_fd(const struct vnl_bpf *bpf);
/* The program at the far end of a delay port (dataplane/delay_ports.h). */
int vnl_bpf_delayed_fd(const struct vnl_bpf *bpf);
uint32_t vnl_bpf_delayed_id(const struct vnl_bpf *bpf);
uint32_t vnl_bpf_prog_id(const struct vnl_bpf *bpf); /* as shown by a tc filter dump */

/* Puts the plan in force with one flip, and returns when no packet can see the old one any more. Does nothing when the digest
 * says that it is in force already. *ret_changed may be NULL. */
int vnl_bpf_publish(struct vnl_bpf *bpf, const struct vnl_plan *plan, bool *ret_changed,
                    struct vnl_err **err);
/* The same for an image that is built already; its size is that of the tables, else -EINVAL. An all-zero digest is always published. */
int vnl_bpf_publish_image(struct vnl_bpf *bpf, const struct vnl_image *image, bool *ret_changed,
                          struct vnl_err **err);

void vnl_bpf_counters(const struct vnl_bpf *bpf, uint32_t slot, uint64_t ret[VNL_DROP_MAX]);
void vnl_bpf_counters_reset(struct vnl_bpf *bpf,
                            uint32_t slot); /* a new NIC in an old slot starts at zero, without flows */

/* The tables are new and the lab is not: connections through NICs with a network security group, of whose beginning these tables know
 * nothing, may go on if the rules allow. To be called before the first publishing. (A NIC that gets its first group needs no call.) */
void vnl_bpf_pick_up(struct vnl_bpf *bpf);

/* Packets that the rule with this counter decided, of flows only the first. */
uint64_t vnl_bpf_rule_hits(const struct vnl_bpf *bpf, uint32_t counter);

/* Which backends of a load balancer's rule may get new sessions (bit i: backend i); at once. What vnl_health_id() says of the rule in
 * the plan in force, so that word about a rule that has changed meanwhile does no harm. */
void vnl_bpf_health_set(struct vnl_bpf *bpf, uint32_t element, uint64_t id, uint64_t alive);
/* False: nobody has said anything about this rule yet; then all are alive. */
bool vnl_bpf_health(const struct vnl_bpf *bpf, uint32_t element, uint64_t id, uint64_t *ret_alive);

struct vnl_verdict {
    enum vnl_drop reason;
    enum vnl_stage stage;
    uint32_t slot;     /* where it was decided */
    uint32_t out_slot; /* delivered to, or VNL_OUT_PLATFORM; when reason is VNL_DROP_NONE */
    uint32_t rule;     /* counter of the last security rule that was asked, or VNL_NO_RULE */
    bool answered;     /* sent back to the sender: ARP or neighbor reply */
    void *frame;       /* the frame as rewritten, owned by the caller (free); NULL unless asked for */
    size_t frame_size;
};

enum vnl_what_if {
    VNL_WHAT_IF_NEW,   /* the packet as if there were no flows: what rules say */
    VNL_WHAT_IF_KNOWN, /* as if both NICs knew its flow, as that of a reply: what routes and gates say */
    VNL_WHAT_IF_NOW,   /* with the flows that there are */
    VNL_WHAT_IF_MAX
};

/* One dry run of the loaded program for a frame that the guest of NIC `slot` would send. Changes nothing, counts nothing, opens no flow,
 * needs no namespace of the lab. size: more than an Ethernet header and less than a page, else -EINVAL: the kernel's limits. */
int vnl_bpf_what_if_as(struct vnl_bpf *bpf, enum vnl_what_if how, uint32_t slot, const void *frame,
                       size_t size, bool want_frame, struct vnl_verdict *ret, struct vnl_err **err);
/* VNL_WHAT_IF_NEW. */
int vnl_bpf_what_if(struct vnl_bpf *bpf, uint32_t slot, const void *frame, size_t size, bool want_frame,
                    struct vnl_verdict *ret, struct vnl_err **err);

/* --- flows ----------------------------------------------------------------------------------------------------------- */

/* Flows that count against the NIC's share; expired ones that nobody replaced are among them. */
uint32_t vnl_bpf_flow_count(const struct vnl_bpf *bpf, uint32_t slot);

struct vnl_flow_seen {
    struct vnl_flow_key key;
    uint32_t state;     /* VNL_FLOW_* */
    uint32_t expires_s; /* ends in so many seconds, if no packet comes */
};

/* Calls `each` for every live flow, in no order, until it returns non-zero; returns that. The table is read while packets change it. */
int vnl_bpf_flows(const struct vnl_bpf *bpf, int (*each)(const struct vnl_flow_seen *flow, void *arg),
                  void *arg);
/* All flows of the NIC end. */
void vnl_bpf_flows_forget(const struct vnl_bpf *bpf, uint32_t slot);

/* --- drop events ----------------------------------------------------------------------------------------------------- */

struct vnl_bpf_events;

/* From now on dropped packets make events, for as long as somebody polls. One reader at a time: two would share them out. */
int vnl_bpf_events_open(struct vnl_bpf *bpf, struct vnl_bpf_events **ret, struct vnl_err **err);
void vnl_bpf_events_close(struct vnl_bpf_events **events);
/* Calls `each` for every event that is there, waiting up to timeout_ms for the first; until it returns non-zero. Returns how many, or
 * -errno. To be called at least once a second: a reader that is not heard of for longer gets no more. */
int vnl_bpf_events_poll(struct vnl_bpf_events *events, int timeout_ms,
                        int (*each)(const struct vnl_event *event, void *arg), void *arg);
/* Events of the NIC that were left out because there were too many at once. */
uint64_t vnl_bpf_events_suppressed(const struct vnl_bpf *bpf, uint32_t slot);

#endif
