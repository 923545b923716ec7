/* PID 1 of a VM at work: reaps what the VM leaves behind, runs the VM's `run` commands and logs what they
 * print.
 *
 * The list of commands is the file "run" (each ends with a NUL byte). SIGHUP says: look at it again. When it
 * differs from the list in force, everything that the old list started gets SIGTERM, after two seconds
 * SIGKILL, and then the new list starts; other processes of the VM (sessions of `exec`) are left alone. There
 * is no restart of a command that ended: its log says how.
 *
 * Which processes belong to the list? A service forks into the background and then is nobody's child but PID
 * 1's, as a session's background jobs are; process groups and the environment it changes as it likes. So each
 * generation of commands is born with a soft RLIMIT_LOCKS of its own: children inherit it, nothing sets it,
 * and no kernel since 2.6 looks at it (getrlimit(2)). */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vnetlab/base.h"

#define TERM_TIMEOUT_MS 2000
#define STOP_POLL_MS    50
#define LINE_SIZE       8192          /* a longer line is logged in pieces */
#define TAG             0x766e6c0000u /* first RLIMIT_LOCKS of ours: "vnl", then the generation */

struct command {
    pid_t pid;  /* of its shell; 0 when that has ended */
    int fd;     /* read end of its output; -1 when all writers have closed it */
    size_t len; /* of the line so far */
    char line[LINE_SIZE];
};

enum phase {
    PHASE_RUNNING,  /* the list in force runs, or has ended; SIGHUP is heeded at once */
    PHASE_STOPPING, /* its processes have had SIGTERM; the next list starts when none is left */
};

struct supervisor {
    int sig_fd;
    struct vnl_guest_log log;
    enum phase phase;
    int64_t kill_at_ms; /* STOPPING: when SIGKILL is due */
    rlim_t tag;         /* of the list in force */
    char *list, *next;  /* in force; to start when the present one has stopped */
    size_t list_size, next_size;
    struct command *commands;
    size_t n_commands;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note(struct supervisor *s, size_t i, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void note(struct supervisor *s, size_t i, const char *fmt, ...)
{
    char text[512];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    for (char *at = text; *at; at++) {
        if (*at == '\n') /* a command of several lines */
            *at = ' ';
    }
    vnl_guest_log_line(&s->log, i + 1, text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

/* --- output ------------------------------------------------------------------------------------------ */

static void flush_line(struct supervisor *s, size_t i)
{
    struct command *command = &s->commands[i];

    vnl_guest_log_line(&s->log, i + 1, command->line, command->len);
    command->len = 0;
}

static void take_output(struct supervisor *s, size_t i, const char *data, size_t size)
{
    struct command *command = &s->commands[i];

    for (size_t at = 0; at < size; at++) {
        if (data[at] == '\n' || command->len == LINE_SIZE)
            flush_line(s, i);
        if (data[at] != '\n')
            command->line[command->len++] = data[at];
    }
}

/* One pipe's worth at most: whoever writes without end must not keep us from the others. */
static void read_output(struct supervisor *s, size_t i)
{
    struct command *command = &s->commands[i];
    char data[65536];
    ssize_t n = command->fd < 0 ? -1 : read(command->fd, data, sizeof(data));

    if (n > 0)
        take_output(s, i, data, (size_t)n);
    if (n == 0) {
        if (command->len)
            flush_line(s, i);
        vnl_fd_close(&command->fd);
    }
}

/* --- starting and ending ----------------------------------------------------------------------------- */

static void __attribute__((noreturn)) run_command(const struct supervisor *s, const char *command, int out)
{
    struct rlimit tag = { .rlim_cur = s->tag, .rlim_max = RLIM_INFINITY };
    sigset_t none;

    (void)setsid();
    if (setrlimit(RLIMIT_LOCKS, &tag) < 0) { /* a lowered hard limit: ours to raise, we are root */
        tag.rlim_max = s->tag;
        (void)setrlimit(RLIMIT_LOCKS, &tag);
    }
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    dprintf(STDERR_FILENO, "/bin/sh: %s\n", strerror(errno));
    _exit(127);
}

static void start_command(struct supervisor *s, size_t i, const char *text)
{
    struct command *command = &s->commands[i];
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        note(s, i, "not started: %s", strerror(errno));
        return;
    }
    note(s, i, "started: %s", text);
    command->pid = fork();
    if (command->pid == 0)
        run_command(s, text, ends[1]);
    close(ends[1]);
    command->fd = ends[0];
    (void)fcntl(command->fd, F_SETFL, O_NONBLOCK);
    if (command->pid < 0) {
        note(s, i, "not started: %s", strerror(errno));
        command->pid = 0;
    }
}

static void start_list(struct supervisor *s)
{
    size_t n = 0, i = 0;

    free(s->list);
    s->list = TAKE_PTR(s->next);
    s->list_size = s->next_size;
    s->phase = PHASE_RUNNING;
    s->tag++;
    for (size_t at = 0; at < s->list_size; at++)
        n += s->list[at] == '\0';
    s->commands = calloc(n + 1, sizeof(*s->commands));
    s->n_commands = s->commands ? n : 0;
    for (const char *text = s->list; i < s->n_commands; text += strlen(text) + 1, i++) {
        s->commands[i].fd = -1;
        start_command(s, i, text);
    }
}

/* Signals every process of the list in force; returns how many there are. */
static size_t signal_list(const struct supervisor *s, int sig)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    size_t n = 0;

    while (dir && (entry = readdir(dir))) {
        pid_t pid = atoi(entry->d_name);
        struct rlimit limit;

        if (pid <= 1 || prlimit(pid, RLIMIT_LOCKS, NULL, &limit) < 0 || limit.rlim_cur != s->tag)
            continue;
        n++;
        if (sig)
            (void)kill(pid, sig);
    }
    if (dir)
        closedir(dir);
    return n;
}

static void close_list(struct supervisor *s)
{
    for (size_t i = 0; i < s->n_commands; i++) {
        read_output(s, i);
        if (s->commands[i].fd >= 0 && s->commands[i].len)
            flush_line(s, i);
        vnl_fd_close(&s->commands[i].fd);
    }
    free(s->commands);
    s->commands = NULL;
    s->n_commands = 0;
}

/* Goes on with a change of lists. What was forked while we went through /proc is met the next time. */
static void step(struct supervisor *s)
{
    if (s->phase != PHASE_STOPPING)
        return;
    if (signal_list(s, now_ms() >= s->kill_at_ms ? SIGKILL : 0) > 0)
        return;
    close_list(s);
    start_list(s);
}

/* "run" may have changed. A list that does not differ is left alone, also when its commands have ended. */
static void reload(struct supervisor *s)
{
    char *text = NULL;
    size_t size = 0;

    if (vnl_guest_file_read(s->log.dir_fd, "run", &text, &size) < 0 && !(text = calloc(1, 1)))
        return;
    free(s->next);
    s->next = text;
    s->next_size = size;
    if (s->phase == PHASE_RUNNING && size == s->list_size && !memcmp(text, s->list, size))
        return;
    if (s->phase == PHASE_RUNNING) {
        (void)signal_list(s, SIGTERM);
        s->kill_at_ms = now_ms() + TERM_TIMEOUT_MS;
        s->phase = PHASE_STOPPING;
    }
    step(s);
}

/* --- events ------------------------------------------------------------------------------------------ */

static void note_end(struct supervisor *s, size_t i, int status)
{
    s->commands[i].pid = 0;
    read_output(s, i); /* its last words first */
    if (WIFSIGNALED(status))
        note(s, i, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        note(s, i, "exited with status %d", WEXITSTATUS(status));
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < s->n_commands; i++) {
            if (s->commands[i].pid == pid)
                note_end(s, i, status);
        }
    }
}

static void take_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    bool changed = false;

    while (read(s->sig_fd, &info, sizeof(info)) == sizeof(info))
        changed |= info.ssi_signo == SIGHUP;
    reap(s); /* several children may share one signal */
    if (changed)
        reload(s);
}

static void wait_events(struct supervisor *s)
{
    struct pollfd *fds = calloc(s->n_commands + 1, sizeof(*fds));
    size_t n = s->n_commands;

    if (!fds) {
        usleep(100000);
        take_signals(s);
        return;
    }
    fds[n] = (struct pollfd){ .fd = s->sig_fd, .events = POLLIN };
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){ .fd = s->commands[i].fd, .events = POLLIN };
    (void)poll(fds, n + 1, s->phase == PHASE_STOPPING ? STOP_POLL_MS : -1);
    for (size_t i = 0; i < n; i++) {
        if (fds[i].revents)
            read_output(s, i);
    }
    if (fds[n].revents)
        take_signals(s);
    free(fds);
    step(s);
}

void vnl_guest_supervise(int dir_fd)
{
    struct supervisor s = { .log = { .dir_fd = dir_fd, .fd = -1 }, .tag = TAG };
    sigset_t handled;

    sigemptyset(&handled);
    sigaddset(&handled, SIGHUP);
    sigaddset(&handled, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &handled, NULL);
    s.sig_fd = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s.sig_fd < 0 || !(s.list = calloc(1, 1)))
        _exit(1);
    reload(&s);
    for (;;)
        wait_events(&s);
}
