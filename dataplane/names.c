/* /run/netns/LAB.VM: where `ip netns` looks. Symlinks and not mounts, so that they hold nothing; what matters
 * is below the lab's mount.
 *
 * We make the directory when it is missing and remember that in RUN_DIR/.netns, so that the last lab can take
 * it away again. */
#include "mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/name_list.h"
#include "vnetlab/paths.h"

#define NETNS_DIR "/run/netns"

static void dir_close(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

/* "RUN_DIR/NAME"; NULL on ENOMEM. */
static char *run_file(const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", vnl_run_dir(), name) < 0 ? NULL : path;
}

/* The mark is there before the directory: a crash between the two leaves a mark without one, which harms
 * nobody. */
static int make_netns_dir(struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *mark = run_file(".netns");
    CLEANUP(vnl_fd_close) int fd = -1;

    if (access(NETNS_DIR, F_OK) == 0)
        return 0;
    if (!mark)
        return vnl_fail(err, ENOMEM, NETNS_DIR);
    fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return vnl_fail(err, errno, "cannot make %s: %s", mark, strerror(errno));
    if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
        return vnl_fail(err, errno, "cannot make directory " NETNS_DIR ": %s", strerror(errno));
    return 0;
}

/* Where a name points; false when it is no symlink of ours. *ret_lab: the lab's name in target, with its
 * length. */
static bool read_name(int dir_fd, const char *name, char target[PATH_MAX], const char **ret_lab,
                      size_t *ret_len)
{
    ssize_t len = readlinkat(dir_fd, name, target, PATH_MAX - 1);
    size_t run_len = strlen(vnl_run_dir());
    char *end;

    if (len < 0)
        return false;
    target[len] = '\0';
    if (strncmp(target, vnl_run_dir(), run_len) != 0 || target[run_len] != '/')
        return false;
    end = strstr(target + run_len + 1, "/ns/");
    if (!end)
        return false;
    *ret_lab = target + run_len + 1;
    *ret_len = (size_t)(end - *ret_lab);
    return true;
}

int vnl_netns_name_add(const char *lab, const char *netns, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    CLEANUP(vnl_str_free) char *target = NULL;
    char found[PATH_MAX];
    ssize_t len;
    int r = make_netns_dir(err);

    if (r < 0)
        return r;
    if (asprintf(&name, NETNS_DIR "/%s.%s", lab, netns) < 0 ||
        asprintf(&target, "%s/%s/ns/%s", vnl_run_dir(), lab, netns) < 0)
        return vnl_fail(err, ENOMEM, "namespace '%s'", netns);
    if (symlink(target, name) == 0)
        return 0;
    len = readlink(name, found, sizeof(found) - 1);
    found[len < 0 ? 0 : len] = '\0';
    if (len >= 0 && strcmp(found, target) == 0)
        return 0;
    return vnl_fail(err, EEXIST, "%s exists and is not of this lab", name);
}

void vnl_netns_name_remove(const char *lab, const char *netns)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    CLEANUP(vnl_fd_close) int dir = open(NETNS_DIR, O_DIRECTORY | O_PATH | O_CLOEXEC);
    char target[PATH_MAX];
    const char *owner;
    size_t len;

    if (dir >= 0 && asprintf(&name, "%s.%s", lab, netns) >= 0 && read_name(dir, name, target, &owner, &len) &&
        len == strlen(lab) && strncmp(owner, lab, len) == 0)
        (void)unlinkat(dir, name, 0);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Removes the lab's names that are not in the list, and sets present[i] for those that are. */
static void keep_names(const char *lab, const struct vnl_names *netns, bool *present)
{
    CLEANUP(dir_close) DIR *dir = opendir(NETNS_DIR);
    char target[PATH_MAX];
    struct dirent *entry;
    const char *owner;
    size_t len;

    while (dir && (entry = readdir(dir))) {
        const char *name = entry->d_name + strlen(lab) + 1;
        char **found;

        if (!read_name(dirfd(dir), entry->d_name, target, &owner, &len) || len != strlen(lab) ||
            strncmp(owner, lab, len) != 0)
            continue;
        found = strncmp(entry->d_name, lab, len) == 0 && strcmp(name, owner + len + strlen("/ns/")) == 0
                    ? bsearch(&name, netns->items, netns->n, sizeof(*netns->items), by_name)
                    : NULL;
        if (found)
            present[found - netns->items] = true;
        else
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
}

int vnl_netns_name_sync(const char *lab, const struct vnl_names *netns, struct vnl_err **err)
{
    bool *present = calloc(netns->n + 1, sizeof(*present));
    int r = 0;

    if (!present)
        return vnl_fail(err, ENOMEM, "namespaces of lab '%s'", lab);
    keep_names(lab, netns, present);
    for (size_t i = 0; i < netns->n && r == 0; i++)
        if (!present[i])
            r = vnl_netns_name_add(lab, netns->items[i], err);
    free(present);
    return r;
}

/* --- the last one goes ---------------------------------------------------------------------------- */

static bool any_lab_left(void)
{
    CLEANUP(dir_close) DIR *dir = opendir(vnl_run_dir());
    struct dirent *entry;
    struct stat st;

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(st.st_mode))
            return true;
    return false;
}

/* Both directories go only when they are empty: somebody else may have a namespace there, or hold a lock. */
static void remove_dirs(void)
{
    CLEANUP(vnl_str_free) char *mark = run_file(".netns");

    if (any_lab_left())
        return;
    if (mark && unlink(mark) == 0)
        (void)rmdir(NETNS_DIR);
    (void)rmdir(vnl_run_dir());
}

int vnl_netns_name_remove_all(const char *lab, struct vnl_err **err)
{
    CLEANUP(dir_close) DIR *dir = opendir(NETNS_DIR);
    char target[PATH_MAX];
    struct dirent *entry;
    const char *owner;
    size_t len;

    while (dir && (entry = readdir(dir)))
        if (read_name(dirfd(dir), entry->d_name, target, &owner, &len) && len == strlen(lab) &&
            strncmp(owner, lab, len) == 0 && unlinkat(dirfd(dir), entry->d_name, 0) < 0 && errno != ENOENT)
            return vnl_fail(err, errno, "cannot remove " NETNS_DIR "/%s: %s", entry->d_name, strerror(errno));
    remove_dirs();
    return 0;
}

int vnl_netns_name_labs(struct vnl_names *ret, struct vnl_err **err)
{
    CLEANUP(dir_close) DIR *dir = opendir(NETNS_DIR);
    char target[PATH_MAX];
    struct dirent *entry;
    const char *owner;
    size_t len;

    while (dir && (entry = readdir(dir))) {
        if (!read_name(dirfd(dir), entry->d_name, target, &owner, &len))
            continue;
        target[owner - target + (ptrdiff_t)len] = '\0';
        if (vnl_names_add(ret, owner) < 0)
            return vnl_fail(err, ENOMEM, "labs");
    }
    return 0;
}
