#include "vnetlab/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/err.h"

/* The longest name of a file is 255 bytes; the longest thing put behind a lab's name is "-journal". */
#define NAME_LEN_MAX 200

static const char *dir_of(const char *variable, const char *fallback)
{
    const char *dir = getenv(variable);

    return dir && *dir ? dir : fallback;
}

const char *vnl_run_dir(void)
{
    return dir_of("VNETLAB_RUN_DIR", "/run/vnetlab");
}

const char *vnl_store_dir(void)
{
    return dir_of("VNETLAB_STATE_DIR", "/var/lib/vnetlab");
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
