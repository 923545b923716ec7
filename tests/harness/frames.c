#include "frames.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t fabric[6] = { 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc };

void frame_mac(unsigned slot, uint8_t ret[6])
{
    const uint8_t mac[6] = { 0x00, 0x0d, 0x3a, 0x00, slot >> 8, slot };

    memcpy(ret, mac, sizeof(mac));
}

void frame_put16(struct frame *frame, size_t at, uint16_t value)
{
    frame->data[at] = value >> 8;
    frame->data[at + 1] = value;
}

uint16_t frame_get16(const struct frame *frame, size_t at)
{
    return frame->data[at] << 8 | frame->data[at + 1];
}

static void put(struct frame *frame, const void *bytes, size_t n)
{
    if (n)
        memcpy(frame->data + frame->size, bytes, n);
    frame->size += n;
}

static void put_zero(struct frame *frame, size_t n)
{
    memset(frame->data + frame->size, 0, n);
    frame->size += n;
}

static void put_addr(struct frame *frame, const char *text)
{
    uint8_t addr[16];
    bool v6 = strchr(text, ':');

    inet_pton(v6 ? AF_INET6 : AF_INET, text, addr);
    put(frame, addr, v6 ? 16 : 4);
}

static void put_ethernet(struct frame *frame, unsigned from, const uint8_t dst[6], uint16_t type)
{
    uint8_t src[6];

    memset(frame, 0, sizeof(*frame));
    frame_mac(from, src);
    put(frame, dst, 6);
    put(frame, src, 6);
    put_zero(frame, 2);
    frame_put16(frame, AT_TYPE, type);
}

static void put_transport(struct frame *frame, const struct frame_spec *spec, bool v6)
{
    size_t at = frame->size;
    uint8_t proto = spec->proto ? spec->proto : 6;

    if (spec->offset)
        return;
    switch (proto) {
    case 6:
        put_zero(frame, 20);
        frame->data[at + 12] = 5 << 4;
        frame->data[at + 13] = 0x02; /* SYN */
        break;
    case 17:
        put_zero(frame, 8);
        frame_put16(frame, at + 4, 8 + spec->payload);
        break;
    case 1:
    case 58:
        put_zero(frame, 8);
        frame->data[at] = spec->icmp_type ? spec->icmp_type : v6 ? 128 : 8;
        return;
    case 51:
        put_zero(frame, 12);
        return;
    default:
        put_zero(frame, 8);
        return;
    }
    frame_put16(frame, at, spec->sport ? spec->sport : 40000);
    frame_put16(frame, at + 2, spec->dport ? spec->dport : 80);
}

static void build_v4(struct frame *frame, const struct frame_spec *spec)
{
    put_ethernet(frame, spec->from, fabric, 0x0800);
    put_zero(frame, 12);
    put_addr(frame, spec->src);
    put_addr(frame, spec->dst);
    frame->data[AT_IP] = 0x45;
    frame->data[AT_IP + 8] = 64;
    frame->data[AT_IP + 9] = spec->proto ? spec->proto : 6;
    frame_put16(frame, AT_IP + 6, spec->offset / 8 | (spec->more ? 0x2000 : 0));
    put_transport(frame, spec, false);
}

static void put_extension(struct frame *frame, size_t *next, uint8_t type)
{
    frame->data[*next] = type;
    *next = frame->size;
    put_zero(frame, 8);
}

static void build_v6(struct frame *frame, const struct frame_spec *spec)
{
    size_t next = AT_IP + 6; /* where the type of the following header goes */

    put_ethernet(frame, spec->from, fabric, 0x86dd);
    put_zero(frame, 8);
    put_addr(frame, spec->src);
    put_addr(frame, spec->dst);
    frame->data[AT_IP] = 0x60;
    frame->data[AT_IP + 7] = 64;
    if (spec->has_extension)
        put_extension(frame, &next, spec->extension);
    if (spec->fragment || spec->offset || spec->more) {
        put_extension(frame, &next, 44);
        frame_put16(frame, next + 2, spec->offset | spec->more);
    }
    frame->data[next] = spec->proto ? spec->proto : 6;
    put_transport(frame, spec, true);
}

void frame_build(struct frame *frame, const struct frame_spec *spec)
{
    if (strchr(spec->src, ':'))
        build_v6(frame, spec);
    else
        build_v4(frame, spec);
    for (size_t i = 0; i < spec->payload; i++)
        frame->data[frame->size++] = i;
    frame_fix(frame);
}

void frame_arp(struct frame *frame, unsigned from, uint16_t op, const char *sender, const char *target)
{
    static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, head[6] = { 0, 1, 8, 0, 6, 4 };
    uint8_t mac[6];

    frame_mac(from, mac);
    put_ethernet(frame, from, all, 0x0806);
    put(frame, head, sizeof(head));
    put_zero(frame, 2);
    frame_put16(frame, frame->size - 2, op);
    put(frame, mac, sizeof(mac));
    put_addr(frame, sender);
    put_zero(frame, 6);
    put_addr(frame, target);
}

void frame_ns(struct frame *frame, unsigned from, const char *src, const char *target, bool option)
{
    uint8_t group[16] = { 0xff, 2, [11] = 1, 0xff }, mac[6] = { 0x33, 0x33, 0xff }, addr[16];

    inet_pton(AF_INET6, target, addr);
    memcpy(group + 13, addr + 13, 3);
    memcpy(mac + 3, addr + 13, 3);
    put_ethernet(frame, from, mac, 0x86dd);
    put_zero(frame, 8);
    frame->data[AT_IP] = 0x60;
    frame->data[AT_IP + 6] = 58;
    frame->data[AT_IP + 7] = 255;
    put_addr(frame, src);
    put(frame, group, sizeof(group));
    put_zero(frame, 8);
    frame->data[AT_L4_V6] = 135;
    put(frame, addr, sizeof(addr));
    if (option) {
        put(frame, (const uint8_t[]){ 1, 1 }, 2);
        frame_mac(from, mac);
        put(frame, mac, sizeof(mac));
    }
    frame_fix(frame);
}

/* --- checksums ------------------------------------------------------------------------------------------ */

static uint32_t sum(const uint8_t *bytes, size_t n)
{
    uint32_t s = 0;

    for (size_t i = 0; i < n; i++)
        s += i & 1 ? bytes[i] : bytes[i] << 8;
    return s;
}

static uint16_t fold(uint32_t s)
{
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

/* Where the transport header's checksum is, or 0 when there is none. */
static size_t checksum_at(const struct frame *frame, size_t *l4, uint8_t *proto, uint32_t *pseudo)
{
    bool v6 = frame_get16(frame, AT_TYPE) == 0x86dd;
    size_t addr = v6 ? AT_IP + 8 : AT_IP + 12, n = v6 ? 32 : 8;

    *l4 = v6 ? AT_L4_V6 : AT_L4;
    *proto = frame->data[v6 ? AT_IP + 6 : AT_IP + 9];
    if (v6 && (*proto == 0 || *proto == 44 || *proto == 60 || *proto == 43)) {
        *proto = frame->data[*l4];
        *l4 += 8;
    }
    if (!v6 && frame_get16(frame, AT_IP + 6) & 0x3fff)
        return 0;
    *pseudo = *proto == 1 ? 0 : sum(frame->data + addr, n) + *proto + (frame->size - *l4);
    if (frame->size < *l4 + 8)
        return 0;
    switch (*proto) {
    case 6:
        return *l4 + 16 + 2 <= frame->size ? *l4 + 16 : 0;
    case 17:
        return *l4 + 6;
    case 1:
    case 58:
        return *l4 + 2;
    }
    return 0;
}

void frame_fix(struct frame *frame)
{
    size_t l4, at;
    uint8_t proto;
    uint32_t pseudo;

    if (frame_get16(frame, AT_TYPE) == 0x0800) {
        frame_put16(frame, AT_IP + 2, frame->size - AT_IP);
        frame_put16(frame, AT_IP + 10, 0);
        frame_put16(frame, AT_IP + 10, ~fold(sum(frame->data + AT_IP, 20)));
    } else {
        frame_put16(frame, AT_IP + 4, frame->size - AT_L4_V6);
    }
    at = checksum_at(frame, &l4, &proto, &pseudo);
    if (!at)
        return;
    frame_put16(frame, at, 0);
    frame_put16(frame, at, ~fold(sum(frame->data + l4, frame->size - l4) + pseudo));
}

bool frame_checksums_ok(const struct frame *frame)
{
    size_t l4, at;
    uint8_t proto;
    uint32_t pseudo;

    if (frame_get16(frame, AT_TYPE) == 0x0800 && fold(sum(frame->data + AT_IP, 20)) != 0xffff)
        return false;
    at = checksum_at(frame, &l4, &proto, &pseudo);
    return !at || fold(sum(frame->data + l4, frame->size - l4) + pseudo) == 0xffff;
}
