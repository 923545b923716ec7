/* Grading: real packets decide whether an expectation holds; the loaded program, run dry with the same
 * packet, says why, and the plan (verify.h) by which rule and what would have to change.
 *
 * The three are independent witnesses. Where they contradict each other (the packet passed although the program
 * would drop it, or was lost although it would pass, or the plan says something else) the row fails and says so:
 * a tool that hides such a case is worth nothing. */
#include "vnetlab/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"
#include "vnetlab/verify.h"

#define SRC_PORT 49152 /* of dry runs: the first ephemeral port */

struct grader {
    const struct vnl_plan *plan;
    struct vnl_bpf *bpf;
};

static const enum vnl_probe_proto probe_proto[] = {
    [VNL_EXPECT_ICMP] = VNL_PROBE_ICMP,
    [VNL_EXPECT_TCP] = VNL_PROBE_TCP,
    [VNL_EXPECT_UDP] = VNL_PROBE_UDP,
};
static_assert(ARRAY_SIZE(probe_proto) == VNL_EXPECT_PROTO_MAX, "a probe for every protocol of expect");

static const struct vnl_plan_nic *nic_of(const struct vnl_plan *plan, const char *vm)
{
    const struct vnl_plan_vm *found = vnl_plan_vm_lookup(plan, vm);

    return found && found->n_nics > 0 ? &plan->nics[found->nics[0]] : NULL;
}

static const struct vnl_addr *addr_of(const struct vnl_plan_nic *nic, int family)
{
    for (size_t i = 0; i < nic->n_addrs; i++)
        if (nic->addrs[i].addr.family == family)
            return &nic->addrs[i].addr;
    return NULL;
}

static const struct vnl_plan_nic *nic_by_slot(const struct vnl_plan *plan, uint32_t slot)
{
    for (size_t i = 0; i < plan->n_nics; i++)
        if (plan->nics[i].slot == slot)
            return &plan->nics[i];
    return NULL;
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

/* --- why: dry runs of the loaded program ---------------------------------------------------------- */

static int dry_run(const struct grader *grader, const struct vnl_plan_nic *nic, const struct vnl_addr *dst,
                   const struct vnl_probe *probe, bool back, struct vnl_verdict *ret, struct vnl_err **err)
{
    const struct vnl_addr *src = addr_of(nic, dst->family);
    unsigned char frame[VNL_FRAME_SIZE];
    uint16_t sport = back ? probe->port : SRC_PORT;
    uint16_t dport = back ? SRC_PORT : probe->port;
    size_t size;

    if (!src)
        return -EADDRNOTAVAIL;
    size = vnl_frame_build(&nic->mac, src, dst, probe->proto, sport, dport, frame);
    return vnl_bpf_what_if_as(grader->bpf, back ? VNL_WHAT_IF_KNOWN : VNL_WHAT_IF_NEW, nic->slot, frame, size,
                              false, ret, err);
}

/* The way there and, when that is open, the way back. UDP counts as passed when it arrives, so it has no way
 * back. */
static int decide(const struct grader *grader, const struct vnl_plan_nic *nic, struct vnl_check_row *row,
                  struct vnl_verdict *ret, struct vnl_err **err)
{
    const struct vnl_plan_nic *to;
    const struct vnl_addr *src = addr_of(nic, row->probe.dst.family);
    int r;

    r = dry_run(grader, nic, &row->probe.dst, &row->probe, false, ret, err);
    row->on_return = false;
    if (r < 0 || ret->reason != VNL_DROP_NONE || row->probe.proto == VNL_PROBE_UDP)
        return r;
    to = nic_by_slot(grader->plan, ret->out_slot);
    if (!to || !src)
        return 0;
    r = dry_run(grader, to, src, &row->probe, true, ret, err);
    row->on_return = r == 0 && ret->reason != VNL_DROP_NONE;
    return r;
}

static char *why_pass(const struct grader *grader, const struct vnl_plan_nic *nic, const struct vnl_addr *dst)
{
    const struct vnl_route *route = vnl_route_select(&grader->plan->tables[nic->table], dst);
    char prefix[VNL_PREFIX_STR];
    char *text = NULL;

    if (!route)
        return NULL;
    if (asprintf(&text, "%s %s", vnl_next_hop_str(route->type), vnl_prefix_format(&route->prefix, prefix)) <
        0)
        return NULL;
    return text;
}

/* step: the plan's blocker; a security rule is called by its name. */
static char *why_drop(const struct grader *grader, const struct vnl_check_row *row,
                      const struct vnl_verdict *verdict, const struct vnl_verify_step *step)
{
    const struct vnl_plan_nic *at = nic_by_slot(grader->plan, verdict->slot);
    bool by_rule = step && step->rule && step->reason == verdict->reason;
    char *text = NULL;

    if (asprintf(&text, "%s%s at %s: %s", row->on_return ? "reply: " : "", vnl_drop_str(verdict->reason),
                 at ? grader->plan->vms[at->vm].name : "?",
                 by_rule ? step->text : vnl_drop_text(verdict->reason)) < 0)
        return NULL;
    return text;
}

/* --- what the plan says --------------------------------------------------------------------------- */

static const uint8_t ip_proto[] = {
    [VNL_PROBE_ICMP] = IPPROTO_ICMP,
    [VNL_PROBE_TCP] = IPPROTO_TCP,
    [VNL_PROBE_UDP] = IPPROTO_UDP,
};
static_assert(ARRAY_SIZE(ip_proto) == VNL_PROBE_PROTO_MAX, "a number for every probe");

static struct vnl_verify *ask_plan(const struct grader *grader, const struct vnl_plan_nic *nic,
                                   const struct vnl_probe *probe)
{
    const struct vnl_flow_query query = { .nic = (uint32_t)(nic - grader->plan->nics),
                                          .dst = probe->dst,
                                          .proto = ip_proto[probe->proto],
                                          .src_port = SRC_PORT,
                                          .dst_port = probe->port };
    struct vnl_verify *verify = NULL;

    return vnl_verify(grader->plan, &query, &verify, NULL) < 0 ? NULL : verify;
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

static void grade_verdict(const struct grader *grader, const struct vnl_plan_nic *nic,
                          struct vnl_check_row *row, const struct vnl_verdict *verdict)
{
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask_plan(grader, nic, &row->probe);
    const struct vnl_verify_step *step =
        verify ? vnl_verify_blocker(verify, row->probe.proto == VNL_PROBE_UDP) : NULL;
    bool passed = vnl_probe_passed(row->probe.result);
    enum vnl_drop planned = step ? step->reason : VNL_DROP_NONE;

    row->reason = verdict->reason;
    row->why = verdict->reason == VNL_DROP_NONE ? why_pass(grader, nic, &row->probe.dst)
                                                : why_drop(grader, row, verdict, step);
    row->ok = row_holds(row);
    if (passed != (verdict->reason == VNL_DROP_NONE)) {
        row->ok = false;
        append(&row->why, passed ? "but the packet passed" : "the program passes it, but no answer came");
    }
    if (verify && planned != verdict->reason) {
        row->ok = false;
        append(&row->why, "but the plan says");
        append(&row->why, planned == VNL_DROP_NONE ? "it passes" : vnl_drop_str(planned));
    }
    if (!row->ok && step && step->fix)
        row->hint = strdup(step->fix);
}

static void grade(const struct grader *grader, struct vnl_check_row *row)
{
    const struct vnl_plan_nic *nic = nic_of(grader->plan, row->probe.vm);
    struct vnl_verdict verdict = { .reason = VNL_DROP_NONE };
    int r = nic ? decide(grader, nic, row, &verdict, NULL) : -ENOENT;

    if (r == 0) {
        grade_verdict(grader, nic, row, &verdict);
        return;
    }
    row->why = strdup(r == -EADDRNOTAVAIL ? "the VM has no address of this family" : "the dry run failed");
    row->ok = row_holds(row) && r == -EADDRNOTAVAIL && row->expect->result == VNL_EXPECT_DROP;
}

/* --- the check ------------------------------------------------------------------------------------ */

/* The VM that owns the destination in the running lab: the expectation may be of another version of the lab.
 */
static void row_aim(const struct vnl_plan *plan, const struct vnl_expect *expect, struct vnl_check_row *row)
{
    const struct vnl_plan_nic *from = nic_of(plan, expect->from);
    const struct vnl_plan_nic *to = expect->to_vm ? nic_of(plan, expect->to_vm->name) : NULL;
    const struct vnl_addr *addr =
        to ? addr_of(to, expect->addr.family ? expect->addr.family : AF_INET) : NULL;
    const struct vnl_plan_vm *vm = NULL;

    *row = (struct vnl_check_row){ .expect = expect };
    row->probe =
        (struct vnl_probe){ .vm = expect->from, .proto = probe_proto[expect->proto], .port = expect->port };
    row->probe.dst = addr ? *addr : expect->addr;
    for (size_t i = 0; !to && i < plan->n_vnets; i++)
        to = vnl_plan_nic_by_addr(plan, (uint32_t)i, &row->probe.dst);
    if (to)
        vm = &plan->vms[to->vm];
    row->probe.to_vm = vm ? vm->name : NULL;
    row->probe.retry_refused = vm && vm->n_run > 0 && from;
}

/* Is each VM of the expectation there? Else the row fails without a packet: an address alone would aim at somebody else. */
static void row_find_vms(const struct vnl_plan *plan, struct vnl_check_row *row)
{
    const struct vnl_expect *expect = row->expect;
    const char *missing = NULL;

    if (!vnl_plan_vm_lookup(plan, expect->from))
        missing = expect->from;
    else if (expect->to_vm && !vnl_plan_vm_lookup(plan, expect->to_vm->name))
        missing = expect->to_vm->name;
    row->sent = !missing;
    if (missing && asprintf(&row->why, "VM '%s' is not in the running lab", missing) < 0)
        row->why = NULL;
    if (missing)
        row->hint = strdup("run 'vnetlab up' with this file first");
}

static int check_probe(const struct vnl_plan *plan, struct vnl_check *check, int timeout_ms,
                       struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *memory = calloc(check->n_rows + 1, sizeof(struct vnl_probe));
    struct vnl_probe *probes = (struct vnl_probe *)memory;
    size_t n = 0;
    int r;

    if (!probes)
        return vnl_fail(err, ENOMEM, "check");
    for (size_t i = 0; i < check->n_rows; i++)
        if (check->rows[i].sent)
            probes[n++] = check->rows[i].probe;
    r = vnl_probe_run(plan->lab, probes, n, timeout_ms, err);
    n = 0;
    for (size_t i = 0; i < check->n_rows; i++)
        if (check->rows[i].sent)
            check->rows[i].probe = probes[n++];
    return r;
}

int vnl_check_run(const struct vnl_lab *expected, const struct vnl_plan *plan, int timeout_ms,
                  struct vnl_check **ret, struct vnl_err **err)
{
    CLEANUP(vnl_check_free) struct vnl_check *check = calloc(1, sizeof(*check));
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = NULL;
    CLEANUP(vnl_str_free) char *dir = vnl_run_path(plan->lab, "bpf");
    struct grader grader = { .plan = plan };
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
    r = check_probe(plan, check, timeout_ms, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < check->n_rows; i++) {
        if (check->rows[i].sent)
            grade(&grader, &check->rows[i]);
        check->n_failed += !check->rows[i].ok;
    }
    *ret = TAKE_PTR(check);
    return 0;
}
