/* Running labs without the command line: plans from a few words, and what the kernel has of them. */
#ifndef VNETLAB_TESTS_RUNNING_H
#define VNETLAB_TESTS_RUNNING_H

#include <stdbool.h>
#include <stddef.h>

#include "vnetlab/dataplane.h"
#include "vnetlab/plan.h"

struct vnl_lab;

/* The plan of a text (labs.h) that follows *lab (NULL at first, then replaced). The lab's name holds our PID.
 */
struct vnl_plan *running_plan(const char *text, struct vnl_lab **lab);
const char *running_lab_name(void);

/* Applies; a failure fails the test with the sentence. */
struct vnl_dp_stats running_apply(const struct vnl_plan *plan);
/* The same, and a second time: nothing may be left to do. */
struct vnl_dp_stats running_converge(const struct vnl_plan *plan);
void running_down(void);

/* Asserts that the fabric and every VM are as planned, looked at from outside with `ip`, `tc` and `bridge`.
 */
void running_check(const struct vnl_plan *plan);

/* Runs a shell command; "%s" and so on as in printf. Its output is the caller's until the next call. */
const char *running_sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same in a VM's network namespace. */
const char *running_in(const char *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool running_ping(const char *vm, const char *address);

/* Asserts that text holds a line, or a part. */
void running_has(const char *text, const char *part);
void running_lacks(const char *text, const char *part);

#endif
