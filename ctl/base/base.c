#include "vnetlab/base.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void vnl_str_free(char **str)
{
    free(*str);
    *str = NULL;
}

void vnl_fd_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    errno = saved;
}
