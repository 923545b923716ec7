/* Taking a lab away. Everything hangs on its mount; what keeps a namespace alive beside that are processes in
 * it. So: end the guests, then whatever else is in the namespaces or works on the mount, detach the mount, remove the names. Each
 * step finds its objects anew and is content when there are none, so it works on a lab that is half-made,
 * half-removed or not there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mount.h"
#include "netns.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/name_list.h"

/* --- down ----------------------------------------------------------------------------------------- */

static int read_ids(const char *lab, const struct vnl_names *names, struct vnl_netns_ids *ret,
                    struct vnl_err **err)
{
    for (size_t i = 0; i < names->n; i++) {
        CLEANUP(vnl_fd_close) int fd = -1;

        if (vnl_netns_open(lab, names->items[i], &fd, NULL) == 0 && vnl_netns_ids_add(ret, fd) < 0)
            return vnl_fail(err, ENOMEM, "namespaces of lab '%s'", lab);
    }
    return 0;
}

static int end_processes(const char *lab, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    CLEANUP(vnl_netns_ids_done) struct vnl_netns_ids ids = { 0 };
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r = vnl_mount_netns_list(lab, &names, &why);

    if (r == -ENOENT) /* the mount has no directory for them yet */
        return 0;
    if (r < 0) {
        if (err)
            vnl_err_append(err, &why);
        return r;
    }
    r = read_ids(lab, &names, &ids, err);
    return r < 0 ? r : vnl_netns_kill(&ids, err);
}

static int spare(const char *path, struct vnl_netns_ids *ids, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return vnl_fail(err, errno, "cannot open %s: %s", path, strerror(errno));
    return vnl_netns_ids_add(ids, fd) < 0 ? vnl_fail(err, ENOMEM, "%s", path) : 0;
}

/* The lab's daemons have their directories on its mount, and work there. One whose namespace has lost its name is known by that alone. Our
 * own namespace, and the machine's, are the operator's, wherever he works. */
static int end_strays(const char *lab, struct vnl_err **err)
{
    CLEANUP(vnl_netns_ids_done) struct vnl_netns_ids spared = { 0 };
    CLEANUP(vnl_str_free) char *dir = vnl_run_path(lab, NULL);
    struct stat mount, below;
    int r;

    if (!dir)
        return vnl_fail(err, ENOMEM, "lab '%s'", lab);
    if (stat(dir, &mount) < 0 || stat(vnl_run_dir(), &below) < 0)
        return vnl_fail(err, errno, "cannot look at %s: %s", dir, strerror(errno));
    if (mount.st_dev == below.st_dev) /* no mount of its own */
        return 0;
    if ((r = spare("/proc/thread-self/ns/net", &spared, err)) < 0)
        return r;
    (void)spare("/proc/1/ns/net", &spared, NULL); /* not every container lets us look at PID 1 */
    return vnl_netns_kill_strays(mount.st_dev, &spared, err);
}

static int end_guests(const char *lab, int *ret_guard, struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r = vnl_guest_stop_all(lab, ret_guard, &why);

    if (r == -ENOENT)
        return 0;
    if (r < 0 && err)
        vnl_err_append(err, &why);
    return r;
}

int vnl_dp_down(const char *lab, bool wait, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int guard = -1;
    int r = vnl_path_name_check(lab, err);

    if (r < 0)
        return r;
    if (vnl_mount_exists(lab) && ((r = end_guests(lab, &guard, err)) < 0 ||
                                  (r = end_processes(lab, err)) < 0 || (r = end_strays(lab, err)) < 0))
        return r;
    r = vnl_mount_remove(lab, err);
    vnl_fd_close(&guard); /* an open file of the tmpfs: what it holds goes now */
    if (r < 0 || (r = vnl_netns_name_remove_all(lab, err)) < 0)
        return r;
    return wait ? vnl_netns_settle(err) : 0;
}

/* --- list ----------------------------------------------------------------------------------------- */

bool vnl_dp_exists(const char *lab)
{
    return vnl_path_name_check(lab, NULL) == 0 && vnl_mount_exists(lab);
}

static void dir_close(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static int list_dirs(struct vnl_names *ret, struct vnl_err **err)
{
    CLEANUP(dir_close) DIR *dir = opendir(vnl_run_dir());
    struct dirent *entry;
    struct stat st;

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(st.st_mode) && vnl_names_add(ret, entry->d_name) < 0)
            return vnl_fail(err, ENOMEM, "labs");
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_unique(struct vnl_names *names)
{
    size_t n = 0;

    if (names->n)
        qsort(names->items, names->n, sizeof(*names->items), by_name);
    for (size_t i = 0; i < names->n; i++) {
        if (n && strcmp(names->items[n - 1], names->items[i]) == 0)
            free(names->items[i]);
        else
            names->items[n++] = names->items[i];
    }
    names->n = n;
}

int vnl_dp_list(struct vnl_names *ret, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    int r = list_dirs(&names, err);

    if (r < 0 || (r = vnl_netns_name_labs(&names, err)) < 0)
        return r;
    sort_unique(&names);
    *ret = names;
    names = (struct vnl_names){ 0 };
    return 0;
}
