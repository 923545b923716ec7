/* Ending the processes of a dying lab. A namespace cannot be freed while a process is in it, and which
 * processes are is only known by looking at all of them: a guest may have started anything, and an operator
 * may have entered by `ip netns exec`.
 *
 * A process is known by its pidfd from the moment it is looked at, so that a number that is used anew cannot
 * be hit. Only the main thread's namespace counts: a program with one thread inside (another vnetlab that
 * reads a counter) is not a guest. */
#include "netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define GONE_MS                                                                                              \
    10000 /* a process in the middle of a disk write may take a while; one in state D for ever is reported   \
           */

static void dir_close(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whom to end: who is in one of the namespaces; or who is in none of them and works on that file system. */
struct prey {
    const struct vnl_netns_ids *ids;
    bool is_stray;
    dev_t dev;
};

static bool is_prey(int proc_fd, pid_t pid, const struct prey *prey)
{
    char path[32];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%d/ns/net", (int)pid);
    if (fstatat(proc_fd, path, &st, 0) < 0 ||
        vnl_netns_ids_has(prey->ids, st.st_dev, st.st_ino) == prey->is_stray)
        return false;
    (void)snprintf(path, sizeof(path), "%d/cwd", (int)pid);
    return !prey->is_stray || (fstatat(proc_fd, path, &st, 0) == 0 && st.st_dev == prey->dev);
}

/* Processes that were sent SIGKILL. All are killed before the first is waited for: their ends overlap. */
#define VICTIMS 256
struct victims {
    size_t n;
    struct pollfd gone[VICTIMS];
    pid_t pid[VICTIMS];
};

static int wait_all(struct victims *victims, int64_t deadline, struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; i < victims->n; i++) {
        int64_t left = deadline - now_ms();

        if (r == 0 && poll(&victims->gone[i], 1, left > 0 ? (int)left : 0) == 0)
            r = vnl_fail(err, EBUSY, "process %d was killed but does not end", (int)victims->pid[i]);
        vnl_fd_close(&victims->gone[i].fd);
    }
    victims->n = 0;
    return r;
}

static int kill_one(int proc_fd, pid_t pid, const struct prey *prey, struct victims *victims,
                    struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int pidfd = -1;

    if (pid == getpid() || !is_prey(proc_fd, pid, prey))
        return 0;
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 || !is_prey(proc_fd, pid, prey))
        return 0;
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
        return errno == ESRCH ? 0
                              : vnl_fail(err, errno, "cannot end process %d: %s", (int)pid, strerror(errno));
    victims->pid[victims->n] = pid;
    victims->gone[victims->n++] = (struct pollfd){ .fd = TAKE_FD(pidfd), .events = POLLIN };
    return 0;
}

/* One look at all processes. *ret_found: how many there were. */
static int kill_round(const struct prey *prey, int64_t deadline, size_t *ret_found, struct vnl_err **err)
{
    CLEANUP(dir_close) DIR *proc = opendir("/proc");
    struct victims victims = { .n = 0 };
    struct dirent *entry;
    int r = 0, r_wait;

    *ret_found = 0;
    if (!proc)
        return vnl_fail(err, errno, "cannot read /proc: %s", strerror(errno));
    while (r == 0 && (entry = readdir(proc))) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        r = kill_one(dirfd(proc), (pid_t)strtol(entry->d_name, NULL, 10), prey, &victims, err);
        if (r == 0 && victims.n == VICTIMS) {
            *ret_found += victims.n;
            r = wait_all(&victims, deadline, err);
        }
    }
    *ret_found += victims.n;
    r_wait = wait_all(&victims, deadline, r < 0 ? NULL : err);
    return r < 0 ? r : r_wait;
}

/* Until a look finds nothing: a process may have started another one behind our back. */
static int kill_all(const struct prey *prey, struct vnl_err **err)
{
    int64_t deadline = now_ms() + GONE_MS;
    size_t found = 1;

    while (found) {
        int r = kill_round(prey, deadline, &found, err);

        if (r < 0)
            return r;
        if (found && now_ms() > deadline)
            return vnl_fail(err, EBUSY, "processes in the lab start faster than they can be ended");
    }
    return 0;
}

int vnl_netns_kill(const struct vnl_netns_ids *ids, struct vnl_err **err)
{
    const struct prey prey = { .ids = ids };

    return ids->n ? kill_all(&prey, err) : 0;
}

int vnl_netns_kill_strays(dev_t dev, const struct vnl_netns_ids *spared, struct vnl_err **err)
{
    const struct prey prey = { .ids = spared, .is_stray = true, .dev = dev };

    return kill_all(&prey, err);
}
