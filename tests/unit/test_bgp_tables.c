/* What a gateway's BGP says, as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../ctl/cli/bgp_tables.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

typedef int printer(FILE *out, const struct vnl_json *list, struct vnl_err **err);

static void assert_table(printer *print, const char *json, const char *wanted)
{
    CLEANUP(vnl_json_free) struct vnl_json *list = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(vnl_json_parse(json, strlen(json), &list, NULL), 0);
    assert_int_equal(print(out, list, NULL), 0);
    (void)fclose(out);
    assert_string_equal(text, wanted);
}

static void peers_have_azures_columns(void **state)
{
    (void)state;
    assert_table(
        vnl_bgp_peers_print,
        "[{\"localAddress\": \"10.12.255.30\", \"neighbor\": \"10.42.255.30\", \"asn\": 65040, "
        "\"state\": \"Connected\", \"connectedDuration\": \"00:01:02\", \"routesReceived\": 2, "
        "\"messagesSent\": 7, \"messagesReceived\": 0},"
        "{\"neighbor\": \"192.168.255.254\", \"asn\": 4200000000, \"state\": \"Idle\"}]",
        "Neighbor         ASN         State      ConnectedDuration  RoutesReceived  MessagesSent  "
        "MessagesReceived\n"
        "---------------  ----------  ---------  -----------------  --------------  ------------  "
        "----------------\n"
        "10.42.255.30     65040       Connected  00:01:02           2               7             0\n"
        "192.168.255.254  4200000000  Idle\n");
}

static void routes_have_azures_columns(void **state)
{
    (void)state;
    assert_table(vnl_bgp_routes_print,
                 "[{\"localAddress\": \"10.12.255.30\", \"network\": \"10.12.0.0/16\", \"nextHop\": \"\", "
                 "\"sourcePeer\": \"10.12.255.30\", \"origin\": \"Network\", \"asPath\": \"\", "
                 "\"weight\": 32768}]",
                 "Network       NextHop  SourcePeer    Origin   AsPath  Weight  LocalAddress\n"
                 "------------  -------  ------------  -------  ------  ------  ------------\n"
                 "10.12.0.0/16           10.12.255.30  Network          32768   10.12.255.30\n");
}

/* Of an active-active gateway both instances have a session with the same neighbor. */
static void sessions_of_two_instances_are_told_apart(void **state)
{
    (void)state;
    assert_table(vnl_bgp_peers_print,
                 "[{\"localAddress\": \"10.11.255.30\", \"neighbor\": \"10.41.255.30\", \"asn\": 65040, "
                 "\"state\": \"Connected\", \"routesReceived\": 2},"
                 "{\"localAddress\": \"10.11.255.29\", \"neighbor\": \"10.41.255.30\", \"asn\": 65040, "
                 "\"state\": \"Connecting\", \"routesReceived\": 0}]",
                 "LocalAddress  Neighbor      ASN    State       ConnectedDuration  RoutesReceived  "
                 "MessagesSent  MessagesReceived\n"
                 "------------  ------------  -----  ----------  -----------------  --------------  "
                 "------------  ----------------\n"
                 "10.11.255.30  10.41.255.30  65040  Connected                      2\n"
                 "10.11.255.29  10.41.255.30  65040  Connecting                     0\n");
}

/* Announced to all neighbors: which of them hears it is part of the row. */
static void routes_to_several_neighbors_name_them(void **state)
{
    (void)state;
    assert_table(
        vnl_bgp_routes_print,
        "[{\"neighbor\": \"10.42.255.30\", \"localAddress\": \"10.12.255.30\", "
        "\"network\": \"10.12.0.0/16\", \"nextHop\": \"10.12.255.30\", "
        "\"sourcePeer\": \"10.12.255.30\", \"origin\": \"Network\", \"asPath\": \"65010\", "
        "\"weight\": 0}]",
        "Neighbor      Network       NextHop       SourcePeer    Origin   AsPath  Weight  LocalAddress\n"
        "------------  ------------  ------------  ------------  -------  ------  ------  ------------\n"
        "10.42.255.30  10.12.0.0/16  10.12.255.30  10.12.255.30  Network  65010   0       "
        "10.12.255.30\n");
}

static void none_is_an_empty_table(void **state)
{
    (void)state;
    assert_table(vnl_bgp_routes_print, "[]",
                 "Network  NextHop  SourcePeer  Origin  AsPath  Weight  LocalAddress\n"
                 "-------  -------  ----------  ------  ------  ------  ------------\n");
}

static void json_is_arms_list(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = vnl_bgp_to_json(vnl_json_array());

    (void)state;
    assert_true(vnl_json_is_array(vnl_json_get(json, "value")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_have_azures_columns),
        cmocka_unit_test(routes_have_azures_columns),
        cmocka_unit_test(sessions_of_two_instances_are_told_apart),
        cmocka_unit_test(routes_to_several_neighbors_name_them),
        cmocka_unit_test(none_is_an_empty_table),
        cmocka_unit_test(json_is_arms_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
