#include "leftovers.h"

#include <glob.h>
#include <mntent.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "vnetlab/base.h"
#include "vnetlab/paths.h"

#define IDS_MAX 65536
#define TRIES   200
#define STEP_US 100000

/* /run/mount is mount(8)'s. Times that run, and values that the kernel changes by itself, are no difference.
 */
static const char *const texts[] = {
    "sed -E 's/^[0-9]+ [0-9]+ //' /proc/self/mountinfo",
    "find /run -path /run/mount -prune -o -print | sort",
    "ip -d link",
    "ip addr | grep -v valid_lft",
    "ip -4 route show table all; ip -6 route show table all | sed -E 's/ expires [0-9]+sec//'",
    "ip -4 rule; ip -6 rule",
    "sysctl -a -r '^net[.](core|ipv4|ipv6)[.]' 2>/dev/null",
};

struct leftovers {
    char *text[ARRAY_SIZE(texts)];
};

/* Of everything that was ever noted; ids are not given twice within a test's life. */
static struct ids {
    uint32_t items[IDS_MAX];
    size_t n;
} progs, maps;

/* Copies of what is mounted below /run by others would keep their namespaces alive, and go when they please. */
static bool unmount_one(void)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    struct mntent *entry;
    bool done = false;

    assert_non_null(mounts);
    while (!done && (entry = getmntent(mounts)))
        if (strncmp(entry->mnt_dir, "/run/", 5) == 0 || strcmp(entry->mnt_type, "nsfs") == 0)
            done = umount2(entry->mnt_dir, MNT_DETACH) == 0;
    (void)endmntent(mounts);
    return done;
}

void leftovers_isolate(void)
{
    char run[64];

    assert_int_equal(unshare(CLONE_NEWNS), 0);
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    while (unmount_one())
        continue;
    assert_int_equal(mount("test", "/run", "tmpfs", 0, "mode=0755"), 0);
    (void)snprintf(run, sizeof(run), "/run/vnetlab-test-%d", (int)getpid());
    assert_int_equal(setenv("VNETLAB_RUN_DIR", run, 1), 0);
}

static char *output(const char *command)
{
    char *text = NULL, buf[4096];
    size_t size = 0, n;
    FILE *in = popen(command, "re"), *out = open_memstream(&text, &size);

    assert_non_null(in);
    assert_non_null(out);
    while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
        assert_int_equal(fwrite(buf, 1, n, out), n);
    (void)pclose(in);
    assert_int_equal(fclose(out), 0);
    return text;
}

struct leftovers *leftovers_take(void)
{
    struct leftovers *taken = calloc(1, sizeof(*taken));

    assert_non_null(taken);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        taken->text[i] = output(texts[i]);
    return taken;
}

void leftovers_free(struct leftovers **leftovers)
{
    for (size_t i = 0; *leftovers && i < ARRAY_SIZE(texts); i++)
        free((*leftovers)->text[i]);
    free(*leftovers);
    *leftovers = NULL;
}

/* --- programs and maps ---------------------------------------------------------------------------- */

static void note(struct ids *ids, uint32_t id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (ids->items[i] == id)
            return;
    assert_true(ids->n < IDS_MAX);
    ids->items[ids->n++] = id;
}

static void note_pin(const char *path)
{
    CLEANUP(vnl_fd_close) int fd = bpf_obj_get(path);
    char link[64], kind[64] = "";
    struct bpf_map_info map = { 0 };
    struct bpf_prog_info prog = { 0 };
    uint32_t size = sizeof(map), prog_size = sizeof(prog);

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (fd < 0 || readlink(link, kind, sizeof(kind) - 1) < 0)
        return;
    if (strstr(kind, "bpf-map") && bpf_obj_get_info_by_fd(fd, &map, &size) == 0)
        note(&maps, map.id);
    if (strstr(kind, "bpf-prog") && bpf_obj_get_info_by_fd(fd, &prog, &prog_size) == 0)
        note(&progs, prog.id);
}

void leftovers_note_pins(void)
{
    char pattern[128];
    glob_t pins;

    (void)snprintf(pattern, sizeof(pattern), "%s/*/tables/*/*", vnl_run_dir());
    if (glob(pattern, GLOB_NOSORT, NULL, &pins) == 0)
        for (size_t i = 0; i < pins.gl_pathc; i++)
            note_pin(pins.gl_pathv[i]);
    globfree(&pins);
}

/* Forgets those that are gone. */
static size_t still_there(struct ids *ids, int (*open_id)(uint32_t id))
{
    size_t n = 0;

    for (size_t i = 0; i < ids->n; i++) {
        CLEANUP(vnl_fd_close) int fd = open_id(ids->items[i]);

        if (fd >= 0)
            ids->items[n++] = ids->items[i];
    }
    ids->n = n;
    return n;
}

/* --- the end -------------------------------------------------------------------------------------- */

static void fail_with_difference(const char *command, const char *before, const char *after)
{
    char path[2][32] = { "/tmp/leftovers-a-XXXXXX", "/tmp/leftovers-b-XXXXXX" }, diff[128], *lines;
    const char *text[2] = { before, after };

    for (int i = 0; i < 2; i++) {
        int fd = mkstemp(path[i]);

        assert_true(fd >= 0 && write(fd, text[i], strlen(text[i])) >= 0 && close(fd) == 0);
    }
    (void)snprintf(diff, sizeof(diff), "diff %s %s", path[0], path[1]);
    lines = output(diff);
    (void)unlink(path[0]);
    (void)unlink(path[1]);
    print_error("%s\n%s", command, lines);
    free(lines);
    fail_msg("left behind: see above");
}

static bool texts_are_same(const struct leftovers *before, bool complain)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char *now = output(texts[i]);
        bool same = strcmp(now, before->text[i]) == 0;

        if (!same && complain)
            fail_with_difference(texts[i], before->text[i], now);
        free(now);
        if (!same)
            return false;
    }
    return true;
}

void leftovers_assert_none(const struct leftovers *before)
{
    for (int i = 0; i < TRIES; i++) {
        if (texts_are_same(before, false) && !still_there(&progs, bpf_prog_get_fd_by_id) &&
            !still_there(&maps, bpf_map_get_fd_by_id))
            return;
        (void)usleep(STEP_US);
    }
    (void)texts_are_same(before, true);
    fail_msg("left behind: %zu programs and %zu maps, the first are %u and %u", progs.n, maps.n,
             progs.n ? progs.items[0] : 0, maps.n ? maps.items[0] : 0);
}
