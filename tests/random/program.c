#include "program.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/err.h"

#define AT_DESTINATION 30 /* in a frame with IPv4 */

static const struct vnl_nic *nic_in(const struct vnl_lab *lab, const struct naive_hosts *hosts, uint32_t slot)
{
    for (size_t i = 0; i < naive_hosts_count(hosts); i++) {
        if (naive_host(hosts, i)->slot == slot)
            return naive_host(hosts, i);
    }
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            if (lab->vms[i]->nics[k]->slot == slot)
                return lab->vms[i]->nics[k];
        }
    }
    return NULL;
}

static bool has_addr(const struct vnl_nic *nic, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (vnl_addr_eq(&nic->configs[i].addr, addr))
            return true;
    }
    return false;
}

static enum vnl_probe_proto probe_proto(uint8_t proto)
{
    if (proto == IPPROTO_TCP)
        return VNL_PROBE_TCP;
    return proto == IPPROTO_UDP ? VNL_PROBE_UDP : VNL_PROBE_ICMP;
}

static int dry_run(struct vnl_bpf *bpf, enum vnl_what_if how, const struct vnl_nic *from,
                   const struct naive_flow *flow, const struct vnl_addr *src, struct vnl_verdict *ret,
                   struct vnl_err **err)
{
    unsigned char frame[VNL_FRAME_SIZE];
    size_t size = vnl_frame_build(&from->mac, src, &flow->dst, probe_proto(flow->proto), flow->sport,
                                  flow->dport, frame);

    return vnl_bpf_what_if_as(bpf, how, from->slot, frame, size, true, ret, err);
}

/* Where the frame goes to as the guest gets it: an IPv4 address may have been translated. */
static struct vnl_addr destination(const struct naive_flow *flow, const struct vnl_verdict *verdict)
{
    struct vnl_addr addr = flow->dst;

    if (addr.family == AF_INET)
        memcpy(addr.bytes, (const unsigned char *)verdict->frame + AT_DESTINATION, 4);
    return addr;
}

/* The guest has got it. NULL: it goes no further, and *ret says why. */
static const struct vnl_nic *guest(const struct vnl_nic *nic, const struct vnl_addr *dst,
                                   struct program_way *ret)
{
    if (!nic || has_addr(nic, dst))
        return NULL;
    if (!nic->vm->ip_forward) {
        ret->reason = VNL_DROP_GUEST_FORWARDING;
        return NULL;
    }
    ret->forwards++;
    return nic;
}

int program_way(const struct play *play, enum vnl_what_if how, const struct naive_flow *flow,
                const struct vnl_addr *src, struct program_way *ret, struct vnl_err **err)
{
    const struct vnl_nic *from = flow->nic;

    *ret = (struct program_way){ 0 };
    while (from && ret->forwards < play->lab->n_vms) {
        struct vnl_verdict verdict = { 0 };
        struct vnl_addr dst;
        int r = dry_run(play->bpf, how, from, flow, src, &verdict, err);

        if (r < 0)
            return r;
        ret->slot = verdict.slot;
        ret->reason = verdict.reason;
        dst = destination(flow, &verdict);
        free(verdict.frame);
        if (verdict.reason != VNL_DROP_NONE)
            return 0;
        ret->slot = verdict.out_slot;
        from = guest(nic_in(play->lab, play->hosts, verdict.out_slot), &dst, ret);
    }
    if (from)
        ret->reason = VNL_DROP_ROUTING_LOOP;
    return 0;
}
