/* Where vnetlab keeps its files. The environment is read at each call, so that tests can move everything
 * aside. */
#ifndef VNETLAB_PATHS_H
#define VNETLAB_PATHS_H

struct vnl_err;

/* $VNETLAB_RUN_DIR (tests) or /run/vnetlab: what dies with the machine. */
const char *vnl_run_dir(void);
/* "RUN_DIR/LAB/SUFFIX", or "RUN_DIR/LAB" when suffix is NULL; the text is the caller's. NULL on ENOMEM. */
char *vnl_run_path(const char *lab, const char *suffix);

/* $VNETLAB_STATE_DIR (tests) or /var/lib/vnetlab: what was asked for. */
const char *vnl_store_dir(void);

/* Both without slashes at the end; the text is good until the next call in this thread. That they are absolute
 * is asked by vnl_path_name_check(), which everything that opens a lab's files calls first.
 *
 * Can files be called after this lab? A name that was typed must not lead out of the two directories above. 0
 * or -EINVAL. (Which names a lab may have is the model's question; every name that it accepts passes here.)
 */
int vnl_path_name_check(const char *lab, struct vnl_err **err);

#endif
