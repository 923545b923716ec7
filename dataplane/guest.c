/* Guests: the processes of a VM.
 *
 * A VM's network is a namespace that needs no process. A VM in which something runs has an init as well: a
 * vnetlab process that is PID 1 of the VM's PID namespace and holds its mount, UTS and IPC namespaces.
 * Killing it kills everything in the VM; the kernel sees to that (pid_namespaces(7)).
 *
 * Start. vnetlab forks a launcher, which leaves the terminal (setsid), joins the VM's network, makes the
 * other namespaces, forks the future PID 1 and ends. PID 1 runs our own binary anew, for a clean address
 * space and command line (guest_init.c), prepares the mounts, writes RUN_DIR/LAB/vm/VM/init.pid and reports
 * ready.
 *
 * Two locks, both flock(2) on directories, so that they need no files and end with their holders:
 *   RUN_DIR/LAB        shared while a guest is worked on; exclusive while the lab goes down
 *   RUN_DIR/LAB/vm/VM  exclusive while the VM's init is looked for, started or ended
 * Launcher and PID 1 inherit the descriptors and with them the locks; PID 1 lets go after init.pid is
 * written. So when the starter is killed at any instant, the next caller waits until that init can be found
 * (or is dead), and there are never two.
 *
 * init.pid is believed when the process has the start time written beside the PID. It is joined only when it
 * lives in the VM's present network namespace; else (the namespace was made anew) it is ended first. */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

#define STOP_TIMEOUT_MS 5000
#define STOP_LOOK_MS    50 /* how long an end may take before we look what keeps it */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int lock(int fd, int operation)
{
    int r;

    do {
        r = flock(fd, operation);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

/* Does the path still lead to what fd has open? While we waited for a lock the lab may have gone down. */
static bool path_is(const char *path, int fd)
{
    struct stat by_path, by_fd;

    return stat(path, &by_path) == 0 && fstat(fd, &by_fd) == 0 && by_path.st_dev == by_fd.st_dev &&
           by_path.st_ino == by_fd.st_ino;
}

static int lab_open(const char *lab, int operation, int *ret_fd, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, NULL);
    CLEANUP(vnl_fd_close) int fd = -1;
    int r = vnl_path_name_check(lab, err);

    if (r < 0)
        return r;
    if (!path)
        return vnl_fail(err, ENOMEM, "lab '%s'", lab);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return vnl_fail(err, errno, "lab '%s': %s: %s", lab, path, strerror(errno));
    if (fd >= 0 && (r = lock(fd, operation)) < 0)
        return vnl_fail(err, -r, "lab '%s': locking %s: %s", lab, path, strerror(-r));
    if (fd < 0 || !path_is(path, fd))
        return vnl_fail(err, ENOENT, "lab '%s' is not running", lab);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* VM names start with a letter or digit (ARM); "_fabric" is no VM, and a path must not climb out. */
static bool vm_name_ok(const char *vm)
{
    return *vm && *vm != '.' && *vm != '_' && !strchr(vm, '/') && strlen(vm) <= NAME_MAX - 4;
}

static int ns_open(int lab_fd, const char *lab, const char *vm, int *ret_fd, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = -1;
    char path[NAME_MAX + 8];
    struct statfs fs;

    if (vm_name_ok(vm)) {
        snprintf(path, sizeof(path), "ns/%s", vm);
        fd = openat(lab_fd, path, O_RDONLY | O_CLOEXEC);
    }
    /* A plain file is a mount point that an interrupted `up` or `down` left without its namespace. */
    if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
        return vnl_fail(err, ENOENT, "lab '%s' has no running VM '%s'", lab, vm);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int dir_make(int lab_fd, const char *path)
{
    if (mkdirat(lab_fd, "vm", 0700) < 0 && errno != EEXIST)
        return -errno;
    return mkdirat(lab_fd, path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Opens and locks RUN_DIR/LAB/vm/VM. make: create it; else *ret_fd is -1 when there is none. */
static int dir_open(int lab_fd, const char *vm, bool make, int *ret_fd, struct vnl_err **err)
{
    char path[NAME_MAX + 8];

    snprintf(path, sizeof(path), "vm/%s", vm);
    for (;;) {
        CLEANUP(vnl_fd_close) int fd = -1;
        struct stat st;
        int r;

        if (make && (r = dir_make(lab_fd, path)) < 0)
            return vnl_fail(err, -r, "VM '%s': making its directory: %s", vm, strerror(-r));
        fd = openat(lab_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && !make)
            return 0;
        if (fd < 0)
            return vnl_fail(err, errno, "VM '%s': its directory: %s", vm, strerror(errno));
        r = lock(fd, LOCK_EX);
        if (r < 0 || fstat(fd, &st) < 0)
            return vnl_fail(err, r < 0 ? -r : errno, "VM '%s': locking its directory", vm);
        if (st.st_nlink == 0) /* removed by vnl_guest_stop while we waited */
            continue;
        *ret_fd = TAKE_FD(fd);
        return 0;
    }
}

int vnl_guest_open(const char *lab, const char *vm, struct vnl_guest *ret, struct vnl_err **err)
{
    CLEANUP(vnl_guest_close) struct vnl_guest guest = { -1, -1, -1 };
    int r = lab_open(lab, LOCK_SH, &guest.lab_fd, err);

    if (r >= 0)
        r = ns_open(guest.lab_fd, lab, vm, &guest.ns_fd, err);
    if (r >= 0)
        r = dir_open(guest.lab_fd, vm, true, &guest.dir_fd, err);
    if (r < 0)
        return r;
    *ret = guest;
    guest = (struct vnl_guest){ -1, -1, -1 };
    return 0;
}

void vnl_guest_close(struct vnl_guest *guest)
{
    vnl_fd_close(&guest->dir_fd);
    vnl_fd_close(&guest->ns_fd);
    vnl_fd_close(&guest->lab_fd);
}

/* The fields of /proc/PID/stat from number 3 on: the state. Number 2, the name, may hold anything, brackets
 * too. */
static const char *stat_fields(const char *pid, char text[1024])
{
    CLEANUP(vnl_fd_close) int fd = -1;
    char path[64];
    ssize_t size;
    char *end;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    size = fd < 0 ? -1 : read(fd, text, 1023);
    text[size > 0 ? size : 0] = '\0';
    end = strrchr(text, ')');
    return end && end[1] == ' ' ? end + 2 : NULL;
}

unsigned long long vnl_guest_start_time(const char *pid)
{
    char text[1024];
    const char *at = stat_fields(pid, text);
    unsigned long long start = 0;

    for (int field = 3; at && field < 22; field++)
        at = (at = strchr(at, ' ')) ? at + 1 : NULL;
    return at && sscanf(at, "%llu", &start) == 1 ? start : 0;
}

/* init.pid's process, alive or ending; -1 when it is gone. */
static int init_open(int dir_fd, pid_t *ret_pid)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    CLEANUP(vnl_fd_close) int pidfd = -1;
    unsigned long long start;
    char pid[16];

    if (vnl_guest_file_read(dir_fd, "init.pid", &text, NULL) < 0 ||
        sscanf(text, "%15[0-9] %llu", pid, &start) != 2)
        return -1;
    *ret_pid = atoi(pid);
    pidfd = (int)syscall(SYS_pidfd_open, *ret_pid, 0);
    /* The pidfd came first: if the start time is right now, then it is that process's. */
    return pidfd >= 0 && vnl_guest_start_time(pid) == start ? TAKE_FD(pidfd) : -1;
}

static bool lives_in(pid_t pid, int ns_fd)
{
    char path[48];

    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    return path_is(path, ns_fd);
}

/* 0, or -ETIMEDOUT. */
static int wait_end(int pidfd, int timeout_ms)
{
    struct pollfd wait = { .fd = pidfd, .events = POLLIN };
    int r;

    do {
        r = poll(&wait, 1, timeout_ms);
    } while (r < 0 && errno == EINTR);
    return r > 0 ? 0 : -ETIMEDOUT;
}

static bool proc_link(pid_t pid, const char *name, char ret[64])
{
    char path[48];
    ssize_t len;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    len = readlink(path, ret, 63);
    ret[len > 0 ? len : 0] = '\0';
    return len > 0;
}

/* Or gone. */
static bool is_zombie(const char *pid)
{
    char text[1024];
    const char *state = stat_fields(pid, text);

    return !state || *state == 'Z' || *state == 'X';
}

/* Is an init that has been killed as good as gone? It stays until each process of its namespace has been
 * reaped, and a command of `exec` is reaped from outside: by a `vnetlab exec` that may be stopped, or by a
 * PID 1 of this machine that takes its time. That must not keep `down` waiting: zombies hold nothing. */
static bool only_zombies(pid_t init)
{
    DIR *dir;
    struct dirent *entry;
    char ours[64], other[64];
    bool is_gone = true;

    if (proc_link(init, "ns/net", other) || !proc_link(init, "ns/pid", ours))
        return false; /* not yet at the point where it kills the others */
    dir = opendir("/proc");
    while (dir && is_gone && (entry = readdir(dir))) {
        pid_t pid = atoi(entry->d_name);

        if (pid > 0 && pid != init && proc_link(pid, "ns/pid", other) && !strcmp(ours, other))
            is_gone = is_zombie(entry->d_name);
    }
    if (dir)
        closedir(dir);
    return dir && is_gone;
}

/* Waits for the end of an init that was killed, and of all processes of its VM. */
static void wait_gone(int pidfd, pid_t pid, int64_t deadline_ms)
{
    while (wait_end(pidfd, STOP_LOOK_MS) < 0 && now_ms() < deadline_ms && !only_zombies(pid))
        continue;
}

static void init_end(int pidfd, pid_t pid)
{
    (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    wait_gone(pidfd, pid, now_ms() + STOP_TIMEOUT_MS);
}

int vnl_guest_init_find(const struct vnl_guest *guest)
{
    CLEANUP(vnl_fd_close) int pidfd = -1;
    pid_t pid;

    pidfd = init_open(guest->dir_fd, &pid);
    if (pidfd < 0 || wait_end(pidfd, 0) == 0)
        return -1;
    if (lives_in(pid, guest->ns_fd))
        return TAKE_FD(pidfd);
    init_end(pidfd, pid);
    return -1;
}

static char *run_text(const struct vnl_plan_vm *vm, size_t *ret_size)
{
    size_t size = 0;
    char *text, *at;

    for (size_t i = 0; i < vm->n_run; i++)
        size += strlen(vm->run[i]) + 1;
    text = at = malloc(size + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < vm->n_run; i++)
        at = stpcpy(at, vm->run[i]) + 1;
    *ret_size = size;
    return text;
}

static bool has_dir(const char *lab, const char *vm)
{
    char suffix[NAME_MAX + 8];
    char *path;
    bool found;

    snprintf(suffix, sizeof(suffix), "vm/%s", vm);
    path = vnl_run_path(lab, suffix);
    found = !path || access(path, F_OK) == 0;
    free(path);
    return found;
}

int vnl_guest_sync(const char *lab, const struct vnl_plan *plan, size_t index, bool *ret_started,
                   struct vnl_err **err)
{
    const struct vnl_plan_vm *vm = &plan->vms[index];
    CLEANUP(vnl_guest_close) struct vnl_guest guest = { -1, -1, -1 };
    CLEANUP(vnl_str_free) char *text = NULL;
    CLEANUP(vnl_fd_close) int init = -1;
    size_t size;
    int r;

    *ret_started = false;
    if (!vm->n_run && !has_dir(lab, vm->name))
        return 0;
    text = run_text(vm, &size);
    if (!text)
        return vnl_fail(err, ENOMEM, "run commands of VM '%s'", vm->name);
    r = vnl_guest_open(lab, vm->name, &guest, err);
    if (r >= 0 && (r = vnl_guest_file_replace(guest.dir_fd, "run", text, size)) < 0)
        r = vnl_fail(err, -r, "run commands of VM '%s': %s", vm->name, strerror(-r));
    if (r < 0)
        return r;
    init = vnl_guest_init_find(&guest);
    if (init < 0 && vm->n_run && (r = vnl_guest_init_start(&guest, lab, vm->name, &init, err)) == 0)
        *ret_started = true;
    if (r < 0 || init < 0 || *ret_started)
        return r;
    /* Always: whoever wrote the file may have been killed before this. The init compares with what it
     * runs. */
    (void)syscall(SYS_pidfd_send_signal, init, SIGHUP, NULL, 0);
    return 0;
}

static void dir_remove(int lab_fd, int dir_fd, const char *vm)
{
    static const char *const files[] = { "init.pid",    "init.pid.new", "run",   "run.new",
                                         "log",         "log.1",        "hosts", "hostname",
                                         "resolv.conf", "nsswitch.conf" };
    char path[NAME_MAX + 8];

    snprintf(path, sizeof(path), "vm/%s", vm);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        (void)unlinkat(dir_fd, files[i], 0);
    (void)unlinkat(lab_fd, path, AT_REMOVEDIR);
}

int vnl_guest_stop(const char *lab, const char *vm, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int lab_fd = -1, dir_fd = -1, pidfd = -1;
    pid_t pid;
    int r;

    if (!vm_name_ok(vm) || !has_dir(lab, vm))
        return 0;
    r = lab_open(lab, LOCK_SH, &lab_fd, err);
    if (r >= 0)
        r = dir_open(lab_fd, vm, false, &dir_fd, err);
    if (r < 0 || dir_fd < 0)
        return r;
    pidfd = init_open(dir_fd, &pid);
    if (pidfd >= 0)
        init_end(pidfd, pid);
    dir_remove(lab_fd, dir_fd, vm);
    return 0;
}

/* --- all at once ------------------------------------------------------------------------------------- */

/* Calls for each VM directory of the lab. */
static void each_dir(int lab_fd, void (*call)(int lab_fd, int dir_fd, const char *vm, void *arg), void *arg)
{
    int fd = openat(lab_fd, "vm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        vnl_fd_close(&fd);
        return;
    }
    while ((entry = readdir(dir))) {
        CLEANUP(vnl_fd_close) int dir_fd = -1;

        if (!vm_name_ok(entry->d_name))
            continue;
        dir_fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd >= 0)
            call(lab_fd, dir_fd, entry->d_name, arg);
    }
    closedir(dir);
}

static void dir_kill(int lab_fd, int dir_fd, const char *vm, void *arg)
{
    CLEANUP(vnl_fd_close) int pidfd = -1;
    pid_t pid;

    (void)lab_fd;
    (void)vm;
    (void)arg;
    pidfd = init_open(dir_fd, &pid);
    if (pidfd >= 0)
        (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static void dir_wait(int lab_fd, int dir_fd, const char *vm, void *arg)
{
    CLEANUP(vnl_fd_close) int pidfd = -1;
    pid_t pid;

    pidfd = init_open(dir_fd, &pid);
    if (pidfd >= 0)
        wait_gone(pidfd, pid, *(int64_t *)arg);
    dir_remove(lab_fd, dir_fd, vm);
}

int vnl_guest_stop_all(const char *lab, int *ret_guard, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int lab_fd = -1;
    int64_t deadline;
    int r = lab_open(lab, LOCK_EX, &lab_fd, err);

    if (r < 0)
        return r;
    each_dir(lab_fd, dir_kill, NULL);
    deadline = now_ms() + STOP_TIMEOUT_MS;
    each_dir(lab_fd, dir_wait, &deadline);
    *ret_guard = TAKE_FD(lab_fd);
    return 0;
}
