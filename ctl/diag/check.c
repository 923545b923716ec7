/* Grading: real packets decide whether an expectation holds; the loaded program, run dry with the same
 * packet, hop by hop (follow.h), says why, and the plan (verify.h) by which rule and what would have to change.
 *
 * The three are independent witnesses. Where they contradict each other (the packet passed although the program
 * would drop it, or was lost although it would pass, or the plan says something else) the row fails and says so:
 * a tool that hides such a case is worth nothing.
 *
 * One thing neither program nor plan knows: what an appliance's guest does beside forwarding, its own NAT and its
 * firewall. Where a guest has sent the packet on, real packets may end otherwise than both say, and that is said. */
#include "vnetlab/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "check_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/follow.h"
#include "vnetlab/plan.h"
#include "vnetlab/verify.h"

#define SRC_PORT 49152 /* of dry runs: the first ephemeral port */

static const enum vnl_probe_proto probe_proto[] = {
    [VNL_EXPECT_ICMP] = VNL_PROBE_ICMP,
    [VNL_EXPECT_TCP] = VNL_PROBE_TCP,
    [VNL_EXPECT_UDP] = VNL_PROBE_UDP,
};
static_assert(ARRAY_SIZE(probe_proto) == VNL_EXPECT_PROTO_MAX, "a probe for every protocol of expect");

const struct vnl_plan_nic *vnl_check_nic(const struct vnl_plan *plan, const char *vm)
{
    const struct vnl_plan_vm *found = vnl_plan_vm_lookup(plan, vm);

    return found && found->n_nics > 0 ? &plan->nics[found->nics[0]] : NULL;
}

static void check_done(struct vnl_check *check)
{
    for (size_t i = 0; i < check->n_rows; i++) {
        free(check->rows[i].why);
        free(check->rows[i].hint);
    }
    free(check->rows);
}

void vnl_check_free(struct vnl_check **check)
{
    if (*check)
        check_done(*check);
    free(*check);
    *check = NULL;
}

/* --- what program and plan say -------------------------------------------------------------------- */

static const uint8_t ip_proto[] = {
    [VNL_PROBE_ICMP] = IPPROTO_ICMP,
    [VNL_PROBE_TCP] = IPPROTO_TCP,
    [VNL_PROBE_UDP] = IPPROTO_UDP,
};
static_assert(ARRAY_SIZE(ip_proto) == VNL_PROBE_PROTO_MAX, "a number for every probe");

struct vnl_flow_query vnl_check_query(const struct vnl_plan *plan, const struct vnl_plan_nic *nic,
                                      const struct vnl_probe *probe)
{
    bool ports = probe->proto != VNL_PROBE_ICMP;

    return (struct vnl_flow_query){ .nic = (uint32_t)(nic - plan->nics),
                                    .dst = probe->dst,
                                    .proto = ip_proto[probe->proto],
                                    .src_port = !ports            ? 0
                                                : probe->src_port ? probe->src_port
                                                                  : SRC_PORT,
                                    .dst_port = probe->port };
}

struct vnl_verify *vnl_check_ask_plan(const struct vnl_plan *plan, const struct vnl_plan_nic *nic,
                                      const struct vnl_probe *probe)
{
    const struct vnl_flow_query query = vnl_check_query(plan, nic, probe);
    struct vnl_verify *verify = NULL;

    return vnl_verify(plan, &query, &verify, NULL) < 0 ? NULL : verify;
}

/* A guest of the user's: what those of gateways do is known. */
static bool has_appliance(const struct vnl_plan *plan, const struct vnl_verify *verify)
{
    for (size_t i = 0; verify && i < verify->n_steps; i++)
        if (verify->steps[i].stage == VNL_VERIFY_GUEST && !plan->nics[verify->steps[i].nic].gateway)
            return true;
    return false;
}

static struct vnl_check_finding finding_of(const struct vnl_plan *plan, const struct vnl_follow *program,
                                           const struct vnl_verify *verify,
                                           const struct vnl_verify_step *step)
{
    bool plans = program->half && program->reason == VNL_DROP_NONE, guests = has_appliance(plan, verify);

    if (plans && step)
        return (struct vnl_check_finding){ step->reason, step->nic, step->back,
                                           guests && (verify->hops || step->hop) };
    return (struct vnl_check_finding){ program->reason, program->nic,
                                       program->back && program->reason != VNL_DROP_NONE,
                                       guests && (program->hops || verify->back_hops) };
}

/* --- grading one row ------------------------------------------------------------------------------ */

static void append(char **text, const char *more)
{
    char *joined = NULL;

    if (asprintf(&joined, "%s%s%s", *text ? *text : "", *text ? "; " : "", more) < 0)
        return;
    free(*text);
    *text = joined;
}

static bool reason_holds(const struct vnl_check_row *row)
{
    enum vnl_drop wanted;

    return !row->expect->reason ||
           (vnl_drop_parse(row->expect->reason, &wanted) == 0 && wanted == row->reason);
}

static bool row_holds(const struct vnl_check_row *row)
{
    if (vnl_probe_passed(row->probe.result) != (row->expect->result == VNL_EXPECT_PASS))
        return false;
    if (row->expect->result == VNL_EXPECT_DROP)
        return reason_holds(row);
    return !row->expect->ttl || row->expect->ttl == row->probe.ttl;
}

/* "the guest of firewall": the only one that has sent the packet on. NULL on ENOMEM. */
static char *guest_text(const struct vnl_plan *plan, const struct vnl_verify *verify)
{
    uint32_t only = VNL_VERIFY_NOBODY;
    char *text = NULL;

    for (size_t i = 0; verify && i < verify->n_steps; i++) {
        if (verify->steps[i].stage != VNL_VERIFY_GUEST)
            continue;
        if (only != VNL_VERIFY_NOBODY && plan->nics[only].vm != plan->nics[verify->steps[i].nic].vm)
            return strdup("a guest on the way");
        only = verify->steps[i].nic;
    }
    if (only == VNL_VERIFY_NOBODY)
        return strdup("a guest on the way");
    return asprintf(&text, "the guest of %s", plan->vms[plan->nics[only].vm].name) < 0 ? NULL : text;
}

/* What happened first: against it, what was predicted explains nothing. */
static void say_guest(struct vnl_check_row *row, const struct vnl_plan *plan, const struct vnl_verify *verify,
                      bool passed)
{
    CLEANUP(vnl_str_free) char *guest = guest_text(plan, verify);
    char *text = NULL;

    if (asprintf(&text, "%s %s %s (the plan alone: %s)", passed ? "passed:" : "no answer came:",
                 guest ? guest : "", passed ? "has changed the packet" : "may have dropped it",
                 passed ? vnl_drop_str(row->reason) : "it passes") < 0)
        return;
    free(row->why);
    row->why = text;
}

/* Where a guest has its hands in it, packets may pass or end against both predictions. */
static void grade_contradiction(struct vnl_check_row *row, const struct vnl_plan *plan,
                                const struct vnl_check_finding *found, const struct vnl_verify *verify)
{
    bool passed = vnl_probe_passed(row->probe.result);

    if (passed == (found->reason == VNL_DROP_NONE))
        return;
    row->ok &= found->guest;
    if (found->guest)
        say_guest(row, plan, verify, passed);
    else
        append(&row->why, passed ? "but the packet passed" : "the program passes it, but no answer came");
}

static void say_plan(struct vnl_check_row *row, enum vnl_drop planned)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "but the plan says %s",
                   planned == VNL_DROP_NONE ? "it passes" : vnl_drop_str(planned));
    append(&row->why, text);
}

static void grade_answers(const struct vnl_check_grader *grader, const struct vnl_plan_nic *nic,
                          struct vnl_check_row *row, const struct vnl_follow *program,
                          const struct vnl_verify *verify, const struct vnl_verify_step *step)
{
    struct vnl_check_finding found = finding_of(grader->plan, program, verify, step);
    enum vnl_drop planned = step ? step->reason : VNL_DROP_NONE;

    row->reason = found.reason;
    row->on_return = found.back;
    row->why = found.reason == VNL_DROP_NONE ? vnl_check_why_pass(grader->plan, nic, &row->probe.dst, verify)
                                             : vnl_check_why_drop(grader->plan, &found, step);
    row->ok = row_holds(row);
    grade_contradiction(row, grader->plan, &found, verify);
    if (verify && planned != found.reason && !vnl_follow_is_state(found.reason)) {
        row->ok = false;
        say_plan(row, planned);
    }
    if (!row->ok && step && step->fix)
        row->hint = strdup(step->fix);
}

static void grade_down(const struct vnl_check_grader *grader, struct vnl_check_row *row,
                       const struct vnl_verify_step *down)
{
    row->reason = VNL_DROP_NO_TUNNEL;
    row->on_return = down->back;
    row->why = vnl_check_why_down(grader, down);
    row->ok = row_holds(row);
    if (!row->ok)
        row->hint = strdup("vnetlab show connections");
}

static void grade_found(const struct vnl_check_grader *grader, const struct vnl_plan_nic *nic,
                        struct vnl_check_row *row, const struct vnl_follow *program)
{
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = vnl_check_ask_plan(grader->plan, nic, &row->probe);
    bool one_way = row->probe.proto == VNL_PROBE_UDP;
    const struct vnl_verify_step *step = verify ? vnl_verify_blocker(verify, one_way) : NULL;
    const struct vnl_verify_step *down = vnl_check_find_down(grader, verify, step, one_way);

    if (down && !vnl_probe_passed(row->probe.result))
        grade_down(grader, row, down);
    else
        grade_answers(grader, nic, row, program, verify, step);
}

void vnl_check_grade(const struct vnl_check_grader *grader, struct vnl_check_row *row)
{
    const struct vnl_plan_nic *nic = vnl_check_nic(grader->plan, row->probe.vm);
    const struct vnl_flow_query query =
        nic ? vnl_check_query(grader->plan, nic, &row->probe) : (struct vnl_flow_query){ 0 };
    struct vnl_follow program;
    int r = nic ? vnl_follow(grader->plan, grader->bpf, &query, &program, NULL) : -ENOENT;

    if (r == 0) {
        grade_found(grader, nic, row, &program);
        return;
    }
    row->why = strdup(r == -EADDRNOTAVAIL ? "the VM has no address of this family" : "the dry run failed");
    row->ok = row_holds(row) && r == -EADDRNOTAVAIL && row->expect->result == VNL_EXPECT_DROP;
}

/* --- the check ------------------------------------------------------------------------------------ */

/* The guest that is meant: a VM, a host of the internet or of a site; NULL when an address is. */
static const char *target_name(const struct vnl_plan *plan, const struct vnl_expect *expect)
{
    if (expect->to_vm || expect->to_host)
        return expect->to_vm ? expect->to_vm->name : expect->to_host->name;
    if (expect->to_site_host)
        return expect->to_site_host->name;
    return vnl_plan_vm_lookup(plan, expect->to) ? expect->to : NULL;
}

/* A UDP probe is looked for where it arrives, behind NAT and load balancers, so its source port must be known: it chooses the backend.
 * Another one each time, so that no session of an earlier check is met. */
uint16_t vnl_check_source_port(void)
{
    uint16_t any = 0;

    return getrandom(&any, sizeof(any), 0) < 0 ? SRC_PORT : (uint16_t)(SRC_PORT + any % (65535 - SRC_PORT));
}

static const char *receiver_of(const struct vnl_plan *plan, const struct vnl_plan_nic *from,
                               const struct vnl_probe *probe)
{
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = vnl_check_ask_plan(plan, from, probe);

    return verify && verify->to != VNL_VERIFY_NOBODY ? plan->vms[plan->nics[verify->to].vm].name : NULL;
}

static const struct vnl_addr *public_named(const struct vnl_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_publics; i++)
        if (!strcasecmp(plan->publics[i].name, name))
            return &plan->publics[i].addr;
    return NULL;
}

/* The address in the running lab: the expectation may be of another version of the lab. */
static void row_aim(const struct vnl_plan *plan, const struct vnl_expect *expect, struct vnl_check_row *row)
{
    const struct vnl_plan_nic *from = vnl_check_nic(plan, expect->from);
    const char *target = target_name(plan, expect);
    const struct vnl_plan_nic *to = target ? vnl_check_nic(plan, target) : NULL;
    const struct vnl_addr *addr =
        from && to ? vnl_verify_aim(plan, (uint32_t)(from - plan->nics), (uint32_t)(to - plan->nics),
                                    expect->addr.family ? expect->addr.family : AF_INET)
                   : NULL;
    const struct vnl_plan_vm *vm;

    *row = (struct vnl_check_row){ .expect = expect };
    row->probe =
        (struct vnl_probe){ .vm = expect->from, .proto = probe_proto[expect->proto], .port = expect->port };
    row->probe.dst = addr ? *addr : expect->addr;
    if (!addr && public_named(plan, expect->to))
        row->probe.dst = *public_named(plan, expect->to);
    if (row->probe.proto == VNL_PROBE_UDP)
        row->probe.src_port = vnl_check_source_port();
    row->probe.to_vm = from ? receiver_of(plan, from, &row->probe) : NULL;
    vm = row->probe.to_vm ? vnl_plan_vm_lookup(plan, row->probe.to_vm) : NULL;
    row->probe.retry_refused = vm && vm->n_run > 0;
}

static bool is_host(const struct vnl_expect *expect, const char *name)
{
    return (expect->from_host && !strcmp(expect->from_host->name, name)) ||
           (expect->to_host && !strcmp(expect->to_host->name, name));
}

/* Is each VM of the expectation there? Else the row fails without a packet: an address alone would aim at somebody else. */
static void row_find_vms(const struct vnl_plan *plan, struct vnl_check_row *row)
{
    const struct vnl_expect *expect = row->expect;
    const char *missing = NULL;

    if (!vnl_plan_vm_lookup(plan, expect->from))
        missing = expect->from;
    else if (target_name(plan, expect) && !vnl_plan_vm_lookup(plan, target_name(plan, expect)))
        missing = target_name(plan, expect);
    row->sent = !missing && row->probe.dst.family != AF_UNSPEC;
    if (!missing && !row->sent)
        row->why = strdup("the running lab has no address for it");
    if (missing && asprintf(&row->why, "%s '%s' is not in the running lab",
                            is_host(expect, missing) ? "internet host" : "VM", missing) < 0)
        row->why = NULL;
    if (missing)
        row->hint = strdup("run 'vnetlab up' with this file first");
}

int vnl_check_run(const struct vnl_lab *expected, const struct vnl_plan *plan,
                  const struct vnl_check_tunnel *tunnels, int timeout_ms, struct vnl_check **ret,
                  struct vnl_err **err)
{
    CLEANUP(vnl_check_free) struct vnl_check *check = calloc(1, sizeof(*check));
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = NULL;
    CLEANUP(vnl_str_free) char *dir = vnl_run_path(plan->lab, "bpf");
    struct vnl_check_grader grader = { .plan = plan, .tunnels = tunnels };
    int r;

    if (!check || !dir || !(check->rows = calloc(expected->n_expects + 1, sizeof(*check->rows))))
        return vnl_fail(err, ENOMEM, "check");
    r = vnl_bpf_open(dir, &bpf, err);
    if (r < 0)
        return vnl_wrap(err, "lab '%s'", plan->lab);
    grader.bpf = bpf;
    check->n_rows = expected->n_expects;
    for (size_t i = 0; i < check->n_rows; i++) {
        row_aim(plan, expected->expects[i], &check->rows[i]);
        row_find_vms(plan, &check->rows[i]);
    }
    r = vnl_check_send(&grader, check, timeout_ms, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < check->n_rows; i++)
        check->n_failed += !check->rows[i].ok;
    *ret = TAKE_PTR(check);
    return 0;
}
