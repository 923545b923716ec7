/* The binary as users without root meet it: exit statuses, messages, JSON, completion. What a running lab
 * shows is in tests/netns/test_commands.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../harness/cli.h"

#include "vnetlab/base.h"
#include "vnetlab/json.h"

#define GOOD                                                                                                 \
    "name: good\n"                                                                                           \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  vnet-1:\n"                                                                                            \
    "    addressSpace: [10.0.0.0/16]\n"                                                                      \
    "    subnets: {subnet-1: 10.0.0.0/24}\n"                                                                 \
    "    peerings: {to-vnet-2: {remoteVirtualNetwork: vnet-2}}\n"                                            \
    "  vnet-2:\n"                                                                                            \
    "    addressSpace: [10.1.0.0/16]\n"                                                                      \
    "    subnets: {subnet-1: 10.1.0.0/24}\n"                                                                 \
    "    peerings: {to-vnet-1: {remoteVirtualNetwork: vnet-1}}\n"                                            \
    "virtualMachines:\n"                                                                                     \
    "  vm-1: {subnet: vnet-1/subnet-1}\n"                                                                    \
    "  vm-2: {subnet: vnet-2/subnet-1}\n"

/* Line 3: host bits; line 4: outside of the space. */
#define BAD                                                                                                  \
    "name: bad\n"                                                                                            \
    "location: eastus\n"                                                                                     \
    "vnets: {vnet-1: {addressSpace: [10.0.0.1/16], subnets: {subnet-1: 10.0.0.0/24}},\n"                     \
    "        vnet-2: {addressSpace: [10.1.0.0/16], subnets: {subnet-1: 10.9.0.0/24}}}\n"

/* One mistake. */
#define OUTSIDE                                                                                              \
    "name: bad\n"                                                                                            \
    "location: eastus\n"                                                                                     \
    "vnets: {vnet-2: {addressSpace: [10.1.0.0/16], subnets: {subnet-1: 10.9.0.0/24}}}\n"

static int clean_up(void **state)
{
    (void)state;
    return sh("rm -rf \"$(dirname \"$VNETLAB_STATE_DIR\")\"");
}

/* As a user that is not root, whoever runs the tests. */
static const char *nobody(void)
{
    return geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups -- \"$VNETLAB\""
                          : "\"$VNETLAB\"";
}

static struct vnl_json *parse(const char *text)
{
    struct vnl_json *json = NULL;

    assert_int_equal(vnl_json_parse(text, strlen(text), &json, NULL), 0);
    return json;
}

/* --- usage ---------------------------------------------------------------------------------------- */

static void version_is_one_line(void **state)
{
    (void)state;
    cli_ok("--version");
    assert_has(cli_out, "vnetlab ");
    assert_ptr_equal(strchr(cli_out, '\n'), cli_out + strlen(cli_out) - 1);
    cli_ok("-V");
}

static void help_goes_to_standard_output_and_its_absence_to_standard_error(void **state)
{
    (void)state;
    cli_ok("help");
    assert_has(cli_out, "Commands\n");
    assert_string_equal(cli_err, "");
    cli_fails(2, " ");
    assert_has(cli_err, "Commands\n");
    assert_string_equal(cli_out, "");
    cli_ok("up --help");
    assert_has(cli_out, "vnetlab up [OPTION...] FILE");
    cli_ok("help up");
    assert_has(cli_out, "vnetlab up [OPTION...] FILE");
    cli_ok("--help up");
    assert_has(cli_out, "vnetlab up [OPTION...] FILE");
}

static void a_mistyped_command_is_answered_with_the_nearest(void **state)
{
    (void)state;
    cli_fails(2, "vaildate x");
    assert_string_equal(cli_err, "vnetlab: unknown command 'vaildate'\n  hint: did you mean 'validate'?\n");
    cli_fails(2, "help xyzzy");
    assert_string_equal(cli_err,
                        "vnetlab: unknown command 'xyzzy'\n  hint: 'vnetlab help' lists the commands\n");
    cli_fails(2, "plan --ful x");
    assert_has(cli_err, "plan: unknown option '--ful'\n  hint: did you mean '--full'?\n");
    cli_fails(2, "--nope ls");
    assert_has(cli_err, "vnetlab: unknown option '--nope'\n");
}

static void options_may_stand_before_the_command(void **state)
{
    const char *good = cli_file("good.yaml", GOOD);

    (void)state;
    cli_ok("-o json validate %s", good);
    vnl_json_free(&(struct vnl_json *){ parse(cli_out) });
}

/* --- validate, plan, routes ----------------------------------------------------------------------- */

static void validate_counts_what_it_found(void **state)
{
    const char *good = cli_file("good.yaml", GOOD);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *item;

    (void)state;
    cli_ok("validate %s", good);
    assert_has(cli_out, "good.yaml: ok (2 virtual networks, 2 peerings, 2 virtual machines)\n");
    cli_ok("validate %s -o json", good);
    json = parse(cli_out);
    item = vnl_json_at(vnl_json_get(json, "value"), 0);
    assert_string_equal(vnl_json_get_text(item, "lab"), "good");
    assert_int_equal(vnl_json_get_int(item, "virtualMachines", -1), 2);
}

static void validate_reports_every_mistake_of_every_file(void **state)
{
    const char *good = cli_file("good.yaml", GOOD), *bad = cli_file("bad.yaml", BAD);

    (void)state;
    cli_fails(2, "validate %s %s /nonexistent.yaml", bad, good);
    assert_has(cli_out, "good.yaml: ok");
    assert_has(cli_err, "bad.yaml:3:33: InvalidCIDRNotation: ");
    assert_has(cli_err, "bad.yaml:4:57: NetcfgSubnetRangeOutsideVnet: ");
    assert_has(cli_err, "cannot open '/nonexistent.yaml': No such file or directory");
}

static void one_mistake_as_json_is_arms_error(void **state)
{
    const char *bad = cli_file("outside.yaml", OUTSIDE);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *error, *info;

    (void)state;
    cli_fails(2, "validate -o json %s", bad);
    assert_string_equal(cli_out, "");
    json = parse(cli_err);
    error = vnl_json_get(json, "error");
    assert_string_equal(vnl_json_get_text(error, "code"), "NetcfgSubnetRangeOutsideVnet");
    assert_has(vnl_json_get_text(error, "message"), "Subnet 'subnet-1' is not valid");
    assert_has(vnl_json_get_text(error, "target"), "subnets/subnet-1");
    assert_true(vnl_json_is_array(vnl_json_get(error, "details")));
    assert_int_equal(vnl_json_len(vnl_json_get(error, "details")), 0);
    info = vnl_json_get(vnl_json_at(vnl_json_get(error, "additionalInfo"), 0), "info");
    assert_has(vnl_json_get_text(info, "where"), "outside.yaml:3:");
}

static void several_mistakes_as_json_are_its_details(void **state)
{
    const char *bad = cli_file("bad.yaml", BAD);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *error, *details;

    (void)state;
    cli_fails(2, "validate %s --output=json", bad);
    json = parse(cli_err);
    error = vnl_json_get(json, "error");
    details = vnl_json_get(error, "details");
    assert_string_equal(vnl_json_get_text(error, "code"), "MultipleErrorsOccurred");
    assert_int_equal(vnl_json_len(details), 2);
    assert_string_equal(vnl_json_get_text(error, "message"), "2 mistakes");
    assert_string_equal(vnl_json_get_text(vnl_json_at(details, 0), "code"), "InvalidCIDRNotation");
    assert_string_equal(vnl_json_get_text(vnl_json_at(details, 1), "code"), "NetcfgSubnetRangeOutsideVnet");
}

static void usage_errors_are_json_too(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    cli_fails(2, "validate -o json");
    json = parse(cli_err);
    assert_string_equal(vnl_json_get_text(vnl_json_get(json, "error"), "code"), "InvalidArgument");
    assert_string_equal(vnl_json_get_text(vnl_json_get(json, "error"), "message"),
                        "validate: missing 'FILE'");
}

static void plan_of_a_new_lab_needs_no_root(void **state)
{
    const char *good = cli_file("good.yaml", GOOD);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    cli_ok("plan %s", good);
    assert_has(cli_out, "+ virtualMachines/vm-1 ");
    assert_has(cli_out, "lab good: new, 6 objects to create\n");
    assert_string_equal(cli_err, "");
    cli_ok("plan --full %s", good);
    assert_has(cli_out, "routes vnet-1\n");
    cli_ok("plan --full -o json %s", good);
    json = parse(cli_out);
    assert_true(vnl_json_is_object(json));
    cli_fails(2, "plan %s", cli_file("bad.yaml", BAD));
    assert_string_equal(cli_out, "");
}

static void routes_of_a_file_need_no_root(void **state)
{
    const char *good = cli_file("good.yaml", GOOD);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    cli_ok("routes --file %s VM-1", good);
    assert_has(cli_out, "Default   Active   10.1.0.0/16       VNetPeering\n");
    cli_ok("routes -f %s vm-1 -o json", good);
    json = parse(cli_out);
    assert_true(vnl_json_len(vnl_json_get(json, "value")) > 2);
    cli_fails(2, "routes -f %s vm-11", good);
    assert_string_equal(cli_err,
                        "vnetlab: ResourceNotFound: there is no virtual machine 'vm-11' in lab 'good'\n"
                        "  hint: did you mean 'vm-1'?\n");
    cli_fails(2, "routes -f %s -l good vm-1", good);
    assert_has(cli_err, "routes: give --lab or --file, not both");
}

#define GUARDED                                                                                              \
    "name: guarded\n"                                                                                        \
    "location: eastus\n"                                                                                     \
    "vnets: {vnet-1: {addressSpace: [10.0.0.0/16],\n"                                                        \
    "                 subnets: {subnet-1: {addressPrefix: 10.0.0.0/24, networkSecurityGroup: web},\n"        \
    "                           subnet-2: 10.0.1.0/24}}}\n"                                                  \
    "networkSecurityGroups:\n"                                                                               \
    "  web:\n"                                                                                               \
    "    securityRules:\n"                                                                                   \
    "      http: {priority: 100, direction: Inbound, access: Allow, protocol: Tcp, destinationPortRange: "   \
    "80}\n"                                                                                                  \
    "      deny-all: {priority: 200, direction: Inbound, access: Deny}\n"                                    \
    "virtualMachines: {vm-1: {subnet: subnet-1}, vm-2: {subnet: subnet-2}}\n"

static void verify_of_a_file_needs_no_root(void **state)
{
    const char *file = cli_file("guarded.yaml", GUARDED);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    cli_ok("verify -f %s vm-2 VM-1 tcp:80", file);
    assert_has(cli_out, "vm-2 10.0.1.4 > vm-1 10.0.0.4 tcp:80\n");
    assert_has(cli_out, "\nhop 1: vm-2 to vm-1\n");
    assert_has(cli_out, "  inbound, subnet   vm-1  pass  UserRule_http (100) of NSG web\n");
    assert_has(cli_out, "\nreply, hop 1: vm-1 to vm-2\n");
    assert_has(cli_out, "\nallowed\n");
    cli_fails(1, "verify -f %s vm-2 10.0.0.4 icmp", file);
    assert_has(cli_out,
               "\nblocked: NsgInbound at vm-1 by UserRule_deny-all of NSG web\n"
               "  fix for NsgInbound at vm-1: add a rule to NSG web: Inbound, Allow, icmp from 10.0.1.4, "
               "with a priority below 200\n");
    cli_fails(1, "verify -f %s vm-2 vm-1 udp:53 -o json", file);
    json = parse(cli_out);
    assert_false(vnl_json_get_bool(json, "allowed", true));
    assert_string_equal(vnl_json_get_text(json, "verdict"),
                        "blocked: NsgInbound at vm-1 by UserRule_deny-all of NSG web");
    assert_int_equal(vnl_json_len(vnl_json_get(json, "steps")), 8);
    cli_fails(2, "verify -f %s vm-2 vm-11 icmp", file);
    assert_has(cli_err,
               "there is no virtual machine 'vm-11' in lab 'guarded'\n  hint: did you mean 'vm-1'?\n");
}

/* vm-1 reaches vm-2 through nva; vm-1 has a public IP. */
#define ROUTED                                                                                               \
    "name: routed\n"                                                                                         \
    "location: eastus\n"                                                                                     \
    "vnets: {vnet-1: {addressSpace: [10.0.0.0/16], subnets: {a: {addressPrefix: 10.0.0.0/24, routeTable: "   \
    "rt}, b: 10.0.1.0/24, c: 10.0.2.0/24}}}\n"                                                               \
    "routeTables: {rt: {routes: {to-b: {addressPrefix: 10.0.1.0/24, nextHopType: VirtualAppliance, "         \
    "nextHopIpAddress: 10.0.2.4}, lost: {addressPrefix: 10.0.3.0/24, nextHopType: None}}}}\n"                \
    "publicIPAddresses: {web-ip: {ipAddress: 198.51.100.7}}\n"                                               \
    "virtualMachines:\n"                                                                                     \
    "  vm-1: {subnet: vnet-1/a, publicIPAddress: web-ip}\n"                                                  \
    "  vm-2: {subnet: vnet-1/b}\n"                                                                           \
    "  nva: {ipForward: true, networkInterfaces: {outside: {primary: true, subnet: vnet-1/c, "               \
    "privateIPAddress: 10.0.2.4, enableIPForwarding: true}, inside: {subnet: vnet-1/a}}}\n"                  \
    "internet: {hosts: {example: {address: 203.0.113.80}}}\n"

static void next_hop_is_azures(void **state)
{
    const char *file = cli_file("routed.yaml", ROUTED);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    cli_ok("next-hop -f %s vm-1 10.0.1.4", file);
    assert_has(cli_out, "NextHopType       NextHopIpAddress  RouteTableId\n");
    assert_has(cli_out, "VirtualAppliance  10.0.2.4          /subscriptions/");
    assert_has(cli_out, "/providers/Microsoft.Network/routeTables/rt\n");
    cli_ok("next-hop -f %s vm-1 13.107.21.200 -o json", file);
    json = parse(cli_out);
    assert_string_equal(vnl_json_get_text(json, "nextHopType"), "Internet");
    assert_string_equal(vnl_json_get_text(json, "routeTableId"), "System Route");
    assert_null(vnl_json_get_text(json, "nextHopIpAddress"));
    cli_ok("next-hop -f %s vm-2 10.0.0.4", file);
    assert_has(cli_out, "VnetLocal");
    cli_fails(1, "next-hop -f %s vm-1 172.31.0.100", file);
    assert_has(cli_out, "None                           System Route\n");
    cli_fails(1, "next-hop -f %s vm-1 10.0.3.7", file);
    assert_has(cli_out, "/routeTables/rt\n");
    cli_ok("next-hop -f %s nva 10.0.1.4", file);
    assert_has(cli_out, "VnetLocal");
    cli_ok("next-hop -f %s nva 10.0.1.4 --nic inside", file);
    assert_has(cli_out, "VirtualAppliance");
    cli_fails(2, "next-hop -f %s vm-1 10.0.3", file);
    cli_fails(2, "next-hop -f %s nva 10.0.1.4 --nic insde", file);
    assert_has(cli_err, "there is no network interface 'insde'");
    assert_has(cli_err, "did you mean 'inside'?");
}

static void verify_goes_hop_by_hop(void **state)
{
    const char *file = cli_file("routed.yaml", ROUTED);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    cli_ok("verify -f %s vm-1 vm-2 tcp:80", file);
    assert_has(cli_out, "\nhop 1: vm-1 to nva\n");
    assert_has(cli_out, "\nhop 2: nva to vm-2, ttl 63\n");
    assert_has(cli_out, "\nreply, hop 1: vm-2 to vm-1\n");
    cli_ok("verify -f %s vm-1 vm-2 tcp:80 -o json", file);
    json = parse(cli_out);
    assert_int_equal(vnl_json_get_int(json, "hops", -1), 1);
    assert_int_equal(vnl_json_get_int(json, "replyHops", -1), 0);
    cli_fails(1, "verify -f %s example web-ip tcp:443", file);
    assert_has(cli_out, "example 203.0.113.80 > vm-1 198.51.100.7 tcp:443\n");
    assert_has(cli_out, "blocked: PublicClosed at example\n  fix for PublicClosed at example: put an NSG ");
    cli_fails(1, "verify -f %s example vm-1 icmp", file); /* by its public IP */
    cli_fails(2, "verify -f %s example vm-2 icmp", file);
    assert_has(cli_err, "verify: 'vm-2' has no public IP, so nothing on the internet reaches it");
    cli_ok("verify -f %s vm-1 example icmp", file);
    assert_has(cli_out, "10.0.0.4 becomes 198.51.100.7 (public IP web-ip)");
}

static void routes_and_rules_are_of_the_interface_asked_for(void **state)
{
    const char *file = cli_file("routed.yaml", ROUTED);

    (void)state;
    cli_ok("routes -f %s nva", file);
    assert_lacks(cli_out, "VirtualAppliance");
    cli_ok("routes -f %s nva --nic INSIDE", file);
    assert_has(cli_out, "VirtualAppliance");
    cli_ok("rules -f %s nva --nic inside", file);
    assert_has(cli_out, "or its subnet vnet-1/a: nothing is filtered");
    cli_ok("routes -f %s example", file);
}

static void verify_refuses_what_is_no_service(void **state)
{
    static const char *const words[] = {
        "tcp", "tcp:", "tcp:65536", "tcp:80x", "tcp:-1", "icmp:1", "http", ""
    };
    const char *file = cli_file("guarded.yaml", GUARDED);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        cli_fails(2, "verify -f %s vm-2 vm-1 '%s'", file, words[i]);
        assert_has(cli_err,
                   "is no protocol with a port from 0 to 65535\n  hint: icmp, tcp:80, udp:53, esp or ah\n");
    }
    cli_fails(2, "verify -f %s vm-2 vm-1", file);
    assert_has(cli_err, "verify: missing 'PROTO[:PORT]'");
}

static void rules_of_a_file_need_no_root(void **state)
{
    const char *file = cli_file("guarded.yaml", GUARDED);
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    CLEANUP(vnl_json_free) struct vnl_json *none = NULL;

    (void)state;
    cli_ok("rules -f %s vm-1", file);
    assert_has(cli_out, "securityRules/deny-all");
    assert_has(cli_out, "defaultSecurityRules/DenyAllInBound");
    cli_ok("rules -f %s vm-1 -o json", file);
    json = parse(cli_out);
    assert_int_equal(vnl_json_len(vnl_json_get(json, "value")), 1);
    cli_ok("rules -f %s vm-2", file);
    assert_string_equal(cli_out, "no network security group is associated with vm-2 or its subnet "
                                 "vnet-1/subnet-2: nothing is filtered\n");
    cli_ok("rules -f %s vm-2 -o json", file);
    none = parse(cli_out);
    assert_int_equal(vnl_json_len(vnl_json_get(none, "value")), 0);
}

/* --- permission ----------------------------------------------------------------------------------- */

static void commands_that_need_root_say_what_to_type(void **state)
{
    static const char *const lines[] = {
        "up 'my lab.yaml'", "down --all", "exec vm-1 -- ping -c 1 10.1.0.4", "logs vm-1", "check",
        "sync vnet-1/a",    "drops vm-1", "set vms.vm-1.ipForward true",
    };
    char wanted[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        cli_expect_(__FILE__, __LINE__, 3, sh("%s %s", nobody(), lines[i]));
        (void)snprintf(wanted, sizeof(wanted), " needs root: sudo vnetlab %s\n", lines[i]);
        assert_has(cli_err, wanted);
    }
}

static void a_store_that_may_not_be_read_is_said_with_sudo(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        puts("skip: needs root to make a directory that others cannot read");
        skip();
    }
    sh_ok("install -d -m 700 \"$VNETLAB_STATE_DIR\"");
    cli_expect_(__FILE__, __LINE__, 3, sh("%s ls", nobody()));
    assert_has(cli_err, "hint: sudo vnetlab ls\n");
    cli_expect_(__FILE__, __LINE__, 3, sh("%s show vm-1", nobody()));
    assert_has(cli_err, "hint: sudo vnetlab show vm-1\n");
    sh_ok("cp %s /dev/shm/$$.yaml && chmod 644 /dev/shm/$$.yaml; %s plan /dev/shm/$$.yaml; s=$?; rm "
          "/dev/shm/$$.yaml; exit $s",
          cli_file("good.yaml", GOOD), nobody());
    assert_has(cli_err, "what is stored of lab 'good' cannot be read");
    assert_has(cli_err, "everything is shown as new\n");
    assert_has(cli_out, "+ virtualMachines/vm-1 ");
}

static void doctor_works_without_root(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    cli_expect_(__FILE__, __LINE__, 0, sh("%s doctor", nobody()));
    assert_has(cli_out, "ok       kernel      Linux ");
    assert_has(cli_out, "not root: the kernel was not tried, 'sudo vnetlab doctor' does\n");
    cli_expect_(__FILE__, __LINE__, 0, sh("%s doctor -o json", nobody()));
    json = parse(cli_out);
    assert_true(vnl_json_get_bool(json, "ready", false));
}

/* Tools are found by PATH; none is required, and how to get one is said. */
static void doctor_says_how_to_get_a_missing_tool(void **state)
{
    (void)state;
    sh_ok("PATH=/nonexistent %s doctor | grep iperf3",
          geteuid() == 0 ? "/usr/bin/env PATH=/nonexistent \"$VNETLAB\"" : "\"$VNETLAB\"");
    assert_has(cli_out, "missing");
    assert_has(cli_out, "to measure throughput: ");
}

/* What is listed as missing is not said to be there. */
static void doctor_does_not_contradict_itself(void **state)
{
    (void)state;
    cli_expect_(__FILE__, __LINE__, 0,
                sh("%s env PATH=/nonexistent \"$VNETLAB\" doctor",
                   geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups --" : ""));
    assert_has(cli_out, "missing  curl ");
    assert_lacks(cli_out, "nothing is known to be missing");
    assert_has(cli_out, "nothing that every lab needs is known to be missing, but there is no ");
    assert_has(cli_out, "curl, python3, iperf3");
    assert_has(cli_out, "  bird ");
    assert_has(cli_out, "for BGP of VPN gateways and sites");
}

/* --- output --------------------------------------------------------------------------------------- */

static void output_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    cli_fails(3, "help >/dev/full");
    assert_has(cli_err, "vnetlab: cannot write the output: No space left on device\n");
}

static void colour_is_for_terminals_and_can_be_declined(void **state)
{
    (void)state;
    if (sh("command -v script") != 0) {
        puts("skip: script(1) is not installed, terminals were not tried");
        skip();
    }
    sh_ok("env -u NO_COLOR TERM=xterm script -qec '\"$VNETLAB\" help' /dev/null");
    assert_has(cli_out, "\033[1mCommands\033[0m");
    sh_ok("NO_COLOR=1 TERM=xterm script -qec '\"$VNETLAB\" help' /dev/null");
    assert_lacks(cli_out, "\033");
    sh_ok("env -u NO_COLOR TERM=dumb script -qec '\"$VNETLAB\" help' /dev/null");
    assert_lacks(cli_out, "\033");
    cli_ok("help");
    assert_lacks(cli_out, "\033");
}

/* --- completion ----------------------------------------------------------------------------------- */

static void completion_answers_by_the_table(void **state)
{
    const char *good = cli_file("good.yaml", GOOD);
    static const struct {
        const char *words, *answer;
    } cases[] = {
        { "do", "doctor\ndown\n" },
        { "--v", "--version\n" },
        { "manu", "" }, /* hidden */
        { "up --", "--no-wait\n--timeout\n--output\n--help\n" },
        { "vpn ''", "log\nreset\nbgp\nlearned\nadvertised\n" },
        { "vpn advertised VNet1GW ''", "" },
        { "vpn log ''", "" },
        { "set-k", "set-key\n" },
        { "down --a", "--all\n" },
        { "ls -o ''", "text\njson\n" },
        { "ls --output j", "json\n" },
        { "help val", "validate\n" },
        { "completion f", "fish\n" },
        { "completion bash ''", "" },
        { "exec vm-1 -- ''", "" },
        { "up ''", "" },   /* files are the shell's business */
        { "exec ''", "" }, /* no lab: silence */
        { "nonsense ''", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        cli_ok("complete -- %s", cases[i].words);
        assert_string_equal(cli_out, cases[i].answer);
        assert_string_equal(cli_err, "");
    }
    cli_ok("complete -- next");
    assert_string_equal(cli_out, "next-hop\n");
    cli_ok("complete -- routes --file %s vm-1 --nic vm-1", good);
    assert_string_equal(cli_out, "vm-1-nic\n");
    cli_ok("complete -- routes --file %s vm-", good);
    assert_string_equal(cli_out, "vm-1\nvm-2\n");
}

/* --- VPN -------------------------------------------------------------------------------------------- */

/* A site, and a connection to it; `key` is that of the connection. */
#define OFFICE                                                                                               \
    "name: office\n"                                                                                         \
    "location: eastus\n"                                                                                     \
    "vnets: {net: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24, GatewaySubnet: 10.1.255.0/27}}}\n" \
    "virtualNetworkGateways: {gw: {vnet: net}}\n"                                                            \
    "localNetworkGateways: {lng: {gatewayIpAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16]}}\n"     \
    "connections: {to-office: {virtualNetworkGateway1: gw, localNetworkGateway2: lng, sharedKey: k}}\n"      \
    "sites: {branch: {publicIPAddress: 203.0.113.10, addressPrefixes: [192.168.0.0/16], sharedKey: k, "      \
    "hosts: {pc: 192.168.1.10}}}\n"                                                                          \
    "virtualMachines: {vm-1: {subnet: net/s}}\n"

static void verify_knows_sites_and_gateways(void **state)
{
    const char *lab = cli_file("office.yaml", OFFICE);

    (void)state;
    cli_ok("verify -f %s vm-1 pc tcp:80", lab);
    assert_has(cli_out, "hop 2: gw to branch, ttl 63\n");
    assert_has(cli_out, "to-office (vpn1) to branch 203.0.113.10\n");
    assert_has(cli_out, "hop 3: branch to pc, ttl 62\n");
    cli_ok("verify -f %s pc vm-1 icmp", lab);
    cli_ok("verify -f %s gw pc icmp", lab);
    cli_ok("verify -f %s vm-1 gw icmp", lab);
    cli_fails(1, "verify -f %s pc 9.9.9.9 icmp", lab);
    assert_has(cli_out, "blocked: NoTunnel at branch\n");
    cli_ok("routes -f %s pc", lab);
    assert_has(cli_out, "0.0.0.0/0");
    cli_ok("next-hop -f %s vm-1 192.168.1.10", lab);
    assert_has(cli_out, "VirtualNetworkGateway");
    cli_fails(2, "verify -f %s vm-1 pcc icmp", lab);
    assert_has(cli_err, "there is no virtual machine 'pcc' in lab 'office'");
    assert_has(cli_err, "did you mean 'pc'?");
}

static void names_of_sites_and_gateways_are_completed(void **state)
{
    const char *lab = cli_file("office.yaml", OFFICE);

    (void)state;
    cli_ok("complete -- verify --file %s ''", lab);
    assert_string_equal(cli_out, "vm-1\ngw\nbranch\npc\n");
}

static void vpn_commands_check_their_words(void **state)
{
    (void)state;
    cli_fails(2, "vpn lgo gw");
    assert_has(cli_err, "vpn: takes log|reset|bgp|learned|advertised, not 'lgo'\n");
    cli_fails(2, "vpn log");
    assert_has(cli_err,
               "vpn: missing 'GATEWAY|CONNECTION'\n  hint: vnetlab vpn log|reset|bgp|learned|advertised "
               "GATEWAY|CONNECTION [PEER]\n");
    cli_fails(2, "set-key c");
    assert_has(cli_err, "set-key: missing 'KEY'\n");
    if (geteuid() != 0) /* who is not root is told that first */
        return;
    cli_fails(2, "vpn bgp gw --follow");
    assert_has(cli_err, "vpn: --follow is for 'vpn log'\n");
    cli_fails(2, "vpn learned gw 10.0.0.1");
    assert_has(cli_err, "vpn: PEER is for 'vpn advertised'\n");
    cli_fails(2, "vpn log gw -o json");
    assert_has(cli_err, "vpn: -o json is for 'vpn bgp', 'vpn learned' and 'vpn advertised'");
    cli_fails(2, "up --timeout soon x.yaml");
    assert_has(cli_err, "--timeout 'soon' is no number of seconds\n  hint: 0.01 to 3600\n");
}

static void the_bash_script_completes(void **state)
{
    (void)state;
    sh_ok("bash -c 'eval \"$(\"$VNETLAB\" completion bash)\"; COMP_WORDS=(\"$VNETLAB\" down --a); "
          "COMP_CWORD=2; _vnetlab; "
          "printf \"%%s.\" \"${COMPREPLY[@]}\"'");
    assert_string_equal(cli_out, "--all.");
    cli_ok("completion zsh | grep -q '^#compdef vnetlab'");
    cli_ok("completion fish | grep -q '^complete -c vnetlab'");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_one_line),
        cmocka_unit_test(help_goes_to_standard_output_and_its_absence_to_standard_error),
        cmocka_unit_test(a_mistyped_command_is_answered_with_the_nearest),
        cmocka_unit_test(options_may_stand_before_the_command),
        cmocka_unit_test(validate_counts_what_it_found),
        cmocka_unit_test(validate_reports_every_mistake_of_every_file),
        cmocka_unit_test(one_mistake_as_json_is_arms_error),
        cmocka_unit_test(several_mistakes_as_json_are_its_details),
        cmocka_unit_test(usage_errors_are_json_too),
        cmocka_unit_test(plan_of_a_new_lab_needs_no_root),
        cmocka_unit_test(routes_of_a_file_need_no_root),
        cmocka_unit_test(verify_of_a_file_needs_no_root),
        cmocka_unit_test(next_hop_is_azures),
        cmocka_unit_test(verify_goes_hop_by_hop),
        cmocka_unit_test(routes_and_rules_are_of_the_interface_asked_for),
        cmocka_unit_test(verify_refuses_what_is_no_service),
        cmocka_unit_test(rules_of_a_file_need_no_root),
        cmocka_unit_test(commands_that_need_root_say_what_to_type),
        cmocka_unit_test(a_store_that_may_not_be_read_is_said_with_sudo),
        cmocka_unit_test(doctor_works_without_root),
        cmocka_unit_test(doctor_says_how_to_get_a_missing_tool),
        cmocka_unit_test(doctor_does_not_contradict_itself),
        cmocka_unit_test(output_that_cannot_be_written_is_an_error),
        cmocka_unit_test(colour_is_for_terminals_and_can_be_declined),
        cmocka_unit_test(completion_answers_by_the_table),
        cmocka_unit_test(verify_knows_sites_and_gateways),
        cmocka_unit_test(names_of_sites_and_gateways_are_completed),
        cmocka_unit_test(vpn_commands_check_their_words),
        cmocka_unit_test(the_bash_script_completes),
    };

    return cmocka_run_group_tests_name("cli", tests, cli_setup, clean_up);
}
