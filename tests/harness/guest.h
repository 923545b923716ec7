/* Labs made by hand, for tests of guests: a directory, namespaces, and no more. All in namespaces of the
 * test's own. */
#ifndef VNETLAB_TESTS_GUEST_H
#define VNETLAB_TESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct vnl_guest_exec;

/* Group setup and teardown: mount and network namespaces of the test's own, a private RUN_DIR. */
int guest_world_setup(void **state);
int guest_world_teardown(void **state);

void guest_lab_make(const char *lab);
/* Its eth0 is one end of a veth pair; the other, `watch`, is in the test's namespace and goes when the VM's
 * namespace is freed. */
void guest_vm_make(const char *lab, const char *vm, const char *watch);
/* As `down` does it; checks that namespaces are freed, and no mount and no init remains. */
void guest_lab_down(const char *lab, const char *const *watches);

/* PIDs of the inits of the lab (vm NULL: of all its VMs); returns how many, fills the first `max`. */
size_t guest_inits(const char *lab, const char *vm, pid_t *ret, size_t max);

/* A process that calls vnl_guest_run and exits with its status; 250 after an error, whose text it prints. */
struct runner {
    pid_t pid;
    int in, out; /* ends of its standard input and output (and error); one and the same for a terminal */
};
struct runner runner_start(const char *lab, const char *vm, const struct vnl_guest_exec *what);
struct runner runner_start_sh(const char *lab, const char *vm, const char *script);
/* On a terminal (24 lines of 80 columns). */
struct runner runner_start_tty(const char *lab, const char *vm, const struct vnl_guest_exec *what);
void runner_expect(struct runner *runner,
                   const char *text); /* reads on until `text` appears; fails after 10 s */
void runner_type(struct runner *runner, const char *text);
int runner_end(struct runner *runner, char *ret,
               size_t size); /* the rest of its output; returns its exit status */
int guest_sh(const char *lab, const char *vm, const char *script, char *ret, size_t size);

/* A script in vm-1 of `lab` succeeds and prints this. */
#define assert_sh(script, expected)                                                                          \
    do {                                                                                                     \
        char out_[65536];                                                                                    \
        assert_int_equal(guest_sh(lab, "vm-1", script, out_, sizeof(out_)), 0);                              \
        assert_string_equal(out_, expected);                                                                 \
    } while (0)

/* Until no `sleep` runs; one that is killed may be a zombie for a while, of this machine's PID 1. */
#define NO_SLEEP                                                                                             \
    "for i in $(seq 500); do ps -eo stat=,comm= | grep -q '^[^Z].*sleep$' || exit 0; sleep 0.01; done; "     \
    "echo still there"

/* Calls until it is true or 10 s have passed. */
#define wait_for(condition)                                                                                  \
    do {                                                                                                     \
        bool is_true_ = false;                                                                               \
        for (int i_ = 0; i_ < 1000 && !(is_true_ = (condition)); i_++)                                       \
            usleep(10000);                                                                                   \
        if (!is_true_)                                                                                       \
            fail_msg("not within 10 s: %s", #condition);                                                     \
    } while (0)

#endif
