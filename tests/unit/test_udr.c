/* Route tables: what routes may say (spec 4.3), where tables may be attached (1.2, 1.9), limits. How the lab file is read is in
 * test_lab_yaml_routes.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/documents.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

struct udr_case {
    const char *given;
    const char *lab;
    const char *code; /* NULL: no mistake */
    const char *words[3];
};

#define SUBNET(line)                                                                                         \
    "name: lab1\nvnets:\n  hub: {addressSpace: [10.0.0.0/16, 'fd00::/48'], subnets: {" line "}}\n"
#define DEFAULT         SUBNET("default: {addressPrefix: 10.0.0.0/24, routeTable: rt}")
#define TABLE(routes)   "routeTables:\n  rt:\n    routes:\n" routes
#define ROUTE(n, words) "      " n ": {" words "}\n"

static void assert_words(const struct udr_case *c, const struct vnl_err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(c->words) && c->words[i]; i++) {
        if (!strstr(err->msg, c->words[i]) && !(err->hint && strstr(err->hint, c->words[i])))
            fail_msg("%s: '%s' is not in '%s' (%s)", c->given, c->words[i], err->msg, err->hint);
    }
}

static void check_case(const struct udr_case *c)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    int r = document_load(c->lab, NULL, &lab, &err);

    if (!c->code && r < 0)
        fail_msg("%s: %s", c->given, err->msg);
    if (!c->code)
        return;
    if (r != -EINVAL || !err->code || strcmp(err->code, c->code) != 0 || err->next)
        fail_msg("%s: %d, %s, '%s' instead of one '%s'", c->given, r, err ? err->code : "-",
                 err ? err->msg : "", c->code);
    assert_words(c, err);
}

static void check_cases(const struct udr_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_case(&cases[i]);
}

/* --- routes ------------------------------------------------------------------------------------------ */

static void appliances_have_an_address_and_others_have_none(void **state)
{
    static const struct udr_case cases[] = {
        { "an appliance",
          DEFAULT TABLE(ROUTE(
              "a", "addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.1.4")),
          NULL,
          { 0 } },
        { "an appliance without an address",
          DEFAULT TABLE(ROUTE("a", "addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance")),
          "BadRequest",
          { "NextHopIpAddress cannot be Null or Empty in route a when NextHopType is VirtualAppliance",
            "nextHopIpAddress: 10.0.1.4" } },
        { "an appliance with an empty one",
          DEFAULT TABLE(
              ROUTE("a", "addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: ''")),
          "BadRequest",
          { "cannot be Null or Empty" } },
        { "Internet with an address",
          DEFAULT TABLE(
              ROUTE("a", "addressPrefix: 0.0.0.0/0, nextHopType: Internet, nextHopIpAddress: 10.0.1.4")),
          "BadRequest",
          { "NextHopIpAddress must be empty in route a when NextHopType is Internet" } },
        { "None with an empty one",
          DEFAULT TABLE(ROUTE("a", "addressPrefix: 0.0.0.0/0, nextHopType: None, nextHopIpAddress: ''")),
          NULL,
          { 0 } },
        { "all other types",
          DEFAULT TABLE(ROUTE("a", "addressPrefix: 10.1.0.0/16, nextHopType: vnetlocal")
                            ROUTE("b", "addressPrefix: 10.2.0.0/16, nextHopType: VIRTUALNETWORKGATEWAY")
                                ROUTE("c", "addressPrefix: 10.3.0.0/16, nextHopType: none")),
          NULL,
          { 0 } },
        { "an address of nobody, of the platform",
          DEFAULT TABLE(ROUTE(
              "a", "addressPrefix: 10.1.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 192.0.2.1")
                            ROUTE("b", "addressPrefix: 10.2.0.0/16, nextHopType: VirtualAppliance, "
                                       "nextHopIpAddress: 168.63.129.16")),
          NULL,
          { 0 } },
        { "IPv6",
          DEFAULT TABLE(ROUTE(
              "a", "addressPrefix: '::/0', nextHopType: VirtualAppliance, nextHopIpAddress: 'fd00::4'")),
          NULL,
          { 0 } },
        { "an IPv4 address for IPv6",
          DEFAULT TABLE(
              ROUTE("a", "addressPrefix: '::/0', nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.4")),
          "BadRequest",
          { "Route 'a' is for the IPv6 prefix ::/0 and cannot have the IPv4 next hop 10.0.0.4" } },
        { "an IPv6 address for IPv4",
          DEFAULT TABLE(ROUTE(
              "a", "addressPrefix: 10.0.0.0/8, nextHopType: VirtualAppliance, nextHopIpAddress: 'fd00::4'")),
          "BadRequest",
          { "IPv4 prefix 10.0.0.0/8 and cannot have the IPv6 next hop fd00::4" } },
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void prefixes_and_names_are_there_once(void **state)
{
    static const struct udr_case cases[] = {
        { "the same prefix",
          DEFAULT TABLE(ROUTE("a", "addressPrefix: 10.1.0.0/16, nextHopType: None")
                            ROUTE("b", "addressPrefix: 10.1.0.0/16, nextHopType: Internet")),
          "BadRequest",
          { "Route 'b' has the address prefix 10.1.0.0/16 of another route", "route 'a' has it already" } },
        { "the same address, another length",
          DEFAULT TABLE(ROUTE("a", "addressPrefix: 10.1.0.0/16, nextHopType: None")
                            ROUTE("b", "addressPrefix: 10.1.0.0/24, nextHopType: Internet")),
          NULL,
          { 0 } },
        { "the same prefix in two tables",
          DEFAULT TABLE(
              ROUTE("a", "addressPrefix: 10.1.0.0/16, nextHopType: None")) "  r2: {routes: {a: "
                                                                           "{addressPrefix: 10.1.0.0/16, "
                                                                           "nextHopType: None}}}\n",
          NULL,
          { 0 } },
        { "the same name in another case",
          DEFAULT TABLE(ROUTE("a", "addressPrefix: 10.1.0.0/16, nextHopType: None")
                            ROUTE("A", "addressPrefix: 10.2.0.0/16, nextHopType: None")),
          "InvalidTemplate",
          { "The route 'A' is defined multiple times" } },
        { "two tables of one name",
          DEFAULT "routeTables: {rt: {}, RT: {}}\n",
          "InvalidTemplate",
          { "The route table 'RT' is defined multiple times" } },
        { "a bad name",
          DEFAULT "routeTables: {rt: {}, _x: {}}\n",
          "InvalidResourceName",
          { "invalid for a route table" } },
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

/* --- subnets ----------------------------------------------------------------------------------------- */

#define ID RG "Microsoft.Network/routeTables/rt"

static void subnets_refer_to_tables_of_their_region(void **state)
{
    static const struct udr_case cases[] = {
        { "by name", DEFAULT "routeTables: {rt: {}}\n", NULL, { 0 } },
        { "in another case",
          SUBNET("s: {addressPrefix: 10.0.0.0/24, routeTable: RT}") "routeTables: {rt: {}}\n",
          NULL,
          { 0 } },
        { "by id",
          SUBNET("s: {addressPrefix: 10.0.0.0/24, routeTable: " ID "}") "routeTables: {rt: {}}\n",
          NULL,
          { 0 } },
        { "as ARM does",
          SUBNET("s: {addressPrefix: 10.0.0.0/24, routeTable: {id: " ID "}}") "routeTables: {rt: {}}\n",
          NULL,
          { 0 } },
        { "nearly",
          SUBNET("s: {addressPrefix: 10.0.0.0/24, routeTable: rt-wbe}") "routeTables: {rt-web: {}}\n",
          "InvalidResourceReference",
          { "Route table 'rt-wbe' referenced by subnet 's' was not found", "did you mean 'rt-web'?" } },
        { "an id of something else",
          SUBNET("s: {addressPrefix: 10.0.0.0/24, routeTable: " RG
                 "Microsoft.Network/natGateways/rt}") "routeTables: {rt: {}}\n",
          "InvalidRequestFormat",
          { "not formatted correctly", "routeTables/*" } },
        { "another region",
          DEFAULT "routeTables: {rt: {location: West US}}\n",
          "InvalidResourceReference",
          { "Route table 'rt' referenced by subnet 'default' was not found in eastus: it is in westus",
            "write 'location: eastus' for it" } },
        { "another subscription",
          DEFAULT "routeTables: {rt: {subscription: 11111111-1111-1111-1111-111111111111}}\n",
          "InvalidResourceReference",
          { "both must be in the same subscription" } },
        { "another resource group", DEFAULT "routeTables: {rt: {resourceGroup: other}}\n", NULL, { 0 } },
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void azures_own_subnets_have_their_rules(void **state)
{
    static const struct udr_case cases[] = {
        { "GatewaySubnet with a table",
          SUBNET("GatewaySubnet: {addressPrefix: 10.0.0.0/24, routeTable: rt}") TABLE(ROUTE(
              "a", "addressPrefix: 10.1.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.1.4")),
          NULL,
          { 0 } },
        { "GatewaySubnet with a default route",
          SUBNET("GatewaySubnet: {addressPrefix: 10.0.0.0/24, routeTable: rt}")
              TABLE(ROUTE("all", "addressPrefix: 0.0.0.0/0, nextHopType: Internet")),
          "BadRequest",
          { "'rt' with the default route 'all' cannot be attached to subnet 'GatewaySubnet'" } },
        { "gatewaysubnet with an IPv6 default route",
          SUBNET("gatewaysubnet: {addressPrefix: 10.0.0.0/24, routeTable: rt}")
              TABLE(ROUTE("all", "addressPrefix: '::/0', nextHopType: Internet")),
          "BadRequest",
          { "default route 'all'" } },
        { "GatewaySubnet without propagation",
          SUBNET("GatewaySubnet: {addressPrefix: 10.0.0.0/24, routeTable: rt}") "routeTables: {rt: "
                                                                                "{disableBgpRoutePropagation:"
                                                                                " true}}\n",
          "BadRequest",
          { "Route table 'rt' with disableBgpRoutePropagation cannot be attached to subnet 'GatewaySubnet'",
            "disableBgpRoutePropagation: false" } },
        { "AzureBastionSubnet",
          SUBNET(
              "AzureBastionSubnet: {addressPrefix: 10.0.0.0/24, routeTable: rt}") "routeTables: {rt: {}}\n",
          "BadRequest",
          { "Subnet 'AzureBastionSubnet' of Azure Bastion cannot have a route table" } },
        { "RouteServerSubnet",
          SUBNET("RouteServerSubnet: {addressPrefix: 10.0.0.0/24, routeTable: rt}") "routeTables: {rt: {}}\n",
          "BadRequest",
          { "Subnet 'RouteServerSubnet' of Azure Route Server cannot have a route table" } },
        { "AzureFirewallSubnet",
          SUBNET(
              "AzureFirewallSubnet: {addressPrefix: 10.0.0.0/24, routeTable: rt}") "routeTables: {rt: {}}\n",
          NULL,
          { 0 } },
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void tables_know_their_subnets_and_are_found(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *lab =
        document_settled(NULL, SUBNET("a: {addressPrefix: 10.0.0.0/24, routeTable: rt}, b: 10.0.1.0/24, c: "
                                      "{addressPrefix: 10.0.2.0/24, "
                                      "routeTable: rt}") "routeTables: {rt: {routes: {x: {addressPrefix: "
                                                         "10.9.0.0/16, nextHopType: None}}}}\n");
    const struct vnl_udr_table *table = vnl_udr_table_lookup(lab, "RT");

    (void)state;
    assert_non_null(table);
    assert_ptr_equal(table, vnl_udr_table_lookup(lab, ID));
    assert_string_equal(table->id, ID);
    assert_int_equal(table->n_subnets, 2);
    assert_string_equal(table->subnets[1]->name, "c");
    assert_ptr_equal(table->subnets[1]->route_table, table);
    assert_null(lab->vnets[0]->subnets[1]->route_table);
    assert_string_equal(vnl_udr_lookup(table, "X")->id, ID "/routes/x");
    assert_null(vnl_udr_lookup(table, "y"));
}

static void next_hop_types_have_names(void **state)
{
    enum vnl_udr_hop hop = VNL_UDR_MAX;

    (void)state;
    for (int i = 0; i < VNL_UDR_MAX; i++) {
        assert_int_equal(vnl_udr_hop_parse(vnl_udr_hop_str((enum vnl_udr_hop)i), &hop), 0);
        assert_int_equal(hop, i);
    }
    assert_int_equal(vnl_udr_hop_parse("virtualappliance", &hop), 0);
    assert_int_equal(hop, VNL_UDR_APPLIANCE);
    assert_int_equal(vnl_udr_hop_parse("VNetPeering", &hop), -EINVAL);
}

/* --- limits and settle ------------------------------------------------------------------------------- */

/* `n` routes in one table, or `n` tables. The text is the caller's. */
static char *many(size_t n, bool tables)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    (void)fputs(tables ? "name: lab1\nrouteTables:\n" : "name: lab1\nrouteTables:\n  rt:\n    routes:\n",
                out);
    for (size_t i = 0; i < n; i++) {
        if (tables)
            (void)fprintf(out, "  r%zu: {}\n", i);
        else
            (void)fprintf(out, "      r%zu: {addressPrefix: 10.%zu.%zu.0/24, nextHopType: None}\n", i,
                          i / 256, i % 256);
    }
    (void)fclose(out);
    return text;
}

static void limits_are_azures(void **state)
{
    CLEANUP(vnl_str_free) char *routes = many(400, false);
    CLEANUP(vnl_str_free) char *more_routes = many(401, false);
    CLEANUP(vnl_str_free) char *tables = many(200, true);
    CLEANUP(vnl_str_free) char *more_tables = many(201, true);
    const struct udr_case cases[] = {
        { "400 routes", routes, NULL, { 0 } },
        { "401 routes",
          more_routes,
          "BadRequest",
          { "Route table 'rt' has 401 routes; at most 400 are allowed" } },
        { "200 tables", tables, NULL, { 0 } },
        { "201 tables", more_tables, "BadRequest", { "more than 200 route tables in eastus" } },
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void tables_do_not_move_and_keep_their_spelling(void **state)
{
    CLEANUP(vnl_lab_free)
    struct vnl_lab *before = document_settled(
        NULL,
        "name: lab1\nrouteTables: {Rt: {routes: {Cut: {addressPrefix: 10.0.0.0/8, nextHopType: None}}}}\n");
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    (void)state;
    assert_int_equal(document_load("name: lab1\nrouteTables: {rt: {location: westus}}\n", before, &lab, &err),
                     -EINVAL);
    assert_string_equal(err->code, "InvalidResourceLocation");
    assert_non_null(strstr(err->msg, "'Rt' already exists in location 'eastus'"));
    vnl_err_free(&err);
    assert_int_equal(
        document_load("name: lab1\nrouteTables: {rt: {routes: {cut: {addressPrefix: 10.0.0.0/8, "
                      "nextHopType: None}, new: {addressPrefix: 10.0.0.0/9, nextHopType: None}}}}\n",
                      before, &lab, NULL),
        0);
    assert_string_equal(lab->route_tables[0]->name, "Rt");
    assert_string_equal(lab->route_tables[0]->udrs[0]->id, RG "Microsoft.Network/routeTables/Rt/routes/Cut");
    assert_string_equal(lab->route_tables[0]->udrs[1]->id, RG "Microsoft.Network/routeTables/Rt/routes/new");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(appliances_have_an_address_and_others_have_none),
        cmocka_unit_test(prefixes_and_names_are_there_once),
        cmocka_unit_test(subnets_refer_to_tables_of_their_region),
        cmocka_unit_test(azures_own_subnets_have_their_rules),
        cmocka_unit_test(tables_know_their_subnets_and_are_found),
        cmocka_unit_test(next_hop_types_have_names),
        cmocka_unit_test(limits_are_azures),
        cmocka_unit_test(tables_do_not_move_and_keep_their_spelling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
