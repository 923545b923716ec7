/* What becomes of addresses: public IPs, NAT, load balancers (spec 6). Sessions of the way there translate the way back. */
#include <string.h>

#include "walk.h"

/* --- sessions ------------------------------------------------------------------------------------------- */

void vnl_walk_remember(struct vnl_walk *walk, const struct vnl_walk_session *session)
{
    if (walk->n_sessions < VNL_WALK_SESSIONS)
        walk->sessions[walk->n_sessions++] = *session;
}

/* By what the guest of `flow.nic` sends. */
const struct vnl_walk_session *vnl_walk_session_find(const struct vnl_walk *walk, bool balancer)
{
    const struct vnl_flow_query *flow = &walk->flow;

    for (size_t i = 0; i < walk->n_sessions; i++) {
        const struct vnl_walk_session *session = &walk->sessions[i];

        if (session->balancer == balancer && session->nic == flow->nic &&
            vnl_addr_eq(&session->inner, &flow->src) && session->inner_port == flow->src_port &&
            vnl_addr_eq(&session->remote, &flow->dst) && session->remote_port == flow->dst_port)
            return session;
    }
    return NULL;
}

/* By what the other side sends. */
static const struct vnl_walk_session *find_outer(const struct vnl_walk *walk)
{
    const struct vnl_flow_query *flow = &walk->flow;

    for (size_t i = 0; i < walk->n_sessions; i++) {
        const struct vnl_walk_session *session = &walk->sessions[i];

        if (!session->balancer && vnl_addr_eq(&session->outer, &flow->dst) &&
            session->outer_port == flow->dst_port && vnl_addr_eq(&session->remote, &flow->src) &&
            session->remote_port == flow->src_port)
            return session;
    }
    return NULL;
}

/* "10.0.0.4 becomes 203.0.113.9 (public IP vm-ip)" */
static void say_becomes(struct vnl_walk *walk, const struct vnl_addr *was, const struct vnl_addr *is,
                        const char *what, const char *name)
{
    struct vnl_verify_step *step = vnl_walk_step(walk, VNL_VERIFY_TRANSLATE, walk->flow.nic, VNL_DROP_NONE);
    char from[VNL_ADDR_STR], to[VNL_ADDR_STR];

    vnl_say(walk, &step->text, "%s becomes %s (%s%s%s)", vnl_addr_format(was, from), vnl_addr_format(is, to),
            what, *name ? " " : "", name);
}

/* --- to the internet ------------------------------------------------------------------------------------- */

static const struct vnl_plan_public *own_public(const struct vnl_walk *walk)
{
    const struct vnl_plan_nic *nic = &walk->plan->nics[walk->flow.nic];

    for (size_t i = 0; i < nic->n_addrs; i++)
        if (vnl_addr_eq(&nic->addrs[i].addr, &walk->flow.src) && nic->addrs[i].public_ip != VNL_PLAN_NOBODY)
            return &walk->plan->publics[nic->addrs[i].public_ip];
    return NULL;
}

static void go_out(struct vnl_walk *walk, const struct vnl_addr *outer, uint16_t port, const char *what,
                   const char *name)
{
    struct vnl_flow_query *flow = &walk->flow;

    say_becomes(walk, &flow->src, outer, what, name);
    vnl_walk_remember(walk, &(struct vnl_walk_session){ .nic = flow->nic,
                                                        .inner = flow->src,
                                                        .inner_port = flow->src_port,
                                                        .outer = *outer,
                                                        .outer_port = port,
                                                        .remote = flow->dst,
                                                        .remote_port = flow->dst_port });
    flow->src = *outer;
    flow->src_port = port;
}

/* Which of several addresses and ports a flow gets is the program's choice: the first stands for all. */
static void go_out_shared(struct vnl_walk *walk, const struct vnl_plan_nat *nat)
{
    const struct vnl_plan_nic *nic = &walk->plan->nics[walk->flow.nic];
    size_t which = nat->gateway ? 0 : nic->slot / 62 % nat->n_outer;

    go_out(walk, &nat->outer[which], nic->nat_port_first, nat->gateway ? "NAT gateway" : nat->name,
           nat->gateway ? nat->name : "");
}

static uint32_t stay_in(struct vnl_walk *walk, enum vnl_drop reason)
{
    struct vnl_verify_step *step = vnl_walk_step(walk, VNL_VERIFY_TRANSLATE, walk->flow.nic, reason);
    const char *vm = vnl_say_vm(walk, walk->flow.nic), *subnet = walk->plan->nics[walk->flow.nic].subnet;

    vnl_say(walk, &step->text, "%s", vnl_drop_text(reason));
    if (reason == VNL_DROP_NO_OUTBOUND)
        vnl_say(walk, &step->fix,
                "subnet %s is private: add natGateway, a public IP of %s, or defaultOutboundAccess: true",
                subnet, vm);
    else if (reason == VNL_DROP_SNAT_PROTOCOL)
        vnl_say(walk, &step->fix, "give VM %s a public IP of its own", vm);
    else
        vnl_say(walk, &step->fix,
                "VM %s: translate to its own address before sending on, for example "
                "'iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE'",
                vm);
    return VNL_WALK_NOWHERE;
}

/* Spec 6.2, the order of precedence; a route to an appliance has come before all of them. */
uint32_t vnl_walk_out(struct vnl_walk *walk)
{
    const struct vnl_plan_nic *nic = &walk->plan->nics[walk->flow.nic];
    const struct vnl_plan_nat *nat = nic->nat == VNL_PLAN_NOBODY ? NULL : &walk->plan->nats[nic->nat];
    const struct vnl_walk_session *session = vnl_walk_session_find(walk, false);
    const struct vnl_plan_public *own = own_public(walk);
    bool shares = nat && nat->n_outer && vnl_proto_has_ports(walk->flow.proto);

    if (!vnl_walk_is_own(walk))
        return stay_in(walk, VNL_DROP_FOREIGN_TO_INTERNET);
    if (session)
        go_out(walk, &session->outer, session->outer_port, "as it came in", "");
    else if (shares && nat->gateway)
        go_out_shared(walk, nat);
    else if (own)
        go_out(walk, &own->addr, walk->flow.src_port, "public IP", own->name);
    else if (shares)
        go_out_shared(walk, nat);
    else
        return stay_in(walk, nat && nat->n_outer ? VNL_DROP_SNAT_PROTOCOL : VNL_DROP_NO_OUTBOUND);
    return vnl_walk_in(walk);
}

/* --- from the internet ------------------------------------------------------------------------------------ */

static const struct vnl_plan_public *public_at(const struct vnl_walk *walk)
{
    for (size_t i = 0; i < walk->plan->n_publics; i++)
        if (vnl_addr_eq(&walk->plan->publics[i].addr, &walk->flow.dst))
            return &walk->plan->publics[i];
    return NULL;
}

static bool is_shared(const struct vnl_walk *walk)
{
    for (size_t i = 0; i < walk->plan->n_nats; i++)
        for (size_t k = 0; k < walk->plan->nats[i].n_outer; k++)
            if (vnl_addr_eq(&walk->plan->nats[i].outer[k], &walk->flow.dst))
                return true;
    return false;
}

static uint32_t come_back(struct vnl_walk *walk, const struct vnl_walk_session *session)
{
    say_becomes(walk, &walk->flow.dst, &session->inner, "an answer to", vnl_say_vm(walk, session->nic));
    walk->flow.dst = session->inner;
    walk->flow.dst_port = session->inner_port;
    return session->nic;
}

/* A closed one is looked through: what else would stop the packet is of interest. */
static uint32_t come_in(struct vnl_walk *walk, const struct vnl_plan_public *public_ip)
{
    struct vnl_flow_query *flow = &walk->flow;
    const char *subnet = walk->plan->nics[public_ip->nic].subnet;
    struct vnl_verify_step *step;

    if (public_ip->closed) {
        step = vnl_walk_step(walk, VNL_VERIFY_TRANSLATE, flow->nic, VNL_DROP_PUBLIC_CLOSED);
        vnl_say(walk, &step->text, "public IP %s is Standard, and there is no NSG on NIC %s or subnet %s",
                public_ip->name, walk->plan->nics[public_ip->nic].name, subnet);
        vnl_say(walk, &step->fix, "put an NSG with a rule that allows it on NIC %s or subnet %s",
                walk->plan->nics[public_ip->nic].name, subnet);
    } else {
        say_becomes(walk, &flow->dst, &public_ip->inner, "public IP", public_ip->name);
    }
    vnl_walk_remember(walk, &(struct vnl_walk_session){ .nic = public_ip->nic,
                                                        .inner = public_ip->inner,
                                                        .inner_port = flow->dst_port,
                                                        .outer = public_ip->addr,
                                                        .outer_port = flow->dst_port,
                                                        .remote = flow->src,
                                                        .remote_port = flow->src_port });
    flow->dst = public_ip->inner;
    return public_ip->nic;
}

static uint32_t find_host(struct vnl_walk *walk)
{
    for (uint32_t i = 0; i < walk->plan->n_nics; i++)
        if (walk->plan->nics[i].vnet == walk->plan->internet &&
            vnl_nic_owns(&walk->plan->nics[i], &walk->flow.dst))
            return i;
    vnl_say_owner(walk, vnl_walk_step(walk, VNL_VERIFY_OWNER, walk->flow.nic, VNL_DROP_NO_OWNER));
    return VNL_WALK_NOWHERE;
}

uint32_t vnl_walk_in(struct vnl_walk *walk)
{
    const struct vnl_walk_session *session = find_outer(walk);
    const struct vnl_plan_public *public_ip = public_at(walk);
    struct vnl_verify_step *step;

    if (session)
        return come_back(walk, session);
    if (public_ip && public_ip->nic != VNL_PLAN_NOBODY &&
        !walk->plan->vnets[walk->plan->nics[public_ip->nic].vnet].internet)
        return come_in(walk, public_ip);
    if (!is_shared(walk))
        return find_host(walk);
    step = vnl_walk_step(walk, VNL_VERIFY_TRANSLATE, walk->flow.nic, VNL_DROP_NO_SESSION);
    vnl_say(walk, &step->text, "%s", vnl_drop_text(VNL_DROP_NO_SESSION));
    vnl_say(walk, &step->fix,
            "give the VM behind it a public IP of its own: a shared address lets only answers in");
    return VNL_WALK_NOWHERE;
}
