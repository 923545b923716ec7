/* A VM's PID 1: how it is started, and what it prepares before anything runs in the VM.
 *
 * It must pin nothing that is not its VM's. A new mount namespace is a copy of all mounts, those of every
 * lab's namespaces among them, and a namespace lives as long as it is mounted anywhere. So everything below
 * RUN_DIR and every other namespace mount (`ip netns`, Docker) is detached here. What of its own lab it needs
 * is kept by descriptors and by bind mounts of single files: these hold the lab's tmpfs, not the mounts on
 * it. */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

/* `ps` shows "vnetlab: init of LAB VM". */
const char vnl_guest_init_name[] = "vnetlab: init of";

/* --- reports ----------------------------------------------------------------------------------------- */

void vnl_guest_report_write(int fd, int num, const char *what)
{
    struct vnl_guest_report report = { .num = num };

    snprintf(report.what, sizeof(report.what), "%s", what);
    (void)!write(fd, &report, sizeof(report)); /* if nobody reads it any more, nobody wants to know */
}

int vnl_guest_report_read(int fd, bool closed_is_ready, struct vnl_err **err)
{
    struct vnl_guest_report report;
    ssize_t size;

    do {
        size = read(fd, &report, sizeof(report));
    } while (size < 0 && errno == EINTR);
    if (size == 0 && closed_is_ready)
        return 0;
    if (size != sizeof(report))
        return vnl_fail(err, ECHILD, "it ended while it was being prepared");
    if (report.num)
        return vnl_fail(err, report.num, "%s: %s", report.what, strerror(report.num));
    return 0;
}

/* --- starting: in the starter, the launcher and the new PID 1 ---------------------------------------- */

struct launch {
    const struct vnl_guest *guest;
    const char *lab, *vm;
    int exe;
    int report;           /* write end */
    char *path, *run_dir; /* "PATH=...", "VNETLAB_RUN_DIR=..." */
};

static void __attribute__((noreturn)) launch_fail(const struct launch *launch, const char *what)
{
    vnl_guest_report_write(launch->report, errno, what);
    _exit(1);
}

/* Gives the new image exactly its descriptors: the sources move out of the way first. Everything else is
 * closed by exec. */
static void place_fds(const struct launch *launch)
{
    const int wanted[VNL_INIT_FD_MAX] = { [VNL_INIT_FD_DIR] = launch->guest->dir_fd,
                                          [VNL_INIT_FD_LAB] = launch->guest->lab_fd,
                                          [VNL_INIT_FD_REPORT] = launch->report };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int source[VNL_INIT_FD_MAX];

    for (int fd = 0; fd < VNL_INIT_FD_MAX; fd++) {
        source[fd] = fcntl(fd < VNL_INIT_FD_DIR ? null : wanted[fd], F_DUPFD_CLOEXEC, 2 * VNL_INIT_FD_MAX);
        if (source[fd] < 0)
            launch_fail(launch, "opening its standard files");
    }
    for (int fd = 0; fd < VNL_INIT_FD_MAX; fd++)
        (void)dup2(source[fd], fd);
    (void)close_range(VNL_INIT_FD_MAX, ~0u, CLOSE_RANGE_CLOEXEC);
}

/* Nothing of the user's environment: a VM's services must not depend on who typed `up`. Only the search path
 * is this machine's. */
static void __attribute__((noreturn)) exec_init(const struct launch *launch)
{
    char *const argv[] = { (char *)vnl_guest_init_name, (char *)launch->lab, (char *)launch->vm, NULL };
    char *const env[] = { launch->path,   launch->run_dir, "HOME=/root",   "USER=root",
                          "LOGNAME=root", "SHELL=/bin/sh", "LANG=C.UTF-8", NULL };

    place_fds(launch);
    (void)syscall(SYS_execveat, launch->exe, "", argv, env, AT_EMPTY_PATH);
    vnl_guest_report_write(VNL_INIT_FD_REPORT, errno, "running vnetlab");
    _exit(1);
}

/* In the forked launcher: only async-signal-safe calls, as the starter may have threads. */
static void __attribute__((noreturn)) launcher(const struct launch *launch)
{
    pid_t pid;

    (void)setsid();
    if (setns(launch->guest->ns_fd, CLONE_NEWNET) < 0)
        launch_fail(launch, "entering its network namespace");
    if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) < 0)
        launch_fail(launch, "making its namespaces");
    pid = fork();
    if (pid < 0)
        launch_fail(launch, "starting a process");
    if (pid == 0)
        exec_init(launch);
    _exit(0);
}

static int launch_prepare(struct launch *launch, struct vnl_err **err)
{
    const char *path = getenv("PATH");
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return vnl_fail(err, errno, "/proc/self/exe: %s", strerror(errno));
    launch->exe = fcntl(fd, F_DUPFD_CLOEXEC, VNL_INIT_FD_MAX); /* not where a fixed descriptor goes */
    close(fd);
    if (launch->exe < 0)
        return vnl_fail(err, errno, "/proc/self/exe: %s", strerror(errno));
    if (asprintf(&launch->path, "PATH=%s",
                 path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") < 0)
        launch->path = NULL;
    if (asprintf(&launch->run_dir, "VNETLAB_RUN_DIR=%s", vnl_run_dir()) < 0)
        launch->run_dir = NULL;
    return launch->path && launch->run_dir ? 0 : vnl_fail(err, ENOMEM, "its environment");
}

static void launch_done(struct launch *launch)
{
    vnl_fd_close(&launch->exe);
    vnl_fd_close(&launch->report);
    vnl_str_free(&launch->path);
    vnl_str_free(&launch->run_dir);
}

static int launch_run(struct launch *launch, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int reports = -1;
    int ends[2], r = launch_prepare(launch, err);
    pid_t pid;

    if (r < 0)
        return r;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return vnl_fail(err, errno, "a pipe: %s", strerror(errno));
    reports = ends[0];
    launch->report = ends[1];
    pid = fork();
    if (pid < 0)
        return vnl_fail(err, errno, "starting a process: %s", strerror(errno));
    if (pid == 0)
        launcher(launch);
    vnl_fd_close(&launch->report);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return vnl_guest_report_read(reports, false, err);
}

int vnl_guest_init_start(const struct vnl_guest *guest, const char *lab, const char *vm, int *ret_pidfd,
                         struct vnl_err **err)
{
    CLEANUP(launch_done)
    struct launch launch = { .guest = guest, .lab = lab, .vm = vm, .exe = -1, .report = -1 };
    int pidfd, r = launch_run(&launch, err);

    if (r < 0)
        return vnl_wrap(err, "init of VM '%s'", vm);
    pidfd = vnl_guest_init_find(guest);
    if (pidfd < 0)
        return vnl_fail(err, ECHILD, "init of VM '%s': it ended just after it was started", vm);
    *ret_pidfd = pidfd;
    return 0;
}

/* --- preparing: PID 1, in its new image -------------------------------------------------------------- */

static void __attribute__((noreturn)) init_fail(const char *what)
{
    vnl_guest_report_write(VNL_INIT_FD_REPORT, errno ? errno : EIO, what);
    _exit(1);
}

/* Every other lab's mounts, and our own: their namespaces must be free to go. MNT_DETACH takes what is
 * mounted below along. */
static void detach_labs(void)
{
    DIR *dir = opendir(vnl_run_dir());
    struct dirent *entry;

    if (!dir)
        return;
    while ((entry = readdir(dir))) {
        char path[PATH_MAX];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", vnl_run_dir(), entry->d_name);
        while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
            continue;
    }
    closedir(dir);
}

static void detach_namespaces(void)
{
    bool found;

    do {
        FILE *mounts = setmntent("/proc/self/mounts", "re");
        struct mntent *entry;

        found = false;
        while (mounts && (entry = getmntent(mounts))) {
            if (!strcmp(entry->mnt_type, "nsfs") && umount2(entry->mnt_dir, MNT_DETACH) == 0)
                found = true;
        }
        if (mounts)
            endmntent(mounts);
    } while (found);
}

/* Shows a file of RUN_DIR/LAB as /etc/NAME. A machine that has no such file needs none to be hidden. */
static void cover(const char *lab, const char *suffix, const char *target, bool readonly)
{
    CLEANUP(vnl_str_free) char *source = vnl_run_path(lab, suffix);

    if (access(target, F_OK) < 0)
        return;
    if (!source || mount(source, target, NULL, MS_BIND, NULL) < 0)
        init_fail(target);
    if (readonly && mount(NULL, target, NULL,
                          MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        init_fail(target);
}

/* Names come from /etc/hosts and from the VNet's servers. The host's other sources would answer through sockets in /run, and so past the
 * lab's network: systemd-resolved, mDNS, LDAP. The rest of the file stays. */
static char *nsswitch_text(void)
{
    FILE *in = fopen("/etc/nsswitch.conf", "re");
    char *text = NULL, *line = NULL;
    size_t size, room = 0;
    FILE *out = open_memstream(&text, &size);

    while (in && out && getline(&line, &room, in) > 0)
        fputs(strncmp(line, "hosts:", 6) ? line : "hosts: files dns\n", out);
    free(line);
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    return text;
}

/* Files of the VM's own, which its users may edit while it runs; each start makes them anew. */
static void write_files(int dir_fd, const char *vm)
{
    static const char localhost[] = "127.0.0.1 localhost\n::1 localhost\n";
    CLEANUP(vnl_str_free) char *nsswitch = nsswitch_text();
    char name[HOST_NAME_MAX + 2];
    int r;

    snprintf(name, sizeof(name), "%.*s\n", HOST_NAME_MAX, vm);
    r = vnl_guest_file_rewrite(dir_fd, "hostname", name, strlen(name));
    if (r >= 0)
        r = vnl_guest_file_rewrite(dir_fd, "resolv.conf", "", 0);
    if (r >= 0)
        r = vnl_guest_file_rewrite(dir_fd, "hosts", localhost, strlen(localhost));
    if (r >= 0)
        r = vnl_guest_file_rewrite(dir_fd, "nsswitch.conf", nsswitch ? nsswitch : "",
                                   nsswitch ? strlen(nsswitch) : 0);
    if (r < 0) {
        errno = -r;
        init_fail("writing its files");
    }
}

/* A VNet's file is not one VM's to change. */
static void cover_shared(const char *lab, const char *vm, const char *slot, const char *dir, const char *name)
{
    CLEANUP(vnl_str_free) char *target = NULL;
    char path[NAME_MAX + 32];

    if (asprintf(&target, "/etc/%s", name) < 0) {
        target = NULL; /* undefined after a failure */
        init_fail(name);
    }
    if (slot)
        snprintf(path, sizeof(path), "%s/%s", dir, slot);
    else
        snprintf(path, sizeof(path), "vm/%s/%s", vm, name);
    cover(lab, path, target, slot != NULL);
}

static void cover_files(const char *lab, const char *vm)
{
    CLEANUP(vnl_str_free) char *slot = vnl_guest_vnet_name(VNL_INIT_FD_LAB, vm);
    char path[NAME_MAX + 32];

    cover_shared(lab, vm, slot, "hosts", "hosts");
    cover_shared(lab, vm, slot, "resolv", "resolv.conf");
    snprintf(path, sizeof(path), "vm/%s/hostname", vm);
    cover(lab, path, "/etc/hostname", false);
    snprintf(path, sizeof(path), "vm/%s/nsswitch.conf", vm);
    cover(lab, path, "/etc/nsswitch.conf", false);
}

/* Directories of the host that would mislead programs in the VM; existing ones are covered with empty ones.
 *
 * netns: `ip` complains about each name there that is no namespace, as the host's are none here.
 * nscd:  the C library asks a running one for names before it looks anywhere else. */
static void cover_dirs(void)
{
    static const char *const dirs[] = { "/run/netns", "/run/nscd" };

    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
        if (access(dirs[i], F_OK) == 0 &&
            mount("tmpfs", dirs[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=64k") < 0)
            init_fail(dirs[i]);
    }
}

/* /proc shows the VM's processes, /sys/class/net its interfaces: both show the namespaces they were mounted
 * in. */
static void mount_views(void)
{
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

    (void)umount2("/proc", MNT_DETACH); /* refused in some containers; then the new one lies over it */
    if (mount("proc", "/proc", "proc", flags, NULL) < 0)
        init_fail("mounting /proc");
    (void)umount2("/sys", MNT_DETACH);
    if (mount("sysfs", "/sys", "sysfs", flags, NULL) < 0)
        init_fail("mounting /sys");
}

/* Our PID and start time as the starter's /proc shows them: to be read before /proc becomes the VM's. */
static void own_name(char *ret, size_t size)
{
    char pid[16];
    ssize_t len = readlink("/proc/self", pid, sizeof(pid) - 1);

    if (len <= 0)
        init_fail("reading /proc/self");
    pid[len] = '\0';
    snprintf(ret, size, "%s %llu\n", pid, vnl_guest_start_time(pid));
}

static void reset_signals(void)
{
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        (void)signal(sig, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Our own copy of the mount: a descriptor of the starter's would keep the lab's mount busy for everybody. */
static int own_dir(const char *lab, const char *vm)
{
    CLEANUP(vnl_str_free) char *path = NULL;
    char suffix[NAME_MAX + 8];
    int fd;

    snprintf(suffix, sizeof(suffix), "vm/%s", vm);
    path = vnl_run_path(lab, suffix);
    fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        init_fail("opening its directory");
    return fd;
}

static void __attribute__((noreturn)) init_main(const char *lab, const char *vm)
{
    char name[64];
    int dir_fd;

    reset_signals();
    (void)umask(022);
    (void)prctl(PR_SET_NAME, "vnetlab-init");
    /* Slave: what the host unmounts goes away here too, so the VM keeps no disk busy; nothing goes the other
     * way. */
    if (chdir("/") < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        init_fail("separating its mounts");
    dir_fd = own_dir(lab, vm);
    own_name(name, sizeof(name));
    write_files(dir_fd, vm);
    cover_files(lab, vm);
    detach_labs();
    detach_namespaces();
    cover_dirs();
    mount_views();
    if (sethostname(vm, strnlen(vm, HOST_NAME_MAX)) < 0)
        init_fail("setting its host name");
    if ((errno = -vnl_guest_file_replace(dir_fd, "init.pid", name, strlen(name))))
        init_fail("writing init.pid");
    vnl_guest_report_write(VNL_INIT_FD_REPORT, 0, "");
    for (int fd = VNL_INIT_FD_DIR; fd < VNL_INIT_FD_MAX; fd++)
        (void)close(fd); /* and with them the locks */
    unsetenv("VNETLAB_RUN_DIR");
    vnl_guest_supervise(dir_fd);
}

/* An init is this same program, whichever it is (vnetlab, or a test linked with it): it is caught before
 * main(). Nothing else runs as PID 1 under this name. The C library hands argc and argv to constructors
 * (glibc does; it is what we support). */
static void __attribute__((constructor)) init_catch(int argc, char **argv)
{
    if (argc == 3 && getpid() == 1 && !strcmp(argv[0], vnl_guest_init_name))
        init_main(argv[1], argv[2]);
}
