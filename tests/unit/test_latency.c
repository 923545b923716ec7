/* Round trips between regions, and the rate of a VM: numbers with units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../harness/mistakes.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

#define VNET "vnets: {vv: {addressSpace: 10.0.0.0/16, subnets: {s: 10.0.0.0/24}}}\n"

static void without_the_key_there_is_no_delay(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(VNET, NULL);

    (void)state;
    assert_int_equal(vnl_lab_rtt_us(lab, "eastus", "westus"), 0);
}

static void azure_is_the_built_in_table(void **state)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = settled_lab(VNET "latency: azure\n", NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);

    (void)state;
    assert_int_equal(vnl_lab_rtt_us(again, "eastus", "westus"), 69000);
    assert_int_equal(vnl_lab_rtt_us(again, "westus", "eastus"), 69000);
    assert_int_equal(vnl_lab_rtt_us(again, "westeurope", "northeurope"), 20000);
    assert_int_equal(vnl_lab_rtt_us(again, "eastus", "eastus"), 0);
    assert_int_equal(vnl_lab_rtt_us(again, "eastus", "nowhere"), 0);
}

static void a_list_says_its_own(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        settled_lab(VNET "latency: [{between: [\"East US\", westus], rtt: 60ms}, {between: [westus, "
                         "uksouth], rtt: 1.5ms}, {between: [uksouth, ukwest], rtt: 250us}, {between: "
                         "[uksouth, eastus], rtt: 2s}]\n",
                    NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);

    (void)state;
    assert_int_equal(vnl_lab_rtt_us(again, "westus", "eastus"), 60000);
    assert_int_equal(vnl_lab_rtt_us(again, "uksouth", "westus"), 1500);
    assert_int_equal(vnl_lab_rtt_us(again, "uksouth", "ukwest"), 250);
    assert_int_equal(vnl_lab_rtt_us(again, "eastus", "uksouth"), 2000000);
    assert_int_equal(vnl_lab_rtt_us(again, "eastus", "westeurope"), 0); /* not the built-in table's */
}

static void bandwidth_is_decimal(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab = settled_lab(
        VNET "virtualMachines: {a: {subnet: vv/s, bandwidth: 1Gbps}, b: {subnet: vv/s, bandwidth: 2.5 mbps}, "
             "c: {subnet: "
             "vv/s, bandwidth: 64kbps}, d: {subnet: vv/s, bandwidth: 8000bps}, e: {subnet: vv/s}}\n",
        NULL);
    CLEANUP(vnl_lab_free) struct vnl_lab *again = stored_lab(lab);

    (void)state;
    assert_int_equal(again->vms[0]->bandwidth_bps, 1000000000);
    assert_int_equal(again->vms[1]->bandwidth_bps, 2500000);
    assert_int_equal(again->vms[2]->bandwidth_bps, 64000);
    assert_int_equal(again->vms[3]->bandwidth_bps, 8000);
    assert_int_equal(again->vms[4]->bandwidth_bps, 0);
}

static void mistakes_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "latency: aws\n", "InvalidRequestContent 2:10 'latency' must be azure or a list, not 'aws'\n" },
        { "latency: azur\n", "InvalidRequestContent 2:10 'latency' must be azure or a list, not 'azur' | did "
                             "you mean 'azure'?\n" },
        { "latency: [{between: [eastus], rtt: 60ms}]\n",
          "InvalidRequestContent 2:21 'between' names 1 regions, and not two | such as [eastus, "
          "westeurope]\n" },
        { "latency: [{between: [eastus, East US], rtt: 60ms}]\n",
          "- 2:21 'between' names one region twice: eastus | latency is between regions; inside of one there "
          "is none "
          "here\n" },
        { "latency: [{between: [eastus, westus], rtt: 60}]\n",
          "InvalidRequestContent 2:44 'rtt' must be a time from 1us to 10s, such as 60ms, not '60'\n" },
        { "latency: [{between: [eastus, westus]}]\n",
          "- 2:11 'rtt' is missing | write '{between: [eastus, westeurope], rtt: 80ms}'\n" },
        { "latency: [{between: [eastus, westus], rtt: 1ms}, {between: [westus, eastus], rtt: 2ms}]\n",
          "- 2:50 the latency between westus and eastus is said twice | leave one of them out\n" },
        { "virtualMachines: {a: {subnet: vv/s, bandwidth: 1Gb}}\n",
          "InvalidRequestContent 2:48 'bandwidth' must be a rate from 8kbps to 1000Gbps, such as 1Gbps, not "
          "'1Gb'\n" },
        { "virtualMachines: {a: {subnet: vv/s, bandwidth: 1bps}}\n",
          "InvalidRequestContent 2:48 'bandwidth' must be a rate from 8kbps to 1000Gbps, such as 1Gbps, not "
          "'1bps'\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(vnl_str_free) char *text = NULL;

        assert_true(asprintf(&text, VNET "%s", cases[i].text) > 0);
        assert_refused_lab(text, NULL, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_key_there_is_no_delay),
        cmocka_unit_test(azure_is_the_built_in_table),
        cmocka_unit_test(a_list_says_its_own),
        cmocka_unit_test(bandwidth_is_decimal),
        cmocka_unit_test(mistakes_are_refused_with_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
