/* vnetlab logs VM */
#include "cmd_guest.h"

#include <unistd.h>

#include "cmds.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

enum { OPT_FOLLOW };

const struct vnl_opt vnl_logs_opts[] = {
    [OPT_FOLLOW] = { "--follow", "-f", NULL, "go on printing what is written, until ^C" },
    { NULL },
};

int vnl_cmd_logs(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *lab = NULL, *vm = NULL;
    int r = vnl_cmd_pick_lab(args, &lab, err);

    if (r >= 0)
        r = vnl_cmd_pick_vm(lab, args->operands[0], &vm, err);
    if (r >= 0)
        vnl_cmd_tell_gateway(lab, vm, true);
    if (r >= 0)
        r = vnl_guest_logs(lab, vm, STDOUT_FILENO, args->values[OPT_FOLLOW] != NULL, err);
    return r < 0 ? r : VNL_EXIT_OK;
}
