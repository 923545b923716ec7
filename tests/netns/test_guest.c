/* Commands in VMs: what they see, how they end, and that nothing stays behind. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../ctl/cli/cmd_guest.h"
#include "../harness/guest.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

static char lab[32];

static int lab_setup(void **state)
{
    static unsigned number;

    (void)state;
    snprintf(lab, sizeof(lab), "g%d-%u", (int)getpid(), number++);
    guest_lab_make(lab);
    guest_vm_make(lab, "vm-1", "w1");
    return 0;
}

static int lab_teardown(void **state)
{
    (void)state;
    guest_lab_down(lab, (const char *const[]){ "w1", NULL });
    return 0;
}

/* A plan of one VNet (slot 3) that holds vm-1. */
static struct vnl_plan plan_of(struct vnl_plan_vnet *vnet, struct vnl_plan_nic *nic, struct vnl_plan_vm *vm,
                               char *hosts)
{
    static uint32_t first;

    *vnet = (struct vnl_plan_vnet){ .slot = 3, .name = "vnet-1", .hosts = hosts };
    *nic = (struct vnl_plan_nic){ .name = "vm-1-nic" };
    *vm = (struct vnl_plan_vm){ .name = "vm-1", .nics = &first, .n_nics = 1 };
    return (struct vnl_plan){
        .lab = lab, .vnets = vnet, .n_vnets = 1, .nics = nic, .n_nics = 1, .vms = vm, .n_vms = 1
    };
}

static void write_files(char *hosts, char *resolv, uint32_t slot)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_plan_vnet vnet;
    struct vnl_plan_nic nic;
    struct vnl_plan_vm vm;
    struct vnl_plan plan = plan_of(&vnet, &nic, &vm, hosts);

    vnet.slot = slot;
    vnet.resolv = resolv;
    assert_int_equal(vnl_guest_files(lab, &plan, &err), 0);
}

/* Of a VNet without a name server, as the internet side. */
static void write_hosts(char *hosts, uint32_t slot)
{
    write_files(hosts, NULL, slot);
}

/* --- what a command sees ----------------------------------------------------------------------------- */

static void guest_has_its_own_names(void **state)
{
    (void)state;
    write_hosts("127.0.0.1 localhost\n10.0.0.4 vm-1\n10.0.0.5 vm-2\n", 3);
    assert_sh("hostname; cat /etc/hostname", "vm-1\nvm-1\n");
    assert_sh("cat /etc/hosts", "127.0.0.1 localhost\n10.0.0.4 vm-1\n10.0.0.5 vm-2\n");
    assert_sh("getent hosts vm-2", "10.0.0.5        vm-2\n");
    assert_sh("grep -c nameserver /etc/resolv.conf || true", "0\n");
    assert_sh("getent hosts no.such.name || echo $?", "2\n");
    assert_sh("echo x 2>&- >> /etc/hosts || echo refused", "refused\n"); /* shared by the VNet */
}

static void changed_names_show_in_a_running_guest(void **state)
{
    pid_t before, after;

    (void)state;
    write_hosts("10.0.0.4 vm-1\n10.0.0.5 a-much-longer-name\n", 3);
    assert_sh("tail -1 /etc/hosts", "10.0.0.5 a-much-longer-name\n");
    assert_int_equal(guest_inits(lab, "vm-1", &before, 1), 1);
    write_hosts("10.0.0.4 vm-1\n10.0.0.6 b\n", 3);
    assert_sh("tail -1 /etc/hosts", "10.0.0.6 b\n");
    assert_int_equal(guest_inits(lab, "vm-1", &after, 1), 1);
    assert_int_equal(before, after);
}

static void changed_name_servers_show_in_a_running_guest(void **state)
{
    pid_t before, after;

    (void)state;
    write_files("10.0.0.4 vm-1\n", "nameserver 168.63.129.16\nsearch abc.internal\n", 3);
    assert_sh("cat /etc/resolv.conf", "nameserver 168.63.129.16\nsearch abc.internal\n");
    assert_sh("echo x 2>&- >> /etc/resolv.conf || echo refused", "refused\n"); /* shared by the VNet */
    assert_int_equal(guest_inits(lab, "vm-1", &before, 1), 1);
    write_files("10.0.0.4 vm-1\n", "nameserver 10.0.0.9\n", 3);
    assert_sh("cat /etc/resolv.conf", "nameserver 10.0.0.9\n");
    assert_int_equal(guest_inits(lab, "vm-1", &after, 1), 1);
    assert_int_equal(before, after);
}

static void guest_moved_to_another_vnet_is_made_anew(void **state)
{
    (void)state;
    write_hosts("10.0.0.4 old\n", 3);
    assert_sh("sleep 1000 </dev/null >/dev/null 2>&1 & cat /etc/hosts", "10.0.0.4 old\n");
    write_hosts("10.1.0.4 new\n", 4);
    wait_for(guest_inits(lab, "vm-1", NULL, 0) == 0);
    assert_sh("cat /etc/hosts; pgrep -c sleep || true", "10.1.0.4 new\n0\n");
}

static void guest_has_its_own_process_tree(void **state)
{
    char out[4096], expected[128];

    (void)state;
    assert_int_equal(guest_sh(lab, "vm-1", "tr '\\0' ' ' </proc/1/cmdline; echo; ps -e --no-headers | wc -l",
                              out, sizeof(out)),
                     0);
    snprintf(expected, sizeof(expected), "vnetlab: init of %s vm-1 \n4\n", lab); /* init, sh, ps, wc */
    assert_string_equal(out, expected);
}

static void guest_sees_its_own_interfaces(void **state)
{
    (void)state;
    assert_sh("ls /sys/class/net", "eth0\nlo\n");
    assert_sh("ip -o link | wc -l", "2\n");
    assert_sh("ls /sys/class/net/eth0/address", "/sys/class/net/eth0/address\n");
}

static void guest_sees_no_lab(void **state)
{
    char script[256];

    (void)state;
    assert_int_equal(system("mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip netns add other"),
                     0);
    assert_sh("ip netns; ip link 2>&1 | grep -c Error || true", "0\n");
    assert_int_equal(system("ip netns del other && umount -R /run/netns"), 0);
    snprintf(script, sizeof(script), "ls %s/%s; grep -c nsfs /proc/self/mountinfo || true", vnl_run_dir(),
             lab);
    assert_sh(script, "0\n");
}

static void command_keeps_directory_and_environment(void **state)
{
    char out[4096];

    (void)state;
    assert_int_equal(chdir("/usr/bin"), 0);
    setenv("MARK", "kept", 1);
    setenv("http_proxy", "http://proxy.invalid:3128", 1);
    assert_int_equal(guest_sh(lab, "vm-1", "pwd; echo $MARK $HOME ${http_proxy-none}", out, sizeof(out)), 0);
    unsetenv("MARK");
    unsetenv("http_proxy");
    assert_int_equal(chdir("/"), 0);
    assert_string_equal(out, "/usr/bin\nkept /root none\n");
}

/* --- how it ends ------------------------------------------------------------------------------------- */

static void exit_status_is_the_commands(void **state)
{
    static const struct {
        char *argv[4];
        int status;
        const char *says;
    } cases[] = {
        { { "true", NULL }, 0, "" },
        { { "false", NULL }, 1, "" },
        { { "sh", "-c", "exit 77", NULL }, 77, "" },
        { { "sh", "-c", "kill -TERM $$", NULL }, 128 + SIGTERM, "" },
        { { "sh", "-c", "kill -KILL $$", NULL }, 128 + SIGKILL, "" },
        { { "no-such-command", NULL }, 127, "vnetlab: no-such-command: command not found\n" },
        { { "/no/such/file", NULL }, 127, "vnetlab: /no/such/file: No such file or directory\n" },
        { { "/etc/passwd", NULL }, 126, "vnetlab: /etc/passwd: Permission denied\n" },
        { { "/etc", NULL }, 126, "vnetlab: /etc: Permission denied\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct runner runner =
            runner_start(lab, "vm-1", &(struct vnl_guest_exec){ .argv = (char *const *)cases[i].argv });
        char out[4096];

        assert_int_equal(runner_end(&runner, out, sizeof(out)), cases[i].status);
        assert_string_equal(out, cases[i].says);
    }
}

static void missing_guests_are_errors(void **state)
{
    static const char *const names[] = { "vm-2", "_fabric", "", ".", "..", "../ns/vm-1" };
    char *argv[] = { "true", NULL };
    struct vnl_guest_exec what = { .argv = argv };
    int status = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        char expected[128];

        assert_int_equal(vnl_guest_run(lab, names[i], &what, &status, &err), -ENOENT);
        snprintf(expected, sizeof(expected), "lab '%s' has no running VM '%s'", lab, names[i]);
        assert_string_equal(err->msg, expected);
    }
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    assert_int_equal(vnl_guest_run("no-lab", "vm-1", &what, &status, &err), -ENOENT);
    assert_string_equal(err->msg, "lab 'no-lab' is not running");
    assert_int_equal(status, 7);
    assert_int_equal(guest_inits(lab, NULL, NULL, 0), 0); /* and nothing was started for it */
}

static void typed_names_are_found_in_any_case_or_guessed(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *vm = NULL;
    char expected[128];

    (void)state;
    assert_int_equal(vnl_cmd_pick_vm(lab, "VM-1", &vm, &err), 0);
    assert_string_equal(vm, "vm-1");
    assert_int_equal(vnl_cmd_pick_vm(lab, "vm-l", &vm, &err), -ENOENT);
    snprintf(expected, sizeof(expected), "there is no VM 'vm-l' in lab '%s'", lab);
    assert_string_equal(err->msg, expected);
    assert_string_equal(err->hint, "did you mean 'vm-1'?");
    vnl_err_free(&err);
    assert_int_equal(vnl_cmd_pick_vm("no-lab", "vm-1", &vm, &err), -ENOENT);
    assert_string_equal(err->msg, "lab 'no-lab' is not running");
}

static void signals_are_passed_on(void **state)
{
    static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        struct runner runner;
        char script[128];

        snprintf(script, sizeof(script), "trap 'exit %d' %d; echo ready; while :; do sleep 0.02; done",
                 50 + signals[i], signals[i]);
        runner = runner_start_sh(lab, "vm-1", script);
        runner_expect(&runner, "ready\n");
        kill(runner.pid, signals[i]);
        assert_int_equal(runner_end(&runner, NULL, 0), 50 + signals[i]);
    }
}

static void interrupt_from_the_terminal_arrives_once(void **state)
{
    char *argv[] = { "sh", "-c",
                     "trap 'n=$((n+1))' INT; n=0; echo ready; read x; sleep 0.3; echo \"n=$n\"; exit 5",
                     NULL };
    struct runner runner;
    char out[4096];

    (void)state;
    runner = runner_start_tty(lab, "vm-1", &(struct vnl_guest_exec){ .argv = argv });
    runner_expect(&runner, "ready");
    runner_type(&runner, "\003");
    runner_expect(&runner, "^C");
    usleep(200000);
    runner_type(&runner, "\n");
    assert_int_equal(runner_end(&runner, out, sizeof(out)), 5);
    assert_non_null(strstr(out, "n=1"));
}

static void megabytes_pass_through_pipes(void **state)
{
    const size_t size = 8u << 20;
    unsigned char *sent = malloc(size), *got = malloc(size + 1);
    struct runner runner = runner_start_sh(lab, "vm-1", "cat");
    size_t n = 0;
    ssize_t r;
    pid_t writer;

    (void)state;
    for (size_t i = 0; i < size; i++)
        sent[i] = (unsigned char)(i * 2654435761u >> 13);
    writer = fork();
    if (writer == 0) {
        for (size_t done = 0; done < size; done += (size_t)r) {
            if ((r = write(runner.in, sent + done, size - done)) <= 0)
                _exit(1);
        }
        _exit(0);
    }
    close(runner.in);
    runner.in = runner.out;
    while (n <= size && (r = read(runner.out, got + n, size + 1 - n)) > 0)
        n += (size_t)r;
    assert_int_equal(n, size);
    assert_memory_equal(sent, got, size);
    waitpid(writer, NULL, 0);
    assert_int_equal(runner_end(&runner, NULL, 0), 0);
    free(sent);
    free(got);
}

static void command_ends_with_its_caller(void **state)
{
    struct runner runner = runner_start_sh(lab, "vm-1", "echo ready; exec sleep 4321");

    (void)state;
    runner_expect(&runner, "ready\n");
    assert_sh("until pgrep -xc sleep; do :; done | tail -1", "1\n");
    kill(runner.pid, SIGKILL);
    assert_int_equal(runner_end(&runner, NULL, 0), 128 + SIGKILL);
    assert_sh(NO_SLEEP, "");
}

/* --- terminals --------------------------------------------------------------------------------------- */

static void session_has_a_terminal_of_its_own(void **state)
{
    char *argv[] = { "sh", "-c",
                     "tty; test -t 0 && test -t 1 && test -t 2 && stty size; read x; stty size; exit 9",
                     NULL };
    struct winsize size = { .ws_row = 50, .ws_col = 132 };
    struct runner runner;
    char out[4096];

    (void)state;
    runner = runner_start_tty(lab, "vm-1", &(struct vnl_guest_exec){ .argv = argv, .tty = true });
    runner_expect(&runner, "/dev/pts/");
    runner_expect(&runner, "24 80\r\n");
    assert_int_equal(ioctl(runner.in, TIOCSWINSZ, &size), 0);
    usleep(100000);
    runner_type(&runner, "\r");
    assert_int_equal(runner_end(&runner, out, sizeof(out)), 9);
    assert_non_null(strstr(out, "50 132\r\n"));
}

static void shell_shows_whose_it_is_and_interrupt_ends_only_its_job(void **state)
{
    struct runner runner;

    (void)state;
    setenv("SHELL", "/bin/sh", 1);
    runner = runner_start_tty(lab, "vm-1", &(struct vnl_guest_exec){ .tty = true });
    runner_expect(&runner, "vm-1");
    runner_type(&runner, "echo $HOME-$((40+2)); sleep 1000; echo status $?\r");
    runner_expect(&runner, "/root-42\r\n");
    usleep(200000);
    runner_type(&runner, "\003");
    runner_type(&runner, "echo still-$((1+1)) $0\r");
    runner_expect(&runner, "still-2 sh\r\n");
    runner_type(&runner, "exit 6\r");
    assert_int_equal(runner_end(&runner, NULL, 0), 6);
}

/* The terminal as the runner leaves it; the slave is held open so that it outlives the runner. */
static void check_restored(const char *script, int sig, int status)
{
    char *argv[] = { "sh", "-c", (char *)script, NULL };
    struct vnl_guest_exec what = { .argv = argv, .tty = true };
    struct termios before, during, after;
    struct runner runner;
    int slave;

    runner = runner_start_tty(lab, "vm-1", &what);
    assert_true((slave = open(ptsname(runner.in), O_RDWR | O_NOCTTY | O_CLOEXEC)) >= 0);
    runner_expect(&runner, "first");
    runner_type(&runner, "\r");
    runner_expect(&runner, "second");
    assert_int_equal(tcgetattr(slave, &during), 0);
    assert_false(during.c_lflag & ICANON);
    before = during;
    before.c_lflag |= ICANON | ECHO | ISIG;
    if (sig)
        kill(runner.pid, sig);
    else
        runner_type(&runner, "\r");
    runner_expect(&runner, "bye");
    wait_for(tcgetattr(slave, &after) == 0 && (after.c_lflag & ICANON));
    assert_int_equal(after.c_lflag & (ICANON | ECHO | ISIG), ICANON | ECHO | ISIG);
    close(slave);
    assert_int_equal(runner_end(&runner, NULL, 0), status);
}

static void terminal_is_restored(void **state)
{
    (void)state;
    check_restored("echo first; read x; echo second; read x; echo bye; exit 4", 0, 4);
    check_restored(
        "trap 'echo bye; exit 8' TERM; echo first; read x; echo second; while :; do sleep 0.02; done",
        SIGTERM, 8);
    check_restored(
        "trap 'echo bye; kill -KILL $$' HUP; echo first; read x; echo second; while :; do sleep 0.02; done",
        SIGHUP, 128 + SIGKILL);
}

static void closing_the_terminal_hangs_up(void **state)
{
    char *argv[] = { "sh", "-c", "echo ready; sleep 4321; echo not reached", NULL };
    struct runner runner;
    int status;

    (void)state;
    runner = runner_start_tty(lab, "vm-1", &(struct vnl_guest_exec){ .argv = argv, .tty = true });
    runner_expect(&runner, "ready");
    close(runner.in);
    assert_int_equal(waitpid(runner.pid, &status, 0), runner.pid);
    assert_int_equal(WEXITSTATUS(status), 128 + SIGHUP);
    assert_sh(NO_SLEEP, "");
}

/* nohup, and `&` in a script, ignore signals; that is inherited. */
static void ignored_signal_is_not_passed_on(void **state)
{
    struct runner runner;

    (void)state;
    (void)signal(SIGHUP, SIG_IGN);
    runner = runner_start_sh(lab, "vm-1", "echo ready; read x; echo \"got $x\"");
    (void)signal(SIGHUP, SIG_DFL);
    runner_expect(&runner, "ready\n");
    kill(runner.pid, SIGHUP);
    runner_type(&runner, "it\n");
    runner_expect(&runner, "got it\n");
    assert_int_equal(runner_end(&runner, NULL, 0), 0);
}

static void session_hangs_up_though_its_caller_ignores_that(void **state)
{
    char *argv[] = { "sh", "-c", "echo ready; sleep 4321; echo not reached", NULL };
    struct runner runner;
    int status;

    (void)state;
    (void)signal(SIGHUP, SIG_IGN);
    runner = runner_start_tty(lab, "vm-1", &(struct vnl_guest_exec){ .argv = argv, .tty = true });
    (void)signal(SIGHUP, SIG_DFL);
    runner_expect(&runner, "ready");
    close(runner.in);
    assert_int_equal(waitpid(runner.pid, &status, 0), runner.pid);
    assert_int_equal(WEXITSTATUS(status), 128 + SIGHUP);
    assert_sh(NO_SLEEP, "");
}

static void last_output_of_a_session_arrives(void **state)
{
    char *argv[] = { "sh", "-c", "seq 20000; echo end-of-it", NULL };

    (void)state;
    for (int i = 0; i < 10; i++) {
        struct runner runner =
            runner_start_tty(lab, "vm-1", &(struct vnl_guest_exec){ .argv = argv, .tty = true });
        char out[64];

        runner_expect(&runner, "19999\r\n20000\r\nend-of-it\r\n");
        assert_int_equal(runner_end(&runner, out, sizeof(out)), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_setup, lab_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(guest_has_its_own_names),
        TEST(changed_names_show_in_a_running_guest),
        TEST(changed_name_servers_show_in_a_running_guest),
        TEST(guest_moved_to_another_vnet_is_made_anew),
        TEST(guest_has_its_own_process_tree),
        TEST(guest_sees_its_own_interfaces),
        TEST(guest_sees_no_lab),
        TEST(command_keeps_directory_and_environment),
        TEST(exit_status_is_the_commands),
        TEST(missing_guests_are_errors),
        TEST(typed_names_are_found_in_any_case_or_guessed),
        TEST(signals_are_passed_on),
        TEST(interrupt_from_the_terminal_arrives_once),
        TEST(megabytes_pass_through_pipes),
        TEST(command_ends_with_its_caller),
        TEST(session_has_a_terminal_of_its_own),
        TEST(shell_shows_whose_it_is_and_interrupt_ends_only_its_job),
        TEST(terminal_is_restored),
        TEST(closing_the_terminal_hangs_up),
        TEST(ignored_signal_is_not_passed_on),
        TEST(session_hangs_up_though_its_caller_ignores_that),
        TEST(last_output_of_a_session_arrives),
    };

    return cmocka_run_group_tests_name("guest", tests, guest_world_setup, guest_world_teardown);
}
