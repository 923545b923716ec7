/* vnetlab verify: what the plan says about a new flow, and whether the loaded program says the same. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmds.h"
#include "out.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/event.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"
#include "vnetlab/probe.h"
#include "vnetlab/verify.h"

#define SRC_PORT 49152 /* the first ephemeral one: a new flow's source port is nobody's choice */

enum { OPT_FILE };
const struct vnl_opt vnl_verify_opts[] = {
    [OPT_FILE] = { "--file", "-f", "FILE", "of the lab that FILE describes, as if it were created now" },
    { NULL },
};

struct work {
    struct vnl_lab *lab;
    struct vnl_plan *plan;
    struct vnl_flow_query query;
    const char *service; /* as typed: "tcp:80" */
    struct vnl_verify *verify;
    char *verdict;
    bool tried;   /* the loaded program was asked */
    bool replied; /* `program` is its answer for the reply */
    bool agrees;
    struct vnl_verdict program; /* its answer */
};

static void work_done(struct work *work)
{
    free(work->verdict);
    vnl_verify_free(&work->verify);
    vnl_plan_free(&work->plan);
    vnl_lab_free(&work->lab);
}

/* --- the question ------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint8_t proto;
    bool ports;
} protos[] = {
    { "icmp", IPPROTO_ICMP, false }, { "tcp", IPPROTO_TCP, true }, { "udp", IPPROTO_UDP, true },
    { "esp", IPPROTO_ESP, false },   { "ah", IPPROTO_AH, false },
};

static int fail_service(const char *text, struct vnl_err **err)
{
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, "icmp, tcp:80, udp:53, esp or ah",
                       "verify: '%s' is no protocol with a port from 0 to 65535", text);
}

static int parse_service(const char *text, struct vnl_flow_query *query, struct vnl_err **err)
{
    size_t len = strcspn(text, ":");
    char *end = NULL;
    long port = text[len] ? strtol(text + len + 1, &end, 10) : -1;
    bool digits = text[len] && text[len + 1] >= '0' && text[len + 1] <= '9' && !*end && port <= UINT16_MAX;

    for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
        if (strlen(protos[i].name) != len || strncasecmp(protos[i].name, text, len) != 0)
            continue;
        if (protos[i].ports ? !digits : text[len] != '\0')
            break;
        query->proto = protos[i].proto;
        query->src_port = protos[i].ports ? SRC_PORT : 0;
        query->dst_port = protos[i].ports ? (uint16_t)port : 0;
        return 0;
    }
    return fail_service(text, err);
}

static int find_nic(const struct work *work, const char *word, uint32_t *ret, struct vnl_err **err)
{
    CLEANUP(vnl_resources_done) struct vnl_resources resources = { 0 };
    const struct vnl_resource *found = NULL;
    const struct vnl_plan_vm *vm;
    int r = vnl_resources_build(work->lab, &resources, err);

    if (r >= 0)
        r = vnl_resource_find(&resources, 1u << VNL_TYPE_VM, work->lab->name, word, &found, err);
    if (r < 0)
        return r;
    vm = vnl_plan_vm_lookup(work->plan, found->vm->name);
    if (!vm || !vm->n_nics)
        return vnl_fail(err, ENOENT, "virtual machine '%s' has no network interface", found->vm->name);
    *ret = vm->nics[0];
    return 0;
}

/* A virtual machine by the first of its addresses that the sender has a family for; or any address. */
static int find_dst(struct work *work, const char *word, struct vnl_err **err)
{
    const struct vnl_plan_nic *from = &work->plan->nics[work->query.nic], *to;
    uint32_t nic = 0;
    int r;

    if (vnl_addr_parse(word, &work->query.dst, NULL) == 0)
        return 0;
    r = find_nic(work, word, &nic, err);
    if (r < 0)
        return r;
    to = &work->plan->nics[nic];
    for (size_t i = 0; i < to->n_addrs; i++) {
        for (size_t k = 0; k < from->n_addrs; k++) {
            if (to->addrs[i].addr.family != from->addrs[k].addr.family)
                continue;
            work->query.dst = to->addrs[i].addr;
            return 0;
        }
    }
    return vnl_fail(err, EINVAL, "verify: '%s' has no address of a family that the sender has", word);
}

static int ask_plan(struct work *work, const struct vnl_args *args, struct vnl_err **err)
{
    int r = vnl_cmd_load(args, args->values[OPT_FILE], &work->lab, err);

    if (r >= 0)
        r = vnl_plan_build(work->lab, &work->plan, err);
    work->service = args->operands[2];
    if (r >= 0)
        r = parse_service(work->service, &work->query, err);
    if (r >= 0)
        r = find_nic(work, args->operands[0], &work->query.nic, err);
    if (r >= 0)
        r = find_dst(work, args->operands[1], err);
    if (r >= 0)
        r = vnl_verify(work->plan, &work->query, &work->verify, err);
    if (r < 0)
        return r;
    work->verdict = vnl_verify_verdict(work->plan, work->verify, work->query.proto == IPPROTO_UDP);
    return work->verdict ? 0 : vnl_fail(err, ENOMEM, "verify");
}

/* --- the loaded program ------------------------------------------------------------------------------- */

static const struct vnl_addr *source_of(const struct work *work)
{
    const struct vnl_plan_nic *nic = &work->plan->nics[work->query.nic];

    for (size_t i = 0; i < nic->n_addrs; i++)
        if (nic->addrs[i].addr.family == work->query.dst.family)
            return &nic->addrs[i].addr;
    return NULL;
}

static bool same_answer(const struct work *work)
{
    const struct vnl_verify_step *step = vnl_verify_blocker(work->verify, work->query.proto == IPPROTO_UDP);
    uint32_t rule = step && step->rule ? step->rule->counter : work->program.rule;

    if (!step)
        return work->program.reason == VNL_DROP_NONE;
    return work->program.reason == step->reason && work->program.slot == work->plan->nics[step->nic].slot &&
           work->program.rule == rule;
}

static const struct vnl_plan_nic *nic_by_slot(const struct vnl_plan *plan, uint32_t slot)
{
    for (size_t i = 0; i < plan->n_nics; i++)
        if (plan->nics[i].slot == slot)
            return &plan->nics[i];
    return NULL;
}

static int try_frame(struct work *work, struct vnl_bpf *bpf, const struct vnl_plan_nic *nic, bool back,
                     struct vnl_err **err)
{
    static const enum vnl_probe_proto probes[] = {
        [IPPROTO_ICMP] = VNL_PROBE_ICMP, [IPPROTO_TCP] = VNL_PROBE_TCP, [IPPROTO_UDP] = VNL_PROBE_UDP
    };
    const struct vnl_addr *src = back ? &work->query.dst : source_of(work);
    const struct vnl_addr *dst = back ? source_of(work) : &work->query.dst;
    uint16_t src_port = back ? work->query.dst_port : work->query.src_port;
    uint16_t dst_port = back ? work->query.src_port : work->query.dst_port;
    unsigned char frame[VNL_FRAME_SIZE];
    size_t size = vnl_frame_build(&nic->mac, src, dst, probes[work->query.proto], src_port, dst_port, frame);

    return vnl_bpf_what_if_as(bpf, back ? VNL_WHAT_IF_KNOWN : VNL_WHAT_IF_NEW, nic->slot, frame, size, false,
                              &work->program, err);
}

/* The way there and, when that is open, the way of the reply. */
static int try_both(struct work *work, struct vnl_bpf *bpf, struct vnl_err **err)
{
    const struct vnl_plan_nic *to;
    int r = try_frame(work, bpf, &work->plan->nics[work->query.nic], false, err);

    if (r < 0 || work->program.reason != VNL_DROP_NONE || work->query.proto == IPPROTO_UDP)
        return r;
    to = nic_by_slot(work->plan, work->program.out_slot);
    work->replied = true;
    return to ? try_frame(work, bpf, to, true, err)
              : vnl_fail(err, ENOENT, "a NIC that the plan does not have");
}

static int ask_program(struct work *work, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *dir = vnl_run_path(work->lab->name, "bpf");
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = NULL;
    int r;

    if (!dir)
        return vnl_fail(err, ENOMEM, "verify");
    if (geteuid() != 0 || !vnl_dp_exists(work->lab->name) || work->query.proto > IPPROTO_UDP)
        return 0;
    r = vnl_bpf_open(dir, &bpf, err);
    if (r >= 0)
        r = try_both(work, bpf, err);
    if (r < 0)
        return vnl_wrap(err, "lab '%s'", work->lab->name);
    work->tried = true;
    work->agrees = same_answer(work);
    return 0;
}

/* Where the program stopped the packet, or delivered it. */
static const char *program_vm(const struct work *work)
{
    bool passes = work->program.reason == VNL_DROP_NONE;
    const struct vnl_plan_nic *nic =
        nic_by_slot(work->plan, passes ? work->program.out_slot : work->program.slot);

    return nic ? work->plan->vms[nic->vm].name : "?";
}

/* Plan and packets are never to disagree: this is a defect of vnetlab, or somebody changed the tables by hand. */
static int fail_disagrees(const struct work *work, struct vnl_err **err)
{
    const struct vnl_verdict *program = &work->program;
    const struct vnl_plan_rules *rules = NULL;
    const struct vnl_plan_rule *rule = NULL;
    bool passes = program->reason == VNL_DROP_NONE;
    bool named =
        !passes && program->rule != VNL_NO_RULE && vnl_event_rule(work->plan, program->rule, &rules, &rule);

    return vnl_fail_at(
        err, EIO, NULL, NULL, NULL,
        "'vnetlab up' repairs tables that were changed by hand; else this is a defect of vnetlab",
        "the plan and the loaded program DISAGREE: the plan says \"%s\", the program says \"%s%s at %s%s%s\"",
        work->verdict, work->replied ? "reply: " : "", passes ? "delivered" : vnl_drop_str(program->reason),
        program_vm(work), named ? " by " : "", named ? rule->name : "");
}

/* --- report ------------------------------------------------------------------------------------------- */

static const char *vm_of(const struct work *work, uint32_t nic)
{
    return work->plan->vms[work->plan->nics[nic].vm].name;
}

static int print_steps(const struct work *work, struct vnl_err **err)
{
    static const char *const headers[] = { "Step", "At", "Decision", "Found" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; i < work->verify->n_steps; i++) {
        const struct vnl_verify_step *step = &work->verify->steps[i];
        bool drops = step->reason != VNL_DROP_NONE;

        vnl_table_cell(table, VNL_TONE_PLAIN, "%s%s", step->back ? "reply: " : "",
                       vnl_verify_stage_str(step->stage));
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vm_of(work, step->nic));
        vnl_table_cell(table, drops ? VNL_TONE_BAD : VNL_TONE_GOOD, "%s%s", drops ? "drop " : "pass",
                       drops ? vnl_drop_str(step->reason) : "");
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", step->text);
    }
    return vnl_table_print(stdout, table, true, err);
}

static void print_fixes(const struct work *work)
{
    for (size_t i = 0; i < work->verify->n_steps; i++) {
        const struct vnl_verify_step *step = &work->verify->steps[i];

        if (step->fix)
            (void)printf("  fix for %s at %s: %s\n", vnl_drop_str(step->reason), vm_of(work, step->nic),
                         step->fix);
    }
}

static int print_text(const struct work *work, struct vnl_err **err)
{
    const struct vnl_addr *src = source_of(work);
    char from[VNL_ADDR_STR], to[VNL_ADDR_STR];
    uint32_t nic = work->verify->to;
    int r;

    (void)printf("%s %s > %s%s%s %s\n\n", vm_of(work, work->query.nic), src ? vnl_addr_format(src, from) : "",
                 nic == VNL_VERIFY_NOBODY ? "" : vm_of(work, nic), nic == VNL_VERIFY_NOBODY ? "" : " ",
                 vnl_addr_format(&work->query.dst, to), work->service);
    r = print_steps(work, err);
    if (r < 0)
        return r;
    (void)printf("\n%s\n", work->verdict);
    print_fixes(work);
    if (work->agrees)
        (void)puts("the loaded program decides the same");
    return 0;
}

static struct vnl_json *step_to_json(const struct work *work, const struct vnl_verify_step *step)
{
    struct vnl_json *json = vnl_json_object();

    (void)vnl_json_set(json, "step", vnl_json_str(vnl_verify_stage_str(step->stage)));
    (void)vnl_json_set(json, "reply", vnl_json_bool(step->back));
    (void)vnl_json_set(json, "virtualMachine", vnl_json_str(vm_of(work, step->nic)));
    (void)vnl_json_set(json, "passes", vnl_json_bool(step->reason == VNL_DROP_NONE));
    if (step->reason != VNL_DROP_NONE)
        (void)vnl_json_set(json, "reason", vnl_json_str(vnl_drop_str(step->reason)));
    (void)vnl_json_set(json, "found", vnl_json_str(step->text));
    if (step->rules)
        (void)vnl_json_set(json, "networkSecurityGroup", vnl_json_str(step->rules->nsg));
    if (step->rule) {
        (void)vnl_json_set(json, "rule", vnl_json_str(step->rule->name));
        (void)vnl_json_set(json, "priority", vnl_json_int(step->rule->priority));
    }
    if (step->fix)
        (void)vnl_json_set(json, "fix", vnl_json_str(step->fix));
    return json;
}

static struct vnl_json *program_to_json(const struct work *work)
{
    struct vnl_json *json = vnl_json_object();
    bool passes = work->program.reason == VNL_DROP_NONE;

    (void)vnl_json_set(json, "agrees", vnl_json_bool(work->agrees));
    (void)vnl_json_set(json, "passes", vnl_json_bool(passes));
    if (!passes)
        (void)vnl_json_set(json, "reason", vnl_json_str(vnl_drop_str(work->program.reason)));
    (void)vnl_json_set(json, "virtualMachine", vnl_json_str(program_vm(work)));
    return json;
}

static int print_json(const struct work *work, bool allowed, struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object(), *steps = vnl_json_array();
    const struct vnl_addr *src = source_of(work);
    char from[VNL_ADDR_STR] = "", to[VNL_ADDR_STR];
    uint32_t nic = work->verify->to;

    if (src)
        (void)vnl_addr_format(src, from);
    for (size_t i = 0; i < work->verify->n_steps; i++)
        (void)vnl_json_push(steps, step_to_json(work, &work->verify->steps[i]));
    (void)vnl_json_set(json, "from", vnl_json_str(vm_of(work, work->query.nic)));
    (void)vnl_json_set(json, "sourceAddress", vnl_json_str(from));
    (void)vnl_json_set(json, "to", vnl_json_str(nic == VNL_VERIFY_NOBODY ? NULL : vm_of(work, nic)));
    (void)vnl_json_set(json, "destinationAddress", vnl_json_str(vnl_addr_format(&work->query.dst, to)));
    (void)vnl_json_set(json, "service", vnl_json_str(work->service));
    (void)vnl_json_set(json, "allowed", vnl_json_bool(allowed));
    (void)vnl_json_set(json, "verdict", vnl_json_str(work->verdict));
    if (work->tried)
        (void)vnl_json_set(json, "program", program_to_json(work));
    if (vnl_json_set(json, "steps", steps) < 0)
        vnl_json_free(&json);
    return vnl_out_json(json, err);
}

int vnl_cmd_verify(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(work_done) struct work work = { .agrees = false };
    int r = ask_plan(&work, args, err);
    bool allowed;

    if (r < 0)
        return r;
    if (!args->values[OPT_FILE] && ask_program(&work, err) < 0)
        return VNL_EXIT_SYSTEM;
    allowed = !strcmp(work.verdict, "allowed");
    r = args->json ? print_json(&work, allowed, err) : print_text(&work, err);
    if (r < 0)
        return r;
    if (work.tried && !work.agrees) {
        (void)fail_disagrees(&work, err);
        return VNL_EXIT_SYSTEM;
    }
    return allowed ? VNL_EXIT_OK : VNL_EXIT_NO;
}
