/* Commands' side of the agent. It is a process of its own session with nothing of the caller's but its standard error, which is the log:
 * forked twice, in the platform's namespace before it runs anything, then the program vnetlab-agent. Being in the
 * namespace from its first moment, `down` finds it also when whoever started it was killed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "vnetlab/agent.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/paths.h"
#include "vnetlab/plan.h"

#define START_MS 10000 /* a new one is ready */
#define LOG_MAX  (1 << 20)
#define READY_FD 3

/* --- one that runs -------------------------------------------------------------------------------- */

/* waits: until it works by the plan that is in the store now; else until it has heard. */
static bool tell(int fd, bool waits)
{
    const struct timeval patience = { .tv_sec = START_MS / 1000 };
    CLEANUP(vnl_json_free) struct vnl_json *order = vnl_json_object(), *answer = NULL;

    if (waits)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return vnl_json_set(order, "order", vnl_json_str("reload")) == 0 &&
           vnl_json_set(order, "wait", vnl_json_bool(waits)) == 0 &&
           vnl_control_ask(fd, TAKE_PTR(order), &answer, NULL) == 0 &&
           vnl_json_get_bool(answer, "done", false);
}

/* It holds the socket that we are connected to, so the number is its own. */
static void end(int fd, int netns)
{
    struct ucred peer = { .pid = 0 };
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
        return;
    (void)kill(peer.pid, SIGKILL);
    for (int waited = 0; waited < VNL_CONTROL_ANSWER_MS; waited++) {
        CLEANUP(vnl_fd_close) int again = -1;

        if (vnl_control_connect(netns, &again, NULL) < 0 || again < 0)
            return;
        (void)usleep(1000);
    }
}

/* --- a new one ------------------------------------------------------------------------------------ */

struct start {
    const char *lab;
    int netns, exe, log, report; /* report: write end */
    char *path, *run_dir, *state_dir, *engine;
};

static void start_done(struct start *start)
{
    vnl_fd_close(&start->exe);
    vnl_fd_close(&start->log);
    vnl_fd_close(&start->report);
    vnl_str_free(&start->path);
    vnl_str_free(&start->run_dir);
    vnl_str_free(&start->state_dir);
    vnl_str_free(&start->engine);
}

/* Descriptors that the child puts at fixed numbers come from above those. */
static int open_high(const char *path, int flags)
{
    CLEANUP(vnl_fd_close) int fd = open(path, flags | O_CLOEXEC, 0600);

    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, READY_FD + 1);
}

static int open_log(const char *lab)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, "agent.log");
    int fd = path ? open_high(path, O_WRONLY | O_CREAT | O_APPEND) : -1;
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > LOG_MAX)
        (void)!ftruncate(fd, 0);
    return fd;
}

/* Where the program must be: beside the one that runs, which may lie anywhere. */
static char *sibling(void)
{
    char self[PATH_MAX], *path = NULL;
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self));

    while (len > 0 && self[len - 1] != '/')
        len--;
    return len <= 0 || asprintf(&path, "%.*svnetlab-agent", (int)len, self) < 0 ? NULL : path;
}

static int open_program(int *ret_fd, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = sibling();
    const char *named = getenv("VNETLAB_AGENT");
    int fd = path ? open_high(path, O_RDONLY) : -1;

    if (fd < 0 && named)
        fd = open_high(named, O_RDONLY);
    if (fd < 0)
        return vnl_fail(err, errno, "its program '%s': %s (it belongs beside vnetlab)",
                        named  ? named
                        : path ? path
                               : "vnetlab-agent",
                        strerror(errno));
    *ret_fd = fd;
    return 0;
}

static char *variable(const char *name, const char *value)
{
    char *text = NULL;

    return asprintf(&text, "%s=%s", name, value) < 0 ? NULL : text;
}

static int start_prepare(struct start *start, struct vnl_err **err)
{
    const char *path = getenv("PATH"), *engine = getenv("VNETLAB_VPN_ENGINE");

    if (open_program(&start->exe, err) < 0)
        return -ENOENT;
    start->log = open_log(start->lab);
    if (start->log < 0)
        return vnl_fail(err, errno, "its log: %s", strerror(errno));
    start->path = variable("PATH", path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
    start->run_dir = variable("VNETLAB_RUN_DIR", vnl_run_dir());
    start->state_dir = variable("VNETLAB_STATE_DIR", vnl_store_dir());
    start->engine = variable("VNETLAB_VPN_ENGINE", engine ? engine : "");
    return start->path && start->run_dir && start->state_dir && start->engine
               ? 0
               : vnl_fail(err, ENOMEM, "its environment");
}

/* In the child: async-signal-safe calls only. */
static void __attribute__((noreturn)) fail_child(int report, const char *what)
{
    (void)!write(report, what, strlen(what) + 1);
    _exit(1);
}

static void __attribute__((noreturn)) exec_agent(const struct start *start)
{
    char *const argv[] = { "vnetlab-agent", (char *)start->lab, "3", NULL };
    char *const env[] = {
        start->path, start->run_dir, start->state_dir, start->engine, "LANG=C.UTF-8", NULL
    };
    int null = open("/dev/null", O_RDWR);
    sigset_t none;

    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (chdir("/") < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(start->log, STDOUT_FILENO) < 0 ||
        dup2(start->log, STDERR_FILENO) < 0 || dup2(start->report, READY_FD) < 0)
        fail_child(start->report, "cannot place its files");
    (void)close_range(READY_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    (void)syscall(SYS_execveat, start->exe, "", argv, env, AT_EMPTY_PATH);
    fail_child(READY_FD, "cannot run vnetlab-agent");
}

static void __attribute__((noreturn)) launch(const struct start *start)
{
    pid_t pid;

    (void)setsid();
    if (setns(start->netns, CLONE_NEWNET) < 0)
        fail_child(start->report, "cannot enter its namespace");
    pid = fork();
    if (pid < 0)
        fail_child(start->report, "cannot start a process");
    if (pid == 0)
        exec_agent(start);
    _exit(0);
}

/* One report: a sentence with its end, empty when all is well. */
static int await(int reports, struct vnl_err **err)
{
    struct pollfd fd = { .fd = reports, .events = POLLIN };
    char text[512];
    size_t n = 0;

    do {
        if (poll(&fd, 1, START_MS) <= 0)
            return vnl_fail(err, ETIMEDOUT, "it is not ready after %d s", START_MS / 1000);
        if (read(reports, text + n, 1) != 1)
            return vnl_fail(err, ECHILD,
                            "it ended while it started: its log is agent.log in the lab's directory");
    } while (text[n] && ++n < sizeof(text) - 1);
    text[n] = '\0';
    return *text ? vnl_fail(err, EIO, "%s", text) : 0;
}

static int start_new(const char *lab, int netns, bool waits, struct vnl_err **err)
{
    CLEANUP(start_done)
    struct start start = { .lab = lab, .netns = netns, .exe = -1, .log = -1, .report = -1 };
    CLEANUP(vnl_fd_close) int reports = -1;
    int ends[2], r = start_prepare(&start, err);
    pid_t pid;

    if (r < 0)
        return r;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return vnl_fail(err, errno, "a pipe: %s", strerror(errno));
    reports = ends[0];
    start.report = fcntl(ends[1], F_DUPFD_CLOEXEC, READY_FD + 1);
    (void)close(ends[1]);
    pid = fork();
    if (pid < 0)
        return vnl_fail(err, errno, "starting a process: %s", strerror(errno));
    if (pid == 0)
        launch(&start);
    vnl_fd_close(&start.report);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    r = await(reports, err);
    return r == 0 && waits ? await(reports, err) : r;
}

/* --- either --------------------------------------------------------------------------------------- */

/* True: one runs and has been told. One that hangs is ended. */
static bool tell_running(int netns, bool waits)
{
    CLEANUP(vnl_fd_close) int fd = -1;

    if (vnl_control_connect(netns, &fd, NULL) < 0 || fd < 0)
        return false;
    if (tell(fd, waits))
        return true;
    end(fd, netns);
    return false;
}

/* Reading the plan takes it 120 ms for 1000 VMs (2 cores), which is for nothing when packets do not depend on it: questions for names
 * wait in its sockets, and backends count as alive. Delayed packets are lost until it reads its TAPs. */
static bool packets_need_it(const struct vnl_plan *plan)
{
    return plan->n_delays > 0 || plan->n_tunnels > 0;
}

int vnl_agent_ensure(const struct vnl_plan *plan, struct vnl_err **err)
{
    bool waits = packets_need_it(plan);
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    CLEANUP(vnl_fd_close) int netns = -1;

    if (vnl_netns_open(plan->lab, VNL_PLATFORM, &netns, NULL) < 0) /* no VM to serve */
        return 0;
    if (tell_running(netns, waits) || start_new(plan->lab, netns, waits, &why) == 0)
        return 0;
    /* A command that was killed may have started one that came into ours' way. */
    if (tell_running(netns, waits))
        return 0;
    (void)vnl_wrap(&why, "the agent of lab '%s'", plan->lab);
    if (err)
        vnl_err_append(err, &why);
    return -EIO;
}

bool vnl_agent_runs(const char *lab)
{
    CLEANUP(vnl_fd_close) int netns = -1, fd = -1;

    return vnl_netns_open(lab, VNL_PLATFORM, &netns, NULL) == 0 &&
           vnl_control_connect(netns, &fd, NULL) == 0 && fd >= 0;
}
