/* What the commands say about a running lab, and what they leave in the store when something goes wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/cli.h"

#include "vnetlab/base.h"
#include "vnetlab/json.h"

#define LAB_WITH(space2)                                                                                     \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  vnet-1:\n"                                                                                            \
    "    addressSpace: [10.0.0.0/16]\n"                                                                      \
    "    subnets: {subnet-1: 10.0.0.0/24}\n"                                                                 \
    "    peerings: {to-vnet-2: {remoteVirtualNetwork: vnet-2}}\n"                                            \
    "  vnet-2:\n"                                                                                            \
    "    addressSpace: [" space2 "]\n"                                                                       \
    "    subnets: {subnet-1: 10.1.0.0/24}\n"                                                                 \
    "    peerings: {to-vnet-1: {remoteVirtualNetwork: vnet-1}}\n"                                            \
    "virtualMachines:\n"                                                                                     \
    "  vm-1: {subnet: vnet-1/subnet-1}\n"                                                                    \
    "  vm-2: {subnet: vnet-2/subnet-1}\n"
#define LAB    LAB_WITH("10.1.0.0/16")
#define LARGER LAB_WITH("10.1.0.0/16, 10.9.0.0/16")

/* One half of the peering less, one virtual machine more. */
#define CUT                                                                                                  \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  vnet-1:\n"                                                                                            \
    "    addressSpace: [10.0.0.0/16]\n"                                                                      \
    "    subnets: {subnet-1: 10.0.0.0/24}\n"                                                                 \
    "    peerings: {to-vnet-2: {remoteVirtualNetwork: vnet-2}}\n"                                            \
    "  vnet-2: {addressSpace: [10.1.0.0/16], subnets: {subnet-1: 10.1.0.0/24}}\n"                            \
    "virtualMachines:\n"                                                                                     \
    "  vm-1: {subnet: vnet-1/subnet-1}\n"                                                                    \
    "  vm-2: {subnet: vnet-2/subnet-1}\n"                                                                    \
    "  vm-3: {subnet: vnet-1/subnet-1}\n"

#define LAB_RUNS                                                                                             \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets: {vnet-1: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}}\n"                            \
    "virtualMachines: {vm-1: {subnet: vnet-1/s, run: [sleep 1000]}}\n"

/* root without the right to mount and to enter namespaces: the kernel refuses, at the first step. */
#define CRIPPLED "setpriv --bounding-set=-sys_admin -- \"$VNETLAB\""

static struct vnl_json *parse(const char *text)
{
    struct vnl_json *json = NULL;

    assert_int_equal(vnl_json_parse(text, strlen(text), &json, NULL), 0);
    return json;
}

/* The lab's row of `ls`; the text is in cli_out. */
static void assert_state(const char *state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *list;

    cli_ok("ls -o json");
    json = parse(cli_out);
    list = vnl_json_get(json, "value");
    for (size_t i = 0; i < vnl_json_len(list); i++) {
        if (!strcmp(vnl_json_get_text(vnl_json_at(list, i), "name"), cli_lab())) {
            assert_string_equal(vnl_json_get_text(vnl_json_at(list, i), "state"), state);
            return;
        }
    }
    fail_msg("lab %s is not listed", cli_lab());
}

static void assert_out(const char *fmt)
{
    char wanted[512];

    (void)snprintf(wanted, sizeof(wanted), fmt, cli_lab());
    assert_has(cli_out, wanted);
}

/* --- up ------------------------------------------------------------------------------------------- */

static void up_says_what_it_did(void **state)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    const char *lab = cli_file("lab.yaml", LAB);

    (void)state;
    cli_ok("up %s", lab);
    assert_out("lab %s: 2 virtual networks, 2 virtual machines up in ");
    assert_lacks(cli_out, "try: "); /* that is for terminals */
    assert_string_equal(cli_err, "");
    assert_state("up");
    cli_ok("up %s", lab);
    assert_out("lab %s: nothing to change\n");
    cli_ok("up -o json %s", lab);
    json = parse(cli_out);
    assert_false(vnl_json_get_bool(json, "created", true));
    assert_int_equal(vnl_json_len(vnl_json_get(json, "difference")), 0);
}

static void up_on_a_terminal_shows_a_first_thing_to_try(void **state)
{
    const char *lab = cli_file("lab.yaml", LAB);

    (void)state;
    if (sh("command -v script") != 0) {
        puts("skip: script(1) is not installed, terminals were not tried");
        skip();
    }
    sh_ok("TERM=xterm script -qec '\"$VNETLAB\" up %s' /dev/null", lab);
    assert_has(cli_out, "try: sudo vnetlab exec vm-1 -- ping -c 4 10.1.0.4");
}

static void up_lists_changes_and_what_to_sync(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    cli_ok("plan %s", cli_file("larger.yaml", LARGER));
    assert_out("lab %s: 4 changes\n");
    cli_ok("up %s", cli_file("larger.yaml", LARGER));
    assert_has(cli_out, "~ virtualNetworks/vnet-2 ");
    assert_has(cli_out, "~ routes/vnet-2 ");
    assert_out("lab %s: 4 changes in ");
    assert_has(
        cli_out,
        "vnet-1/to-vnet-2 still uses the old address space of vnet-2: sudo vnetlab sync vnet-1/to-vnet-2\n");
    assert_has(cli_err, "/lab.yaml until now\n"); /* another file describes it now */
}

static void a_bad_file_changes_nothing(void **state)
{
    (void)state;
    cli_fails(2, "up %s", cli_file("bad.yaml", LAB_WITH("10.2.0.0/16")));
    cli_ok("ls");
    assert_has(cli_out, "no labs: ");
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    cli_fails(2, "up %s", cli_file("bad.yaml", LAB_WITH("10.2.0.0/16")));
    assert_has(cli_err, "NetcfgSubnetRangeOutsideVnet");
    assert_state("up");
    cli_ok("plan %s", cli_file("lab.yaml", LAB));
    assert_out("lab %s: nothing to change\n");
}

static void a_lab_that_could_not_be_created_is_gone(void **state)
{
    (void)state;
    cli_expect_(__FILE__, __LINE__, 3, sh(CRIPPLED " up %s", cli_file("lab.yaml", LAB)));
    assert_has(cli_err, "was not created: ");
    cli_ok("ls");
    assert_has(cli_out, "no labs: ");
    cli_ok("up %s", cli_file("lab.yaml", LAB));
}

/* vm-3 cannot be made: its name is taken by somebody else's file. */
static void a_change_that_failed_leaves_the_lab_as_it_was(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    sh_ok("touch /run/netns/%s.vm-3", cli_lab());
    cli_expect_(__FILE__, __LINE__, 3, cli("up %s", cli_file("cut.yaml", CUT)));
    assert_has(cli_err, "was not changed: ");
    assert_has(cli_err, ".vm-3 exists and is not of this lab");
    assert_state("up");
    assert_int_equal(cli_ping("vm-1", "10.1.0.4"), 64);
    cli_ok("show");
    assert_has(cli_out, "vnet-1/to-vnet-2  vnet-2      Connected     FullyInSync ");
    cli_ok("up %s", cli_file("lab.yaml", LAB)); /* the peering's state has not moved */
    assert_out("lab %s: nothing to change\n");
    sh_ok("rm /run/netns/%s.vm-3", cli_lab());
    cli_ok("up %s", cli_file("cut.yaml", CUT));
    assert_int_equal(cli_ping("vm-1", "10.1.0.4"), 0);
}

/* Neither the change nor the way back is possible: the next `up` has both to choose from. */
static void a_change_that_failed_is_finished_by_the_next_up(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    cli_expect_(__FILE__, __LINE__, 3, sh(CRIPPLED " up %s", cli_file("larger.yaml", LARGER)));
    assert_has(cli_err, "is changed in part only, say 'vnetlab up' again: ");
    assert_state("unfinished");
    cli_ok("plan %s", cli_file("larger.yaml", LARGER));
    assert_out("lab %s: 4 changes\n");
    assert_out("lab %s: the last change was not finished: 'vnetlab up' finishes it\n");
    cli_ok("up %s", cli_file("larger.yaml", LARGER));
    assert_state("up");
    cli_ok("routes vm-2");
    assert_has(cli_out, "10.9.0.0/16");
    assert_int_equal(cli_ping("vm-1", "10.1.0.4"), 64);
}

/* Somebody ended what a VM runs. */
static void commands_that_died_are_started_and_told(void **state)
{
    const char *lab = cli_file("run.yaml", LAB_RUNS);

    (void)state;
    cli_ok("up %s", lab);
    cli_ok("up %s", lab);
    assert_out("lab %s: nothing to change\n");
    sh_ok("kill -9 $(cut -d' ' -f1 $VNETLAB_RUN_DIR/%s/vm/vm-1/init.pid); sleep 0.3", cli_lab());
    cli_ok("up %s", lab);
    assert_out("lab %s: repaired (0 created, 1 changed, 0 deleted) in ");
    cli_ok("up %s", lab);
    assert_out("lab %s: nothing to change\n");
}

/* As after a reboot: the store remembers, the kernel does not. */
static void a_stopped_lab_comes_up_as_it_was(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    sh_ok("cp -a \"$VNETLAB_STATE_DIR\" \"$VNETLAB_STATE_DIR.kept\"");
    cli_ok("down --wait");
    sh_ok("mkdir -p \"$VNETLAB_STATE_DIR\" && cp -a \"$VNETLAB_STATE_DIR.kept\"/. \"$VNETLAB_STATE_DIR\"/");
    assert_state("stopped");
    cli_fails(2, "exec vm-1 -- true");
    assert_has(cli_err, "no lab is running");
    cli_ok("show");
    assert_out("lab %s: not running ('vnetlab up' starts it)\n");
    cli_ok("plan %s", cli_file("lab.yaml", LAB));
    assert_has(cli_out, "+ virtualMachines/vm-1 ");
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    assert_out("lab %s: 2 virtual networks, 2 virtual machines up in ");
}

/* --- show, ls, routes ----------------------------------------------------------------------------- */

static void show_lists_networks_peerings_and_machines(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    cli_ok("show");
    assert_out("lab %s: up\n");
    assert_has(cli_out, "vnet-1  eastus    10.0.0.0/16   subnet-1 10.0.0.0/24\n");
    assert_has(cli_out, "vnet-1/to-vnet-2  vnet-2      Connected     FullyInSync       access\n");
    assert_has(cli_out, "vm-2  vnet-2/subnet-1  10.1.0.4   00:0d:3a:");
    assert_out("  %s.vm-2");
    cli_ok("ls");
    assert_out("%s");
    assert_has(cli_out, "  2      2    2/2       up     ");
    vnl_json_free(&(struct vnl_json *){ (cli_ok("show -o json"), parse(cli_out)) });
}

static void show_finds_a_resource_by_every_name(void **state)
{
    static const struct {
        const char *word, *id_end;
    } words[] = {
        { "vm-1", "/virtualMachines/vm-1\"" },
        { "VM-1", "/virtualMachines/vm-1\"" },
        { "vms/vm-1", "/virtualMachines/vm-1\"" },
        { "virtualMachines/vm-1", "/virtualMachines/vm-1\"" },
        { "vnet-1", "/virtualNetworks/vnet-1\"" },
        { "vnets/vnet-1", "/virtualNetworks/vnet-1\"" },
        { "vnet-1/subnet-1", "/virtualNetworks/vnet-1/subnets/subnet-1\"" },
        { "virtualNetworks/vnet-1/subnets/subnet-1", "/virtualNetworks/vnet-1/subnets/subnet-1\"" },
        { "vnet-1/to-vnet-2", "/virtualNetworks/vnet-1/virtualNetworkPeerings/to-vnet-2\"" },
        { "vnets/vnet-1/peerings/to-vnet-2", "/virtualNetworks/vnet-1/virtualNetworkPeerings/to-vnet-2\"" },
        { "vm-1-nic", "/networkInterfaces/vm-1-nic\"" },
    };
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;

    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        cli_ok("show -o json %s", words[i].word);
        assert_has(cli_out, words[i].id_end);
    }
    json = parse(cli_out);
    cli_ok("show -o json %s", vnl_json_get_text(json, "id"));
    assert_has(cli_out, "/networkInterfaces/vm-1-nic\"");
    cli_fails(2, "show vnet-1/subnet-2");
    assert_has(cli_err, "there is no resource 'vnet-1/subnet-2'");
    assert_has(cli_err, "hint: did you mean 'vnet-1/subnet-1'?\n");
}

static void show_tells_names_apart(void **state)
{
    (void)state;
    cli_ok("up %s",
           cli_file("twins.yaml", "name: %s\nlocation: eastus\n"
                                  "vnets: {twin: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}}\n"
                                  "virtualMachines: {twin: {subnet: twin/s}}\n"));
    cli_fails(2, "show twin");
    assert_has(cli_err,
               "'twin' is a virtual network and a virtual machine\n  hint: say vnets/twin or vms/twin\n");
    cli_ok("show -o json vms/twin");
    assert_has(cli_out, "\"type\": \"Microsoft.Compute/virtualMachines\"");
}

static void show_counts_drops_by_reason(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    assert_int_equal(cli_drops("vm-1", "NoRoute"), 0);
    assert_int_equal(cli_ping("vm-1", "10.200.0.4"), 0);
    assert_int_equal(cli_drops("vm-1", "NoRoute"), 1);
    assert_int_equal(cli_drops("vm-2", "NoRoute"), 0);
}

static void completion_knows_the_lab(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    cli_ok("complete -- exec ''");
    assert_string_equal(cli_out, "vm-1\nvm-2\n");
    cli_ok("complete -- sync vnet-2");
    assert_string_equal(cli_out, "vnet-2/to-vnet-1\n");
    cli_ok("complete -- down ''");
    assert_out("%s\n");
}

/* --- sync ----------------------------------------------------------------------------------------- */

static void sync_prints_old_and_new(void **state)
{
    (void)state;
    cli_ok("up %s", cli_file("lab.yaml", LAB));
    cli_ok("up %s", cli_file("larger.yaml", LARGER));
    cli_ok("routes vm-1");
    assert_lacks(cli_out, "10.9.0.0/16");
    cli_ok("sync vnet-1/to-vnet-2");
    assert_string_equal(cli_out, "vnet-1/to-vnet-2: Connected, LocalNotInSync -> Connected, FullyInSync\n"
                                 "vnet-2/to-vnet-1: Connected, RemoteNotInSync -> Connected, FullyInSync\n");
    cli_ok("routes vm-1");
    assert_has(cli_out, "10.9.0.0/16       VNetPeering\n");
    assert_state("up");
    cli_ok("sync vnet-1/to-vnet-2");
    assert_string_equal(cli_out, "vnet-1/to-vnet-2: Connected, FullyInSync\nnothing to sync\n");
    cli_fails(2, "sync vnet-1/to-vnet-3");
    assert_has(cli_err, "there is no peering 'vnet-1/to-vnet-3'");
    assert_has(cli_err, "hint: did you mean 'vnet-1/to-vnet-2'?\n");
}

/* --- down ----------------------------------------------------------------------------------------- */

static void down_takes_a_name_a_file_or_nothing(void **state)
{
    const char *lab = cli_file("lab.yaml", LAB);

    (void)state;
    cli_ok("down");
    assert_string_equal(cli_out, "nothing to remove\n");
    cli_ok("up %s", lab);
    cli_ok("down %s", lab);
    assert_out("lab %s: removed\n");
    cli_ok("down %s", lab);
    assert_string_equal(cli_out, "nothing to remove\n");
    cli_ok("up %s", lab);
    cli_fails(2, "down %sx", cli_lab());
    assert_has(cli_err, "hint: did you mean '");
    cli_fails(2, "down --all %s", cli_lab());
    assert_has(cli_err, "--all and the name of a lab exclude each other");
    cli_ok("down -o json");
    assert_out("\"%s\"");
    cli_fails(2, "down %s", cli_lab());
    assert_has(cli_err, "there is no lab '");
}

static void with_two_labs_the_user_must_choose(void **state)
{
    (void)state;
    cli_ok("up %s",
           cli_file("a.yaml", "name: %s-a\nlocation: eastus\n"
                              "vnets: {vnet-1: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}}\n"
                              "virtualMachines: {vm-1: {subnet: vnet-1/s}}\n"));
    cli_ok("up %s",
           cli_file("b.yaml", "name: %s-b\nlocation: eastus\n"
                              "vnets: {vnet-1: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}}\n"));
    cli_fails(2, "show");
    assert_has(cli_err, "several labs are known: ");
    cli_fails(2, "exec vm-1 -- true");
    assert_has(cli_err, "several labs are running: ");
    assert_has(cli_err, "hint: say which: -l LAB\n");
    sh_ok("VNETLAB_LAB=%s-a \"$VNETLAB\" exec vm-1 -- true", cli_lab());
    cli_ok("exec -l %s-a vm-1 -- true", cli_lab());
    cli_ok("down --all");
    assert_out("lab %s-a: removed\n");
    assert_out("lab %s-b: removed\n");
}

static void doctor_finds_this_machine_ready(void **state)
{
    (void)state;
    cli_ok("doctor");
    assert_has(cli_out, "two peered virtual machines up and down in ");
    assert_has(cli_out, "\nlabs run here");
    sh_ok("! ip netns list | grep doctor");
}

static void doctor_names_what_the_kernel_refuses(void **state)
{
    (void)state;
    cli_expect_(__FILE__, __LINE__, 3, sh(CRIPPLED " doctor"));
    assert_has(cli_out, "  network namespaces  mount namespace: Operation not permitted");
    assert_has(cli_out, "\nlabs cannot run here: ");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(up_says_what_it_did, cli_down_all),
        cmocka_unit_test_teardown(up_on_a_terminal_shows_a_first_thing_to_try, cli_down_all),
        cmocka_unit_test_teardown(up_lists_changes_and_what_to_sync, cli_down_all),
        cmocka_unit_test_teardown(a_bad_file_changes_nothing, cli_down_all),
        cmocka_unit_test_teardown(a_lab_that_could_not_be_created_is_gone, cli_down_all),
        cmocka_unit_test_teardown(a_change_that_failed_leaves_the_lab_as_it_was, cli_down_all),
        cmocka_unit_test_teardown(a_change_that_failed_is_finished_by_the_next_up, cli_down_all),
        cmocka_unit_test_teardown(commands_that_died_are_started_and_told, cli_down_all),
        cmocka_unit_test_teardown(a_stopped_lab_comes_up_as_it_was, cli_down_all),
        cmocka_unit_test_teardown(show_lists_networks_peerings_and_machines, cli_down_all),
        cmocka_unit_test_teardown(show_finds_a_resource_by_every_name, cli_down_all),
        cmocka_unit_test_teardown(show_tells_names_apart, cli_down_all),
        cmocka_unit_test_teardown(show_counts_drops_by_reason, cli_down_all),
        cmocka_unit_test_teardown(completion_knows_the_lab, cli_down_all),
        cmocka_unit_test_teardown(sync_prints_old_and_new, cli_down_all),
        cmocka_unit_test_teardown(down_takes_a_name_a_file_or_nothing, cli_down_all),
        cmocka_unit_test_teardown(with_two_labs_the_user_must_choose, cli_down_all),
        cmocka_unit_test(doctor_finds_this_machine_ready),
        cmocka_unit_test(doctor_names_what_the_kernel_refuses),
    };

    return cmocka_run_group_tests_name("commands", tests, cli_setup, cli_teardown);
}
