/* What the files of this folder that deal with the port program share: one lab's program and tables, open
 * and mapped. */
#ifndef VNETLAB_DATAPLANE_BPF_TABLES_H
#define VNETLAB_DATAPLANE_BPF_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/image.h"
#include "vnetlab/layout.h"

struct vnl_err;

enum vnl_bpf_table {
    VNL_BPF_CONTROL,
    VNL_BPF_NICS,
    VNL_BPF_OWNERS,
    VNL_BPF_POOL,
    VNL_BPF_COUNTERS,
    VNL_BPF_RULES,
    VNL_BPF_FLOWS,
    VNL_BPF_NIC_STATES,
    VNL_BPF_HEALTH,
    VNL_BPF_MAPPED_MAX, /* those that follow are not memory-mapped */
    VNL_BPF_FRAGMENTS = VNL_BPF_MAPPED_MAX,
    VNL_BPF_EVENTS,
    VNL_BPF_TABLE_MAX
};

struct vnl_bpf {
    int prog_fd, delayed_fd;
    uint32_t prog_id;
    bool pick_up;               /* vnl_bpf_pick_up() */
    struct vnl_image_size size; /* of one bank */
    uint32_t *flags_before;     /* of each NIC in the set that this one follows; NULL = it follows none */
    uint32_t n_before;
    struct {
        int fd;
        void *addr; /* mapped, shared with the kernel; NULL = not yet */
        size_t bytes;
    } table[VNL_BPF_TABLE_MAX];
};

static inline struct vnl_control *vnl_bpf_control(const struct vnl_bpf *bpf)
{
    return bpf->table[VNL_BPF_CONTROL].addr;
}

/* From now on what libbpf says in this thread is kept for vnl_bpf_load_failed, and not printed. */
void vnl_bpf_listen(void);
/* num: the errno. Names the missing feature (-EOPNOTSUPP), or gives the verifier's last line. */
int vnl_bpf_load_failed(int num, struct vnl_err **err);

/* NULL beyond the table. */
struct vnl_nic_state *vnl_bpf_nic_state(const struct vnl_bpf *bpf, uint32_t slot);
/* The element behind the last NIC's. */
struct vnl_nic_state *vnl_bpf_nic_state_sum(const struct vnl_bpf *bpf);
/* The program's clock. */
uint32_t vnl_bpf_tick(void);

/* Return when every run of a program that was under way has ended. The second is for kernels that refuse the first. */
int vnl_bpf_wait_membarrier(void);
int vnl_bpf_wait_map_swap(const struct vnl_bpf *bpf);

#endif
