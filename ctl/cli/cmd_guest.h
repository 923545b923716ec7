/* What the commands about a running VM share. */
#ifndef VNETLAB_CLI_CMD_GUEST_H
#define VNETLAB_CLI_CMD_GUEST_H

struct vnl_err;

/* The VM that the user's word names, in the lab as it runs: any case (ARM's names have none). The name is the
 * caller's. -ENOENT: the lab has no such VM (with the nearest), or does not run. */
int vnl_cmd_pick_vm(const char *lab, const char *word, char **ret, struct vnl_err **err);

#endif
