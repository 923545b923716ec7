/* The two that are asked without packets: the plan, and the loaded program. */
#include "play.h"

#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"
#include "vnetlab/verify.h"

/* --- the plan ------------------------------------------------------------------------------------------------------------ */

static uint32_t plan_nic(const struct play *play, const struct vnl_nic *nic)
{
    for (uint32_t i = 0; i < play->plan->n_nics; i++) {
        if (play->plan->nics[i].slot == nic->slot)
            return i;
    }
    abort();
}

/* A loop is cut where the plan first finds it. And an answer that goes astray after a translation may come to the NIC that has asked, by
 * an address that no flow there has: the plan knows flows by NICs, so it may name a later reason. */
static bool back_agrees(const struct row *row, enum vnl_drop back)
{
    const struct naive_way *way = &row->way.back;
    bool astray = row->way.there.outside && !way->straight;

    if (way->reason != VNL_DROP_NONE && (way->loops || astray))
        return back != VNL_DROP_NONE;
    return back == way->reason;
}

void ask_plan(struct play *play, const struct row *row)
{
    struct vnl_flow_query query = { .nic = plan_nic(play, row->from),
                                    .dst = row->dst,
                                    .proto = protos[row->proto].number,
                                    .src_port = DRY_PORT,
                                    .dst_port = protos[row->proto].port };
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    enum vnl_drop there, back;
    const char *rule;

    if (vnl_verify(play->plan, &query, &verify, &err) < 0) {
        say_err(play, "verify", err);
        return;
    }
    there = verify->blocker ? verify->blocker->reason : VNL_DROP_NONE;
    back = there == VNL_DROP_NONE && verify->back ? verify->back->reason : VNL_DROP_NONE;
    rule = verify->blocker && verify->blocker->rule ? verify->blocker->rule->name : NULL;
    if (row->way.there.loops && there != VNL_DROP_NONE)
        return;
    if (there != row->way.there.reason || !back_agrees(row, back))
        say_row(play, row, "the plan says %s, reply %s", vnl_drop_str(there), vnl_drop_str(back));
    else if (verify->blocker && verify->blocker->nic != plan_nic(play, row->way.there.at))
        say_row(play, row, "the plan says at NIC %s", play->plan->nics[verify->blocker->nic].name);
    else if ((rule != NULL) != (row->way.there.rule != NULL) ||
             (rule && strcmp(rule, row->way.there.rule) != 0))
        say_row(play, row, "the plan says by %s", rule ? rule : "no rule");
    else if (row->passes &&
             (verify->hops + 1 != row->way.there.n_got || verify->back_hops + 1 != row->way.back.n_got))
        say_row(play, row, "the plan says through %u appliances, and %u back", verify->hops,
                verify->back_hops);
}

/* --- the program --------------------------------------------------------------------------------------------------------- */

static struct naive_flow flow_there(const struct row *row)
{
    return (struct naive_flow){ row->from, row->dst, protos[row->proto].number, DRY_PORT,
                                protos[row->proto].port };
}

/* What is compared of a dry run and of the prediction. A loop is cut where the program first finds something to object to. */
static void compare_program(struct play *play, const struct row *row, const struct naive_way *way,
                            const struct program_way *got)
{
    bool passes = way->reason == VNL_DROP_NONE;

    if (way->loops && got->reason != VNL_DROP_NONE)
        return;
    if (got->reason != way->reason || got->slot != way->at->slot)
        say_row(play, row, "the program says %s in slot %u (%s has %u)%s", vnl_drop_str(got->reason),
                got->slot, vm_of(way->at), way->at->slot, way == &row->way.back ? " to the reply" : "");
    else if (passes && got->forwards + 1 != way->n_got)
        say_row(play, row, "the program takes it through %zu appliances, not %zu", got->forwards,
                way->n_got - 1);
}

static void ask_program_back(struct play *play, const struct row *row)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct naive_flow back = { .nic = row->way.there.at,
                               .dst = *vnl_nic_addr(row->from, row->dst.family),
                               .proto = protos[row->proto].number,
                               .sport = protos[row->proto].port,
                               .dport = DRY_PORT };
    struct program_way got;

    if (program_way(play, VNL_WHAT_IF_KNOWN, &back, &row->dst, &got, &err) < 0)
        say_err(play, "dry run of the reply", err);
    else
        compare_program(play, row, &row->way.back, &got);
}

void ask_program(struct play *play, const struct row *row)
{
    const struct vnl_addr *src = vnl_nic_addr(row->from, row->dst.family);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct naive_flow flow = flow_there(row);
    struct program_way got;

    if (program_way(play, VNL_WHAT_IF_NEW, &flow, src, &got, &err) < 0)
        say_err(play, "dry run", err);
    else
        compare_program(play, row, &row->way.there, &got);
    if (!play->said[0] && row->way.there.reason == VNL_DROP_NONE && row->way.back.straight &&
        !row->way.there.outside && !row->way.there.balanced)
        ask_program_back(play, row);
}
