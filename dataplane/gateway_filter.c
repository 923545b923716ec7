/* The programs of bpf/gateway.bpf.c at a gateway's own interfaces.
 *
 * Nothing is pinned: the filters hold the programs, vpn_in and vpn_out their map of peers, and all of it goes with the namespace. A new set of
 * peers is a new pair of programs with a new map, filled before it is attached; a filter is replaced in one step. */
#include "gateway.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "filter.h"
#include "gateway.skel.h"
#include "netlink.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/gateway.h"

/* Two sets: what all gateways share, and what each has of its own. */
enum part { PART_INSIDE, PART_PEERS };

struct vnl_gateway_programs {
    struct vnl_gateway *skel;
    uint8_t clamp_tag[BPF_TAG_SIZE], inside_tag[BPF_TAG_SIZE];
};

static int read_tag(int fd, uint8_t ret[BPF_TAG_SIZE])
{
    struct bpf_prog_info info = { 0 };
    uint32_t size = sizeof(info);

    if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
        return -errno;
    memcpy(ret, info.tag, BPF_TAG_SIZE);
    return 0;
}

void vnl_gateway_programs_free(struct vnl_gateway_programs **programs)
{
    if (!*programs)
        return;
    vnl_gateway__destroy((*programs)->skel);
    free(*programs);
    *programs = NULL;
}

static int programs_load(enum part part, enum vnl_gateway_door door, struct vnl_gateway_programs **ret,
                         struct vnl_err **err)
{
    CLEANUP(vnl_gateway_programs_free)
    struct vnl_gateway_programs *programs = calloc(1, sizeof(*programs));
    int r;

    if (!programs)
        return vnl_fail(err, ENOMEM, "the programs of gateways");
    programs->skel = vnl_gateway__open();
    if (!programs->skel)
        return vnl_fail(err, errno, "cannot read the programs of gateways: %s", strerror(errno));
    programs->skel->rodata->vnl_door = door;
    bpf_program__set_autoload(programs->skel->progs.vpn_clamp, part == PART_INSIDE);
    bpf_program__set_autoload(programs->skel->progs.vpn_inside, part == PART_INSIDE);
    bpf_program__set_autoload(programs->skel->progs.vpn_in, part == PART_PEERS);
    bpf_program__set_autoload(programs->skel->progs.vpn_out, part == PART_PEERS);
    r = vnl_gateway__load(programs->skel);
    if (r < 0)
        return vnl_fail(err, -r, "cannot load the programs of gateways: %s", strerror(-r));
    *ret = TAKE_PTR(programs);
    return 0;
}

int vnl_gateway_programs_load(struct vnl_gateway_programs **ret, struct vnl_err **err)
{
    CLEANUP(vnl_gateway_programs_free) struct vnl_gateway_programs *programs = NULL;
    int r = programs_load(PART_INSIDE, VNL_GATEWAY_DOOR_OPEN, &programs, err);

    if (r < 0)
        return r;
    r = read_tag(bpf_program__fd(programs->skel->progs.vpn_clamp), programs->clamp_tag);
    if (r == 0)
        r = read_tag(bpf_program__fd(programs->skel->progs.vpn_inside), programs->inside_tag);
    if (r < 0)
        return vnl_fail(err, -r, "asking the kernel about a program: %s", strerror(-r));
    *ret = TAKE_PTR(programs);
    return 0;
}

/* --- eth0 ------------------------------------------------------------------------------------------------------------------- */

/* The tag is a hash of the instructions. */
static bool is_program(uint32_t id, const uint8_t wanted[BPF_TAG_SIZE])
{
    CLEANUP(vnl_fd_close) int fd = id ? bpf_prog_get_fd_by_id(id) : -1;
    uint8_t tag[BPF_TAG_SIZE];

    return fd >= 0 && read_tag(fd, tag) == 0 && memcmp(tag, wanted, sizeof(tag)) == 0;
}

int vnl_gateway_inside_sync(const struct vnl_gateway_programs *programs, struct vnl_nl *nl, const char *vm,
                            bool site, bool *ret_changed, struct vnl_err **err)
{
    const struct {
        enum vnl_filter_side side;
        const uint8_t *tag;
        const struct bpf_program *program;
    } wanted[] = {
        { VNL_FILTER_INGRESS, site ? programs->clamp_tag : programs->inside_tag,
          site ? programs->skel->progs.vpn_clamp : programs->skel->progs.vpn_inside },
        { VNL_FILTER_EGRESS, programs->clamp_tag, programs->skel->progs.vpn_clamp },
    };
    bool right[ARRAY_SIZE(wanted)];

    /* All questions first: a queue must not be interrupted by one. */
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        right[i] = is_program(vnl_filter_side_prog_id(nl, VNL_GATEWAY_ETH0, wanted[i].side), wanted[i].tag);
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        if (right[i])
            continue;
        vnl_filter_put_side(nl, VNL_GATEWAY_ETH0, wanted[i].side, "eth0", vm,
                            bpf_program__fd(wanted[i].program));
        *ret_changed = true;
    }
    return vnl_nl_flush(nl, err);
}

int vnl_gateway_filters_remove(struct vnl_nl *nl, const char *vm, bool has_eth1, struct vnl_err **err)
{
    vnl_filter_remove_side(nl, VNL_GATEWAY_ETH0, VNL_FILTER_INGRESS, "eth0", vm);
    vnl_filter_remove_side(nl, VNL_GATEWAY_ETH0, VNL_FILTER_EGRESS, "eth0", vm);
    if (has_eth1) {
        vnl_filter_remove_side(nl, VNL_GATEWAY_ETH1, VNL_FILTER_INGRESS, "eth1", vm);
        vnl_filter_remove_side(nl, VNL_GATEWAY_ETH1, VNL_FILTER_EGRESS, "eth1", vm);
    }
    return vnl_nl_flush(nl, err);
}

/* --- peers ------------------------------------------------------------------------------------------------------------------ */

static int check_peers(const struct vnl_addr *peers, const uint16_t *ports, size_t n, const char *vm,
                       struct vnl_err **err)
{
    if (n > VNL_GATEWAY_PEERS_MAX)
        return vnl_fail(err, E2BIG, "VM '%s': %zu peers, at most %u can share its address", vm, n,
                        VNL_GATEWAY_PEERS_MAX);
    for (size_t i = 0; i < n; i++)
        if (peers[i].family != AF_INET || ports[i] % 2)
            return vnl_fail(err, EINVAL, "VM '%s': a peer needs an IPv4 address and an even port, not %u", vm,
                            ports[i]);
    return 0;
}

static int fill_peers(const struct vnl_gateway *skel, const struct vnl_addr *peers, const uint16_t *ports,
                      size_t n, const char *vm, struct vnl_err **err)
{
    int fd = bpf_map__fd(skel->maps.vnl_peers);

    for (size_t i = 0; i < n; i++)
        if (bpf_map_update_elem(fd, peers[i].bytes, &ports[i], BPF_ANY) < 0)
            return vnl_fail(err, errno, "VM '%s': cannot note a peer: %s", vm, strerror(errno));
    return 0;
}

static int put_peers(struct vnl_nl *nl, enum vnl_gateway_door door, const struct vnl_addr *peers,
                     const uint16_t *ports, size_t n, const char *vm, struct vnl_err **err)
{
    CLEANUP(vnl_gateway_programs_free) struct vnl_gateway_programs *programs = NULL;
    int r = programs_load(PART_PEERS, door, &programs, err);

    if (r < 0 || (r = fill_peers(programs->skel, peers, ports, n, vm, err)) < 0)
        return r;
    vnl_filter_put_side(nl, VNL_GATEWAY_ETH1, VNL_FILTER_INGRESS, "eth1", vm,
                        bpf_program__fd(programs->skel->progs.vpn_in));
    vnl_filter_put_side(nl, VNL_GATEWAY_ETH1, VNL_FILTER_EGRESS, "eth1", vm,
                        bpf_program__fd(programs->skel->progs.vpn_out));
    return vnl_nl_flush(nl, err);
}

int vnl_gateway_peers_set(const char *lab, const char *gateway, enum vnl_gateway_door door,
                          const struct vnl_addr *peers, const uint16_t *ports, size_t n, struct vnl_err **err)
{
    CLEANUP(vnl_nl_close) struct vnl_nl *nl = NULL;
    CLEANUP(vnl_fd_close) int fd = -1;
    int r = check_peers(peers, ports, n, gateway, err);

    if (r < 0 || (r = vnl_netns_open(lab, gateway, &fd, err)) < 0 || (r = vnl_nl_open_in(fd, &nl, err)) < 0)
        return r;
    if (n || door != VNL_GATEWAY_DOOR_OPEN)
        return put_peers(nl, door, peers, ports, n, gateway, err);
    vnl_filter_remove_side(nl, VNL_GATEWAY_ETH1, VNL_FILTER_INGRESS, "eth1", gateway);
    vnl_filter_remove_side(nl, VNL_GATEWAY_ETH1, VNL_FILTER_EGRESS, "eth1", gateway);
    return vnl_nl_flush(nl, err);
}
