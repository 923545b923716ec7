/* One command at a time per lab: flock(2) on RUN_DIR/LAB.lock, which holds "pid command" of its owner.
 *
 * The kernel drops the lock when its owner dies. (A child made by fork shares it: one that outlives its
 * parent closes its file descriptors, as every daemon does; exec does it by itself.)
 *
 * Nothing is left behind, so the file is removed by the owner before it lets go, and the directory with it
 * when that is empty. Two races come with that, and both end in another round:
 *   - the file that was opened is removed before it is locked: then the path has another inode, or none;
 *   - the directory is removed between mkdir and open: then open says ENOENT. */
#include "vnetlab/store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

/* Between two tries: soon at first, because most commands are short, then seldom. */
#define SLEEP_MIN_MS 1
#define SLEEP_MAX_MS 50

/* Races lost in a row. Each was won by somebody, so this many mean something else: RUN_DIR is a link to
 * nowhere. */
#define STALE_MAX 10000

#define HOLDER_MAX 128

struct vnl_lock {
    pid_t owner;
    int fd;
    char *path;
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A signal cuts it short, which is one try more. */
static void sleep_ms(int64_t ms)
{
    struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

    (void)nanosleep(&span, NULL);
}

/* Reads a whole small file; what cannot be read is empty. Returns the size. */
static size_t read_small(const char *path, char *buf, size_t room)
{
    CLEANUP(vnl_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t size = fd < 0 ? 0 : read(fd, buf, room - 1);

    buf[size < 0 ? 0 : size] = '\0';
    return size < 0 ? 0 : (size_t)size;
}

/* "vnetlab up": name of the program, and its first argument. */
static void describe_command(char buf[HOLDER_MAX])
{
    char args[256];
    size_t size = read_small("/proc/self/cmdline", args, sizeof(args));
    const char *slash = strrchr(args, '/');
    const char *program = slash ? slash + 1 : args;
    const char *verb = strlen(args) + 1 < size ? args + strlen(args) + 1 : "";

    (void)snprintf(buf, HOLDER_MAX, "%.40s%s%.40s", *program ? program : "vnetlab", *verb ? " " : "", verb);
}

/* What the owner says of itself is foreign text: "123 vnetlab up" in one line, or nothing yet. */
static void describe_holder(const char *path, const char *lab, char *buf, size_t room)
{
    char text[HOLDER_MAX + 16];
    char command[HOLDER_MAX];
    int pid;

    (void)read_small(path, text, sizeof(text));
    for (char *p = text; *p; p++)
        *p = iscntrl((unsigned char)*p) && *p != '\n' ? '?' : *p;
    if (sscanf(text, "%9d %127[^\n]", &pid, command) == 2)
        (void)snprintf(buf, room, "lab '%s' is held by pid %d (%s)", lab, pid, command);
    else
        (void)snprintf(buf, room, "lab '%s' is held by another process", lab);
}

/* The lock file's fd, or -errno. -ESTALE: the directory was removed meanwhile. */
static int open_file(const char *path)
{
    int fd;

    if (mkdir(vnl_run_dir(), 0755) < 0 && errno != EEXIST)
        return -errno;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return errno == ENOENT ? -ESTALE : -errno;
    return fd;
}

static bool is_at(int fd, const char *path)
{
    struct stat ours, theirs;

    return fstat(fd, &ours) == 0 && lstat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

/* 0 and *ret_fd: locked. -EAGAIN: another process has it. -ESTALE: the file or its directory went away; try
 * at once. */
static int try_lock(const char *path, int *ret_fd)
{
    CLEANUP(vnl_fd_close) int fd = open_file(path);

    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
    if (!is_at(fd, path))
        return -ESTALE;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* For those who wait. Failing to say it does not make the lock less ours. */
static void sign(int fd)
{
    char command[HOLDER_MAX], text[HOLDER_MAX + 16];
    int len;

    describe_command(command);
    len = snprintf(text, sizeof(text), "%d %s\n", (int)getpid(), command);
    (void)!ftruncate(fd, 0);
    (void)!pwrite(fd, text, (size_t)len, 0);
}

static int fail_lock(const char *path, int num, struct vnl_err **err)
{
    const char *hint = num == EACCES || num == EPERM || num == EROFS ? "labs belong to root: use sudo" : NULL;

    return vnl_fail_at(err, num, NULL, NULL, NULL, hint, "lock '%s': %s", path, strerror(num));
}

/* Tries until it is ours or the time is over. */
static int wait_lock(const char *path, const char *lab, int timeout_ms, void (*waiting)(const char *, void *),
                     void *arg, int *ret_fd, struct vnl_err **err)
{
    int64_t deadline = now_ms() + timeout_ms, pause = SLEEP_MIN_MS;
    char sentence[HOLDER_MAX + 300];
    int stale = 0, r;

    while ((r = try_lock(path, ret_fd)) == -EAGAIN || (r == -ESTALE && stale++ < STALE_MAX)) {
        int64_t left = timeout_ms < 0 ? SLEEP_MAX_MS : deadline - now_ms();

        if (r == -ESTALE)
            continue;
        stale = 0;
        describe_holder(path, lab, sentence, sizeof(sentence));
        if (left <= 0)
            return vnl_fail_at(err, EBUSY, NULL, NULL, NULL, "try again when that is done", "%s", sentence);
        if (waiting)
            waiting(sentence, arg);
        waiting = NULL;
        sleep_ms(pause < left ? pause : left);
        pause = pause * 2 < SLEEP_MAX_MS ? pause * 2 : SLEEP_MAX_MS;
    }
    return r < 0 ? fail_lock(path, -r, err) : 0;
}

int vnl_lock_take(const char *lab, int timeout_ms, void (*waiting)(const char *sentence, void *arg),
                  void *arg, struct vnl_lock **ret, struct vnl_err **err)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;
    int r = vnl_path_name_check(lab, err);

    if (r < 0)
        return r;
    lock = calloc(1, sizeof(*lock));
    if (!lock)
        return vnl_fail(err, ENOMEM, "lock of lab '%s'", lab);
    lock->fd = -1;
    lock->owner = getpid();
    if (asprintf(&lock->path, "%s/%s.lock", vnl_run_dir(), lab) < 0) {
        lock->path = NULL;
        return vnl_fail(err, ENOMEM, "lock of lab '%s'", lab);
    }
    r = wait_lock(lock->path, lab, timeout_ms, waiting, arg, &lock->fd, err);
    if (r < 0)
        return r;
    sign(lock->fd);
    *ret = TAKE_PTR(lock);
    return 0;
}

/* The directory that the file lies in, not vnl_run_dir(): that may be another one by now. */
static void remove_dir(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash && slash != path) {
        *slash = '\0';
        (void)rmdir(path);
    }
}

/* Unlocked by name: a child that has the descriptor too would keep it locked after close. Such a child, when
 * it comes through here on its way out, gives up its copy and nothing else. */
void vnl_lock_release(struct vnl_lock **ptr)
{
    struct vnl_lock *lock = TAKE_PTR(*ptr);

    if (!lock)
        return;
    if (lock->fd >= 0 && lock->owner == getpid()) {
        (void)unlink(lock->path);
        (void)flock(lock->fd, LOCK_UN);
        remove_dir(lock->path);
    }
    vnl_fd_close(&lock->fd);
    free(lock->path);
    free(lock);
}

/* Taking and releasing a lock removes its file; one that is held stays. */
static void sweep_entry(const char *name)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;
    size_t len = strlen(name), end = strlen(".lock");
    CLEANUP(vnl_str_free)
    char *lab = len > end && !strcmp(name + len - end, ".lock") ? strndup(name, len - end) : NULL;

    if (lab)
        (void)vnl_lock_take(lab, 0, NULL, NULL, &lock, NULL);
}

void vnl_lock_sweep(void)
{
    DIR *dir = opendir(vnl_run_dir());
    struct dirent *entry;

    if (!dir)
        return;
    while ((entry = readdir(dir)))
        sweep_entry(entry->d_name);
    closedir(dir);
    (void)rmdir(vnl_run_dir());
}
