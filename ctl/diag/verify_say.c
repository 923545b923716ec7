/* The words of `verify`: what each step found, and the smallest change that would open it. */
#include "walk.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

static void say(struct vnl_walk *walk, char **ret, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct vnl_walk *walk, char **ret, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (vasprintf(ret, fmt, args) < 0) {
        *ret = NULL;
        walk->failed = true;
    }
    va_end(args);
}

static const char *vm_of(const struct vnl_walk *walk, uint32_t nic)
{
    return walk->plan->vms[walk->plan->nics[nic].vm].name;
}

static const struct vnl_plan_vnet *vnet_of(const struct vnl_walk *walk, uint32_t nic)
{
    return &walk->plan->vnets[walk->plan->nics[nic].vnet];
}

/* --- source and destination ------------------------------------------------------------------------- */

void vnl_say_source(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    char addr[VNL_ADDR_STR];

    if (step->reason != VNL_DROP_SPOOFED_SOURCE) {
        say(walk, &step->text, "%s", vnl_drop_text(step->reason));
        return;
    }
    say(walk, &step->text, "%s is not an address of %s", vnl_addr_format(&walk->flow.src, addr),
        vm_of(walk, step->nic));
    say(walk, &step->fix, "vnetlab set vms.%s.enableIPForwarding true", vm_of(walk, step->nic));
}

void vnl_say_owner(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    char addr[VNL_ADDR_STR];

    say(walk, &step->text, "no virtual machine has %s", vnl_addr_format(&walk->flow.dst, addr));
}

void vnl_say_deliver(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    char addr[VNL_ADDR_STR];

    say(walk, &step->text, "%s%s", vnl_addr_format(&walk->flow.dst, addr),
        step->reason == VNL_DROP_NONE ? "" : " is not its address");
    if (step->reason != VNL_DROP_NONE)
        say(walk, &step->fix, "vnetlab set vms.%s.enableIPForwarding true", vm_of(walk, step->nic));
}

/* --- peerings ----------------------------------------------------------------------------------------- */

/* The link that leads from one VNet to another, or NULL. */
static const struct vnl_plan_peering *link_between(const struct vnl_plan *plan,
                                                   const struct vnl_plan_vnet *from,
                                                   const struct vnl_plan_vnet *to)
{
    size_t len = strlen(from->id);

    for (size_t i = 0; i < plan->n_peerings; i++) {
        const struct vnl_plan_peering *link = &plan->peerings[i];

        if (!strncmp(link->id, from->id, len) && link->id[len] == '/' && !strcmp(link->remote, to->name))
            return link;
    }
    return NULL;
}

static bool is_state(const struct vnl_plan_peering *link, const char *state)
{
    return link && !strcmp(link->state, state);
}

/* "vnets.a.peerings.a-to-b", as `set` takes it. */
static void say_flag(struct vnl_walk *walk, char **ret, const struct vnl_plan_peering *link, const char *flag)
{
    const char *child = strchr(link->name, '/');

    say(walk, ret, "vnetlab set vnets.%.*s.peerings.%s.%s true", (int)(child - link->name), link->name,
        child + 1, flag);
}

/* Spec 2.2: both links must be Connected. */
static void say_missing(struct vnl_walk *walk, char **ret, const struct vnl_plan_vnet *here,
                        const struct vnl_plan_vnet *there, const struct vnl_plan_peering *link,
                        const struct vnl_plan_peering *back)
{
    const struct vnl_plan_peering *only = link ? link : back;
    const struct vnl_plan_vnet *near = link ? here : there, *far = link ? there : here;

    if (!only)
        say(walk, ret, "virtual networks '%s' and '%s' are not peered: add a peering to both of them",
            here->name, there->name);
    else if (is_state(link, "Disconnected") || is_state(back, "Disconnected"))
        say(walk, ret, "peering '%s' is Disconnected: vnetlab sync %s%s",
            is_state(link, "Disconnected") ? link->name : back->name,
            is_state(link, "Disconnected") ? link->name : back->name,
            link && back ? "" : ", then add the link of the other side");
    else
        say(walk, ret, "peering '%s' is %s: add a peering to '%s' in '%s'", only->name, only->state,
            near->name, far->name);
}

/* No row leads to `there`: which link is to blame. */
static void say_unreached(struct vnl_walk *walk, char **ret, const struct vnl_plan_vnet *here,
                          const struct vnl_plan_vnet *there)
{
    const struct vnl_plan_peering *link = link_between(walk->plan, here, there);
    const struct vnl_plan_peering *back = link_between(walk->plan, there, here);

    if (!is_state(link, "Connected") || !is_state(back, "Connected"))
        say_missing(walk, ret, here, there, link, back);
    else if (strcmp(link->sync, "FullyInSync") != 0)
        say(walk, ret, "peering '%s' is %s and does not know this range of '%s' yet: vnetlab sync %s",
            link->name, link->sync, there->name, link->name);
    else
        say(walk, ret, "peering '%s' does not take in this range of '%s'", link->name, there->name);
}

static const struct vnl_plan_vnet *vnet_with(const struct vnl_plan *plan, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < plan->n_vnets; i++)
        for (size_t k = 0; k < plan->vnets[i].n_space; k++)
            if (vnl_prefix_has(&plan->vnets[i].space[k], addr))
                return &plan->vnets[i];
    return NULL;
}

void vnl_say_route(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    const struct vnl_plan_vnet *here = vnet_of(walk, step->nic),
                               *there = vnet_with(walk->plan, &walk->flow.dst);
    char prefix[VNL_PREFIX_STR];

    if (step->route)
        say(walk, &step->text, "%s %s", vnl_prefix_format(&step->route->prefix, prefix),
            vnl_next_hop_str(step->route->type));
    else
        say(walk, &step->text, "no effective route has the destination");
    if (step->reason != VNL_DROP_NONE && there && there != here)
        say_unreached(walk, &step->fix, here, there);
}

/* The link whose word counts at this step: the sender's, or the receiver's. */
static const struct vnl_plan_peering *link_of_step(const struct vnl_walk *walk,
                                                   const struct vnl_verify_step *step)
{
    const struct vnl_plan_vnet *from = vnet_of(walk, walk->flow.nic),
                               *to = &walk->plan->vnets[step->route->vnet];

    return step->stage == VNL_VERIFY_PEERING_LOCAL ? link_between(walk->plan, from, to)
                                                   : link_between(walk->plan, to, from);
}

void vnl_say_peering(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    const struct vnl_plan_peering *link = link_of_step(walk, step);

    if (!link) { /* a plan made by hand */
        say(walk, &step->text, "%s", vnl_drop_text(step->reason));
        return;
    }
    say(walk, &step->text, "%s: %s, %s; allows: %s", link->name, link->state, link->sync, link->flags);
    if (step->reason == VNL_DROP_PEERING_ACCESS)
        say_flag(walk, &step->fix, link, "allowVirtualNetworkAccess");
    else if (step->reason == VNL_DROP_FORWARDED_TRAFFIC)
        say_flag(walk, &step->fix, link, "allowForwardedTraffic");
}

/* --- rules -------------------------------------------------------------------------------------------- */

/* "tcp:80", "icmp": what a rule would have to name. */
static void format_service(const struct vnl_flow_query *flow, char buf[32])
{
    if (flow->proto == IPPROTO_TCP || flow->proto == IPPROTO_UDP)
        (void)snprintf(buf, 32, "%s:%u", flow->proto == IPPROTO_TCP ? "tcp" : "udp", flow->dst_port);
    else if (flow->proto == IPPROTO_ICMP)
        (void)snprintf(buf, 32, "icmp");
    else
        (void)snprintf(buf, 32, "%s", flow->proto == IPPROTO_ESP ? "esp" : "ah");
}

/* The default rules allow VirtualNetwork; a peer is part of it unless this NIC's link says otherwise (spec 2.5). NULL: it is not that.
 */
static const struct vnl_plan_peering *link_outside_tag(const struct vnl_walk *walk,
                                                       const struct vnl_verify_step *step)
{
    bool inbound = step->reason == VNL_DROP_NSG_INBOUND;
    const struct vnl_plan_vnet *here = vnet_of(walk, step->nic);
    const struct vnl_plan_vnet *there = vnet_with(walk->plan, inbound ? &walk->flow.src : &walk->flow.dst);
    const struct vnl_plan_peering *link =
        there && there != here ? link_between(walk->plan, here, there) : NULL;

    return is_state(link, "Connected") && !strstr(link->flags, "access") ? link : NULL;
}

static void say_deny(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    const struct vnl_plan_rule *rule = step->rule;
    const struct vnl_plan_peering *link = rule->is_default ? link_outside_tag(walk, step) : NULL;
    const char *direction = rule->inbound ? "Inbound" : "Outbound";
    char addr[VNL_ADDR_STR], service[32];

    format_service(&walk->flow, service);
    (void)vnl_addr_format(rule->inbound ? &walk->flow.src : &walk->flow.dst, addr);
    if (link)
        say_flag(walk, &step->fix, link, "allowVirtualNetworkAccess");
    else if (rule->is_default)
        say(walk, &step->fix, "add a rule to NSG %s: %s, Allow, %s %s %s", step->rules->nsg_name, direction,
            service, rule->inbound ? "from" : "to", addr);
    else if (rule->priority > 100)
        say(walk, &step->fix, "add a rule to NSG %s: %s, Allow, %s %s %s, with a priority below %d",
            step->rules->nsg_name, direction, service, rule->inbound ? "from" : "to", addr, rule->priority);
    else
        say(walk, &step->fix,
            "vnetlab set nsgs.%s.rules.%s.access Allow (no priority is left in front of it)",
            step->rules->nsg_name, rule->name);
}

void vnl_say_rules(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    const struct vnl_plan_rule *rule = step->rule;

    if (!step->rules)
        say(walk, &step->text, "no NSG");
    else if (!rule)
        say(walk, &step->text, "platform traffic: not the affair of NSG %s", step->rules->nsg_name);
    else
        say(walk, &step->text, "%s_%s (%d) of NSG %s", rule->is_default ? "DefaultRule" : "UserRule",
            rule->name, rule->priority, step->rules->nsg_name);
    if (step->reason != VNL_DROP_NONE)
        say_deny(walk, step);
}

/* --- verdict ------------------------------------------------------------------------------------------ */

const struct vnl_verify_step *vnl_verify_blocker(const struct vnl_verify *verify, bool one_way)
{
    return verify->blocker || one_way ? verify->blocker : verify->back;
}

char *vnl_verify_verdict(const struct vnl_plan *plan, const struct vnl_verify *verify, bool one_way)
{
    const struct vnl_verify_step *step = vnl_verify_blocker(verify, one_way);
    char *text = NULL;
    int n;

    if (!step)
        return strdup("allowed");
    n = asprintf(&text, "blocked: %s%s at %s%s%s%s%s%s", step->back ? "reply: " : "",
                 vnl_drop_str(step->reason), plan->vms[plan->nics[step->nic].vm].name,
                 step->rule ? " by " : "",
                 !step->rule              ? ""
                 : step->rule->is_default ? "DefaultRule_"
                                          : "UserRule_",
                 step->rule ? step->rule->name : "", step->rule ? " of NSG " : "",
                 step->rule ? step->rules->nsg_name : "");
    return n < 0 ? NULL : text;
}
