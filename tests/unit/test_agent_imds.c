/* Instance metadata: a request to its answer, without a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../ctl/agent/imds.h"
#include "../harness/plans.h"
#include "vnetlab/base.h"

#define LAB                                                                                                  \
    "name: imds\nlocation: eastus\nresourceGroup: rg-1\n"                                                    \
    "vnets:\n"                                                                                               \
    "  vnet-1: {addressSpace: [10.0.0.0/16, 'fd00:a::/48'],\n"                                               \
    "           subnets: {s: {addressPrefixes: [10.0.0.0/26, 'fd00:a:0:1::/64']}, t: 10.0.1.0/24}}\n"        \
    "virtualMachines:\n"                                                                                     \
    "  vm-1: {subnet: vnet-1/s}\n"                                                                           \
    "  vm-2: {subnet: vnet-1/t}\n"

static struct vnl_plan *plan;

static int setup(void **state)
{
    (void)state;
    plan = plan_of(LAB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vnl_plan_free(&plan);
    return 0;
}

static struct vnl_imds_answer ask(const char *vm, const struct vnl_imds_request *request)
{
    struct vnl_imds_answer answer = { 0 };
    const struct vnl_plan_vm *found = vm ? vnl_plan_vm_lookup(plan, vm) : NULL;

    assert_int_equal(
        vnl_imds_answer(plan, found ? &plan->nics[found->nics[0]] : NULL, request, &answer, NULL), 0);
    return answer;
}

static void answer_is(const char *path, const char *format, unsigned status, const char *text)
{
    struct vnl_imds_request request = {
        .path = path, .api_version = "2021-02-01", .format = format, .metadata = true
    };
    struct vnl_imds_answer answer = ask("vm-1", &request);

    assert_string_equal(answer.text, text);
    assert_int_equal(answer.status, status);
    free(answer.text);
}

#define INSTANCE "/metadata/instance"

static void paths_lead_into_the_document(void **state)
{
    (void)state;
    answer_is(INSTANCE "/compute/name", "text", 200, "vm-1");
    answer_is(INSTANCE "/compute/resourceGroupName/", "text", 200, "rg-1");
    answer_is(INSTANCE "/compute/osType", "TEXT", 200, "Linux");
    answer_is(INSTANCE "/network/interface/0/ipv4/ipAddress/0/privateIpAddress", "text", 200, "10.0.0.4");
    answer_is(INSTANCE "/network/interface/0/ipv6", NULL, 200,
              "{\"ipAddress\": [{\"privateIpAddress\": \"fd00:a:0:1::4\"}]}");
    answer_is(INSTANCE "/network/interface/0/ipv4", "json", 200,
              "{\"ipAddress\": [{\"privateIpAddress\": \"10.0.0.4\", \"publicIpAddress\": \"\"}], "
              "\"subnet\": [{\"address\": \"10.0.0.0\", \"prefix\": \"26\"}]}");
    answer_is(INSTANCE, "text", 200, "compute/\nnetwork/");
    answer_is(INSTANCE "/network/interface", "text", 200, "0/");
}

static void what_is_not_there_is_not_found(void **state)
{
    static const char *const paths[] = {
        INSTANCE "/compute/nome",          INSTANCE "/network/interface/1",  INSTANCE "/network/interface/x",
        INSTANCE "/network/interface/-1",  INSTANCE "/compute/name/further", "/metadata/instances",
        "/metadata/identity/oauth2/token",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        answer_is(paths[i], "text", 404, "{\"error\": \"Not found\"}");
}

/* github.com/MicrosoftDocs/azure-docs issue 15283. */
static void a_leaf_is_text(void **state)
{
    (void)state;
    answer_is(INSTANCE "/compute/name", NULL, 400,
              "{\"error\": \"Bad request. The value is text: format=text is required\"}");
    answer_is(INSTANCE "/compute/name", "xml", 400, "{\"error\": \"Bad request. format is json or text\"}");
}

static void the_header_is_required_and_no_proxy(void **state)
{
    struct vnl_imds_request request = { .path = INSTANCE, .api_version = "2021-02-01" };
    struct vnl_imds_answer answer = ask("vm-1", &request);

    (void)state;
    assert_int_equal(answer.status, 400);
    assert_true(answer.json);
    assert_string_equal(answer.text, "{\"error\": \"Bad request. Required metadata header not specified\"}");
    free(answer.text);
    request.metadata = request.forwarded = true;
    answer = ask("vm-1", &request);
    assert_int_equal(answer.status, 400);
    free(answer.text);
}

static void the_version_is_required(void **state)
{
    static const char *const wrong[] = { NULL, "", "2021-02-02", "latest" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct vnl_imds_request request = { .path = INSTANCE, .api_version = wrong[i], .metadata = true };
        struct vnl_imds_answer answer = ask("vm-1", &request);

        assert_int_equal(answer.status, 400);
        assert_non_null(strstr(answer.text, "api-version is invalid or was not specified in the request"));
        assert_non_null(strstr(answer.text, "\"newest-versions\": [\""));
        free(answer.text);
    }
}

static void versions_need_none(void **state)
{
    struct vnl_imds_request request = { .path = "/metadata/versions", .metadata = true };
    struct vnl_imds_answer answer = ask("vm-2", &request);

    (void)state;
    assert_int_equal(answer.status, 200);
    assert_memory_equal(answer.text, "{\"apiVersions\": [\"", 18);
    free(answer.text);
}

static void a_stranger_gets_nothing(void **state)
{
    struct vnl_imds_request request = { .path = INSTANCE, .api_version = "2021-02-01", .metadata = true };
    struct vnl_imds_answer answer = ask(NULL, &request);

    (void)state;
    assert_int_equal(answer.status, 403);
    free(answer.text);
}

static void each_machine_has_an_id_of_its_own_for_good(void **state)
{
    struct vnl_imds_request request = {
        .path = INSTANCE "/compute/vmId", .api_version = "2021-02-01", .format = "text", .metadata = true
    };
    struct vnl_imds_answer one = ask("vm-1", &request), again = ask("vm-1", &request),
                           two = ask("vm-2", &request);

    (void)state;
    assert_int_equal(strlen(one.text), 36);
    assert_string_equal(one.text, again.text);
    assert_string_not_equal(one.text, two.text);
    free(one.text);
    free(again.text);
    free(two.text);
}

/* azure-docs issue 85100: IMDS knows Basic public IPs alone. */
static void a_standard_public_ip_is_not_shown(void **state)
{
    struct vnl_plan_public *publics = plan->publics, own[2] = {
        { .addr = { .family = AF_INET, .bytes = { 198, 51, 100, 7 } }, .basic = true },
        { .addr = { .family = AF_INET, .bytes = { 198, 51, 100, 8 } }, .basic = false },
    };
    size_t n_publics = plan->n_publics;
    struct vnl_plan_addr *addr = &plan->nics[plan->vms[0].nics[0]].addrs[0];
    uint32_t before = addr->public_ip;
    const char *path = INSTANCE "/network/interface/0/ipv4/ipAddress/0/publicIpAddress";

    (void)state;
    plan->publics = own;
    plan->n_publics = 2;
    addr->public_ip = 0;
    answer_is(path, "text", 200, "198.51.100.7");
    addr->public_ip = 1;
    answer_is(path, "text", 200, "");
    addr->public_ip = before;
    plan->publics = publics;
    plan->n_publics = n_publics;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(paths_lead_into_the_document, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_leaf_is_text, setup, teardown),
        cmocka_unit_test_setup_teardown(the_header_is_required_and_no_proxy, setup, teardown),
        cmocka_unit_test_setup_teardown(the_version_is_required, setup, teardown),
        cmocka_unit_test_setup_teardown(versions_need_none, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stranger_gets_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(each_machine_has_an_id_of_its_own_for_good, setup, teardown),
        cmocka_unit_test_setup_teardown(a_standard_public_ip_is_not_shown, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
