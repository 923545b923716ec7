/* What probes say of load balancers' backends. The program may read at any time: a new rule's `alive` is written while the element
 * belongs to nobody, when all are taken as alive. */
#include "bpf_tables.h"

#include "vnetlab/bpf.h"

static struct vnl_health *health_at(const struct vnl_bpf *bpf, uint32_t element)
{
    struct vnl_health *health = bpf->table[VNL_BPF_HEALTH].addr;

    return element < VNL_HEALTH_SLOTS ? health + element : NULL;
}

void vnl_bpf_health_set(struct vnl_bpf *bpf, uint32_t element, uint64_t id, uint64_t alive)
{
    struct vnl_health *health = health_at(bpf, element);

    if (!health)
        return;
    if (health->id != id)
        __atomic_store_n(&health->id, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&health->alive, alive, __ATOMIC_SEQ_CST);
    __atomic_store_n(&health->id, id, __ATOMIC_RELEASE);
}

bool vnl_bpf_health(const struct vnl_bpf *bpf, uint32_t element, uint64_t id, uint64_t *ret_alive)
{
    const struct vnl_health *health = health_at(bpf, element);

    if (!health || !id || __atomic_load_n(&health->id, __ATOMIC_ACQUIRE) != id)
        return false;
    *ret_alive = __atomic_load_n(&health->alive, __ATOMIC_RELAXED);
    return true;
}
