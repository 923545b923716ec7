/* Running a command in a VM on behalf of somebody who waits for it.
 *
 * The command is our child and yet in the VM's PID namespace: that membership is chosen by the parent before
 * fork (setns(2), CLONE_NEWPID), the other namespaces are entered by the child. So its exit status and its
 * end come straight to us.
 *
 * Without a terminal of its own the child has our descriptors, our session and our process group: pipes are
 * carried by nobody, ^C reaches both of us from the terminal, and we only wait. With one (guest_tty.c) it
 * leads a session in the VM. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

/* Passed on to the command. */
static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

/* The host's proxies and message buses are not reachable from a VM; programs that find them named here would
 * wait for them. */
static const char *const not_inherited[] = { "http_proxy", "https_proxy", "ftp_proxy",
                                             "all_proxy",  "HTTP_PROXY",  "HTTPS_PROXY",
                                             "FTP_PROXY",  "ALL_PROXY",   "DBUS_SESSION_BUS_ADDRESS" };

struct session {
    const struct vnl_guest_exec *what;
    const char *vm;
    int init;                 /* pidfd of the VM's init */
    int self;                 /* pidfd of ourselves, for the child */
    int report[2];            /* pipe: closed by exec */
    struct vnl_guest_tty tty; /* -1 without */
    char *cwd;
    sigset_t mask; /* as it was when we were called */
    int sig_fd;
    pid_t pid;
    int pidfd;
};

static void session_done(struct session *session)
{
    vnl_fd_close(&session->init);
    vnl_fd_close(&session->self);
    vnl_fd_close(&session->report[0]);
    vnl_fd_close(&session->report[1]);
    vnl_guest_tty_close(&session->tty);
    vnl_str_free(&session->cwd);
    vnl_fd_close(&session->sig_fd);
    vnl_fd_close(&session->pidfd);
}

/* --- the child --------------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) child_fail(const struct session *session, const char *what)
{
    vnl_guest_report_write(session->report[1], errno, what);
    _exit(1);
}

/* The command ends with us. The kernel tells a child of its parent's end only from now on, so look whether it
 * was earlier. With a terminal its closing does this, and with SIGHUP: a shell can write its history. */
static void child_tie(const struct session *session)
{
    struct pollfd parent = { .fd = session->self, .events = POLLIN };

    if (prctl(PR_SET_PDEATHSIG, session->what->tty ? SIGHUP : SIGKILL) < 0)
        child_fail(session, "tying it to vnetlab");
    if (poll(&parent, 1, 0) != 0)
        _exit(1);
}

static void child_take_tty(const struct session *session)
{
    if (setsid() < 0 || ioctl(session->tty.slave, TIOCSCTTY, 0) < 0)
        child_fail(session, "giving it a terminal");
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        (void)dup2(session->tty.slave, fd);
}

/* The VM's only user is root. */
static void child_environment(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(not_inherited); i++)
        (void)unsetenv(not_inherited[i]);
    (void)setenv("HOME", "/root", 1);
    (void)setenv("USER", "root", 1);
    (void)setenv("LOGNAME", "root", 1);
}

/* A login shell: argv[0] starts with a dash (login(1)). The prompt has no escapes, as each shell has its own;
 * shells with start-up files set theirs, from the host name. Except sh, which would get a bare "# " from
 * Debian's /etc/profile. */
static void child_exec_shell(const struct session *session)
{
    const char *shells[] = { getenv("SHELL"), "/bin/bash", "/bin/sh" };
    char prompt[128], name[128];

    snprintf(prompt, sizeof(prompt), "root@%s# ", session->vm);
    (void)setenv("PS1", prompt, 1);
    for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
        const char *base = shells[i] ? strrchr(shells[i], '/') : NULL;

        if (!base || access(shells[i], X_OK) < 0)
            continue;
        snprintf(name, sizeof(name), "%s%s", strcmp(base, "/sh") ? "-" : "", base + 1);
        (void)setenv("SHELL", shells[i], 1);
        execl(shells[i], name, (char *)NULL);
    }
}

/* Stands where a shell would: says in its words why the command cannot run, on the command's own standard
 * error. */
static void __attribute__((noreturn)) child_not_run(const char *name)
{
    int num = errno;

    if (num == ENOENT && !strchr(name, '/'))
        dprintf(STDERR_FILENO, "vnetlab: %s: command not found\n", name);
    else
        dprintf(STDERR_FILENO, "vnetlab: %s: %s\n", name, strerror(num));
    _exit(num == ENOENT ? 127 : 126);
}

/* A session on a terminal of its own is a new one: what our caller ignores (nohup, a job in the background of a script) is not its
 * affair. Without a terminal the command is part of the caller's job and inherits that. */
static void child_default_signals(void)
{
    for (int sig = 1; sig < NSIG; sig++)
        (void)signal(sig, SIG_DFL);
}

static void __attribute__((noreturn)) child(const struct session *session)
{
    child_tie(session);
    if (setns(session->init, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) < 0)
        child_fail(session, "entering its namespaces");
    if (!session->cwd || chdir(session->cwd) < 0)
        (void)!chdir("/");
    if (session->tty.slave >= 0)
        child_take_tty(session);
    child_environment();
    if (session->what->tty)
        child_default_signals();
    (void)sigprocmask(SIG_SETMASK, &session->mask, NULL);
    if (session->what->argv)
        execvp(session->what->argv[0], session->what->argv);
    else
        child_exec_shell(session);
    child_not_run(session->what->argv ? session->what->argv[0] : "/bin/sh");
}

/* --- starting it ------------------------------------------------------------------------------------- */

/* The VM's init, started when there is none. The VM's locks are let go: a session must not keep others
 * out. */
static int init_ensure(const char *lab, const char *vm, int *ret_pidfd, struct vnl_err **err)
{
    CLEANUP(vnl_guest_close) struct vnl_guest guest = { -1, -1, -1 };
    int pidfd, r = vnl_guest_open(lab, vm, &guest, err);

    if (r < 0)
        return r;
    pidfd = vnl_guest_init_find(&guest);
    if (pidfd < 0)
        return vnl_guest_init_start(&guest, lab, vm, ret_pidfd, err);
    *ret_pidfd = pidfd;
    return 0;
}

/* A blocked signal is queued even if it is ignored: it would be passed on although the caller (nohup) said not to. */
static bool is_ignored(int sig)
{
    struct sigaction action;

    return sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static int session_prepare(struct session *session, struct vnl_err **err)
{
    sigset_t handled;

    session->cwd = getcwd(NULL, 0);
    session->self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (session->self < 0 || pipe2(session->report, O_CLOEXEC) < 0)
        return vnl_fail(err, errno, "preparing a session: %s", strerror(errno));
    sigemptyset(&handled);
    for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
        if (!is_ignored(passed_on[i]))
            sigaddset(&handled, passed_on[i]);
    if (session->what->tty) {
        sigaddset(&handled, SIGWINCH);
        sigaddset(&handled, SIGPIPE);
    }
    (void)sigprocmask(SIG_BLOCK, &handled, &session->mask);
    session->sig_fd = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
    if (session->sig_fd < 0)
        return vnl_fail(err, errno, "preparing a session: %s", strerror(errno));
    return session->what->tty ? vnl_guest_tty_open(&session->tty, err) : 0;
}

/* Forks into the VM's PID namespace. Only children are born there: we stay where we are. */
static int fork_in(struct session *session, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int own = open("/proc/thread-self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
    int num;

    if (own < 0)
        return vnl_fail(err, errno, "our own PID namespace: %s", strerror(errno));
    if (setns(session->init, CLONE_NEWPID) < 0)
        return vnl_fail(err, errno, "entering the VM's PID namespace: %s", strerror(errno));
    session->pid = fork();
    num = errno;
    if (session->pid == 0)
        child(session);
    if (setns(own, CLONE_NEWPID) < 0)
        return vnl_fail(err, errno, "returning from the VM's PID namespace: %s", strerror(errno));
    if (session->pid < 0) /* ENOMEM: the VM's init is ending */
        return vnl_fail(err, num, "starting a process: %s",
                        num == ENOMEM ? "the VM is going down" : strerror(num));
    vnl_fd_close(&session->report[1]);
    session->pidfd = (int)syscall(SYS_pidfd_open, session->pid, 0);
    return session->pidfd < 0 ? vnl_fail(err, errno, "watching a process: %s", strerror(errno)) : 0;
}

/* --- waiting for it ---------------------------------------------------------------------------------- */

/* What the terminal's driver sends (^C: si_code SI_KERNEL) goes to the foreground group, so to the child as
 * well. Unless it has a terminal of its own; or the signal is the SIGHUP that only a session's leader
 * gets. */
static void pass_on(const struct signalfd_siginfo *info, void *arg)
{
    const struct session *session = arg;
    bool is_ours_alone = session->what->tty || (info->ssi_signo == SIGHUP && getsid(0) == getpid());

    if (info->ssi_signo != SIGPIPE && (info->ssi_code <= 0 || is_ours_alone))
        (void)syscall(SYS_pidfd_send_signal, session->pidfd, (int)info->ssi_signo, NULL, 0);
}

static void wait_plain(struct session *session)
{
    struct pollfd fds[] = { { .fd = session->pidfd, .events = POLLIN },
                            { .fd = session->sig_fd, .events = POLLIN } };
    struct signalfd_siginfo info;

    while (!fds[0].revents) {
        (void)poll(fds, ARRAY_SIZE(fds), -1);
        while (read(session->sig_fd, &info, sizeof(info)) == sizeof(info))
            pass_on(&info, session);
    }
}

static int session_run(struct session *session, int *ret_status, struct vnl_err **err)
{
    int status, r = session_prepare(session, err);

    if (r >= 0)
        r = fork_in(session, err);
    if (r < 0)
        return r;
    if (session->what->tty)
        vnl_guest_tty_relay(&session->tty, session->pidfd, session->sig_fd, pass_on, session);
    else
        wait_plain(session);
    while (waitpid(session->pid, &status, 0) < 0) {
        if (errno != EINTR)
            return vnl_fail(err, errno, "waiting for a process: %s", strerror(errno));
    }
    *ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return vnl_guest_report_read(session->report[0], true, err);
}

int vnl_guest_run(const char *lab, const char *vm, const struct vnl_guest_exec *what, int *ret_status,
                  struct vnl_err **err)
{
    CLEANUP(session_done)
    struct session session = {
        .what = what,
        .vm = vm,
        .init = -1,
        .self = -1,
        .report = { -1, -1 },
        .tty = { -1, -1 },
        .sig_fd = -1,
        .pidfd = -1,
    };
    struct sigaction saved, keep = { .sa_handler = SIG_DFL };
    int status = 0, r = init_ensure(lab, vm, &session.init, err);

    if (r < 0)
        return r;
    (void)sigprocmask(SIG_SETMASK, NULL, &session.mask);
    (void)sigaction(SIGCHLD, &keep,
                    &saved); /* ignored, as some callers leave it, it would throw the status away */
    r = session_run(&session, &status, err);
    (void)sigaction(SIGCHLD, &saved, NULL);
    (void)sigprocmask(SIG_SETMASK, &session.mask, NULL);
    if (r < 0)
        return vnl_wrap(err, "VM '%s'", vm);
    *ret_status = status;
    return 0;
}
