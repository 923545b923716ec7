/* Any bytes as a lab file: loaded, settled from nothing, planned. What is accepted must hold the promises
 * that the later stages rely on; what is refused must say at least one mistake with a sentence. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
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

static void check_lab(const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_vms; i++) {
        const struct vnl_nic *nic = lab->vms[i]->nics[0];

        CHECK(lab->vms[i]->n_nics == 1 && nic->subnet && nic->n_configs >= 1 && nic->n_configs <= 2);
        CHECK(nic->configs[0].addr.family == AF_INET);
        for (size_t k = 0; k < nic->n_configs; k++)
            CHECK(vnl_prefix_has(&nic->configs[k].subnet_prefix, &nic->configs[k].addr));
    }
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
    CHECK(plan->n_vms == lab->n_vms && plan->n_nics == lab->n_vms && plan->n_vnets == lab->n_vnets);
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
    fuzz_plan(lab);
    return 0;
}
