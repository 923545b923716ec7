/* What the data plane expects of the kernel, one thing at a time: when one of these fails, the reason of
 * all other failures is known. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "vnetlab/base.h"
#include "vnetlab/layout.h"

static int group_setup(void **state)
{
    (void)state;
    return unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ? -1 : mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
    (void)level;
    (void)fmt;
    (void)args;
    return 0;
}

static int array(uint32_t value_size, uint32_t max_entries)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

    return bpf_map_create(BPF_MAP_TYPE_ARRAY, "vnl_test", sizeof(uint32_t), value_size, max_entries, &opts);
}

/* The smallest tc program: return `action`. */
static int program(int action)
{
    const struct bpf_insn insns[] = {
        { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = action },
        { .code = BPF_JMP | BPF_EXIT },
    };

    return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "vnl_test", "GPL", insns, ARRAY_SIZE(insns), NULL);
}

static void a_private_bpffs_takes_pins_and_goes_with_its_mount(void **state)
{
    char dir[] = "/tmp/vnetlab-platform.XXXXXX", path[64];
    CLEANUP(vnl_fd_close) int map = array(8, 1);
    int opened;

    (void)state;
    assert_true(map >= 0);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(mount("bpf", dir, "bpf", 0, "mode=0700"), 0);
    snprintf(path, sizeof(path), "%s/map", dir);
    assert_int_equal(bpf_obj_pin(map, path), 0);
    opened = bpf_obj_get(path);
    assert_true(opened >= 0);
    close(opened);
    assert_int_equal(umount2(dir, MNT_DETACH), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(rmdir(dir), 0);
}

static void tc_programs_can_redirect_to_a_peer(void **state)
{
    (void)state;
    assert_int_equal(libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SCHED_CLS, NULL), 1);
    assert_int_equal(libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_redirect_peer, NULL), 1);
    assert_int_equal(libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_skb_change_type, NULL), 1);
    assert_int_equal(libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_csum_diff, NULL), 1);
}

/* Written through the mapping, read by the system call. */
static void assert_mappable(uint32_t value_size, uint32_t n)
{
    CLEANUP(vnl_fd_close) int map = array(value_size, n);
    size_t bytes = ((size_t)value_size * n + 4095) & ~(size_t)4095;
    uint8_t *at, *value = calloc(1, value_size);
    uint32_t last = n - 1;

    assert_true(map >= 0);
    assert_non_null(value);
    at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    at[(size_t)value_size * n - 1] = 0x5a;
    assert_int_equal(bpf_map_lookup_elem(map, &last, value), 0);
    assert_int_equal(value[value_size - 1], 0x5a);
    munmap(at, bytes);
    free(value);
}

static void tables_of_the_largest_lab_are_mappable(void **state)
{
    (void)state;
    assert_mappable(sizeof(struct vnl_nic_entry), 2 * VNL_NIC_SLOTS_MAX);
    assert_mappable(sizeof(struct vnl_nic_counters), VNL_NIC_SLOTS_MAX);
    assert_mappable(sizeof(struct vnl_owner), 1 << 18);
    assert_mappable(64 << 20, 2); /* beyond KMALLOC_MAX_SIZE: Linux 6.0 */
}

static void a_test_run_takes_mark_and_cb_and_gives_cb_back(void **state)
{
    /* r0 = 2; cb[1] = cb[0] + mark */
    const struct bpf_insn insns[] = {
        { BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, cb[0]), 0 },
        { BPF_LDX | BPF_MEM | BPF_W, BPF_REG_3, BPF_REG_1, offsetof(struct __sk_buff, mark), 0 },
        { BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_2, BPF_REG_3, 0, 0 },
        { BPF_STX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_2, offsetof(struct __sk_buff, cb[1]), 0 },
        { BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, TC_ACT_SHOT },
        { BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
    };
    struct __sk_buff ctx = { .mark = 40, .cb = { 2 } };
    uint8_t frame[64] = { 0 };
    CLEANUP(vnl_fd_close)
    int prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "vnl_test", "GPL", insns, ARRAY_SIZE(insns), NULL);
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame), .ctx_in = &ctx,
                .ctx_size_in = sizeof(ctx), .ctx_out = &ctx, .ctx_size_out = sizeof(ctx), .repeat = 1);

    (void)state;
    assert_true(prog >= 0);
    assert_int_equal(bpf_prog_test_run_opts(prog, &opts), 0);
    assert_int_equal(opts.retval, TC_ACT_SHOT);
    assert_int_equal(ctx.cb[1], 42);
}

static void clsact_takes_a_program_on_a_veth_with_a_fixed_index(void **state)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = VNL_NIC_IFINDEX, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);
    CLEANUP(vnl_fd_close) int prog = program(TC_ACT_SHOT);

    (void)state;
    assert_int_equal(system("ip link add nic0 index 1048576 type veth peer name eth0"), 0);
    opts.prog_fd = prog;
    assert_int_equal(bpf_tc_hook_create(&hook), 0);
    assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
    assert_int_equal(system("ip link del nic0"), 0);
}

static void a_barrier_for_packets_exists(void **state)
{
    long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

    (void)state;
    assert_true(commands >= 0);
    assert_true(commands & MEMBARRIER_CMD_GLOBAL);
}

static void wait_for(int pidfd, int *ret_status)
{
    siginfo_t info;

    assert_int_equal(waitid(P_PIDFD, pidfd, &info, WEXITED), 0);
    *ret_status = info.si_status;
}

/* All namespaces of a process with one call: how a command gets into a running VM. */
static void a_pidfd_leads_into_a_processs_namespaces(void **state)
{
    int ready[2], pidfd, status, r;
    struct stat ours, theirs;
    char byte = 0, path[64];
    pid_t inside, visitor;

    (void)state;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    inside = fork();
    if (inside == 0) {
        byte = unshare(CLONE_NEWNET | CLONE_NEWUTS) == 0;
        (void)!write(ready[1], &byte, 1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    pidfd = syscall(SYS_pidfd_open, inside, 0);
    assert_true(pidfd >= 0);
    visitor = fork();
    if (visitor == 0) {
        snprintf(path, sizeof(path), "/proc/%d/ns/net", inside);
        r = setns(pidfd, CLONE_NEWNET | CLONE_NEWUTS) < 0 || stat("/proc/thread-self/ns/net", &ours) < 0 ||
            stat(path, &theirs) < 0;
        _exit(r || ours.st_ino != theirs.st_ino);
    }
    assert_int_equal(waitpid(visitor, &status, 0), visitor);
    assert_int_equal(status, 0);
    assert_int_equal(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
    wait_for(pidfd, &status);
    assert_int_equal(status, SIGKILL);
    close(pidfd);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_private_bpffs_takes_pins_and_goes_with_its_mount),
        cmocka_unit_test(tc_programs_can_redirect_to_a_peer),
        cmocka_unit_test(tables_of_the_largest_lab_are_mappable),
        cmocka_unit_test(a_test_run_takes_mark_and_cb_and_gives_cb_back),
        cmocka_unit_test(clsact_takes_a_program_on_a_veth_with_a_fixed_index),
        cmocka_unit_test(a_barrier_for_packets_exists),
        cmocka_unit_test(a_pidfd_leads_into_a_processs_namespaces),
    };

    libbpf_set_print(quiet);
    return cmocka_run_group_tests_name("platform", tests, group_setup, NULL);
}
