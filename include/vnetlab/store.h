/* What was asked for: one SQLite database (WAL) per lab under /var/lib/vnetlab. The lab file is an input, never the memory.
 *
 * A store is opened for writing under the lab's lock (below); readers need none. Saving is one transaction: a crash leaves the old
 * lab or the new one. The file is root's alone (0600), the directory can be listed (0755). */
#ifndef VNETLAB_STORE_H
#define VNETLAB_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "vnetlab/paths.h"

struct vnl_err;
struct vnl_lab;
struct vnl_names;
struct vnl_store;

/* Opens or creates LAB.db. readonly: -ENOENT when there is none, creates nothing. -EACCES: not root. -ENOTSUP: a newer vnetlab made
 * it. -EBADMSG: it is no database. */
int vnl_store_open(const char *lab, bool readonly, struct vnl_store **ret, struct vnl_err **err);
void vnl_store_close(struct vnl_store **store);

/* The lab as last saved, settled. -ENOENT when nothing was saved yet. -EBADMSG: damaged; says where. */
int vnl_store_load(struct vnl_store *store, struct vnl_lab **ret, struct vnl_err **err);
/* Replaces everything. applied: whether the kernel is known to agree (up writes false before it starts, true at the end). */
int vnl_store_save(struct vnl_store *store, const struct vnl_lab *lab, bool applied, struct vnl_err **err);
/* -ENOENT, and "false", when nothing was saved yet. */
int vnl_store_set_applied(struct vnl_store *store, bool applied, struct vnl_err **err);
int vnl_store_applied(struct vnl_store *store, bool *ret, struct vnl_err **err);

/* Removes LAB.db and its -wal and -shm. 0 when there was none. */
int vnl_store_remove(const char *lab, struct vnl_err **err);
/* Names of all labs that have a database, or what a killed removal left of one; sorted. Owned by the caller. */
int vnl_store_list(struct vnl_names *ret, struct vnl_err **err);

/* --- one command at a time per lab ----------------------------------------------------------------------------------- */

struct vnl_lock;

/* Takes the lab's lock; when another process holds it, `waiting` is called once with a sentence that names it ("lab 'x' is held
 * by pid 123 (vnetlab up)"), then waits up to timeout_ms (-1: for ever). -EBUSY when that passes.
 * The lock dies with the process, and with its last child that kept the descriptor: children that outlive us and do not exec close
 * it (close_range). The file, and RUN_DIR when that is empty then, is removed by vnl_lock_release. */
int vnl_lock_take(const char *lab, int timeout_ms, void (*waiting)(const char *sentence, void *arg),
                  void *arg, struct vnl_lock **ret, struct vnl_err **err);
void vnl_lock_release(struct vnl_lock **lock);
/* Removes the lock files that killed commands left behind, and RUN_DIR when it is empty then. */
void vnl_lock_sweep(void);

#endif
