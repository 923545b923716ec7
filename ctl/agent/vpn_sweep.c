/* Charons that no plan wants any more, of an agent that is gone: found by their directories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/paths.h"
#include "vpn_parts.h"

static bool is_wanted(const struct vnl_vpn *vpn, const char *gateway, const char *tunnel)
{
    for (size_t i = 0; i < vpn->n_daemons; i++)
        if (!strcmp(vpn->daemons[i]->gateway, gateway) && !strcmp(vpn->daemons[i]->tunnel, tunnel))
            return true;
    return false;
}

/* Also where it has no socket any more: then there is nothing to end. */
static void end_in(int dir_fd)
{
    pid_t pid = 0;
    int fd = vnl_vici_connect(dir_fd, &pid);

    if (fd >= 0)
        (void)close(fd);
    vnl_charon_end(fd >= 0 ? pid : 0);
    vnl_charon_reap(dir_fd, fd >= 0 ? pid : 0);
}

typedef void (*visit_fn)(struct vnl_vpn *vpn, int dir_fd, const char *gateway, const char *name);

/* Every directory in this one; empty ones go. */
static void visit(struct vnl_vpn *vpn, int parent, const char *gateway, visit_fn fn)
{
    int copy = fcntl(parent, F_DUPFD_CLOEXEC, 0);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        CLEANUP(vnl_fd_close) int fd = -1;

        if (entry->d_name[0] == '.' || entry->d_type != DT_DIR)
            continue;
        fd = openat(parent, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            continue;
        fn(vpn, fd, gateway ? gateway : entry->d_name, gateway ? entry->d_name : "");
        (void)unlinkat(parent, entry->d_name, AT_REMOVEDIR);
    }
    if (dir)
        (void)closedir(dir);
    else
        vnl_fd_close(&copy);
}

static void sweep_one(struct vnl_vpn *vpn, int dir_fd, const char *gateway, const char *name)
{
    if (!is_wanted(vpn, gateway, name))
        end_in(dir_fd);
    if (!*name)
        visit(vpn, dir_fd, gateway, sweep_one);
}

void vnl_vpn_sweep(struct vnl_vpn *vpn)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(vpn->lab, "vpn");
    CLEANUP(vnl_fd_close) int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd >= 0)
        visit(vpn, fd, NULL, sweep_one);
}
