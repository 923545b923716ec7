/* vnetlab exec VM [-- COMMAND...] */
#include "cmd_guest.h"

#include <unistd.h>

#include "cmds.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

enum { OPT_NO_TTY };

const struct vnl_opt vnl_exec_opts[] = {
    [OPT_NO_TTY] = { "--no-tty", "-T", NULL, "give the command our own terminal instead of a new one" },
    { NULL },
};

int vnl_cmd_exec(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *lab = NULL, *vm = NULL;
    struct vnl_guest_exec what = {
        .argv = args->n_operands > 1 ? (char *const *)args->operands + 1 : NULL,
        .tty = !args->values[OPT_NO_TTY] && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
    };
    int status, r = vnl_cmd_pick_lab(args, &lab, err);

    if (r >= 0)
        r = vnl_cmd_pick_vm(lab, args->operands[0], &vm, err);
    if (r >= 0)
        r = vnl_guest_run(lab, vm, &what, &status, err);
    return r < 0 ? r : status;
}
