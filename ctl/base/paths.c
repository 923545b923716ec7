#include "vnetlab/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/err.h"

/* The longest name of a file is 255 bytes; the longest thing put behind a lab's name is "-journal". */
#define NAME_LEN_MAX 200
/* So that everything below it fits in PATH_MAX. */
#define DIR_LEN_MAX (PATH_MAX - 1024)

#define RUN_VARIABLE   "VNETLAB_RUN_DIR"
#define STORE_VARIABLE "VNETLAB_STATE_DIR"

/* As the kernel writes paths in mountinfo, which ours are compared with: no slash at the end, none doubled. What
 * does not fit stays as it is; dir_check() refuses it. */
static const char *dir_of(const char *variable, const char *fallback, char buf[PATH_MAX])
{
    const char *dir = getenv(variable);
    size_t n = 0;

    if (!dir || !*dir)
        return fallback;
    if (strlen(dir) >= PATH_MAX)
        return dir;
    for (; *dir; dir++) {
        if (*dir != '/' || n == 0 || buf[n - 1] != '/')
            buf[n++] = *dir;
    }
    if (n > 1 && buf[n - 1] == '/')
        n--;
    buf[n] = '\0';
    return buf;
}

const char *vnl_run_dir(void)
{
    static _Thread_local char buf[PATH_MAX];

    return dir_of(RUN_VARIABLE, "/run/vnetlab", buf);
}

const char *vnl_store_dir(void)
{
    static _Thread_local char buf[PATH_MAX];

    return dir_of(STORE_VARIABLE, "/var/lib/vnetlab", buf);
}

/* '/' itself would have files of the system taken for labs. */
static int dir_check(const char *variable, const char *dir, struct vnl_err **err)
{
    size_t len = strlen(dir);

    if (*dir != '/')
        return vnl_fail(err, EINVAL, "%s is '%.80s', which is not an absolute path", variable, dir);
    if (len == 1 || len > DIR_LEN_MAX)
        return vnl_fail(err, EINVAL, "%s: '%.80s' is no directory for labs", variable, dir);
    return 0;
}

char *vnl_run_path(const char *lab, const char *suffix)
{
    char *path = NULL;
    int len = suffix ? asprintf(&path, "%s/%s/%s", vnl_run_dir(), lab, suffix)
                     : asprintf(&path, "%s/%s", vnl_run_dir(), lab);

    return len < 0 ? NULL : path;
}

int vnl_path_name_check(const char *lab, struct vnl_err **err)
{
    size_t len = strlen(lab);
    int r = dir_check(RUN_VARIABLE, vnl_run_dir(), err);

    if (r == 0)
        r = dir_check(STORE_VARIABLE, vnl_store_dir(), err);
    if (r < 0)
        return r;
    if (!len)
        return vnl_fail(err, EINVAL, "a lab needs a name");
    if (len > NAME_LEN_MAX)
        return vnl_fail(err, EINVAL, "lab name '%.20s...' is longer than %d characters", lab, NAME_LEN_MAX);
    if (*lab == '.' || strchr(lab, '/'))
        return vnl_fail(err, EINVAL, "lab name '%s': starts with '.' or holds a '/'", lab);
    /* RUN_DIR/x.lock is the lock of lab x, RUN_DIR/LAB a directory. */
    if (len > 5 && !strcmp(lab + len - 5, ".lock"))
        return vnl_fail(err, EINVAL, "lab name '%s': ends in '.lock', as the lock file of another lab does",
                        lab);
    return 0;
}
