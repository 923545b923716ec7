/* The terminal of an interactive session: a pty whose slave end is the VM's, and whose master we connect with
 * our own terminal.
 *
 * Our terminal is raw meanwhile: ^C travels as a byte, and the pty's driver makes a signal of it for the VM's
 * foreground job alone. Every way out passes tty_restore(): signals are blocked and read from a descriptor,
 * so only SIGKILL escapes it. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

int vnl_guest_tty_open(struct vnl_guest_tty *ret, struct vnl_err **err)
{
    struct termios settings;
    struct winsize size;
    bool has_settings = tcgetattr(STDIN_FILENO, &settings) == 0;
    bool has_size = ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0;

    if (openpty(&ret->master, &ret->slave, NULL, has_settings ? &settings : NULL, has_size ? &size : NULL) <
        0)
        return vnl_fail(err, errno, "a terminal: %s", strerror(errno));
    (void)fcntl(ret->master, F_SETFD, FD_CLOEXEC);
    (void)fcntl(ret->slave, F_SETFD, FD_CLOEXEC);
    (void)fcntl(ret->master, F_SETFL, O_RDWR | O_NONBLOCK);
    return 0;
}

void vnl_guest_tty_close(struct vnl_guest_tty *tty)
{
    vnl_fd_close(&tty->slave);
    vnl_fd_close(&tty->master);
}

static bool tty_raw(struct termios *ret_saved)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, ret_saved) < 0)
        return false;
    raw = *ret_saved;
    cfmakeraw(&raw);
    return tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void tty_restore(const struct termios *saved)
{
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, saved);
}

/* One direction. */
struct flow {
    int from, to;
    bool ended; /* nothing more will come */
    size_t len, done;
    char data[16384];
};

/* Is there something to do for this end now? For poll(2): a descriptor of -1 is skipped. */
static struct pollfd flow_want(const struct flow *flow, bool reading)
{
    bool full = flow->len > 0;

    if (reading)
        return (struct pollfd){ .fd = full || flow->ended ? -1 : flow->from, .events = POLLIN };
    return (struct pollfd){ .fd = full ? flow->to : -1, .events = POLLOUT };
}

static void flow_read(struct flow *flow)
{
    ssize_t n = read(flow->from, flow->data, sizeof(flow->data));

    if (n > 0) {
        flow->len = (size_t)n;
        flow->done = 0;
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        flow->ended = true;
    }
}

/* An end that takes no more (our terminal is gone) loses what was meant for it. */
static void flow_write(struct flow *flow)
{
    ssize_t n = write(flow->to, flow->data + flow->done, flow->len - flow->done);

    if (n > 0)
        flow->done += (size_t)n;
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        flow->done = flow->len;
    if (flow->done == flow->len)
        flow->len = 0;
}

static void resize(const struct vnl_guest_tty *tty)
{
    struct winsize size;

    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
        (void)ioctl(tty->master, TIOCSWINSZ, &size);
}

struct relay {
    struct vnl_guest_tty *tty;
    int sig_fd;
    void (*on_signal)(const struct signalfd_siginfo *info, void *arg);
    void *arg;
    struct flow in, out;
};

static void take_signals(struct relay *relay)
{
    struct signalfd_siginfo info;

    while (read(relay->sig_fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGWINCH)
            resize(relay->tty);
        else
            relay->on_signal(&info, relay->arg);
    }
}

/* Our terminal has ended: the VM's does too, and its driver sends SIGHUP to what runs on it. */
static void hang_up(struct relay *relay)
{
    vnl_guest_tty_close(relay->tty);
    relay->in.len = relay->out.len = 0;
    relay->out.ended = true;
}

/* Goes round once; true when the process has ended. */
static bool relay_once(struct relay *relay, int pidfd)
{
    struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN }, { .fd = relay->sig_fd, .events = POLLIN },
                            flow_want(&relay->in, true),       flow_want(&relay->in, false),
                            flow_want(&relay->out, true),      flow_want(&relay->out, false) };

    if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
        return false;
    if (fds[1].revents)
        take_signals(relay);
    if (fds[2].revents)
        flow_read(&relay->in);
    if (fds[3].revents)
        flow_write(&relay->in);
    if (fds[4].revents)
        flow_read(&relay->out);
    if (fds[5].revents)
        flow_write(&relay->out);
    if (relay->in.ended && relay->tty->master >= 0)
        hang_up(relay);
    return fds[0].revents;
}

/* What the process wrote last. Reading a pty's master looks for bytes under way first (n_tty_read), so an
 * empty one is empty. A pty holds less than DRAIN_SIZE; a background job that goes on writing must not keep
 * us. */
#define DRAIN_SIZE 65536
static void drain(struct flow *out)
{
    size_t drained = 0;

    do {
        while (out->len)
            flow_write(out);
        if (!out->ended)
            flow_read(out);
        drained += out->len;
    } while (out->len && drained < DRAIN_SIZE);
    while (out->len)
        flow_write(out);
}

void vnl_guest_tty_relay(struct vnl_guest_tty *tty, int pidfd, int sig_fd,
                         void (*on_signal)(const struct signalfd_siginfo *info, void *arg), void *arg)
{
    struct relay relay = {
        .tty = tty,
        .sig_fd = sig_fd,
        .on_signal = on_signal,
        .arg = arg,
        .in = { .from = STDIN_FILENO, .to = tty->master },
        .out = { .from = tty->master, .to = STDOUT_FILENO },
    };
    struct termios saved;
    bool is_raw = tty_raw(&saved);

    resize(tty); /* it may have changed before SIGWINCH was ours */
    while (!relay_once(&relay, pidfd))
        continue;
    if (tty->master >= 0)
        drain(&relay.out);
    if (is_raw)
        tty_restore(&saved);
}
