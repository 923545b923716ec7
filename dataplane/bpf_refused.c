/* Why the kernel refused the port program: in libbpf's words, or by the feature that the kernel lacks. */
#include "bpf_tables.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

/* --- what libbpf says ----------------------------------------------------------------------------------- */

/* The end of what libbpf wrote in this thread, where the reason is; the verifier's log can be long. Never
 * printed. */
static _Thread_local char said[4096];

static int listen_to_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t used = strlen(said), len, room = sizeof(said) - 1;

    if (level != LIBBPF_WARN)
        return 0;
    if (vasprintf(&text, fmt, args) < 0) {
        text = NULL; /* undefined after a failure */
        return 0;
    }
    len = strlen(text);
    if (len >= room)
        return (int)strlen(strcpy(said, text + len - room));
    if (used + len > room) {
        memmove(said, said + used + len - room, room - len);
        used = room - len;
    }
    memcpy(said + used, text, len + 1);
    return (int)len;
}

void vnl_bpf_listen(void)
{
    said[0] = '\0';
    libbpf_set_print(listen_to_libbpf);
}

/* The line that tells most: the verifier's last one before its statistics, else libbpf's first. */
static const char *listen_end(void)
{
    char *stats = strstr(said, "\nprocessed "), *line = said;

    if (stats) {
        *stats = '\0';
        line = strrchr(said, '\n');
        line = line ? line + 1 : said;
    }
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "libbpf: ", 8) == 0)
        line += 8;
    return *line ? line : "no reason given";
}

/* --- features of the kernel ----------------------------------------------------------------------------- */

static int probe_map(enum bpf_map_type type, uint32_t flags)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
    CLEANUP(vnl_fd_close) int fd = bpf_map_create(type, NULL, 4, 8, 1, &opts);

    return fd >= 0;
}

static bool lacks_helper(enum bpf_func_id id)
{
    return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, id, NULL) == 0;
}

static const char *missing_feature(void)
{
    if (!probe_map(BPF_MAP_TYPE_ARRAY, 0))
        return errno == ENOSYS ? "the bpf system call (CONFIG_BPF_SYSCALL)" : "BPF array maps";
    if (!probe_map(BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE))
        return "memory-mapped BPF arrays (Linux 5.5)";
    if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SCHED_CLS, NULL) == 0)
        return "tc programs (CONFIG_NET_CLS_BPF, CONFIG_NET_CLS_ACT)";
    if (lacks_helper(BPF_FUNC_redirect_peer))
        return "bpf_redirect_peer (Linux 5.10)";
    if (lacks_helper(BPF_FUNC_ktime_get_coarse_ns))
        return "bpf_ktime_get_coarse_ns (Linux 5.11)";
    if (lacks_helper(BPF_FUNC_ringbuf_reserve))
        return "BPF ring buffers (Linux 5.8)";
    return NULL;
}

int vnl_bpf_load_failed(int num, struct vnl_err **err)
{
    char reason[512];
    const char *missing;

    snprintf(reason, sizeof(reason), "%.500s", listen_end());
    if (num == ENOMEM)
        return vnl_fail(err, ENOMEM, "loading the port program");
    if (num == EPERM)
        return vnl_fail(err, EPERM,
                        "loading the port program: not permitted (needs CAP_BPF and CAP_NET_ADMIN: be root)");
    missing = missing_feature();
    if (missing)
        return vnl_fail(err, EOPNOTSUPP, "this kernel lacks %s", missing);
    return vnl_fail(err, EOPNOTSUPP, "the kernel refused the port program: %s", reason);
}
