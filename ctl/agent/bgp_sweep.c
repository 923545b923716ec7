/* BIRDs that no plan wants any more, of an agent that is gone: found by their directories. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bgp_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/paths.h"

static bool is_wanted(const struct vnl_bgp_control *bgp, const char *guest)
{
    for (size_t i = 0; i < bgp->n_guests; i++)
        if (!strcmp(bgp->guests[i]->name, guest))
            return true;
    return false;
}

/* Also where it has no socket any more: then there is nothing to end. */
static void end_in(int parent, const char *guest)
{
    CLEANUP(vnl_fd_close)
    int dir_fd = openat(parent, guest, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    pid_t pid = 0;
    int fd;

    if (dir_fd < 0)
        return;
    fd = vnl_bird_connect(dir_fd, &pid);
    if (fd >= 0)
        (void)close(fd);
    vnl_bird_end(dir_fd, fd >= 0 ? pid : 0);
    (void)unlinkat(parent, guest, AT_REMOVEDIR);
}

void vnl_bgp_sweep(struct vnl_bgp_control *bgp)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(bgp->lab, "bgp");
    DIR *dir = path ? opendir(path) : NULL;
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' && entry->d_type == DT_DIR && !is_wanted(bgp, entry->d_name))
            end_in(dirfd(dir), entry->d_name);
    if (dir)
        (void)closedir(dir);
}
