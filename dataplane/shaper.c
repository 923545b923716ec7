/* TBF, which cuts a segment that is larger than its bucket into packets instead of dropping it; HTB on kernels without.
 *
 * The bucket: 5 ms of the rate, so that at 1 Gbit/s the largest segment (512 KB, link.c) passes in one piece; and no less than 128 KiB,
 * or a timer's slack costs rate. The queue: 100 ms, no less than 1 MiB: TCP stops before it is full, and what overruns it (UDP) is
 * lost as it would be in Azure. */
#include "shaper.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "link.h"
#include "netlink.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define HANDLE    (0x766eu << 16) /* "vn": what has another one is not ours */
#define HTB_CLASS (HANDLE | 1)

#define BURST_MIN (128u << 10)
#define QUEUE_MIN (1u << 20)
#define TICK_NS   64u /* of the kernel's packet scheduler clock */

static uint32_t clamp(uint64_t n, uint32_t min)
{
    return n < min ? min : n > INT32_MAX ? INT32_MAX : (uint32_t)n;
}

static uint32_t burst_of(uint64_t bytes_per_s)
{
    return clamp(bytes_per_s / 200, BURST_MIN);
}

static struct tc_ratespec ratespec(uint64_t bytes_per_s)
{
    return (struct tc_ratespec){
        .rate = bytes_per_s > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes_per_s,
        .linklayer = TC_LINKLAYER_ETHERNET,
    };
}

static struct nlmsghdr *put(struct vnl_nl *nl, uint16_t type, uint16_t flags, uint32_t number,
                            uint32_t parent, uint32_t handle, const struct vnl_nl_what *what)
{
    struct tcmsg head = {
        .tcm_family = AF_UNSPEC,
        .tcm_ifindex = (int)(VNL_GUEST_IFINDEX + number),
        .tcm_parent = parent,
        .tcm_handle = handle,
    };

    return vnl_nl_put(nl, type, flags, &head, sizeof(head), what);
}

static struct vnl_nl_what limiting(const char *vm)
{
    return (struct vnl_nl_what){ .action = "limit the bandwidth of", .object = "the NIC", .vm = vm };
}

int vnl_shaper_set_tbf(struct vnl_nl *nl, uint32_t number, uint64_t bps, const char *vm, struct vnl_err **err)
{
    uint64_t bytes_per_s = bps / 8;
    struct vnl_nl_what what = limiting(vm);
    struct tc_tbf_qopt parms = {
        .rate = ratespec(bytes_per_s),
        .limit = clamp(bytes_per_s / 10, QUEUE_MIN) + burst_of(bytes_per_s),
    };
    struct nlmsghdr *msg =
        put(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, number, TC_H_ROOT, HANDLE, &what);
    struct nlattr *options;

    mnl_attr_put_strz(msg, TCA_KIND, "tbf");
    options = mnl_attr_nest_start(msg, TCA_OPTIONS);
    mnl_attr_put(msg, TCA_TBF_PARMS, sizeof(parms), &parms);
    mnl_attr_put_u64(msg, TCA_TBF_RATE64, bytes_per_s);
    mnl_attr_put_u32(msg, TCA_TBF_BURST, burst_of(bytes_per_s));
    mnl_attr_nest_end(msg, options);
    return vnl_nl_flush(nl, err);
}

static void put_htb_class(struct vnl_nl *nl, uint32_t number, uint64_t bytes_per_s,
                          const struct vnl_nl_what *what)
{
    uint32_t ticks = clamp(burst_of(bytes_per_s) * (UINT64_C(1000000000) / TICK_NS) / bytes_per_s, 1);
    struct tc_htb_opt parms = {
        .rate = ratespec(bytes_per_s),
        .ceil = ratespec(bytes_per_s),
        .buffer = ticks,
        .cbuffer = ticks,
        .quantum = 60000, /* of one class alone: says nothing, but silences a warning */
    };
    struct nlmsghdr *msg = put(nl, RTM_NEWTCLASS, NLM_F_CREATE, number, HANDLE, HTB_CLASS, what);
    struct nlattr *options;

    mnl_attr_put_strz(msg, TCA_KIND, "htb");
    options = mnl_attr_nest_start(msg, TCA_OPTIONS);
    mnl_attr_put(msg, TCA_HTB_PARMS, sizeof(parms), &parms);
    mnl_attr_put_u64(msg, TCA_HTB_RATE64, bytes_per_s);
    mnl_attr_put_u64(msg, TCA_HTB_CEIL64, bytes_per_s);
    mnl_attr_nest_end(msg, options);
}

/* The discipline is made once: it takes no change. */
int vnl_shaper_set_htb(struct vnl_nl *nl, uint32_t number, uint64_t bps, const char *vm, struct vnl_err **err)
{
    struct vnl_nl_what what = limiting(vm), make = what;
    struct tc_htb_glob glob = { .version = 3, .rate2quantum = 10, .defcls = HTB_CLASS & 0xffff };
    struct nlmsghdr *msg;
    struct nlattr *options;

    make.ignore = EEXIST;
    msg = put(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, number, TC_H_ROOT, HANDLE, &make);
    mnl_attr_put_strz(msg, TCA_KIND, "htb");
    options = mnl_attr_nest_start(msg, TCA_OPTIONS);
    mnl_attr_put(msg, TCA_HTB_INIT, sizeof(glob), &glob);
    mnl_attr_nest_end(msg, options);
    put_htb_class(nl, number, bps / 8, &what);
    return vnl_nl_flush(nl, err);
}

/* Refused with EINVAL when the root is not ours; then there is nothing to take away. */
static int unset(struct vnl_nl *nl, uint32_t number, const char *vm, struct vnl_err **err)
{
    struct vnl_nl_what what = {
        .action = "take the limit from", .object = "the NIC", .vm = vm, .ignore = EINVAL
    };

    (void)put(nl, RTM_DELQDISC, 0, number, TC_H_ROOT, HANDLE, &what);
    return vnl_nl_flush(nl, err);
}

int vnl_shaper_set(struct vnl_nl *nl, uint32_t number, uint64_t bps, const char *vm, struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r;

    if (bps / 8 == 0)
        return unset(nl, number, vm, err);
    r = vnl_shaper_set_tbf(nl, number, bps, vm, &why);
    if (r == -ENOENT) /* no such kind of discipline */
        return vnl_shaper_set_htb(nl, number, bps, vm, err);
    if (r < 0 && err)
        vnl_err_append(err, &why);
    return r;
}

/* --- reading --------------------------------------------------------------------------------------------------------------- */

static void read_tbf(const struct nlattr *options, uint64_t *ret)
{
    const struct nlattr *attr;

    mnl_attr_for_each_nested(attr, options)
    {
        if (mnl_attr_get_type(attr) == TCA_TBF_PARMS && *ret == 0)
            *ret = ((const struct tc_tbf_qopt *)mnl_attr_get_payload(attr))->rate.rate;
        else if (mnl_attr_get_type(attr) == TCA_TBF_RATE64)
            *ret = mnl_attr_get_u64(attr);
    }
}

struct limit {
    int ifindex;
    uint64_t bytes_per_s;
};

static int read_qdisc(const struct nlmsghdr *msg, void *arg)
{
    const struct tcmsg *head = mnl_nlmsg_get_payload(msg);
    struct limit *limit = arg;
    const struct nlattr *attr;

    if (head->tcm_ifindex != limit->ifindex || head->tcm_parent != TC_H_ROOT || head->tcm_handle != HANDLE)
        return 0;
    mnl_attr_for_each(attr, msg, sizeof(*head)) if (mnl_attr_get_type(attr) == TCA_OPTIONS)
        read_tbf(attr, &limit->bytes_per_s);
    return 0;
}

uint64_t vnl_shaper_rate(struct vnl_nl *nl, uint32_t number)
{
    struct limit limit = { .ifindex = (int)(VNL_GUEST_IFINDEX + number) };
    struct tcmsg all = { .tcm_family = AF_UNSPEC };

    (void)vnl_nl_dump(nl, RTM_GETQDISC, &all, sizeof(all), read_qdisc, &limit, NULL);
    return 8 * limit.bytes_per_s;
}
