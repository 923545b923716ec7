#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

/* A name that was typed must not lead out of the lab's directory. */
static bool plain_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/');
}

static bool is_namespace(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

int vnl_netns_open(const char *lab, const char *netns, int *ret_fd, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *dir = vnl_run_path(lab, "ns");
    CLEANUP(vnl_fd_close) int dir_fd = -1;
    CLEANUP(vnl_fd_close) int fd = -1;
    int r = vnl_path_name_check(lab, err);

    if (r < 0)
        return r;
    if (!dir)
        return vnl_fail(err, ENOMEM, "lab '%s'", lab);
    dir_fd = open(dir, O_DIRECTORY | O_PATH | O_CLOEXEC);
    if (dir_fd < 0 && errno == ENOENT)
        return vnl_fail(err, ENOENT, "lab '%s' is not running", lab);
    if (dir_fd < 0)
        return vnl_fail(err, errno, "lab '%s': cannot open %s: %s", lab, dir, strerror(errno));
    if (plain_name(netns))
        fd = openat(dir_fd, netns, O_RDONLY | O_CLOEXEC);
    /* A file that is no namespace is what a crash left between making the mount point and mounting. */
    if (fd < 0 || !is_namespace(fd))
        return vnl_fail(err, ENOENT, "lab '%s' has no VM '%s'", lab, netns);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int open_own(int *ret_fd, struct vnl_err **err)
{
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return vnl_fail(err, errno, "cannot open /proc/thread-self/ns/net: %s", strerror(errno));
    *ret_fd = fd;
    return 0;
}

int vnl_netns_enter(int netns_fd, int *ret_saved, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int saved = -1;
    int r = open_own(&saved, err);

    if (r < 0)
        return r;
    if (setns(netns_fd, CLONE_NEWNET) < 0)
        return vnl_fail(err, errno, "cannot enter a network namespace: %s", strerror(errno));
    *ret_saved = TAKE_FD(saved);
    return 0;
}

/* Whoever cannot come back must not go on: what it does next would happen in the wrong namespace. */
void vnl_netns_leave(int *saved)
{
    if (*saved >= 0 && setns(*saved, CLONE_NEWNET) < 0)
        abort();
    vnl_fd_close(saved);
}

int vnl_netns_new(int *ret_fd, struct vnl_err **err)
{
    if (unshare(CLONE_NEWNET) < 0)
        return vnl_fail(err, errno, "cannot make a network namespace: %s", strerror(errno));
    return open_own(ret_fd, err);
}

int vnl_netns_sysctl(const char *name, const char *value, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int dir = open("/proc/sys", O_DIRECTORY | O_PATH | O_CLOEXEC);
    CLEANUP(vnl_fd_close) int fd = dir < 0 ? -1 : openat(dir, name, O_WRONLY | O_CLOEXEC);
    ssize_t len = (ssize_t)strlen(value);

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || write(fd, value, (size_t)len) != len)
        return vnl_fail(err, errno, "cannot set sysctl %s: %s", name, strerror(errno));
    return 0;
}

/* --- sets of namespaces --------------------------------------------------------------------------- */

int vnl_netns_ids_add(struct vnl_netns_ids *ids, int netns_fd)
{
    struct vnl_netns_id *items = reallocarray(ids->items, ids->n + 1, sizeof(*items));
    struct stat st;

    if (!items)
        return -ENOMEM;
    ids->items = items;
    if (fstat(netns_fd, &st) == 0)
        ids->items[ids->n++] = (struct vnl_netns_id){ .dev = st.st_dev, .ino = st.st_ino };
    return 0;
}

bool vnl_netns_ids_has(const struct vnl_netns_ids *ids, dev_t dev, ino_t ino)
{
    for (size_t i = 0; i < ids->n; i++)
        if (ids->items[i].ino == ino && ids->items[i].dev == dev)
            return true;
    return false;
}

void vnl_netns_ids_done(struct vnl_netns_ids *ids)
{
    free(ids->items);
    *ids = (struct vnl_netns_ids){ 0 };
}
