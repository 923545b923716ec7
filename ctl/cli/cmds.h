/* What the files of the command line share: the commands behind the table, and the lab they are about. */
#ifndef VNETLAB_CLI_CMDS_H
#define VNETLAB_CLI_CMDS_H

#include <stdbool.h>

#include "vnetlab/cmd.h"

struct vnl_dp_stats;
struct vnl_err;
struct vnl_json;
struct vnl_lab;
struct vnl_names;
struct vnl_plan;

int vnl_cmd_doctor(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_validate(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_plan(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_up(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_down(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_ls(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_show(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_exec(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_logs(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_routes(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_rules(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_next_hop(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_bastion(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_run(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_verify(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_drops(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_set_key(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_vpn(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_set(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_check(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_sync(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_help(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_completion(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_complete(const struct vnl_args *args, struct vnl_err **err);
int vnl_cmd_manual(const struct vnl_args *args, struct vnl_err **err);

/* Each ends with an entry whose name is NULL; args->values has one element per entry. */
extern const struct vnl_opt vnl_plan_opts[];
extern const struct vnl_opt vnl_up_opts[];
extern const struct vnl_opt vnl_vpn_opts[];
extern const struct vnl_opt vnl_down_opts[];
extern const struct vnl_opt vnl_exec_opts[];
extern const struct vnl_opt vnl_logs_opts[];
extern const struct vnl_opt vnl_routes_opts[];
extern const struct vnl_opt vnl_rules_opts[];
extern const struct vnl_opt vnl_next_hop_opts[];
extern const struct vnl_opt vnl_bastion_opts[];
extern const struct vnl_opt vnl_verify_opts[];
extern const struct vnl_opt vnl_drops_opts[];
extern const struct vnl_opt vnl_check_opts[];

/* Raises "unknown command" with the nearest one. Returns -EINVAL. */
int vnl_cmd_fail_unknown(const char *word, struct vnl_err **err);
/* Names of all labs that are running or stored, sorted, each once. -EACCES without permission. */
int vnl_cmd_labs(struct vnl_names *ret, struct vnl_err **err);
/* As vnl_cmd_pick_lab, for commands that read the store: when none runs, the only stored lab. */
int vnl_cmd_pick_stored(const struct vnl_args *args, char **ret, struct vnl_err **err);
/* The lab as stored (settled), and what the gateways of the running one have learned by BGP. ret_applied may be NULL. -ENOENT when there is none of that name; err may be
 * NULL. */
int vnl_cmd_load_stored(const char *name, struct vnl_lab **ret, bool *ret_applied, struct vnl_err **err);
/* Gives a lab the learned routes of another, in place of its own: the two can be compared. */
int vnl_cmd_learn_same(struct vnl_lab *lab, const struct vnl_lab *from, struct vnl_err **err);
/* The lab that `file` describes, settled as if it were created now; NULL: the stored one, by -l and so on. */
int vnl_cmd_load(const struct vnl_args *args, const char *file, struct vnl_lab **ret, struct vnl_err **err);
/* No `kind` ("VM") is called `word`: raises ResourceNotFound with the nearest of `names`. Returns -ENOENT. */
int vnl_cmd_not_found(struct vnl_err **err, const char *kind, const char *word, const char *lab,
                      const struct vnl_names *names);
/* What `up` does, without a word, for a command that needs a lab for a moment and holds its lock. */
int vnl_cmd_up_locked(const char *file, struct vnl_err **err);
/* "2 virtual networks", "1 virtual machine": into the caller's buffer, returned. */
const char *vnl_cmd_count(char buf[64], size_t n, const char *thing);
/* ", 2 internet hosts, 1 client", or "" where there are none: behind the number of virtual machines. */
const char *vnl_cmd_count_hosts(char buf[64], const struct vnl_lab *lab);
/* vnl_dp_apply, with a line on standard error that shows how far it is when that is a terminal. Whatever
 * fails there is the system's fault: callers answer VNL_EXIT_SYSTEM. */
int vnl_cmd_apply(const struct vnl_plan *plan, struct vnl_dp_stats *ret, struct vnl_err **err);
/* Is standard error a terminal that can show how far something is? */
bool vnl_progress_wanted(void);
/* The value of --timeout; NULL: fallback_ms. -EINVAL: it is no number of seconds from 0.01 to 3600. */
int vnl_cmd_timeout(const char *text, int fallback_ms, int *ret, struct vnl_err **err);
/* Saves a changed lab and, when it runs, applies it. The caller holds the lab's lock. VNL_EXIT_OK, or VNL_EXIT_SYSTEM with err. */
int vnl_cmd_save_and_apply(const struct vnl_lab *lab, struct vnl_err **err);
/* For vnl_lock_take: says on stderr who holds the lock. */
void vnl_cmd_lock_waiting(const char *sentence, void *arg);

#endif
