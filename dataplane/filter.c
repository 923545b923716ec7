#include "filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netlink.h"
#include "vnetlab/plan.h"

/* One place per port: a second put finds the first. */
#define FILTER_HANDLE   1u
#define FILTER_PRIORITY 1u

static struct tcmsg filter_head(uint32_t ifindex, enum vnl_filter_side side)
{
    return (struct tcmsg){
        .tcm_family = AF_UNSPEC,
        .tcm_ifindex = (int)ifindex,
        .tcm_parent = TC_H_MAKE(TC_H_CLSACT, side == VNL_FILTER_EGRESS ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS),
        .tcm_handle = FILTER_HANDLE,
        .tcm_info = TC_H_MAKE(FILTER_PRIORITY << 16, htons(ETH_P_ALL)),
    };
}

/* Without NLM_F_EXCL a clsact that is there already is left as it is. */
static void put_clsact(struct vnl_nl *nl, uint32_t ifindex, const char *ifname, const char *vm)
{
    struct vnl_nl_what what = { .action = "make the hook of port", .object = ifname, .vm = vm };
    struct tcmsg head = {
        .tcm_family = AF_UNSPEC,
        .tcm_ifindex = (int)ifindex,
        .tcm_parent = TC_H_CLSACT,
        .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
    };
    struct nlmsghdr *msg = vnl_nl_put(nl, RTM_NEWQDISC, NLM_F_CREATE, &head, sizeof(head), &what);

    mnl_attr_put_strz(msg, TCA_KIND, "clsact");
}

void vnl_filter_put(struct vnl_nl *nl, const struct vnl_plan_nic *nic, const char *vm, int prog_fd)
{
    vnl_filter_put_at(nl, nic->ifindex, nic->ifname, vm, prog_fd);
}

void vnl_filter_put_at(struct vnl_nl *nl, uint32_t ifindex, const char *ifname, const char *vm, int prog_fd)
{
    vnl_filter_put_side(nl, ifindex, VNL_FILTER_INGRESS, ifname, vm, prog_fd);
}

void vnl_filter_put_side(struct vnl_nl *nl, uint32_t ifindex, enum vnl_filter_side side, const char *ifname,
                         const char *vm, int prog_fd)
{
    struct vnl_nl_what what = { .action = "attach the program to port", .object = ifname, .vm = vm };
    struct tcmsg head = filter_head(ifindex, side);
    struct nlmsghdr *msg;
    struct nlattr *options;

    put_clsact(nl, ifindex, ifname, vm);
    msg = vnl_nl_put(nl, RTM_NEWTFILTER, NLM_F_CREATE, &head, sizeof(head), &what);
    mnl_attr_put_strz(msg, TCA_KIND, "bpf");
    options = mnl_attr_nest_start(msg, TCA_OPTIONS);
    mnl_attr_put_u32(msg, TCA_BPF_FD, (uint32_t)prog_fd);
    mnl_attr_put_strz(msg, TCA_BPF_NAME, "vnetlab");
    mnl_attr_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
    mnl_attr_nest_end(msg, options);
}

/* The hook is made where it is missing, so that "no such filter" (ENOENT) is all that can be wrong. */
void vnl_filter_remove_side(struct vnl_nl *nl, uint32_t ifindex, enum vnl_filter_side side,
                            const char *ifname, const char *vm)
{
    struct vnl_nl_what what = {
        .action = "take the program from port", .object = ifname, .vm = vm, .ignore = ENOENT
    };
    struct tcmsg head = filter_head(ifindex, side);
    struct nlmsghdr *msg;

    put_clsact(nl, ifindex, ifname, vm);
    msg = vnl_nl_put(nl, RTM_DELTFILTER, 0, &head, sizeof(head), &what);
    mnl_attr_put_strz(msg, TCA_KIND, "bpf");
}

struct found {
    uint32_t prog_id;
    uint32_t flags;
};

static int read_options(const struct nlattr *attr, void *arg)
{
    struct found *found = arg;

    if (mnl_attr_get_type(attr) == TCA_BPF_ID && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
        found->prog_id = mnl_attr_get_u32(attr);
    if (mnl_attr_get_type(attr) == TCA_BPF_FLAGS && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
        found->flags = mnl_attr_get_u32(attr);
    return MNL_CB_OK;
}

static int read_filter(const struct nlmsghdr *msg, void *arg)
{
    const struct nlattr *attr;

    mnl_attr_for_each(attr, msg, sizeof(struct tcmsg)) if (mnl_attr_get_type(attr) == TCA_OPTIONS)(void)
        mnl_attr_parse_nested(attr, read_options, arg);
    return 0;
}

uint32_t vnl_filter_prog_id(struct vnl_nl *nl, uint32_t ifindex)
{
    return vnl_filter_side_prog_id(nl, ifindex, VNL_FILTER_INGRESS);
}

uint32_t vnl_filter_side_prog_id(struct vnl_nl *nl, uint32_t ifindex, enum vnl_filter_side side)
{
    struct tcmsg head = filter_head(ifindex, side);
    struct found found = { 0 };
    char buf[256];
    struct nlmsghdr *request = mnl_nlmsg_put_header(buf);

    request->nlmsg_type = RTM_GETTFILTER;
    memcpy(mnl_nlmsg_put_extra_header(request, sizeof(head)), &head, sizeof(head));
    mnl_attr_put_strz(request, TCA_KIND, "bpf");
    if (vnl_nl_ask(nl, request, read_filter, &found) < 0 || !(found.flags & TCA_BPF_FLAG_ACT_DIRECT))
        return 0;
    return found.prog_id;
}
