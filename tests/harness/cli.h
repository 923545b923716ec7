/* Runs the vnetlab binary as a user would, in directories of the test's own, and keeps what it said.
 *
 * A test that fails in the middle must not leave a lab behind: cli_teardown() takes every lab of this process
 * down and asserts that nothing is left. */
#ifndef VNETLAB_TESTS_CLI_H
#define VNETLAB_TESTS_CLI_H

#include <stdbool.h>

/* cmocka fixtures of a group: private VNETLAB_RUN_DIR and VNETLAB_STATE_DIR. */
int cli_setup(void **state);
int cli_teardown(void **state);
/* Fixture of a test: `vnetlab down --all`. */
int cli_down_all(void **state);

/* Runs `sh -c "vnetlab ..."` and returns the exit status (128 + signal). What it printed is in cli_out and
 * cli_err until the next call. The binary is $VNETLAB, or vnetlab in the build folder of the test. */
extern char *cli_out, *cli_err;
int cli(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for any shell command; $VNETLAB is set. */
int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Asserts the exit status; a failure shows the command and what it said. */
#define cli_ok(...)         cli_expect_(__FILE__, __LINE__, 0, cli(__VA_ARGS__))
#define cli_fails(num, ...) cli_expect_(__FILE__, __LINE__, num, cli(__VA_ARGS__))
#define sh_ok(...)          cli_expect_(__FILE__, __LINE__, 0, sh(__VA_ARGS__))
void cli_expect_(const char *file, int line, int wanted, int got);

/* Asserts that text holds a part; a failure shows both. */
#define assert_has(text, part)   assert_has_(__FILE__, __LINE__, text, part, true)
#define assert_lacks(text, part) assert_has_(__FILE__, __LINE__, text, part, false)
void assert_has_(const char *file, int line, const char *text, const char *part, bool wanted);

/* Writes a lab file into the test's directory and returns its path (static storage, four at a time). The
 * text's %s is replaced by a lab name that no other test run uses: cli_lab(). */
const char *cli_file(const char *name, const char *text);
const char *cli_lab(void);

/* Does one ping from a VM get an answer, and with which TTL? 0 when none came. */
int cli_ping(const char *vm, const char *address);
/* A drop counter of a VM, from `show VM -o json`. */
long cli_drops(const char *vm, const char *reason);

#endif
