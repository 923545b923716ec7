/* Probes: one real packet exchange from a VM, by sockets that live in the VM's namespace; nothing is run
 * inside the VM.
 *
 * What counts as passed is what the network did, not what the guest thinks of it: an echo reply, an open
 * port, and also a refusal that the destination itself sent (RST, port unreachable) prove that packets went
 * there and came back. */
#ifndef VNETLAB_PROBE_H
#define VNETLAB_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vnetlab/addr.h"

struct vnl_err;

enum vnl_probe_proto { VNL_PROBE_ICMP, VNL_PROBE_TCP, VNL_PROBE_UDP, VNL_PROBE_PROTO_MAX };

enum vnl_probe_result {
    VNL_PROBE_SILENCE,     /* nothing came back in time */
    VNL_PROBE_REPLY,       /* ICMP echo reply, TCP handshake done, UDP answer */
    VNL_PROBE_REFUSED,     /* the destination refused: RST or port unreachable */
    VNL_PROBE_DELIVERED,   /* UDP: seen arriving at the destination NIC; nobody answers UDP by itself */
    VNL_PROBE_UNREACHABLE, /* an error instead of silence: the guest's own routing table, or ICMP from a
                              router */
    VNL_PROBE_RESULT_MAX
};

struct vnl_probe {
    const char *vm; /* sends */
    const char *
        to_vm; /* gets it in the end, behind NAT and load balancers; NULL when nobody does (then UDP delivery cannot be seen) */
    enum vnl_probe_proto proto;
    struct vnl_addr dst;
    uint16_t port;
    uint16_t src_port;  /* UDP: the source port, 0 = any */
    bool retry_refused; /* keep trying while refused, until the timeout: a server may still be starting */

    /* Filled by vnl_probe_run. */
    enum vnl_probe_result result;
    int ttl;        /* of the echo reply; 0 when unknown */
    int64_t rtt_us; /* -1 when nothing came */
};

/* Runs all of them at the same time; returns when each has a result, at the latest after timeout_ms.
 * 0 also when probes stay silent: that is a result. -ENOENT: a VM has no namespace. */
int vnl_probe_run(const char *lab, struct vnl_probe *probes, size_t n, int timeout_ms, struct vnl_err **err);

bool vnl_probe_passed(enum vnl_probe_result result);
const char *vnl_probe_result_str(enum vnl_probe_result result);

/* The frame that the guest's stack would send for such a probe (first packet), for a dry run. src_mac: the
 * sending NIC's. buf: at least VNL_FRAME_SIZE bytes. Returns the frame's size. */
#define VNL_FRAME_SIZE 128
size_t vnl_frame_build(const struct vnl_mac *src_mac, const struct vnl_addr *src, const struct vnl_addr *dst,
                       enum vnl_probe_proto proto, uint16_t src_port, uint16_t dst_port, unsigned char *buf);

#endif
