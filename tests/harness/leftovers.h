/* What a lab may leave behind, as text that can be compared: before a lab and after `down`. */
#ifndef VNETLAB_TESTS_LEFTOVERS_H
#define VNETLAB_TESTS_LEFTOVERS_H

/* A /run and mounts of the test program's own, so that tests of other programs at the same time are not seen,
 * and a RUN_DIR in it. Call it first, while there is one thread. */
void leftovers_isolate(void);

struct leftovers;

/* Mounts; files below /run; what the root (the calling thread's) namespace holds: links, addresses, routes,
 * rules, sysctls. */
struct leftovers *leftovers_take(void);
/* Remembers the programs and maps that are pinned below RUN_DIR now. They have to be gone at the end; those
 * of other programs, which run at the same time, do not. */
void leftovers_note_pins(void);
/* Fails, with the lines that differ, when it is not as before within 20 s: the kernel frees in the
 * background. */
void leftovers_assert_none(const struct leftovers *before);
void leftovers_free(struct leftovers **leftovers);

#endif
