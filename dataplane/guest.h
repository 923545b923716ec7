/* What the files of the guest module share. Theory: guest.c. */
#ifndef VNETLAB_DATAPLANE_GUEST_H
#define VNETLAB_DATAPLANE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct signalfd_siginfo;
struct vnl_err;

/* An open VM. While it is open, its lab cannot go down and nobody else starts or ends its init: the fds hold
 * locks. */
struct vnl_guest {
    int lab_fd; /* RUN_DIR/LAB, shared lock */
    int dir_fd; /* RUN_DIR/LAB/vm/VM, exclusive lock */
    int ns_fd;  /* the VM's network namespace */
};

/* Waits for the locks; makes RUN_DIR/LAB/vm/VM. -ENOENT: no such lab or VM. */
int vnl_guest_open(const char *lab, const char *vm, struct vnl_guest *ret, struct vnl_err **err);
void vnl_guest_close(struct vnl_guest *guest);

/* A pidfd of the VM's running init, or -1. */
int vnl_guest_init_find(const struct vnl_guest *guest);
/* Starts an init and returns when it is ready to be joined; *ret_pidfd is the caller's. */
int vnl_guest_init_start(const struct vnl_guest *guest, const char *lab, const char *vm, int *ret_pidfd,
                         struct vnl_err **err);

/* Field 22 of /proc/PID/stat: with the PID it names one process until the next boot. 0 when there is no such
 * process. */
unsigned long long vnl_guest_start_time(const char *pid);

/* Small files of a VM, below an open directory. *ret is NUL-terminated and the caller's. 0 or -errno. */
int vnl_guest_file_read(int dir_fd, const char *name, char **ret, size_t *ret_size);
/* Both write nothing when the text is the same already. Replace: a reader sees the old text or the new one.
 * Rewrite: keeps the inode, so that bind mounts of the file show the new text. */
int vnl_guest_file_replace(int dir_fd, const char *name, const void *data, size_t size);
int vnl_guest_file_rewrite(int dir_fd, const char *name, const void *data, size_t size);

/* RUN_DIR/LAB/hosts/NAME holds the VM's /etc/hosts, resolv/NAME its /etc/resolv.conf; the text is the caller's. NULL: the lab does not
 * list the VM. */
char *vnl_guest_vnet_name(int lab_fd, const char *vm);

/* What a child tells its starter when it cannot go on, through a pipe and in one write. num 0: it is
 * ready. */
struct vnl_guest_report {
    int num;
    char what[60];
};
void vnl_guest_report_write(int fd, int num, const char *what);
/* 0 when the child is ready, or (closed_is_ready) when it closed the pipe without a word. */
int vnl_guest_report_read(int fd, bool closed_is_ready, struct vnl_err **err);

/* --- the init (PID 1 of the VM) ---------------------------------------------------------------------- */

extern const char vnl_guest_init_name[]; /* argv[0]; LAB and VM follow */

/* Descriptors that an init is born with. */
enum { VNL_INIT_FD_DIR = 3, VNL_INIT_FD_LAB, VNL_INIT_FD_REPORT, VNL_INIT_FD_MAX };

/* Supervises the commands listed in the file "run" below dir_fd, and reaps. Never returns. */
void vnl_guest_supervise(int dir_fd) __attribute__((noreturn));

/* The log: "log" below dir_fd, and one older file "log.1". A line: time, [command's number], text. */
struct vnl_guest_log {
    int dir_fd;
    int fd;
    size_t size;
};
#define VNL_GUEST_LOG_SIZE (1u << 20)
void vnl_guest_log_line(struct vnl_guest_log *log, size_t number, const char *text, size_t len);

/* --- the terminal of an interactive session ---------------------------------------------------------- */

struct vnl_guest_tty {
    int master, slave;
};

/* A pty that looks like our terminal: its settings and size. */
int vnl_guest_tty_open(struct vnl_guest_tty *ret, struct vnl_err **err);
void vnl_guest_tty_close(struct vnl_guest_tty *tty);
/* Carries bytes between our terminal (raw meanwhile) and the pty until the process ends; its last output is
 * carried too. on_signal is called for each signal that arrives on sig_fd, except SIGWINCH. */
void vnl_guest_tty_relay(struct vnl_guest_tty *tty, int pidfd, int sig_fd,
                         void (*on_signal)(const struct signalfd_siginfo *info, void *arg), void *arg);

#endif
