/* The words of `verify`: what each step found, and the smallest change that would open it. */
#include "walk.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

void vnl_say(struct vnl_walk *walk, char **ret, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (vasprintf(ret, fmt, args) < 0) {
        *ret = NULL;
        walk->failed = true;
    }
    va_end(args);
}

static const char *name_of(const struct vnl_plan *plan, uint32_t nic)
{
    return nic == VNL_VERIFY_NOBODY ? "Bastion" : plan->vms[plan->nics[nic].vm].name;
}

const char *vnl_say_vm(const struct vnl_walk *walk, uint32_t nic)
{
    return name_of(walk->plan, nic);
}

/* --- source, delivery, guest --------------------------------------------------------------------------- */

void vnl_say_forwarding_flag(struct vnl_walk *walk, char **ret, uint32_t nic)
{
    const struct vnl_plan_nic *planned = &walk->plan->nics[nic];
    const struct vnl_plan_vm *vm = &walk->plan->vms[planned->vm];

    if (vm->n_nics == 1)
        vnl_say(walk, ret, "NIC %s has enableIPForwarding off; vnetlab set vms.%s.enableIPForwarding true",
                planned->name, vm->name);
    else
        vnl_say(walk, ret, "NIC %s has enableIPForwarding off; set it to true", planned->name);
}

void vnl_say_source(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    char addr[VNL_ADDR_STR];

    if (step->reason != VNL_DROP_SPOOFED_SOURCE) {
        vnl_say(walk, &step->text, "%s", vnl_drop_text(step->reason));
        return;
    }
    vnl_say(walk, &step->text, "%s is not an address of %s", vnl_addr_format(&walk->flow.src, addr),
            vnl_say_vm(walk, step->nic));
    if (step->nic != VNL_VERIFY_NOBODY && !walk->plan->nics[step->nic].ip_forwarding)
        vnl_say_forwarding_flag(walk, &step->fix, step->nic);
}

void vnl_say_owner(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    char addr[VNL_ADDR_STR];

    vnl_say(walk, &step->text, "no virtual machine has %s", vnl_addr_format(&walk->flow.dst, addr));
}

/* An appliance's own: it is handed over although it is for somebody else. */
void vnl_say_deliver(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    bool foreign = step->nic != VNL_VERIFY_NOBODY && !walk->floating &&
                   !vnl_nic_owns(&walk->plan->nics[step->nic], &walk->flow.dst);
    char addr[VNL_ADDR_STR];

    (void)vnl_addr_format(&walk->flow.dst, addr);
    if (step->reason != VNL_DROP_NONE)
        vnl_say_forwarding_flag(walk, &step->fix, step->nic);
    if (foreign && walk->plan->nics[step->nic].gateway)
        vnl_say(walk, &step->text, "%s is not its address: a gateway takes all", addr);
    else if (foreign)
        vnl_say(walk, &step->text, "%s is not its address, enableIPForwarding is %s", addr,
                step->reason == VNL_DROP_NONE ? "on" : "off");
    else
        vnl_say(walk, &step->text, "%s", addr);
}

void vnl_say_guest(struct vnl_walk *walk, struct vnl_verify_step *step, uint32_t out)
{
    const char *vm = vnl_say_vm(walk, step->nic);

    if (step->reason == VNL_DROP_NONE) {
        vnl_say(walk, &step->text, "forwards it, out of NIC %s", walk->plan->nics[out].name);
        return;
    }
    vnl_say(walk, &step->text, "the guest does not forward");
    vnl_say(walk, &step->fix, "VM %s: ipForward is false; vnetlab set vms.%s.ipForward true", vm, vm);
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
    const struct vnl_plan_vnet *here = &walk->plan->vnets[vnl_walk_place(walk, step->nic).vnet];
    const struct vnl_plan_vnet *there =
        vnl_vnet_with(walk->plan, inbound ? &walk->flow.src : &walk->flow.dst);
    const struct vnl_plan_peering *link =
        there && there != here ? vnl_link_between(walk->plan, here, there) : NULL;

    return vnl_link_is(link, "Connected") && !strstr(link->flags, "access") ? link : NULL;
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
        vnl_say_flag(walk, &step->fix, link, "allowVirtualNetworkAccess");
    else if (rule->is_default && vnl_say_missing_route(walk, &step->fix, step->nic,
                                                       rule->inbound ? &walk->flow.src : &walk->flow.dst))
        return; /* prefixes that a route sends to an appliance are in VirtualNetwork (spec 3.5) */
    else if (rule->is_default)
        vnl_say(walk, &step->fix, "add a rule to NSG %s: %s, Allow, %s %s %s", step->rules->nsg_name,
                direction, service, rule->inbound ? "from" : "to", addr);
    else if (rule->priority > 100)
        vnl_say(walk, &step->fix, "add a rule to NSG %s: %s, Allow, %s %s %s, with a priority below %d",
                step->rules->nsg_name, direction, service, rule->inbound ? "from" : "to", addr,
                rule->priority);
    else
        vnl_say(walk, &step->fix,
                "vnetlab set nsgs.%s.rules.%s.access Allow (no priority is left in front of it)",
                step->rules->nsg_name, rule->name);
}

void vnl_say_rules(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    const struct vnl_plan_rule *rule = step->rule;

    if (!step->rules)
        vnl_say(walk, &step->text, "no NSG");
    else if (!rule)
        vnl_say(walk, &step->text, "platform traffic: not the affair of NSG %s", step->rules->nsg_name);
    else
        vnl_say(walk, &step->text, "%s_%s (%d) of NSG %s", rule->is_default ? "DefaultRule" : "UserRule",
                rule->name, rule->priority, step->rules->nsg_name);
    if (step->reason != VNL_DROP_NONE)
        say_deny(walk, step);
}

/* Of an asymmetric reply. */
void vnl_say_unseen(struct vnl_walk *walk, struct vnl_verify_step *step)
{
    vnl_say(walk, &step->text, "%s has not seen this connection begin: the reply takes another way",
            vnl_say_vm(walk, step->nic));
    vnl_say(walk, &step->fix, "let both directions go through %s, or neither", vnl_say_vm(walk, step->nic));
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
                 vnl_drop_str(step->reason), name_of(plan, step->nic), step->rule ? " by " : "",
                 !step->rule              ? ""
                 : step->rule->is_default ? "DefaultRule_"
                                          : "UserRule_",
                 step->rule ? step->rule->name : "", step->rule ? " of NSG " : "",
                 step->rule ? step->rules->nsg_name : "");
    return n < 0 ? NULL : text;
}
