/* vnetlab-agent LAB [READY_FD]: what commands start for a lab. By hand it serves in the foreground and says on the terminal what it would
 * log. READY_FD: descriptor to write to when it serves. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vnetlab/agent.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/paths.h"

static int run(const char *lab, const char *text, struct vnl_err **err)
{
    char *end = NULL;
    long fd = text ? strtol(text, &end, 10) : -1;
    int r;

    if (text && (!*text || *end || fd < 0 || fd > 1 << 20))
        return vnl_fail(err, EINVAL, "'%s' is not the number of a descriptor", text);
    r = vnl_path_name_check(lab, err);
    return r < 0 ? r : vnl_agent_main(lab, (int)fd, err);
}

int main(int argc, char **argv)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    if (argc < 2 || argc > 3) {
        (void)fprintf(stderr, "usage: vnetlab-agent LAB [READY_FD]\n");
        return 2;
    }
    if (run(argv[1], argv[2], &err) == 0)
        return 0;
    vnl_err_print(stderr, err);
    return 1;
}
