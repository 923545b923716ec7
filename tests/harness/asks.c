#include "asks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "plans.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"

static const struct vnl_addr *public_named(const struct vnl_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_publics; i++)
        if (!strcmp(plan->publics[i].name, name))
            return &plan->publics[i].addr;
    return NULL;
}

static void set_from(const struct vnl_plan *plan, const char *from, struct vnl_flow_query *query)
{
    const struct vnl_plan_vm *vm = vnl_plan_vm_lookup(plan, from);

    if (!vm && strncmp(from, "Bastion of ", 11) == 0) {
        query->nic = VNL_VERIFY_NOBODY;
        while (strcmp(plan->vnets[query->vnet].name, from + 11) != 0)
            query->vnet++;
        return;
    }
    assert_non_null(vm);
    query->nic = vm->nics[0];
}

struct vnl_flow_query query_of(const struct vnl_plan *plan, const char *from, const char *to, uint8_t proto,
                               uint16_t port)
{
    const struct vnl_plan_vm *dst = vnl_plan_vm_lookup(plan, to);
    const struct vnl_addr *public_ip = public_named(plan, to);
    struct vnl_flow_query query = { .proto = proto, .src_port = port ? 49152 : 0, .dst_port = port };

    set_from(plan, from, &query);
    if (dst)
        query.dst = *vnl_verify_aim(plan, query.nic, dst->nics[0], AF_UNSPEC);
    else if (public_ip)
        query.dst = *public_ip;
    else
        assert_int_equal(vnl_addr_parse(to, &query.dst, NULL), 0);
    return query;
}

struct vnl_verify *ask(const struct vnl_plan *plan, const struct vnl_flow_query *query)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_verify *verify = NULL;

    if (vnl_verify(plan, query, &verify, &err) < 0)
        fail_msg("%s", err->msg);
    return verify;
}

void assert_verdict_(const struct vnl_plan *plan, const struct vnl_flow_query *query, const char *wanted,
                     int line)
{
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, query);
    CLEANUP(vnl_str_free) char *verdict = vnl_verify_verdict(plan, verify, query->proto == IPPROTO_UDP);

    if (strcmp(verdict, wanted) != 0)
        fail_msg("line %d: \"%s\", not \"%s\"", line, verdict, wanted);
}

void assert_flow_(const char *yaml, const char *from, const char *to, uint8_t proto, uint16_t port,
                  const char *wanted, int line)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(yaml);
    struct vnl_flow_query query = query_of(plan, from, to, proto, port);

    assert_verdict_(plan, &query, wanted, line);
}

static const char *vm_at(const struct vnl_plan *plan, uint32_t nic)
{
    return nic == VNL_VERIFY_NOBODY ? "Bastion" : plan->vms[plan->nics[nic].vm].name;
}

char *steps_of(const struct vnl_plan *plan, const struct vnl_flow_query *query)
{
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, query);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    for (size_t i = 0; i < verify->n_steps; i++) {
        const struct vnl_verify_step *step = &verify->steps[i];

        (void)fprintf(out, "%s%s at %s: %s%s%s\n", step->back ? "reply: " : "",
                      vnl_verify_stage_str(step->stage), vm_at(plan, step->nic),
                      step->reason ? vnl_drop_str(step->reason) : "", step->reason ? ", " : "", step->text);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

void assert_fix_(const char *yaml, const char *from, const char *to, uint8_t proto, enum vnl_drop reason,
                 const char *wanted, int line)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(yaml);
    struct vnl_flow_query query = query_of(plan, from, to, proto, proto == IPPROTO_ICMP ? 0 : 80);
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = ask(plan, &query);

    for (size_t i = 0; i < verify->n_steps; i++) {
        const char *fix = verify->steps[i].fix ? verify->steps[i].fix : "(nothing)";

        if (verify->steps[i].reason != reason)
            continue;
        if (strcmp(fix, wanted) != 0)
            fail_msg("line %d: \"%s\", not \"%s\"", line, fix, wanted);
        return;
    }
    fail_msg("line %d: nothing drops with %s", line, vnl_drop_str(reason));
}
