/* Names of the VMs that run. They are the names of namespaces: the store may be ahead of them while a lab is
 * changing. */
#include "cmd_guest.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

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
            strcmp(entry->d_name, VNL_PLATFORM) != 0 && vnl_names_add(ret, entry->d_name) < 0)
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

/* By the guest's name: the second instance of an active-active gateway has one of its own. */
static const struct vnl_vpn_gateway *gateway_of(const struct vnl_lab *lab, const char *vm)
{
    for (size_t i = 0; i < lab->n_gateways; i++)
        for (size_t k = 1; k < lab->gateways[i]->n_instances; k++)
            if (!strcasecmp(lab->gateways[i]->instances[k].name, vm))
                return lab->gateways[i];
    return vnl_vpn_gateway_lookup(lab, vm);
}

void vnl_cmd_tell_gateway(const char *name, const char *vm, bool log)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    const struct vnl_vpn_gateway *gateway;

    if (vnl_cmd_load_stored(name, &lab, NULL, &err) < 0)
        return;
    gateway = gateway_of(lab, vm);
    if (gateway)
        (void)fprintf(stderr, "vnetlab: %s is %sthe VPN gateway of %s", vm,
                      gateway->n_instances > 1 ? "an instance of " : "", gateway->vnet->name);
    else if (vnl_site_lookup(lab, vm))
        (void)fprintf(stderr, "vnetlab: %s is the VPN device of a site", vm);
    else
        return;
    if (log)
        (void)fprintf(stderr, ": 'vnetlab vpn log %s' has what it negotiates\n", vm);
    else
        (void)fprintf(stderr, ": eth0 is its inside, eth1 the internet side, vpn1, vpn2, ... are tunnels\n");
}

int vnl_cmd_in_vm(const struct vnl_args *args, const char *lab, const char *vm, bool no_tty,
                  struct vnl_err **err)
{
    struct vnl_guest_exec what = {
        .argv = args->n_operands > 1 ? (char *const *)args->operands + 1 : NULL,
        .tty = !no_tty && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
    };
    int status, r;

    if (what.tty && !what.argv)
        vnl_cmd_tell_gateway(lab, vm, false);
    r = vnl_guest_run(lab, vm, &what, &status, err);

    return r < 0 ? r : status;
}
