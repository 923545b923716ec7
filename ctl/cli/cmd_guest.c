/* Names of the VMs that run. They are the names of namespaces: the store may be ahead of them while a lab is
 * changing. */
#include "cmd_guest.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmds.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"

static void dir_close(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static int running_vms(const char *lab, struct vnl_names *ret, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path(lab, "ns");
    CLEANUP(dir_close) DIR *dir = path ? opendir(path) : NULL;
    struct dirent *entry;

    if (!path)
        return vnl_fail(err, ENOMEM, "VMs of lab '%s'", lab);
    if (!dir && errno != ENOENT)
        return vnl_fail(err, errno, "VMs of lab '%s': %s: %s", lab, path, strerror(errno));
    if (!dir)
        return vnl_fail(err, ENOENT, "lab '%s' is not running", lab);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, VNL_FABRIC) != 0 &&
            vnl_names_add(ret, entry->d_name) < 0)
            return vnl_fail(err, ENOMEM, "VMs of lab '%s'", lab);
    }
    return 0;
}

int vnl_cmd_pick_vm(const char *lab, const char *word, char **ret, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    int r = running_vms(lab, &names, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < names.n; i++) {
        if (strcasecmp(names.items[i], word) != 0)
            continue;
        *ret = strdup(names.items[i]);
        return *ret ? 0 : vnl_fail(err, ENOMEM, "VM '%s'", word);
    }
    return vnl_cmd_not_found(err, "VM", word, lab, &names);
}
