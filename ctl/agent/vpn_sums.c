/* What tunnels have carried. A charon counts per CHILD_SA and forgets one that ends, as when it is rekeyed: so each is known here by its number, with
 * the most that was said of it; one that is gone stays for a while, as charon's last word about it may still come, then joins the sum. Said twice is
 * counted once.
 *
 * The file "sums" in a daemon's directory has it for the next agent: per tunnel a line with its name, its connection, its charon's PID, its
 * status and since when, the sum, and "number:in:out" for each CHILD_SA. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vpn_parts.h"

#define GONE_MAX 8
#define FILE_MAX 65536

/* --- children ------------------------------------------------------------------------------------- */

void vnl_vpn_sums_done(struct vnl_vpn_sums *sums)
{
    free(sums->children);
    *sums = (struct vnl_vpn_sums){ .n = 0 };
}

static void join(struct vnl_vpn_sums *sums, size_t i)
{
    sums->in += sums->children[i].in;
    sums->out += sums->children[i].out;
    if (sums->joined < sums->children[i].id)
        sums->joined = sums->children[i].id;
    sums->children[i] = sums->children[--sums->n];
}

/* All charon's children are gone with it; the next one numbers its own from the beginning. */
void vnl_vpn_sums_end(struct vnl_vpn_sums *sums)
{
    while (sums->n)
        join(sums, sums->n - 1);
    sums->joined = 0;
    sums->pid = 0;
}

/* NULL: it has joined the sum, or there is no memory. */
static struct vnl_vpn_child_bytes *child_of(struct vnl_vpn_sums *sums, uint32_t id)
{
    struct vnl_vpn_child_bytes *more;

    for (size_t i = 0; i < sums->n; i++)
        if (sums->children[i].id == id)
            return &sums->children[i];
    if (id <= sums->joined)
        return NULL;
    more = reallocarray(sums->children, sums->n + 1, sizeof(*more));
    if (!more)
        return NULL;
    sums->children = more;
    more[sums->n] = (struct vnl_vpn_child_bytes){ .id = id };
    return &more[sums->n++];
}

void vnl_vpn_sums_note(struct vnl_vpn_sums *sums, uint32_t id, uint64_t in, uint64_t out)
{
    struct vnl_vpn_child_bytes *child = child_of(sums, id);

    if (!child)
        return;
    child->in = in > child->in ? in : child->in;
    child->out = out > child->out ? out : child->out;
    child->listed = true;
}

void vnl_vpn_sums_begin_list(struct vnl_vpn_sums *sums)
{
    for (size_t i = 0; i < sums->n; i++)
        sums->children[i].listed = false;
}

/* The oldest of those that were not listed; n of them are there. */
static size_t oldest_gone(const struct vnl_vpn_sums *sums, size_t *ret_n)
{
    size_t oldest = sums->n;

    *ret_n = 0;
    for (size_t i = 0; i < sums->n; i++) {
        if (sums->children[i].listed)
            continue;
        ++*ret_n;
        if (oldest == sums->n || sums->children[i].id < sums->children[oldest].id)
            oldest = i;
    }
    return oldest;
}

void vnl_vpn_sums_end_list(struct vnl_vpn_sums *sums)
{
    size_t n, oldest;

    while ((oldest = oldest_gone(sums, &n)), n > GONE_MAX)
        join(sums, oldest);
}

uint64_t vnl_vpn_sums_total(const struct vnl_vpn_sums *sums, bool in)
{
    uint64_t total = in ? sums->in : sums->out;

    for (size_t i = 0; i < sums->n; i++)
        total += in ? sums->children[i].in : sums->children[i].out;
    return total;
}

/* Depths: 1 an IKE_SA's own, 3 a child's, 4 the old and the new one's where one is rekeyed. */
void vnl_vpn_sums_read(struct vnl_vpn_sums *sums, const uint8_t *message, size_t size)
{
    struct vnl_vici_reader reader;
    struct vnl_vici_element element;
    uint64_t id = 0, in = 0, out = 0;
    char number[24];

    vnl_vici_reader_init(&reader, message, size);
    while (vnl_vici_next(&reader, &element) > 0) {
        if (element.kind == VNL_VICI_SECTION_END && id)
            vnl_vpn_sums_note(sums, (uint32_t)id, in, out);
        if (element.kind == VNL_VICI_SECTION_START || element.kind == VNL_VICI_SECTION_END)
            id = in = out = 0;
        if (element.kind != VNL_VICI_KEY_VALUE || element.depth < 3)
            continue;
        vnl_vici_text(&element, number, sizeof(number));
        if (!strcmp(element.name, "uniqueid"))
            id = strtoull(number, NULL, 10);
        else if (!strcmp(element.name, "bytes-in"))
            in = strtoull(number, NULL, 10);
        else if (!strcmp(element.name, "bytes-out"))
            out = strtoull(number, NULL, 10);
    }
}

/* --- the file ------------------------------------------------------------------------------------- */

static void write_tunnel(FILE *out, const struct vnl_vpn_tunnel *tunnel)
{
    const struct vnl_vpn_sums *sums = &tunnel->sums;

    (void)fprintf(out, "%s %s %d %d %" PRId64 " %" PRIu64 " %" PRIu64 " %u", tunnel->ifname,
                  tunnel->plan->connection, sums->pid, (int)tunnel->status, tunnel->since_ms, sums->in,
                  sums->out, sums->joined);
    for (size_t i = 0; i < sums->n; i++)
        (void)fprintf(out, " %u:%" PRIu64 ":%" PRIu64, sums->children[i].id, sums->children[i].in,
                      sums->children[i].out);
    (void)fputc('\n', out);
}

static char *format(const struct vnl_vpn_daemon *daemon)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; out && i < daemon->vpn->n_tunnels; i++)
        if (daemon->vpn->tunnels[i]->daemon == daemon)
            write_tunnel(out, daemon->vpn->tunnels[i]);
    if (!out || fclose(out) != 0)
        free(TAKE_PTR(text));
    return text;
}

/* A reader sees the old ones or the new ones. What cannot be written is written the next time. */
void vnl_vpn_sums_keep(struct vnl_vpn_daemon *daemon)
{
    CLEANUP(vnl_str_free) char *text = daemon->dir_fd < 0 ? NULL : format(daemon);
    CLEANUP(vnl_fd_close) int fd = -1;

    if (!text || (daemon->sums && !strcmp(daemon->sums, text)))
        return;
    fd = openat(daemon->dir_fd, "sums.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
        renameat(daemon->dir_fd, "sums.new", daemon->dir_fd, "sums") < 0)
        return;
    free(daemon->sums);
    daemon->sums = TAKE_PTR(text);
}

/* One that this agent has seen already knows better. */
static struct vnl_vpn_tunnel *tunnel_of(const struct vnl_vpn_daemon *daemon, const char *ifname,
                                        const char *connection)
{
    struct vnl_vpn_tunnel *tunnel = vnl_vpn_daemon_tunnel(daemon, ifname);

    return tunnel && !tunnel->recalled && !strcmp(tunnel->plan->connection, connection) ? tunnel : NULL;
}

static void read_children(struct vnl_vpn_sums *sums, const char *text)
{
    uint64_t in, out;
    uint32_t id;
    int n;

    while (sscanf(text, " %" SCNu32 ":%" SCNu64 ":%" SCNu64 "%n", &id, &in, &out, &n) == 3) {
        vnl_vpn_sums_note(sums, id, in, out);
        text += n;
    }
}

static void read_tunnel(const struct vnl_vpn_daemon *daemon, const char *line)
{
    struct vnl_vpn_sums sums = { .n = 0 };
    struct vnl_vpn_tunnel *tunnel;
    char ifname[16], connection[1024];
    uint32_t joined = 0;
    int64_t since;
    int status, n = 0;

    if (sscanf(line, "%15s %1023s %d %d %" SCNd64 " %" SCNu64 " %" SCNu64 " %" SCNu32 "%n", ifname,
               connection, &sums.pid, &status, &since, &sums.in, &sums.out, &joined, &n) != 8 ||
        !(tunnel = tunnel_of(daemon, ifname, connection)))
        return;
    read_children(&sums, line + n);
    sums.joined = joined;
    vnl_vpn_sums_done(&tunnel->sums);
    tunnel->sums = sums;
    tunnel->was_status = status;
    tunnel->was_since_ms = since;
}

void vnl_vpn_sums_recall(struct vnl_vpn_daemon *daemon)
{
    CLEANUP(vnl_fd_close) int fd = openat(daemon->dir_fd, "sums", O_RDONLY | O_CLOEXEC);
    CLEANUP(vnl_str_free) char *text = fd < 0 ? NULL : malloc(FILE_MAX + 1);
    ssize_t n = text ? read(fd, text, FILE_MAX) : -1;
    char *rest = text, *line;

    if (n >= 0)
        text[n] = '\0';
    while (n > 0 && (line = strsep(&rest, "\n")))
        read_tunnel(daemon, line);
    for (size_t i = 0; i < daemon->vpn->n_tunnels; i++)
        if (daemon->vpn->tunnels[i]->daemon == daemon)
            daemon->vpn->tunnels[i]->recalled = true;
}

void vnl_vpn_sums_become_ready(struct vnl_vpn_daemon *daemon)
{
    for (size_t i = 0; i < daemon->vpn->n_tunnels; i++) {
        struct vnl_vpn_tunnel *tunnel = daemon->vpn->tunnels[i];

        if (tunnel->daemon != daemon)
            continue;
        if (tunnel->sums.pid != daemon->pid)
            vnl_vpn_sums_end(&tunnel->sums);
        tunnel->sums.pid = daemon->pid;
    }
}

void vnl_vpn_sums_restore_since(struct vnl_vpn_daemon *daemon)
{
    for (size_t i = 0; i < daemon->vpn->n_tunnels; i++) {
        struct vnl_vpn_tunnel *tunnel = daemon->vpn->tunnels[i];

        if (tunnel->daemon != daemon)
            continue;
        if (tunnel->was_since_ms && tunnel->was_status == (int)tunnel->status)
            tunnel->since_ms = tunnel->was_since_ms;
        tunnel->was_since_ms = 0;
    }
}
