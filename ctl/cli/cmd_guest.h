/* What the commands about a running VM share. */
#ifndef VNETLAB_CLI_CMD_GUEST_H
#define VNETLAB_CLI_CMD_GUEST_H

#include <stdbool.h>

struct vnl_args;
struct vnl_err;

/* The VM that the user's word names, in the lab as it runs: any case (ARM's names have none). The name is the
 * caller's. -ENOENT: the lab has no such VM (with the nearest), or does not run. */
int vnl_cmd_pick_vm(const char *lab, const char *word, char **ret, struct vnl_err **err);
/* Is it a VPN gateway, or a site's device? Then that is said on standard error, because it is no machine of the user's; log: and where its log
 * is. */
void vnl_cmd_tell_gateway(const char *lab, const char *vm, bool log);
/* Runs what stands behind the VM on the command line, or a shell, in the VM. An exit status as a shell counts it, or -errno. */
int vnl_cmd_in_vm(const struct vnl_args *args, const char *lab, const char *vm, bool no_tty,
                  struct vnl_err **err);

#endif
