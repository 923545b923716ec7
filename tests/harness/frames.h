/* Frames as a guest would send them, or nearly: the right one first, then the test spoils a byte. */
#ifndef VNETLAB_TESTS_FRAMES_H
#define VNETLAB_TESTS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 2048

struct frame {
    uint8_t data[FRAME_MAX];
    size_t size;
};

struct frame_spec {
    unsigned from;         /* NIC slot: its MAC is the source (frame_mac) */
    const char *src, *dst; /* text; both of one family */
    uint8_t proto;         /* 0: TCP */
    uint16_t sport, dport; /* TCP, UDP */
    uint8_t icmp_type;     /* 0: echo request of the family */
    size_t payload;        /* bytes behind the transport header */
    bool fragment;         /* IPv6: with a fragment header, even when the two below are zero */
    uint16_t offset;       /* of a fragment, bytes; not 0: no transport header, payload only */
    bool more;
    uint8_t extension; /* IPv6: type of an extension header of 8 zero bytes in front of the rest */
    bool has_extension;
};

/* Offsets in a frame without extension headers. */
enum { AT_DST_MAC = 0, AT_SRC_MAC = 6, AT_TYPE = 12, AT_IP = 14, AT_L4 = 34, AT_L4_V6 = 54, AT_EXT = 54 };

/* MAC of the NIC in a slot: 00:0d:3a:00:HI:LO. */
void frame_mac(unsigned slot, uint8_t ret[6]);

void frame_build(struct frame *frame, const struct frame_spec *spec);
void frame_arp(struct frame *frame, unsigned from, uint16_t op, const char *sender, const char *target);
/* Neighbor solicitation to the target's solicited-node group; option: with the source link-layer address. */
void frame_ns(struct frame *frame, unsigned from, const char *src, const char *target, bool option);
/* Sets lengths that follow from frame->size and all checksums again, after a change. */
void frame_fix(struct frame *frame);

void frame_put16(struct frame *frame, size_t at, uint16_t value); /* big endian */
uint16_t frame_get16(const struct frame *frame, size_t at);
/* Are all checksums in the frame right? Of IPv4 headers, TCP, UDP, ICMP, ICMPv6. */
bool frame_checksums_ok(const struct frame *frame);

#endif
