/* vnetlab validate: the checks of `up`, against nothing. */
#include <errno.h>
#include <stdio.h>

#include "cmds.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"

static size_t count_peerings(const struct vnl_lab *lab)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_vnets; i++)
        n += lab->vnets[i]->n_peerings;
    return n;
}

static void print_ok(const char *file, const struct vnl_lab *lab)
{
    char vnets[64], peerings[64], vms[64], hosts[64];

    (void)printf("%s: ok (%s, %s, %s%s)\n", file, vnl_cmd_count(vnets, lab->n_vnets, "virtual network"),
                 vnl_cmd_count(peerings, count_peerings(lab), "peering"),
                 vnl_cmd_count(vms, lab->n_vms, "virtual machine"), vnl_cmd_count_hosts(hosts, lab));
}

static int push_ok(struct vnl_json *list, const char *file, const struct vnl_lab *lab)
{
    struct vnl_json *item = vnl_json_object();
    bool bad = false;

    bad |= vnl_json_set(item, "file", vnl_json_str(file)) < 0;
    bad |= vnl_json_set(item, "lab", vnl_json_str(lab->name)) < 0;
    bad |= vnl_json_set(item, "virtualNetworks", vnl_json_int((int64_t)lab->n_vnets)) < 0;
    bad |= vnl_json_set(item, "peerings", vnl_json_int((int64_t)count_peerings(lab))) < 0;
    bad |= vnl_json_set(item, "virtualMachines", vnl_json_int((int64_t)lab->n_vms)) < 0;
    bad |= vnl_json_set(item, "internetHosts", vnl_json_int((int64_t)(lab->n_hosts - lab->n_clients))) < 0;
    bad |= vnl_json_push(list, item) < 0;
    return bad ? -1 : 0;
}

/* One file; its mistakes are put behind those of the files before it. The plan is built too: it knows the
 * limits. */
static int validate_file(const char *file, struct vnl_json *list, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *mistakes = NULL;
    int r = vnl_lab_load(file, &lab, &mistakes);

    if (r >= 0)
        r = vnl_lab_settle(lab, NULL, &mistakes);
    if (r >= 0)
        r = vnl_plan_build(lab, &plan, &mistakes);
    if (r < 0) {
        vnl_err_append(err, &mistakes);
        return r;
    }
    if (!list)
        print_ok(file, lab);
    else if (push_ok(list, file, lab) < 0)
        return vnl_fail(err, ENOMEM, "JSON output");
    return 0;
}

int vnl_cmd_validate(const struct vnl_args *args, struct vnl_err **err)
{
    struct vnl_json *list = args->json ? vnl_json_array() : NULL, *value;
    int worst = 0;

    for (size_t i = 0; i < args->n_operands; i++) {
        int r = validate_file(args->operands[i], list, err);

        worst = worst < 0 ? worst : r;
    }
    if (!args->json)
        return worst;
    value = vnl_json_object();
    if (vnl_json_set(value, "value", list) < 0 || worst < 0)
        vnl_json_free(&value);
    return worst < 0 ? worst : vnl_out_json(value, err);
}
