/* The dataplane without policy: what apply makes, changes, repairs and takes away. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../harness/leftovers.h"
#include "../harness/running.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"

#define NETS                                                                                                 \
    "vnet va 10.0.0.0/16,fd00:a::/48\nsubnet s 10.0.0.0/24,fd00:a:0:1::/64\nsubnet t 10.0.1.0/24\n"          \
    "vnet vb 10.1.0.0/16\nsubnet s 10.1.0.0/24\n"
#define BASE NETS "vm a1 va/s\nvm a2 va/s\nvm b1 vb/s\n"

#define PEERED                                                                                               \
    "vnet va 10.0.0.0/16\nsubnet s 10.0.0.0/24\npeer ab vb\n"                                                \
    "vnet vb 10.1.0.0/16\nsubnet s 10.1.0.0/24\n"
#define PEERED_VMS "vm a1 va/s\nvm b1 vb/s\n"

static struct leftovers *before;
static struct vnl_lab *lab;
static struct vnl_plan *plan;

static int group_setup(void **state)
{
    (void)state;
    leftovers_isolate();
    before = leftovers_take();
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    leftovers_free(&before);
    return 0;
}

static void replan(const char *text)
{
    vnl_plan_free(&plan);
    plan = running_plan(text, &lab);
}

static int lab_setup(void **state)
{
    (void)state;
    replan(BASE);
    return 0;
}

static int lab_teardown(void **state)
{
    (void)state;
    running_down();
    vnl_plan_free(&plan);
    vnl_lab_free(&lab);
    leftovers_assert_none(before);
    return 0;
}

static ino_t netns_inode(const char *vm)
{
    CLEANUP(vnl_fd_close) int fd = -1;
    struct stat st;

    assert_int_equal(vnl_netns_open(plan->lab, vm, &fd, NULL), 0);
    assert_int_equal(fstat(fd, &st), 0);
    return st.st_ino;
}

/* A process in a VM's network that does nothing. */
static pid_t start_in(const char *vm)
{
    CLEANUP(vnl_fd_close) int fd = -1;
    int ready[2], saved;
    char byte;
    pid_t pid;

    assert_int_equal(vnl_netns_open(plan->lab, vm, &fd, NULL), 0);
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!(vnl_netns_enter(fd, &saved, NULL) == 0 && write(ready[1], "", 1) == 1);
        (void)close(saved); /* nothing but itself holds it in the namespace */
        (void)close(fd);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return pid;
}

static void assert_ended(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, WNOHANG), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* --- making --------------------------------------------------------------------------------------- */

static void apply_makes_what_the_plan_says(void **state)
{
    struct vnl_dp_stats stats;

    (void)state;
    assert_false(vnl_dp_exists(plan->lab));
    stats = running_converge(plan);
    assert_int_equal(stats.created, 2 + 2 + 3 + 3); /* fabric and platform, bridges, namespaces, ports */
    assert_int_equal(stats.changed, 0);
    assert_int_equal(stats.deleted, 0);
    assert_true(stats.published);
    assert_true(vnl_dp_exists(plan->lab));
    running_check(plan);
    assert_true(running_ping("a1", "10.0.0.5"));
    assert_true(running_ping("a2", "10.0.0.4"));
    assert_true(running_ping("a1", "fd00:a:0:1::5"));
    assert_false(running_ping("b1", "10.0.0.4"));
}

/* Spec 1.8, to the byte. */
static void guest_has_azures_routes(void **state)
{
    (void)state;
    (void)running_apply(plan);
    assert_string_equal(running_in("a1", "ip -4 route"),
                        "default via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100 \n"
                        "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.4 metric 100 \n"
                        "10.0.0.1 dev eth0 proto dhcp scope link src 10.0.0.4 metric 100 \n"
                        "168.63.129.16 via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100 \n"
                        "169.254.169.254 via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100 \n");
    running_has(running_in("a1", "ip -6 route"),
                "default via fe80::1234:5678:9abc dev eth0 proto dhcp metric 100");
    running_has(running_in("a1", "ip -6 route"), "fd00:a:0:1::/64 dev eth0 proto kernel metric 100");
    running_has(running_in("a1", "ip -6 addr show dev eth0"), "inet6 fe80::20d:3aff:fe");
    running_lacks(running_in("a1", "ip -6 addr show dev eth0"), "tentative");
    running_has(running_in("a1", "ip -d link show eth0"), "mtu 1500");
    running_has(running_in("a1", "ip -d link show eth0"), "numtxqueues 1");
    running_has(running_in("a1", "ip -d link show eth0"), " gso_max_size 524280");
    running_has(running_in("a1", "ip link show lo"), ",UP");
    assert_string_equal(running_in("b1", "ip -6 addr show dev eth0"), "");
}

static void only_appliances_forward(void **state)
{
    (void)state;
    lab->vms[0]->ip_forward = true;
    vnl_plan_free(&plan);
    assert_int_equal(vnl_plan_build(lab, &plan, NULL), 0);
    (void)running_converge(plan);
    assert_string_equal(running_in("a1", "sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding"),
                        "1\n1\n");
    assert_string_equal(running_in("a2", "sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding"),
                        "0\n0\n");

    replan(BASE);
    assert_int_equal(running_converge(plan).changed, 1);
    assert_string_equal(running_in("a1", "sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding"),
                        "0\n0\n");
    running_check(plan);
}

/* Enough for several groups on both threads; more NICs than the first tables hold. */
static void lab_outgrows_its_tables_while_it_runs(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct vnl_dp_stats stats;

    (void)state;
    (void)running_converge(plan);
    (void)fputs(NETS "vm a1 va/s\nvm b1 vb/s\n", out);
    for (int i = 0; i < 300; i++)
        (void)fprintf(out, "vm more%d va/%s\n", i, i % 2 ? "s" : "t");
    (void)fclose(out);
    replan(text);
    free(text);
    stats = running_converge(plan);
    assert_int_equal(stats.created, 600);
    assert_int_equal(stats.deleted, 2);
    assert_int_equal(stats.changed, 3); /* filters of a1, b1 and the platform */
    running_check(plan);
    running_has(running_sh("readlink %s/%s/bpf", vnl_run_dir(), plan->lab), "tables/2");
    assert_string_equal(running_sh("ls %s/%s/tables | grep -v debug", vnl_run_dir(), plan->lab), "2\n");
    assert_true(running_ping("a1", "10.0.1.4"));

    replan(BASE);
    stats = running_converge(plan);
    assert_int_equal(stats.deleted, 600);
    running_check(plan);
    assert_true(running_ping("a1", "10.0.0.5"));
}

/* The kernel keeps 255 characters of an alias. */
static void longest_names_fit(void **state)
{
    char *alias = malloc(256);

    (void)state;
    assert_non_null(alias);
    memset(alias, 'x', 255);
    alias[255] = '\0';
    memcpy(alias, plan->nics[0].alias, strlen(plan->nics[0].alias));
    free(plan->nics[0].alias);
    plan->nics[0].alias = alias;
    alias = strdup(alias);
    memcpy(alias, plan->bridges[0].alias, strlen(plan->bridges[0].alias));
    free(plan->bridges[0].alias);
    plan->bridges[0].alias = alias;
    (void)running_converge(plan);
    running_check(plan);
}

/* --- changing ------------------------------------------------------------------------------------- */

static void address_changes_in_place(void **state)
{
    ino_t inode;
    pid_t pid;

    (void)state;
    (void)running_converge(plan);
    inode = netns_inode("a1");
    pid = start_in("a1");
    (void)running_in("a1", "ip addr add 10.0.0.99/24 dev eth0"); /* somebody's own: goes with the rest */

    replan(NETS "vm a1 va/t 10.0.1.77\nvm a2 va/s\nvm b1 vb/s\n");
    assert_int_equal(running_converge(plan).changed, 1);
    running_check(plan);
    assert_int_equal(netns_inode("a1"), inode);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    assert_string_equal(running_in("a1", "ip -4 route show default"),
                        "default via 10.0.1.1 dev eth0 proto dhcp src 10.0.1.77 metric 100 \n");
    running_lacks(running_in("a1", "ip -4 route"), "10.0.0.");
    assert_true(running_ping("a2", "10.0.1.77"));

    running_down();
    assert_ended(pid);
}

static void vms_come_and_go_and_slots_change_owner(void **state)
{
    ino_t kept;
    uint32_t slot = plan->nics[1].slot;
    pid_t pid;

    (void)state;
    (void)running_converge(plan);
    kept = netns_inode("a1");
    pid = start_in("a2");

    /* The new VM gets the slot, and thereby the interface index, of the one that goes in the same apply. */
    replan(NETS "vm a1 va/s\nvm b1 vb/s\nvm b2 vb/s\n");
    assert_int_equal(plan->nics[2].slot, slot);
    assert_string_equal(plan->vms[2].name, "b2");
    assert_int_equal(running_converge(plan).deleted, 2);
    assert_ended(pid);
    running_check(plan);
    assert_int_equal(netns_inode("a1"), kept);
    assert_true(running_ping("b1", "10.1.0.5"));
    assert_false(running_ping("a1", "10.0.0.5"));
    assert_int_equal(vnl_netns_open(plan->lab, "a2", &(int){ -1 }, NULL), -ENOENT);

    replan("vnet vb 10.1.0.0/16\nsubnet s 10.1.0.0/24\nvm b1 vb/s\n");
    assert_int_equal(running_converge(plan).deleted, 2 + 2 + 1); /* namespaces, ports, bridge */
    running_check(plan);
}

static void vm_keeps_running_when_its_vnet_is_renamed_on_the_bridge(void **state)
{
    (void)state;
    (void)running_converge(plan);
    (void)running_in(VNL_FABRIC, "ip link set vnet0 alias 'vnetlab %s other'", plan->lab);
    assert_int_equal(running_converge(plan).changed, 1);
    running_has(running_in(VNL_FABRIC, "ip -d link show vnet0"), plan->bridges[0].alias);
}

/* --- repairing ------------------------------------------------------------------------------------ */

static void damage_is_repaired(void **state)
{
    static const struct {
        const char *damage; /* in the fabric namespace */
        size_t created, changed, deleted;
    } cases[] = {
        { "tc filter del dev nic0 ingress", 0, 1, 0 },
        { "tc qdisc del dev nic0 clsact", 0, 1, 0 },
        { "ip link set nic0 nomaster", 0, 1, 0 },
        { "ip link set nic0 master vnet1", 0, 1, 0 },
        { "ip link set nic0 down", 0, 1, 0 },
        { "ip link set nic0 alias ''", 1, 0, 1 },
        { "ip link set nic0 alias 'vnetlab other a1'", 1, 0, 1 },
        { "ip link set vnet0 down", 0, 1, 0 },
        { "ip link del vnet0", 1, 2, 0 },
        { "ip link del nic0", 1, 0, 0 },
        { "bridge link set dev nic0 isolated off", 0, 1, 0 },
        { "bridge link set dev nic0 learning on", 0, 1, 0 },
        { "bridge link set dev nic0 flood on", 0, 1, 0 },
        { "bridge link set dev nic0 mcast_flood on bcast_flood on", 0, 1, 0 },
        { "ip link set nic0 mtu 1400", 0, 2, 0 }, /* the bridge follows its ports */
        { "ip link set vnet0 mtu 1400", 0, 1, 0 },
        { "sh -c 'ip link set nic0 down; ip link set nic0 name other'", 0, 1, 0 },
        { "sh -c 'ip link set vnet0 down; ip link set vnet0 name other'", 0, 1, 0 },
        { "sh -c 'ip link set nic0 down; ip link set nic1 down; ip link set nic0 name x; "
          "ip link set nic1 name nic0; ip link set x name nic1'",
          0, 2, 0 },
        { "ip link add junk index 1048600 type bridge", 0, 0, 1 },
    };

    (void)state;
    (void)running_converge(plan);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vnl_dp_stats stats;

        assert_string_equal(running_in(VNL_FABRIC, "%s 2>&1", cases[i].damage), "");
        stats = running_converge(plan);
        if (stats.created != cases[i].created || stats.changed != cases[i].changed ||
            stats.deleted != cases[i].deleted)
            fail_msg("%s: %zu created, %zu changed, %zu deleted", cases[i].damage, stats.created,
                     stats.changed, stats.deleted);
        running_check(plan);
        assert_true(running_ping("a1", "10.0.0.5"));
    }
}

static void lost_namespace_and_names_are_made_anew(void **state)
{
    (void)state;
    (void)running_converge(plan);
    (void)running_sh("umount %s/%s/ns/a1", vnl_run_dir(), plan->lab);
    (void)running_sh("rm /run/netns/%s.a2", plan->lab);
    (void)running_converge(plan);
    running_check(plan);
    assert_true(running_ping("a1", "10.0.0.5"));
}

/* As `ip netns del LAB._fabric` does. The old fabric lives on, or dies a moment later: neither must be in the
 * way. */
static void lost_fabric_is_made_anew(void **state)
{
    (void)state;
    for (int is_held = 0; is_held < 2; is_held++) {
        CLEANUP(vnl_fd_close) int fd = -1;
        ino_t inode;

        (void)running_converge(plan);
        inode = netns_inode("a1");
        if (is_held)
            assert_int_equal(vnl_netns_open(plan->lab, VNL_FABRIC, &fd, NULL), 0);
        (void)running_sh("umount -l /run/netns/%s._fabric; rm /run/netns/%s._fabric", plan->lab, plan->lab);
        (void)running_converge(plan);
        running_check(plan);
        assert_int_equal(netns_inode("a1"), inode);
        assert_true(running_ping("a1", "10.0.0.5"));
    }
}

/* A pin is missing; then the link to the set. */
static void damaged_tables_are_loaded_anew(void **state)
{
    static const char *const damage[] = { "bpf/vnl_nics", "bpf" };

    (void)state;
    (void)running_converge(plan);
    for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
        (void)running_sh("rm %s/%s/%s", vnl_run_dir(), plan->lab, damage[i]);
        assert_int_equal(running_converge(plan).changed, 4); /* filters */
        assert_string_equal(running_sh("ls %s/%s/tables | grep -c -v debug", vnl_run_dir(), plan->lab),
                            "1\n");
        assert_true(running_ping("a1", "10.0.0.5"));
    }
}

static void what_is_not_ours_is_left_alone(void **state)
{
    (void)state;
    (void)running_converge(plan);
    (void)running_in(VNL_FABRIC, "ip link add mine type bridge");
    (void)running_in("a1", "ip link add tun7 type bridge");
    replan(NETS "vm a1 va/s\n");
    (void)running_converge(plan);
    running_has(running_in(VNL_FABRIC, "ip link"), "mine");
    running_has(running_in("a1", "ip link"), "tun7");
}

/* --- failing -------------------------------------------------------------------------------------- */

static void failed_apply_takes_back_what_it_made(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_dp_stats stats = { .created = 77 };
    char wanted[128];

    (void)state;
    (void)running_sh("mkdir -p /run/netns; touch /run/netns/%s.b1", plan->lab);
    assert_int_equal(vnl_dp_apply(plan, NULL, &stats, &err), -EEXIST);
    (void)snprintf(wanted, sizeof(wanted), "/run/netns/%s.b1 exists and is not of this lab", plan->lab);
    assert_string_equal(err->msg, wanted);
    assert_int_equal(stats.created, 77);
    assert_false(vnl_dp_exists(plan->lab));
    (void)running_sh("rm /run/netns/%s.b1; rmdir /run/netns", plan->lab);
    leftovers_assert_none(before);
}

static void failed_change_leaves_the_rest_running(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_dp_stats stats;

    (void)state;
    (void)running_converge(plan);
    replan(BASE "vm new va/s\n");
    (void)running_sh("touch /run/netns/%s.new", plan->lab);
    assert_int_equal(vnl_dp_apply(plan, NULL, &stats, &err), -EEXIST);
    assert_int_equal(vnl_netns_open(plan->lab, "new", &(int){ -1 }, NULL), -ENOENT);
    running_lacks(running_in(VNL_FABRIC, "ip link 2>/dev/null"), "nic3");
    assert_true(running_ping("a1", "10.0.0.5"));
    (void)running_sh("rm /run/netns/%s.new", plan->lab);
    assert_int_equal(running_converge(plan).created, 2);
    running_check(plan);
}

/* What is removed takes force before anything is made, so also when that fails. */
static void failed_change_has_closed_what_it_was_to_close(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_dp_stats stats;

    (void)state;
    replan(PEERED "peer ba va\n" PEERED_VMS);
    (void)running_converge(plan);
    assert_true(running_ping("a1", "10.1.0.4"));
    replan(PEERED PEERED_VMS "vm new vb/s\n");
    (void)running_sh("touch /run/netns/%s.new", plan->lab);
    assert_int_equal(vnl_dp_apply(plan, NULL, &stats, &err), -EEXIST);
    (void)running_sh("rm /run/netns/%s.new", plan->lab);
    assert_false(running_ping("a1", "10.1.0.4"));
}

static void refusals_name_vm_and_link(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_dp_stats stats;

    (void)state;
    (void)running_converge(plan);
    replan(BASE "vm new va/s\n");
    (void)running_in(VNL_FABRIC, "ip link add nic3 type bridge"); /* the name, not the index: not ours */
    assert_int_equal(vnl_dp_apply(plan, NULL, &stats, &err), -EEXIST);
    assert_string_equal(err->msg, "VM 'new': cannot make port nic3: File exists");
}

static void questions_about_what_is_not_there(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int fd = -1;

    (void)state;
    assert_int_equal(vnl_netns_open("nolab", "a1", &fd, &err), -ENOENT);
    assert_string_equal(err->msg, "lab 'nolab' is not running");
    vnl_err_free(&err);
    (void)running_apply(plan);
    assert_int_equal(vnl_netns_open(plan->lab, "a9", &fd, &err), -ENOENT);
    running_has(err->msg, "has no VM 'a9'");
    vnl_err_free(&err);
    assert_int_equal(vnl_netns_open(plan->lab, "../ns/a1", &fd, &err), -ENOENT);
    assert_int_equal(fd, -1);
}

/* --- down ----------------------------------------------------------------------------------------- */

static void down_is_content_with_nothing_and_with_half(void **state)
{
    (void)state;
    running_down();
    (void)running_converge(plan);
    (void)running_sh("umount %s/%s/ns/_fabric; rm /run/netns/%s.a2; rm -r %s/%s/vm", vnl_run_dir(), plan->lab,
                     plan->lab, vnl_run_dir(), plan->lab);
    running_down();
    running_down();
    leftovers_assert_none(before);

    (void)running_converge(plan);
    (void)running_sh("umount -l %s/%s", vnl_run_dir(), plan->lab); /* directory and names are left */
    running_down();
    leftovers_assert_none(before);

    (void)running_sh("mkdir -p %s/%s; mount -t tmpfs t %s/%s", vnl_run_dir(), plan->lab, vnl_run_dir(),
                     plan->lab);
    (void)running_converge(plan);
    running_check(plan);
    running_down();
    leftovers_assert_none(before);
}

/* A process with mounts of its own, as a container's or a service's: slaves of ours. */
static pid_t start_with_own_mounts(void)
{
    int ready[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 &&
                write(ready[1], "", 1) == 1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return pid;
}

static void stop(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static const char *namespaces_seen_by(pid_t pid)
{
    return running_sh("grep -c nsfs /proc/%d/mountinfo", (int)pid);
}

/* /run is private here (as in a container), then shared (as on a laptop). */
static void copies_of_our_mounts_hold_nothing(void **state)
{
    static const unsigned long run[] = { MS_PRIVATE, MS_SHARED };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(run); i++) {
        pid_t early, late;

        assert_int_equal(mount(NULL, "/run", NULL, run[i], NULL), 0);
        early = start_with_own_mounts();
        (void)running_converge(plan);
        late = start_with_own_mounts();
        assert_string_equal(namespaces_seen_by(early), "0\n");
        assert_string_equal(namespaces_seen_by(late), "5\n");
        running_down();
        assert_string_equal(namespaces_seen_by(late), "0\n");
        stop(early);
        stop(late);
        assert_int_equal(mount(NULL, "/run", NULL, MS_PRIVATE, NULL), 0);
        leftovers_assert_none(before);
    }
}

static void list_shows_labs_and_remains(void **state)
{
    struct vnl_names names = { 0 };

    (void)state;
    assert_int_equal(vnl_dp_list(&names, NULL), 0);
    assert_int_equal(names.n, 0);
    (void)running_apply(plan);
    (void)running_sh("mkdir %s/zz; ln -s %s/aa/ns/vm /run/netns/aa.vm; ln -s /elsewhere/ns/x /run/netns/x",
                     vnl_run_dir(), vnl_run_dir());
    assert_int_equal(vnl_dp_list(&names, NULL), 0);
    assert_int_equal(names.n, 3);
    assert_string_equal(names.items[0], "aa");
    assert_string_equal(names.items[1], plan->lab);
    assert_string_equal(names.items[2], "zz");
    vnl_names_done(&names);
    assert_false(vnl_dp_exists("aa"));
    assert_int_equal(vnl_dp_down("aa", false, NULL), 0);
    assert_int_equal(vnl_dp_down("zz", false, NULL), 0);
    (void)running_sh("rm /run/netns/x");
}

static void count_progress(const char *what, size_t done, size_t total, void *arg)
{
    size_t *last = arg;

    if (strcmp(what, "virtual machines") != 0)
        return;
    assert_int_equal(total, 3);
    assert_true(done > *last && done <= total);
    *last = done;
}

static void progress_is_reported(void **state)
{
    size_t last = 0;
    struct vnl_dp_options options = { .progress = count_progress, .arg = &last, .threads = 1 };
    struct vnl_dp_stats stats;

    (void)state;
    assert_int_equal(vnl_dp_apply(plan, &options, &stats, NULL), 0);
    assert_int_equal(last, 3);
}

#define lab_test(name) cmocka_unit_test_setup_teardown(name, lab_setup, lab_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(apply_makes_what_the_plan_says),
        lab_test(guest_has_azures_routes),
        lab_test(only_appliances_forward),
        lab_test(lab_outgrows_its_tables_while_it_runs),
        lab_test(address_changes_in_place),
        lab_test(vms_come_and_go_and_slots_change_owner),
        lab_test(vm_keeps_running_when_its_vnet_is_renamed_on_the_bridge),
        lab_test(damage_is_repaired),
        lab_test(lost_namespace_and_names_are_made_anew),
        lab_test(damaged_tables_are_loaded_anew),
        lab_test(what_is_not_ours_is_left_alone),
        lab_test(failed_apply_takes_back_what_it_made),
        lab_test(failed_change_leaves_the_rest_running),
        lab_test(failed_change_has_closed_what_it_was_to_close),
        lab_test(refusals_name_vm_and_link),
        lab_test(longest_names_fit),
        lab_test(lost_fabric_is_made_anew),
        lab_test(questions_about_what_is_not_there),
        lab_test(down_is_content_with_nothing_and_with_half),
        lab_test(copies_of_our_mounts_hold_nothing),
        lab_test(list_shows_labs_and_remains),
        lab_test(progress_is_reported),
    };

    return cmocka_run_group_tests_name("dataplane", tests, group_setup, group_teardown);
}
