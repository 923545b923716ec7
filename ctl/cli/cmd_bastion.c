/* vnetlab bastion: a session through Azure Bastion (spec 6.3). What Bastion does is a web page and a relay; what decides is whether a TCP
 * session from AzureBastionSubnet gets to the virtual machine. So that is asked of the plan, and then a shell is opened. */
#include "cmd_guest.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "cmd_nic.h"
#include "cmds.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"
#include "vnetlab/verify.h"

#define SRC_PORT 49152

enum { OPT_RDP, OPT_NO_TTY };
const struct vnl_opt vnl_bastion_opts[] = {
    [OPT_RDP] = { "--rdp", NULL, NULL, "ask for TCP 3389 instead of 22" },
    [OPT_NO_TTY] = { "--no-tty", "-T", NULL, "give the command our own terminal instead of a new one" },
    { NULL },
};

/* Bastion serves its own virtual network and those that are peered with it directly. */
static bool is_near(const struct vnl_cmd_nic *of, uint32_t vnet)
{
    uint32_t own = of->plan->nics[of->nic].vnet;
    const struct vnl_vnet *here;

    if (own == vnet)
        return true;
    if (own >= of->lab->n_vnets || vnet >= of->lab->n_vnets)
        return false;
    here = of->lab->vnets[own];
    for (size_t i = 0; i < here->n_peerings; i++)
        if (here->peerings[i]->remote == of->lab->vnets[vnet])
            return true;
    return false;
}

/* What is asked, and what is found. */
struct question {
    const struct vnl_cmd_nic *of;
    uint16_t port;
    bool open;
    uint32_t
        from; /* index (plan->vnets) of the Bastion that opens it, else of the first; VNL_PLAN_NOBODY: none */
    struct vnl_json *blockers; /* NULL: said as text */
};

static void question_done(struct question *question)
{
    vnl_json_free(&question->blockers);
}

static void add_blockers(struct question *question, uint32_t vnet, const struct vnl_verify *verify)
{
    for (size_t i = 0; i < verify->n_steps; i++) {
        const struct vnl_verify_step *step = &verify->steps[i];
        struct vnl_json *json;

        if (step->reason == VNL_DROP_NONE)
            continue;
        json = vnl_json_object();
        (void)vnl_json_set(json, "virtualNetwork", vnl_json_str(question->of->plan->vnets[vnet].name));
        (void)vnl_json_set(json, "reason", vnl_json_str(vnl_drop_str(step->reason)));
        (void)vnl_json_set(json, "reply", vnl_json_bool(step->back));
        (void)vnl_json_set(json, "found", vnl_json_str(step->text));
        if (step->fix)
            (void)vnl_json_set(json, "fix", vnl_json_str(step->fix));
        (void)vnl_json_push(question->blockers, json);
    }
}

static void say_blockers(const struct vnl_cmd_nic *of, uint32_t vnet, const struct vnl_verify *verify)
{
    CLEANUP(vnl_str_free) char *verdict = vnl_verify_verdict(of->plan, verify, false);

    (void)fprintf(stderr, "Bastion of '%s' does not reach %s: %s\n", of->plan->vnets[vnet].name, of->vm->name,
                  verdict ? verdict : "");
    for (size_t i = 0; i < verify->n_steps; i++) {
        const struct vnl_verify_step *step = &verify->steps[i];

        if (step->reason == VNL_DROP_NONE)
            continue;
        (void)fprintf(stderr, "  %s%s: %s\n", step->back ? "reply: " : "", vnl_drop_str(step->reason),
                      step->text);
        if (step->fix)
            (void)fprintf(stderr, "    fix: %s\n", step->fix);
    }
}

static int ask(struct question *question, uint32_t vnet, struct vnl_err **err)
{
    const struct vnl_cmd_nic *of = question->of;
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = NULL;
    const struct vnl_addr *dst = vnl_verify_aim(of->plan, VNL_VERIFY_NOBODY, of->nic, AF_UNSPEC);
    struct vnl_flow_query query = { .nic = VNL_VERIFY_NOBODY,
                                    .vnet = vnet,
                                    .proto = IPPROTO_TCP,
                                    .src_port = SRC_PORT,
                                    .dst_port = question->port };
    int r;

    if (!dst)
        return vnl_fail(err, EADDRNOTAVAIL, "virtual machine '%s' has no IPv4 address", of->vm->name);
    query.dst = *dst;
    r = vnl_verify(of->plan, &query, &verify, err);
    if (r < 0)
        return r;
    question->open = !vnl_verify_blocker(verify, false);
    if (question->open || question->from == VNL_PLAN_NOBODY)
        question->from = vnet;
    if (!question->open && question->blockers)
        add_blockers(question, vnet, verify);
    else if (!question->open)
        say_blockers(of, vnet, verify);
    return 0;
}

/* The first Bastion that gets through opens it. */
static int ask_all(struct question *question, struct vnl_err **err)
{
    const struct vnl_cmd_nic *of = question->of;
    const char *home = of->plan->vnets[of->plan->nics[of->nic].vnet].name;
    int r = 0;

    for (uint32_t i = 0; r >= 0 && !question->open && i < of->plan->n_vnets; i++)
        if (of->plan->vnets[i].bastion.family != AF_UNSPEC && is_near(of, i))
            r = ask(question, i, err);
    if (r >= 0 && question->from == VNL_PLAN_NOBODY)
        (void)fprintf(stderr,
                      "no Bastion reaches %s: there is no AzureBastionSubnet in '%s' or in a virtual network "
                      "peered with it\n",
                      of->vm->name, home);
    return r;
}

/* The answer alone; no shell. */
static int print_json(struct question *question, struct vnl_err **err)
{
    const struct vnl_plan *plan = question->of->plan;
    struct vnl_json *json = vnl_json_object();
    char addr[VNL_ADDR_STR];
    int r;

    (void)vnl_json_set(json, "virtualMachine", vnl_json_str(question->of->vm->name));
    (void)vnl_json_set(json, "port", vnl_json_int(question->port));
    (void)vnl_json_set(json, "access", vnl_json_str(question->open ? "Allow" : "Deny"));
    if (question->from != VNL_PLAN_NOBODY)
        (void)vnl_json_set(json, "source",
                           vnl_json_str(vnl_addr_format(&plan->vnets[question->from].bastion, addr)));
    if (vnl_json_set(json, "blockers", TAKE_PTR(question->blockers)) < 0)
        vnl_json_free(&json);
    r = vnl_out_json(json, err);
    return r != VNL_EXIT_OK ? r : question->open ? VNL_EXIT_OK : VNL_EXIT_NO;
}

int vnl_cmd_bastion(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_cmd_nic_done) struct vnl_cmd_nic of = { 0 };
    CLEANUP(vnl_str_free) char *lab = NULL, *vm = NULL;
    struct vnl_args stored = *args;
    CLEANUP(question_done)
    struct question question = { .of = &of,
                                 .port = args->values[OPT_RDP] ? 3389 : 22,
                                 .from = VNL_PLAN_NOBODY,
                                 .blockers = args->json ? vnl_json_array() : NULL };
    int r = vnl_cmd_pick_lab(args, &lab, err);

    if (r >= 0)
        r = vnl_cmd_pick_vm(lab, args->operands[0], &vm, err);
    stored.lab = lab;
    if (r >= 0)
        r = vnl_cmd_nic_load(&stored, NULL, vm, NULL, &of, err);
    if (r >= 0 && of.vm->host)
        return vnl_fail(err, EINVAL, "'%s' is an internet host: Bastion reaches virtual machines", vm);
    if (r >= 0 && (of.vm->site_host || of.vm->gateway))
        return vnl_fail(err, EINVAL, "'%s' is %s: Bastion reaches virtual machines", vm,
                        of.vm->gateway ? "a gateway" : "a host of a site");
    if (r >= 0)
        r = ask_all(&question, err);
    if (r < 0)
        return r;
    if (args->json)
        return print_json(&question, err);
    return question.open ? vnl_cmd_in_vm(args, lab, vm, args->values[OPT_NO_TTY] != NULL, err) : VNL_EXIT_NO;
}
