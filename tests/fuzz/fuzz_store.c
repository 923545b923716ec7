/* Any bytes as a stored lab, and any bytes as a lab file that is stored. A document that is accepted must
 * come back byte for byte once it was written, and can be planned; a lab that was accepted from a file must
 * be accepted from the store. */
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

#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            (void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what);                       \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(const struct vnl_lab *lab)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    char *text = NULL;

    CHECK(vnl_lab_to_json(lab, &json, NULL) == 0);
    CHECK(vnl_json_format(json, 0, &text, NULL) == 0);
    return text;
}

static struct vnl_lab *lab_of(const char *text, size_t size)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_lab *lab = NULL;

    if (vnl_json_parse(text, size, &json, &err) < 0)
        return NULL;
    if (vnl_lab_from_json(json, &lab, &err) < 0) {
        CHECK(!lab && err && err->msg && *err->msg);
        return NULL;
    }
    CHECK(lab && !err);
    return lab;
}

static void check_kept(const struct vnl_lab *lab)
{
    CLEANUP(vnl_str_free) char *text = text_of(lab);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = lab_of(text, strlen(text));
    CLEANUP(vnl_str_free) char *again_text = again ? text_of(again) : NULL;
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    CHECK(again && !strcmp(again_text, text));
    CHECK(vnl_plan_build(again, &plan, &err) == 0 || err);
}

static void fuzz_file(const char *text, size_t size)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;

    if (vnl_lab_load_text("lab.yaml", text, size, &lab, NULL) == 0 && vnl_lab_settle(lab, NULL, NULL) == 0)
        check_kept(lab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = lab_of((const char *)data, size);

    if (lab)
        check_kept(lab);
    else
        fuzz_file((const char *)data, size);
    return 0;
}
