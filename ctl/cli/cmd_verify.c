/* vnetlab verify: what the plan says about a new flow, and whether the loaded program says the same. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd_nic.h"
#include "cmds.h"
#include "connections.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/event.h"
#include "vnetlab/follow.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"
#include "vnetlab/probe.h"
#include "vnetlab/verify.h"

#define SRC_PORT 49152 /* the first ephemeral one: a new flow's source port is nobody's choice */

enum { OPT_FILE, OPT_NIC };
const struct vnl_opt vnl_verify_opts[] = {
    [OPT_FILE] = OPT_FILE_OF_LAB,
    [OPT_NIC] = { "--nic", "-n", "NIC", "SRC sends by this network interface; default: the primary one" },
    { NULL },
};

struct work {
    struct vnl_cmd_nic from;
    struct vnl_flow_query query;
    const char *service; /* as typed: "tcp:80" */
    struct vnl_verify *verify;
    char *verdict;
    bool tried; /* the loaded program was asked */
    bool agrees;
    struct vnl_follow program;      /* its answer */
    struct vnl_cmd_tunnels tunnels; /* of the running lab; `of` is NULL when it was not asked */
};

static void work_done(struct work *work)
{
    vnl_cmd_tunnels_done(&work->tunnels);
    free(work->verdict);
    vnl_verify_free(&work->verify);
    vnl_cmd_nic_done(&work->from);
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

static const struct vnl_plan_public *find_public(const struct vnl_plan *plan, const char *word)
{
    for (size_t i = 0; i < plan->n_publics; i++)
        if (!strcasecmp(plan->publics[i].name, word))
            return &plan->publics[i];
    return NULL;
}

/* An address, a public IP's name, a virtual machine or an internet host: by the address that the sender reaches it by. */
static int find_dst(struct work *work, const char *word, struct vnl_err **err)
{
    const struct vnl_plan_public *public_ip = find_public(work->from.plan, word);
    const struct vnl_addr *addr;
    uint32_t nic = 0;
    int r;

    if (vnl_addr_parse(word, &work->query.dst, NULL) == 0)
        return 0;
    if (public_ip && !vnl_plan_vm_lookup(work->from.plan, word)) {
        work->query.dst = public_ip->addr;
        return 0;
    }
    r = vnl_cmd_nic_find(work->from.lab, work->from.plan, word, NULL, &nic, err);
    if (r < 0)
        return r;
    addr = vnl_verify_aim(work->from.plan, work->query.nic, nic, AF_UNSPEC);
    if (!addr && work->from.vm->host)
        return vnl_fail(err, EINVAL, "verify: '%s' has no public IP, so nothing on the internet reaches it",
                        word);
    if (!addr)
        return vnl_fail(err, EINVAL, "verify: '%s' has no address of a family that the sender has", word);
    work->query.dst = *addr;
    return 0;
}

static const struct vnl_addr *source_of(const struct work *work)
{
    const struct vnl_plan_nic *nic = &work->from.plan->nics[work->query.nic];

    for (size_t i = 0; i < nic->n_addrs; i++)
        if (nic->addrs[i].addr.family == work->query.dst.family)
            return &nic->addrs[i].addr;
    return NULL;
}

static int ask_plan(struct work *work, const struct vnl_args *args, struct vnl_err **err)
{
    int r = parse_service(args->operands[2], &work->query, err);

    work->service = args->operands[2];
    if (r >= 0)
        r = vnl_cmd_nic_load(args, args->values[OPT_FILE], args->operands[0], args->values[OPT_NIC],
                             &work->from, err);
    work->query.nic = work->from.nic;
    if (r >= 0)
        r = find_dst(work, args->operands[1], err);
    if (r >= 0)
        r = vnl_verify(work->from.plan, &work->query, &work->verify, err);
    if (r < 0)
        return r;
    work->verdict = vnl_verify_verdict(work->from.plan, work->verify, work->query.proto == IPPROTO_UDP);
    return work->verdict ? 0 : vnl_fail(err, ENOMEM, "verify");
}

/* --- the loaded program ------------------------------------------------------------------------------- */

/* Of a half answer the reply is not compared. A loop is cut by the plan where it begins anew, by the program when the TTL ends. */
static bool same_answer(const struct work *work)
{
    const struct vnl_verify_step *step = vnl_verify_blocker(work->verify, work->query.proto == IPPROTO_UDP);
    const struct vnl_follow *program = &work->program;

    if (program->half && step && step->back)
        step = NULL;
    if (!step || step->reason == VNL_DROP_ROUTING_LOOP)
        return program->reason == (step ? step->reason : VNL_DROP_NONE);
    return program->reason == step->reason && program->nic == step->nic &&
           (!step->rule || program->rule == step->rule->counter);
}

/* Where the program stopped the packet, or delivered it. */
static const char *program_vm(const struct work *work)
{
    return work->program.nic == VNL_VERIFY_NOBODY
               ? "the platform"
               : work->from.plan->vms[work->from.plan->nics[work->program.nic].vm].name;
}

/* The plan has nothing against it, but just now it does not go. */
static bool is_state_only(const struct work *work)
{
    return vnl_follow_is_state(work->program.reason) &&
           !vnl_verify_blocker(work->verify, work->query.proto == IPPROTO_UDP);
}

static int say_state(struct work *work, struct vnl_err **err)
{
    char *verdict = NULL;

    work->agrees = true;
    if (asprintf(&verdict, "blocked: %s at %s just now, by nothing in the plan: %s",
                 vnl_drop_str(work->program.reason), program_vm(work),
                 vnl_drop_text(work->program.reason)) < 0)
        return vnl_fail(err, ENOMEM, "verify");
    free(work->verdict);
    work->verdict = verdict;
    return 0;
}

/* The plan has nothing against it, but a tunnel is not up. */
static int ask_tunnels(struct work *work, struct vnl_err **err)
{
    char *verdict;
    int r = vnl_cmd_tunnels_ask(work->from.plan, &work->tunnels, err);

    if (r < 0)
        return r;
    verdict = vnl_cmd_tunnels_verdict(work->from.plan, &work->tunnels, work->verify,
                                      work->query.proto == IPPROTO_UDP);
    if (verdict) {
        free(work->verdict);
        work->verdict = verdict;
    }
    return 0;
}

static int ask_program(struct work *work, struct vnl_err **err)
{
    const char *lab = work->from.lab->name;
    CLEANUP(vnl_str_free) char *dir = vnl_run_path(lab, "bpf");
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = NULL;
    int r;

    if (!dir)
        return vnl_fail(err, ENOMEM, "verify");
    if (geteuid() != 0 || !vnl_dp_exists(lab) || work->query.proto > IPPROTO_UDP)
        return 0;
    r = vnl_bpf_open(dir, &bpf, err);
    if (r >= 0)
        r = vnl_follow(work->from.plan, bpf, &work->query, &work->program, err);
    if (r < 0)
        return vnl_wrap(err, "lab '%s'", lab);
    work->tried = true;
    work->agrees = same_answer(work);
    if (is_state_only(work))
        return say_state(work, err);
    return work->agrees ? ask_tunnels(work, err) : 0;
}

/* Plan and packets are never to disagree: this is a defect of vnetlab, or somebody changed the tables by hand. */
static int fail_disagrees(const struct work *work, struct vnl_err **err)
{
    const struct vnl_follow *program = &work->program;
    const struct vnl_plan_rules *rules = NULL;
    const struct vnl_plan_rule *rule = NULL;
    bool passes = program->reason == VNL_DROP_NONE;
    bool named = !passes && program->rule != VNL_NO_RULE &&
                 vnl_event_rule(work->from.plan, program->rule, &rules, &rule);

    return vnl_fail_at(
        err, EIO, NULL, NULL, NULL,
        "'vnetlab up' repairs tables that were changed by hand; else this is a defect of vnetlab",
        "the plan and the loaded program DISAGREE: the plan says \"%s\", the program says \"%s%s at %s%s%s\"",
        work->verdict, program->back ? "reply: " : "", passes ? "delivered" : vnl_drop_str(program->reason),
        program_vm(work), named ? " by " : "", named ? rule->name : "");
}

/* --- report ------------------------------------------------------------------------------------------- */

static const char *vm_of(const struct work *work, uint32_t nic)
{
    return work->from.plan->vms[work->from.plan->nics[nic].vm].name;
}

/* The steps from `first` on that are of its hop. */
static size_t hop_size(const struct vnl_verify *verify, size_t first)
{
    const struct vnl_verify_step *begin = &verify->steps[first];
    size_t n = 1;

    while (first + n < verify->n_steps && begin[n].hop == begin->hop && begin[n].back == begin->back)
        n++;
    return n;
}

/* "hop 2: nva to vm-2, ttl 63"; its first step is at who sends, its last at who gets it or ends it. */
static void print_heading(const struct work *work, const struct vnl_verify_step *first, size_t n)
{
    const char *from = vm_of(work, first->nic), *to = vm_of(work, first[n - 1].nic);

    (void)printf("%s %u: %s%s%s", first->back ? "reply, hop" : "hop", first->hop + 1, from,
                 strcmp(from, to) ? " to " : "", strcmp(from, to) ? to : "");
    if (first->hop)
        (void)printf(", ttl %u", 64 - first->hop);
    (void)puts("");
}

static int print_hop(const struct work *work, const struct vnl_verify_step *first, size_t n,
                     struct vnl_err **err)
{
    static const char *const headers[] = { "Step", "At", "Decision", "Found" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; i < n; i++) {
        bool drops = first[i].reason != VNL_DROP_NONE;

        vnl_table_cell(table, VNL_TONE_PLAIN, "  %s", vnl_verify_stage_str(first[i].stage));
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", vm_of(work, first[i].nic));
        vnl_table_cell(table, drops ? VNL_TONE_BAD : VNL_TONE_GOOD, "%s%s", drops ? "drop " : "pass",
                       drops ? vnl_drop_str(first[i].reason) : "");
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", first[i].text);
    }
    return vnl_table_print(stdout, table, false, err);
}

static int print_steps(const struct work *work, struct vnl_err **err)
{
    const struct vnl_verify *verify = work->verify;
    int r = 0;

    for (size_t i = 0, n; r >= 0 && i < verify->n_steps; i += n) {
        n = hop_size(verify, i);
        print_heading(work, &verify->steps[i], n);
        r = print_hop(work, &verify->steps[i], n, err);
    }
    return r;
}

/* One change may open several steps. */
static bool is_told(const struct vnl_verify *verify, size_t which)
{
    for (size_t i = 0; i < which; i++)
        if (verify->steps[i].fix && !strcmp(verify->steps[i].fix, verify->steps[which].fix))
            return true;
    return false;
}

static void print_fixes(const struct work *work)
{
    for (size_t i = 0; i < work->verify->n_steps; i++) {
        const struct vnl_verify_step *step = &work->verify->steps[i];

        if (step->fix && !is_told(work->verify, i))
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
    if (work->tunnels.of)
        vnl_cmd_tunnels_print_way(work->from.plan, &work->tunnels, work->verify);
    if (work->agrees)
        (void)puts(work->program.half ? "the loaded program decides the same for the way there"
                                      : "the loaded program decides the same");
    return 0;
}

static struct vnl_json *step_to_json(const struct work *work, const struct vnl_verify_step *step)
{
    struct vnl_json *json = vnl_json_object();

    (void)vnl_json_set(json, "step", vnl_json_str(vnl_verify_stage_str(step->stage)));
    (void)vnl_json_set(json, "reply", vnl_json_bool(step->back));
    (void)vnl_json_set(json, "hop", vnl_json_int(step->hop + 1));
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
    (void)vnl_json_set(json, "hops", vnl_json_int(work->verify->hops));
    (void)vnl_json_set(json, "replyHops", vnl_json_int(work->verify->back_hops));
    (void)vnl_json_set(json, "seenSource", vnl_json_str(vnl_addr_format(&work->verify->seen_src, from)));
    (void)vnl_json_set(json, "seenDestination", vnl_json_str(vnl_addr_format(&work->verify->seen_dst, to)));
    (void)vnl_json_set(json, "allowed", vnl_json_bool(allowed));
    (void)vnl_json_set(json, "verdict", vnl_json_str(work->verdict));
    if (work->tried)
        (void)vnl_json_set(json, "program", program_to_json(work));
    if (work->tunnels.of)
        (void)vnl_json_set(json, "tunnels",
                           vnl_cmd_tunnels_way_to_json(work->from.plan, &work->tunnels, work->verify));
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
