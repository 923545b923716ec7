/* vnetlab exec VM [-- COMMAND...] */
#include "cmd_guest.h"

#include "cmds.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

enum { OPT_NO_TTY };

const struct vnl_opt vnl_exec_opts[] = {
    [OPT_NO_TTY] = { "--no-tty", "-T", NULL, "give the command our own terminal instead of a new one" },
    { NULL },
};

int vnl_cmd_exec(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *lab = NULL, *vm = NULL;
    int r = vnl_cmd_pick_lab(args, &lab, err);

    if (r >= 0)
        r = vnl_cmd_pick_vm(lab, args->operands[0], &vm, err);
    return r < 0 ? r : vnl_cmd_in_vm(args, lab, vm, args->values[OPT_NO_TTY] != NULL, err);
}
