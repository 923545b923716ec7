/* Any bytes as a lab file: loaded, settled from nothing, planned. What is accepted must hold the promises
 * that the later stages rely on; what is refused must say at least one mistake with a sentence. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"
#include "vnetlab/yaml.h"

#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            (void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what);                       \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *null_out(void)
{
    static FILE *out;

    if (!out)
        out = fopen("/dev/null", "we");
    CHECK(out);
    return out;
}

/* A refusal has a reason, in file order, and the reason can be printed. */
static void check_mistakes(int r, const struct vnl_err *err)
{
    CHECK(r < 0 && err);
    for (const struct vnl_err *e = err; e; e = e->next) {
        CHECK(e->num > 0 && e->msg && *e->msg);
        CHECK(!e->where || (e->line > 0 && e->col > 0));
        CHECK(!e->next || !e->line || !e->next->line || e->line >= e->next->line);
    }
    vnl_err_print(null_out(), err);
}

static void check_tree(const struct vnl_yaml *node, unsigned depth)
{
    CHECK(depth <= VNL_YAML_DEPTH);
    CHECK(node->src.line > 0 && node->src.col > 0);
    CHECK(node->type != VNL_YAML_SCALAR || (node->text && !node->n_kids));
    for (size_t i = 0; i < node->n_kids; i++) {
        CHECK((node->kids[i]->key != NULL) == (node->type == VNL_YAML_MAP));
        CHECK(!node->kids[i]->key || vnl_yaml_lookup(node, node->kids[i]->key) == node->kids[i]);
        check_tree(node->kids[i], depth + 1);
    }
}

static void fuzz_tree(const char *text, size_t size)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = vnl_yaml_parse("fuzz.yaml", text, size, &root, &err);

    if (r < 0)
        check_mistakes(r, err);
    else
        CHECK(root && !err);
    if (root)
        check_tree(root, 1);
}

/* One of the four forms, and ports that are ranges. */
static void check_side(const struct vnl_rule_side *side)
{
    CHECK(side->any + (side->tag != VNL_TAG_NONE) + (side->prefixes.n > 0) + (side->n_asgs > 0) == 1);
    CHECK(side->any_port == (side->ports.n == 0));
    for (size_t i = 0; i < side->ports.n; i++)
        CHECK(side->ports.items[i].first <= side->ports.items[i].last);
    for (size_t i = 0; i < side->n_asgs; i++)
        CHECK(side->asgs[i]);
}

static void check_nsg(const struct vnl_nsg *nsg)
{
    for (size_t i = 0; i < nsg->n_rules; i++) {
        const struct vnl_rule *rule = nsg->rules[i];

        CHECK(rule->priority >= 100 && rule->priority <= 4096 && rule->slot != VNL_SLOT_NONE);
        CHECK(rule->nsg == nsg && vnl_rule_lookup(nsg, rule->name) == rule);
        check_side(&rule->source);
        check_side(&rule->destination);
    }
    CHECK((nsg->n_uses > 0) == (nsg->n_subnets + nsg->n_nics > 0));
    for (size_t i = 0; i < nsg->n_uses; i++)
        CHECK(nsg->uses[i].vnet && nsg->uses[i].slot != VNL_SLOT_NONE);
}

static void check_nic(const struct vnl_nic *nic)
{
    CHECK(nic->subnet && nic->subnet->vnet == nic->vm->nics[0]->subnet->vnet && nic->slot != VNL_SLOT_NONE);
    CHECK(nic->n_configs >= 1 && nic->n_configs <= 256 && nic->configs[0].family == AF_INET);
    CHECK(nic->primary == (nic == nic->vm->nics[0]));
    for (size_t i = 0; i < nic->n_configs; i++) {
        const struct vnl_ip_config *config = &nic->configs[i];

        CHECK(config->name && config->primary == (i == 0) && config->family == config->addr.family);
        CHECK(config->family == AF_INET || i + 1 == nic->n_configs);
        CHECK(vnl_prefix_has(&config->subnet_prefix, &config->addr));
    }
}

static void check_table(const struct vnl_udr_table *table)
{
    for (size_t i = 0; i < table->n_udrs; i++) {
        const struct vnl_udr *udr = table->udrs[i];

        CHECK(udr->table == table && vnl_udr_lookup(table, udr->name) == udr);
        CHECK((udr->hop == VNL_UDR_APPLIANCE) == (udr->next_hop.family != 0));
        CHECK(!udr->next_hop.family || udr->next_hop.family == udr->prefix.addr.family);
    }
    for (size_t i = 0; i < table->n_subnets; i++)
        CHECK(table->subnets[i]->route_table == table);
}

static void check_lab(const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_vms; i++) {
        CHECK(lab->vms[i]->n_nics >= 1 && lab->vms[i]->n_nics <= 8);
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++)
            check_nic(lab->vms[i]->nics[k]);
    }
    for (size_t i = 0; i < lab->n_route_tables; i++)
        check_table(lab->route_tables[i]);
    for (size_t i = 0; i < lab->n_nsgs; i++)
        check_nsg(lab->nsgs[i]);
}

/* What is stored comes back as it was. */
static void check_stored(const struct vnl_lab *lab)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *json_again = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *again = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;
    CLEANUP(vnl_str_free) char *text_again = NULL;

    CHECK(vnl_lab_to_json(lab, &json, &err) == 0);
    CHECK(vnl_lab_from_json(json, &again, &err) == 0);
    CHECK(vnl_lab_to_json(again, &json_again, &err) == 0);
    CHECK(vnl_json_format(json, 0, &text, &err) == 0 &&
          vnl_json_format(json_again, 0, &text_again, &err) == 0);
    CHECK(strcmp(text, text_again) == 0);
}

static size_t count_site_hosts(const struct vnl_lab *lab)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_sites; i++)
        n += lab->sites[i]->n_hosts;
    return n;
}

static size_t count_instances(const struct vnl_lab *lab)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_gateways; i++)
        n += lab->gateways[i]->n_instances;
    return n;
}

/* Gateways' instances and sites' devices have two. */
static size_t count_nics(const struct vnl_lab *lab)
{
    size_t n = lab->n_hosts + 2 * count_instances(lab) + 2 * lab->n_sites + count_site_hosts(lab);

    for (size_t i = 0; i < lab->n_vms; i++)
        n += lab->vms[i]->n_nics;
    return n;
}

static void fuzz_plan(const struct vnl_lab *lab)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r = vnl_plan_build(lab, &plan, &err);

    if (r < 0) {
        check_mistakes(r, err);
        return;
    }
    CHECK(plan->n_vms ==
          lab->n_vms + lab->n_hosts + count_instances(lab) + lab->n_sites + count_site_hosts(lab));
    CHECK(plan->n_nics == count_nics(lab));
    CHECK(plan->n_vnets == lab->n_vnets + vnl_lab_has_internet(lab) + lab->n_sites);
    CHECK(vnl_plan_print(null_out(), plan, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r;

    fuzz_tree((const char *)data, size);
    r = vnl_lab_load_text("fuzz.yaml", (const char *)data, size, &lab, &err);
    if (r < 0) {
        CHECK(!lab);
        check_mistakes(r, err);
        return 0;
    }
    CHECK(lab && !err);
    r = vnl_lab_settle(lab, NULL, &err);
    if (r < 0) {
        check_mistakes(r, err);
        return 0;
    }
    check_lab(lab);
    check_stored(lab);
    fuzz_plan(lab);
    return 0;
}
