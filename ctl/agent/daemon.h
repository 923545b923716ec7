/* What charons and BIRDs have in common: a directory of their own below the lab's, and a process in a guest's namespace that outlives the agent. */
#ifndef VNETLAB_AGENT_DAEMON_H
#define VNETLAB_AGENT_DAEMON_H

#include <sys/types.h>

/* Opens a directory in another one, made (0700) if need be; closes the other one. -errno. */
int vnl_daemon_descend(int parent, const char *name);

struct vnl_daemon_exec {
    int program; /* descriptor of the file */
    char *const *argv, *const *env;
};
/* Its working directory is dir_fd, its standard streams are /dev/null. Returns its PID at once, or -1. */
pid_t vnl_daemon_start(const struct vnl_daemon_exec *what, int dir_fd, int netns_fd);

#endif
