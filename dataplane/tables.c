/* Maps cannot grow, and a program of another version cannot read old ones. So the program and its maps are a
 * set, pinned in one directory of the lab's bpffs, and the symlink LAB/bpf names the directory in force;
 * everybody opens that. A plan that does not fit gets a new set beside the old one; only what packets wrote is
 * shared by both, flows above all, so that connections go on whichever program sees them:
 *
 *   1. load it into tables/N+1; it is dead and nobody sees it
 *   2. publish into it what exists (apply.c), then replace the filter of each port, one step per port
 *   3. turn the symlink with one rename, and remove the old pins: the last reference to the old set
 *
 * A crash before 3 leaves the old set in force and some ports on the new program, which works with its own
 * tables; the next apply finds those ports' filters foreign and replaces them. Directories that the symlink
 * does not name are leftovers. */
#include "tables.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"
#include "vnetlab/paths.h"
#include "vnetlab/plan.h"

static void dir_close(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static char *set_path(const char *lab, unsigned number)
{
    char suffix[32];

    (void)snprintf(suffix, sizeof(suffix), "tables/%u", number);
    return vnl_run_path(lab, suffix);
}

/* Number of the set in force; 0 when there is none. */
static unsigned current(const char *lab)
{
    CLEANUP(vnl_str_free) char *link = vnl_run_path(lab, "bpf");
    char target[64];
    ssize_t len = link ? readlink(link, target, sizeof(target) - 1) : -1;
    unsigned number;

    if (len < 0)
        return 0;
    target[len] = '\0';
    return sscanf(target, "tables/%u", &number) == 1 ? number : 0;
}

/* A set's directory is flat: a pin per map and the program's. */
static void remove_set(int tables_fd, const char *name)
{
    int fd = openat(tables_fd, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    CLEANUP(dir_close) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            (void)unlinkat(fd, entry->d_name, 0);
    (void)unlinkat(tables_fd, name, AT_REMOVEDIR);
}

/* Removes all sets but one. (The kernel keeps files of its own there.) */
static void remove_others(const char *lab, unsigned keep)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, "tables");
    CLEANUP(dir_close) DIR *dir = path ? opendir(path) : NULL;
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (isdigit((unsigned char)entry->d_name[0]) && strtoul(entry->d_name, NULL, 10) != keep)
            remove_set(dirfd(dir), entry->d_name);
}

static int point_at(const char *lab, unsigned number, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *link = vnl_run_path(lab, "bpf");
    CLEANUP(vnl_str_free) char *next = vnl_run_path(lab, "bpf.next");
    char target[32];

    if (!link || !next)
        return vnl_fail(err, ENOMEM, "lab '%s'", lab);
    (void)snprintf(target, sizeof(target), "tables/%u", number);
    (void)unlink(next);
    if (symlink(target, next) < 0 || rename(next, link) < 0)
        return vnl_fail(err, errno, "cannot make %s: %s", link, strerror(errno));
    return 0;
}

/* The set in force; NULL and 0 when it is of no use: none, damaged, of another version. */
static int open_current(const struct vnl_plan *plan, unsigned number, struct vnl_bpf **ret,
                        struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    CLEANUP(vnl_str_free) char *path = set_path(plan->lab, number);
    int r = !path    ? vnl_fail(&why, ENOMEM, "lab '%s'", plan->lab)
            : number ? vnl_bpf_open(path, ret, &why)
                     : -ENOENT;

    if (r == 0 || r == -ENOENT || r == -ESTALE)
        return 0;
    if (err)
        vnl_err_append(err, &why);
    return r;
}

static int load_new(const struct vnl_plan *plan, const struct vnl_bpf *old, struct vnl_tables *tables,
                    struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = set_path(plan->lab, tables->number);

    if (!path)
        return vnl_fail(err, ENOMEM, "lab '%s'", plan->lab);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return vnl_fail(err, errno, "cannot make directory %s: %s", path, strerror(errno));
    return vnl_bpf_load(plan, old, path, &tables->bpf, err);
}

int vnl_tables_open(const struct vnl_plan *plan, struct vnl_tables *ret, struct vnl_err **err)
{
    struct vnl_tables tables = { .lab = plan->lab, .number = current(plan->lab) };
    CLEANUP(vnl_bpf_close) struct vnl_bpf *old = NULL;
    int r;

    remove_others(plan->lab, tables.number);
    r = open_current(plan, tables.number, &old, err);
    if (r == 0 && old && vnl_bpf_fits(old, plan)) {
        tables.bpf = TAKE_PTR(old);
    } else if (r == 0) {
        tables.number++;
        tables.fresh = true;
        r = load_new(plan, old, &tables, err);
        if (r == 0 && tables.number > 1 && !old)
            vnl_bpf_pick_up(tables.bpf);
    }
    if (r < 0)
        vnl_tables_done(&tables);
    else
        *ret = tables;
    return r;
}

int vnl_tables_find(const struct vnl_plan *plan, struct vnl_tables *ret, struct vnl_err **err)
{
    struct vnl_tables tables = { .lab = plan->lab, .number = current(plan->lab) };
    int r = open_current(plan, tables.number, &tables.bpf, err);

    if (r < 0)
        return r;
    if (tables.bpf && !vnl_bpf_fits(tables.bpf, plan))
        vnl_bpf_close(&tables.bpf);
    *ret = tables;
    return 0;
}

int vnl_tables_commit(struct vnl_tables *tables, struct vnl_err **err)
{
    int r = tables->fresh ? point_at(tables->lab, tables->number, err) : 0;

    if (r < 0)
        return r;
    if (tables->fresh)
        remove_others(tables->lab, tables->number);
    tables->fresh = false;
    return 0;
}

void vnl_tables_done(struct vnl_tables *tables)
{
    vnl_bpf_close(&tables->bpf);
}
