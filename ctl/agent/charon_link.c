/* What a charon that is ready needs from outside: larger buffers, and somebody who knows its TUN. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "charon.h"
#include "vnetlab/base.h"

#define RCVBUF (4 << 20)

static void dir_close(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

/* --- buffers -------------------------------------------------------------------------------------- */

static bool is_udp(int fd)
{
    int type = 0, domain = 0;
    socklen_t size = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_DGRAM)
        return false;
    size = sizeof(domain);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           (domain == AF_INET || domain == AF_INET6);
}

void vnl_charon_buffers(pid_t pid)
{
    CLEANUP(vnl_fd_close) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    CLEANUP(dir_close) DIR *dir = NULL;
    const int size = RCVBUF;
    struct dirent *entry;
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    dir = pidfd >= 0 ? opendir(path) : NULL;
    while (dir && (entry = readdir(dir))) {
        CLEANUP(vnl_fd_close) int fd = -1;

        if (entry->d_name[0] == '.')
            continue;
        fd = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0);
        if (fd >= 0 && is_udp(fd) && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
            (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
}

/* --- the TUN -------------------------------------------------------------------------------------- */

static bool tun_of(int dir_fd, const char *name, char ret[16])
{
    CLEANUP(vnl_fd_close) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    char text[1024];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    const char *line;

    if (n <= 0)
        return false;
    text[n] = '\0';
    line = strstr(text, "\niff:");
    return line && sscanf(line, "\niff: %15s", ret) == 1;
}

int vnl_charon_tun(pid_t pid, char ret[16])
{
    CLEANUP(dir_close) DIR *dir = NULL;
    struct dirent *entry;
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
    dir = opendir(path);
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' && tun_of(dirfd(dir), entry->d_name, ret))
            return 0;
    return -ENOENT;
}
