/* Any bytes as the files that an agent reads back: routes that were learned, and what tunnels have carried. A file of routes is refused with a
 * sentence, or comes back the same when it was written again; sums that were read are counted within the bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../ctl/agent/vpn_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/learned.h"
#include "vnetlab/paths.h"

#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            (void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what);                       \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/vnetlab-fuzz-XXXXXX";

static void clean(void)
{
    static const char *const files[] = { "learned", "sums", "sums.new" };
    int fd = open(dir, O_DIRECTORY | O_CLOEXEC), lab = openat(fd, "l", O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        (void)unlinkat(lab, files[i], 0);
    (void)unlinkat(fd, "l", AT_REMOVEDIR);
    (void)close(lab);
    (void)close(fd);
    (void)rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    CLEANUP(vnl_str_free) char *lab = NULL;

    (void)argc, (void)argv;
    CHECK(mkdtemp(dir) && setenv("VNETLAB_RUN_DIR", dir, 1) == 0);
    CHECK((lab = vnl_run_path("l", NULL)) && mkdir(lab, 0700) == 0);
    return atexit(clean);
}

static void put(const char *file, const uint8_t *data, size_t size)
{
    CLEANUP(vnl_str_free) char *path = vnl_run_path("l", file);
    CLEANUP(vnl_fd_close) int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
}

static void fuzz_learned(const uint8_t *data, size_t size)
{
    CLEANUP(vnl_learned_done) struct vnl_learned learned = { 0 }, again = { 0 };
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    bool changed = true;

    put("learned", data, size);
    if (vnl_learned_read("l", &learned, &err) < 0) {
        CHECK(learned.n == 0 && err && *err->msg);
        return;
    }
    CHECK(vnl_learned_write("l", &learned, &changed, NULL) == 0);
    CHECK(vnl_learned_read("l", &again, NULL) == 0 && again.n == learned.n);
    CHECK(vnl_learned_write("l", &again, &changed, NULL) == 0 && !changed);
}

/* vpn_sums.c asks for the tunnel of a name: here all are one. */
static struct vnl_plan_tunnel plan = { .connection = (char *)"c" };
static struct vnl_vpn_tunnel tunnel = { .plan = &plan, .ifname = "vpn1" };

struct vnl_vpn_tunnel *vnl_vpn_daemon_tunnel(const struct vnl_vpn_daemon *daemon, const char *ifname)
{
    (void)daemon;
    return strcmp(ifname, tunnel.ifname) == 0 ? &tunnel : NULL;
}

static void fuzz_sums(const uint8_t *data, size_t size)
{
    struct vnl_vpn_tunnel *tunnels[] = { &tunnel };
    struct vnl_vpn vpn = { .tunnels = tunnels, .n_tunnels = 1 };
    CLEANUP(vnl_str_free) char *lab = vnl_run_path("l", NULL);
    CLEANUP(vnl_fd_close) int fd = lab ? open(lab, O_DIRECTORY | O_CLOEXEC) : -1;
    struct vnl_vpn_daemon daemon = { .vpn = &vpn, .dir_fd = fd };

    put("sums", data, size);
    tunnel.daemon = &daemon;
    tunnel.recalled = false;
    vnl_vpn_sums_recall(&daemon);
    CHECK(tunnel.recalled && tunnel.sums.n <= size / sizeof("1:1:1"));
    vnl_vpn_sums_read(&tunnel.sums, data, size);
    vnl_vpn_sums_begin_list(&tunnel.sums);
    vnl_vpn_sums_end_list(&tunnel.sums);
    vnl_vpn_sums_keep(&daemon);
    vnl_vpn_sums_done(&tunnel.sums);
    free(daemon.sums);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_learned(data, size);
    fuzz_sums(data, size);
    return 0;
}
