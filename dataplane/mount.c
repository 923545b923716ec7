/* One tmpfs per lab carries everything that has a name: namespaces (bind mounts of nsfs below ns/), the bpffs
 * with the pinned program and maps (tables/), guests' files (vm/). One umount of the tree lets go of all of
 * it.
 *
 * Propagation. A mount namespace that is made later (a guest's, a container's) begins with a copy of our
 * mounts. Each copy of ns/VM keeps the namespace alive, so our umount has to reach the copies: the tmpfs is
 * shared. On most systems /run is shared as well, and then the tmpfs appears in the mount namespaces that
 * exist already; they would receive a copy of every VM's mount for nothing. Hence private first, which cuts
 * those off while the tmpfs is still empty (they lose it again when it is unmounted, by /run's own
 * propagation), then shared, for those to come. Whoever makes a mount namespace and unmounts in it must
 * therefore make it a slave or private before, or it would unmount here.
 *
 * Order. ns/ is the last thing that is made on the tmpfs: a mount without it is what a crash has left, and is
 * made anew. */
#include "mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/name_list.h"

static const unsigned long mount_flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

static int make_dir(const char *path, mode_t mode, struct vnl_err **err)
{
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return vnl_fail(err, errno, "cannot make directory %s: %s", path, strerror(errno));
    return 0;
}

static bool is_mount(const char *path)
{
    struct statx stx;

    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &stx) == 0 &&
           (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

bool vnl_mount_exists(const char *lab)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, NULL);

    return path && is_mount(path);
}

/* --- the lab -------------------------------------------------------------------------------------- */

static int detach(const char *path, struct vnl_err **err)
{
    /* More than one when two were started at once before there was anything to lock. */
    while (is_mount(path))
        if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
            return vnl_fail(err, errno, "cannot unmount %s: %s", path, strerror(errno));
    return 0;
}

static int mount_tmpfs(const char *path, struct vnl_err **err)
{
    if (mount("vnetlab", path, "tmpfs", mount_flags, "mode=0700") < 0 ||
        mount(NULL, path, NULL, MS_PRIVATE, NULL) < 0 || mount(NULL, path, NULL, MS_SHARED, NULL) < 0)
        return vnl_fail(err, errno, "cannot mount a tmpfs at %s: %s", path, strerror(errno));
    return 0;
}

static int fill_tmpfs(const char *lab, const char *ns, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *vm = vnl_run_path(lab, "vm");
    CLEANUP(vnl_str_free) char *tables = vnl_run_path(lab, "tables");
    int r;

    if (!vm || !tables)
        return vnl_fail(err, ENOMEM, "lab '%s'", lab);
    if ((r = make_dir(vm, 0700, err)) < 0 || (r = make_dir(tables, 0700, err)) < 0)
        return r;
    if (mount("vnetlab", tables, "bpf", mount_flags, "mode=0700") < 0)
        return vnl_fail(err, errno, "cannot mount a bpffs at %s: %s", tables, strerror(errno));
    return make_dir(ns, 0700, err);
}

int vnl_mount_make(const char *lab, bool *ret_made, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, NULL);
    CLEANUP(vnl_str_free) char *ns = vnl_run_path(lab, "ns");
    int r = vnl_path_name_check(lab, err);

    if (r < 0)
        return r;
    if (!path || !ns)
        return vnl_fail(err, ENOMEM, "lab '%s'", lab);
    *ret_made = false;
    if (is_mount(path) && access(ns, F_OK) == 0)
        return 0;
    if ((r = make_dir(vnl_run_dir(), 0755, err)) < 0 || (r = make_dir(path, 0700, err)) < 0 ||
        (r = detach(path, err)) < 0 || (r = mount_tmpfs(path, err)) < 0)
        return r;
    *ret_made = true;
    return fill_tmpfs(lab, ns, err);
}

int vnl_mount_remove(const char *lab, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, NULL);
    int r;

    if (!path)
        return vnl_fail(err, ENOMEM, "lab '%s'", lab);
    r = detach(path, err);
    if (r == 0 && rmdir(path) < 0 && errno != ENOENT)
        r = vnl_fail(err, errno, "cannot remove %s: %s", path, strerror(errno));
    return r;
}

/* --- namespaces on it ----------------------------------------------------------------------------- */

static char *netns_path(const char *lab, const char *netns)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s/ns/%s", vnl_run_dir(), lab, netns) < 0 ? NULL : path;
}

static int make_file(const char *path, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);

    return fd < 0 ? vnl_fail(err, errno, "cannot make %s: %s", path, strerror(errno)) : 0;
}

int vnl_mount_netns(const char *lab, const char *netns, int netns_fd, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = netns_path(lab, netns);
    char source[64];
    int r;

    if (!path)
        return vnl_fail(err, ENOMEM, "namespace '%s'", netns);
    if ((r = make_file(path, err)) < 0)
        return r;
    (void)snprintf(source, sizeof(source), "/proc/thread-self/fd/%d", netns_fd);
    if (mount(source, path, NULL, MS_BIND, NULL) < 0)
        return vnl_fail(err, errno, "cannot mount a network namespace at %s: %s", path, strerror(errno));
    return vnl_netns_name_add(lab, netns, err);
}

int vnl_mount_netns_remove(const char *lab, const char *netns, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = netns_path(lab, netns);
    int r;

    if (!path)
        return vnl_fail(err, ENOMEM, "namespace '%s'", netns);
    vnl_netns_name_remove(lab, netns);
    r = detach(path, err);
    if (r == 0 && unlink(path) < 0 && errno != ENOENT)
        r = vnl_fail(err, errno, "cannot remove %s: %s", path, strerror(errno));
    return r;
}

static void dir_close(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static bool is_netns(int dir_fd, const char *name)
{
    CLEANUP(vnl_fd_close) int fd = openat(dir_fd, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    struct statfs fs;

    return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int vnl_mount_netns_list(const char *lab, struct vnl_names *ret, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, "ns");
    CLEANUP(dir_close) DIR *dir = path ? opendir(path) : NULL;
    struct dirent *entry;

    if (!dir)
        return vnl_fail(err, path ? errno : ENOMEM, "cannot read the namespaces of lab '%s'", lab);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        if (!is_netns(dirfd(dir), entry->d_name))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        else if (vnl_names_add(ret, entry->d_name) < 0)
            return vnl_fail(err, ENOMEM, "namespaces of lab '%s'", lab);
    }
    if (ret->n)
        qsort(ret->items, ret->n, sizeof(*ret->items), by_name);
    return 0;
}
