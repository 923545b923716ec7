/* Commands' side of the lab's VPN connections: asks the agent, over its control socket. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/vpn.h"
#include "vpn_parts.h"

/* gateway and connection may be NULL. */
static struct vnl_json *order(const char *what, const char *gateway, const char *connection)
{
    struct vnl_json *json = vnl_json_object();

    (void)vnl_json_set(json, "order", vnl_json_str(what));
    if (gateway)
        (void)vnl_json_set(json, "gateway", vnl_json_str(gateway));
    if (connection)
        (void)vnl_json_set(json, "connection", vnl_json_str(connection));
    return json;
}

/* The order is consumed. */
static int ask(const char *lab, struct vnl_json *what, struct vnl_json **ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *question = what;
    CLEANUP(vnl_fd_close) int netns = -1, fd = -1;
    int r = vnl_netns_open(lab, VNL_PLATFORM, &netns, NULL);

    if (r == 0)
        r = vnl_control_connect(netns, &fd, err);
    if (r == -ENOENT || (r == 0 && fd < 0))
        return vnl_fail(err, ENOENT, "lab '%s': no agent runs", lab);
    if (r == 0)
        r = vnl_control_ask(fd, TAKE_PTR(question), ret, err);
    return r < 0 ? vnl_wrap(err, "lab '%s'", lab) : 0;
}

/* --- states --------------------------------------------------------------------------------------- */

static bool copy_text(char **ret, const struct vnl_json *json, const char *key)
{
    const char *text = vnl_json_get_text(json, key);

    *ret = text ? strdup(text) : NULL;
    return !text || *ret;
}

static int number_of(const struct vnl_json *json, const char *key, int max)
{
    int64_t number = vnl_json_get_int(json, key, 0);

    return number > 0 && number < max ? (int)number : 0;
}

/* Without BGP nothing is said of it: then there is nothing to wait for. */
static void read_bgp(const struct vnl_json *json, struct vnl_vpn_state *ret)
{
    ret->bgp = vnl_json_get_bool(json, "bgp", false);
    ret->bgp_state = (enum vnl_bgp_state)number_of(json, "bgpState", VNL_BGP_STATE_MAX);
    ret->bgp_ready = vnl_json_get_bool(json, "bgpReady", !ret->bgp);
}

static bool state_read(const struct vnl_json *json, struct vnl_vpn_state *ret)
{
    ret->kind = (enum vnl_tunnel_kind)number_of(json, "kind", VNL_TUNNEL_CLIENT + 1);
    ret->instance = (uint32_t)vnl_json_get_int(json, "instance", 0);
    read_bgp(json, ret);
    ret->status = (enum vnl_vpn_status)number_of(json, "status", VNL_VPN_STATUS_MAX);
    ret->engine = (enum vnl_vpn_engine)number_of(json, "engine", VNL_VPN_ENGINE_MAX);
    ret->ingress = (uint64_t)vnl_json_get_int(json, "ingress", 0);
    ret->egress = (uint64_t)vnl_json_get_int(json, "egress", 0);
    ret->since_ms = vnl_json_get_int(json, "since", 0);
    return copy_text(&ret->connection, json, "connection") && copy_text(&ret->name, json, "name") &&
           copy_text(&ret->gateway, json, "gateway") && copy_text(&ret->guest, json, "guest") &&
           copy_text(&ret->remote, json, "remote") && copy_text(&ret->inner, json, "inner") &&
           copy_text(&ret->thumbprint, json, "thumbprint") && copy_text(&ret->reason, json, "reason") &&
           copy_text(&ret->bgp_reason, json, "bgpReason") && copy_text(&ret->suite, json, "suite");
}

void vnl_vpn_states_done(struct vnl_vpn_states *states)
{
    for (size_t i = 0; i < states->n; i++) {
        free(states->items[i].connection);
        free(states->items[i].name);
        free(states->items[i].gateway);
        free(states->items[i].guest);
        free(states->items[i].remote);
        free(states->items[i].inner);
        free(states->items[i].thumbprint);
        free(states->items[i].reason);
        free(states->items[i].bgp_reason);
        free(states->items[i].suite);
    }
    free(states->items);
    *states = (struct vnl_vpn_states){ .n = 0 };
}

static int states_ask(const char *lab, uint64_t after, struct vnl_vpn_states *ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *answer = NULL;
    CLEANUP(vnl_vpn_states_done) struct vnl_vpn_states states = { .n = 0 };
    struct vnl_json *question = order("states", NULL, NULL), *list;
    int r;

    (void)vnl_json_set(question, "after", vnl_json_int((int64_t)after));
    r = ask(lab, question, &answer, err);
    if (r < 0)
        return r;
    states.serial = (uint64_t)vnl_json_get_int(answer, "serial", 0);
    list = vnl_json_get(answer, "states");
    states.items = calloc(vnl_json_len(list) + 1, sizeof(*states.items));
    if (!states.items)
        return vnl_fail(err, ENOMEM, "states of connections");
    for (; states.n < vnl_json_len(list); states.n++)
        if (!state_read(vnl_json_at(list, states.n), &states.items[states.n])) {
            states.n++; /* what was read of it */
            return vnl_fail(err, ENOMEM, "states of connections");
        }
    *ret = states;
    states = (struct vnl_vpn_states){ .n = 0 };
    return 0;
}

int vnl_vpn_states(const char *lab, struct vnl_vpn_states *ret, struct vnl_err **err)
{
    return states_ask(lab, 0, ret, err);
}

int vnl_vpn_states_after(const char *lab, uint64_t serial, struct vnl_vpn_states *ret, struct vnl_err **err)
{
    return states_ask(lab, serial, ret, err);
}

int vnl_vpn_reset(const char *lab, const char *gateway, const char *connection, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *answer = NULL;

    return ask(lab, order("reset", gateway, connection), &answer, err);
}

/* --- BGP ------------------------------------------------------------------------------------------ */

/* The list is the answer's only part that is of use, and becomes the caller's by its text. */
static int take_list(const struct vnl_json *answer, struct vnl_json **ret, struct vnl_err **err)
{
    const struct vnl_json *list = vnl_json_get(answer, "value");
    CLEANUP(vnl_str_free) char *text = NULL;

    if (!vnl_json_is_array(list))
        return vnl_fail(err, EPROTO, "the agent does not answer with a list");
    if (vnl_json_format(list, 0, &text, err) < 0)
        return -ENOMEM;
    return vnl_json_parse(text, strlen(text), ret, err);
}

static int ask_bgp(const char *lab, const char *what, const char *gateway, const char *peer,
                   struct vnl_json **ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *answer = NULL;
    struct vnl_json *question = order(what, gateway, NULL);
    int r;

    if (peer)
        (void)vnl_json_set(question, "peer", vnl_json_str(peer));
    r = ask(lab, question, &answer, err);
    return r < 0 ? r : take_list(answer, ret, err);
}

int vnl_bgp_peers(const char *lab, const char *gateway, struct vnl_json **ret, struct vnl_err **err)
{
    return ask_bgp(lab, "bgp-peers", gateway, NULL, ret, err);
}

int vnl_bgp_learned(const char *lab, const char *gateway, struct vnl_json **ret, struct vnl_err **err)
{
    return ask_bgp(lab, "bgp-learned", gateway, NULL, ret, err);
}

int vnl_bgp_advertised(const char *lab, const char *gateway, const char *peer, struct vnl_json **ret,
                       struct vnl_err **err)
{
    return ask_bgp(lab, "bgp-advertised", gateway, peer, ret, err);
}

/* --- the log -------------------------------------------------------------------------------------- */

#define FOLLOW_MS 200

struct log {
    FILE *file;
    struct vnl_vpn_line next; /* read, not yet written */
    bool there;               /* is there one? */
};

struct logs {
    struct log *items;
    size_t n;
    const struct vnl_json *answer;
};

static void logs_done(struct logs *logs)
{
    for (size_t i = 0; i < logs->n; i++)
        if (logs->items[i].file)
            (void)fclose(logs->items[i].file);
    free(logs->items);
}

static int logs_open(const char *lab, const struct vnl_json *list, struct logs *logs, struct vnl_err **err)
{
    logs->answer = list;
    logs->items = calloc(vnl_json_len(list) + 1, sizeof(*logs->items));
    for (size_t i = 0; logs->items && i < vnl_json_len(list); i++) {
        const char *suffix = vnl_json_get_text(vnl_json_at(list, i), "path");
        CLEANUP(vnl_str_free) char *path = suffix ? vnl_run_path(lab, suffix) : NULL;

        logs->items[logs->n++].file = path ? fopen(path, "re") : NULL;
    }
    return logs->items ? 0 : vnl_fail(err, ENOMEM, "the IKE log");
}

/* One that is shorter than what was read of it has been cut: it goes on at its beginning. */
static void begin_again_if_cut(struct log *log)
{
    struct stat st;

    if (log->file && fstat(fileno(log->file), &st) == 0 && st.st_size < ftell(log->file))
        rewind(log->file);
}

/* A line that has no end yet is read again later. */
static void log_advance(struct log *log)
{
    char line[1024];

    begin_again_if_cut(log);
    while (log->file && !log->there) {
        long at = ftell(log->file);

        clearerr(log->file);
        if (!fgets(line, sizeof(line), log->file))
            return;
        if (!strchr(line, '\n') && strlen(line) < sizeof(line) - 1) {
            (void)fseek(log->file, at, SEEK_SET);
            return;
        }
        line[strcspn(line, "\n")] = '\0';
        log->there = vnl_vpn_line_parse(line, &log->next) && !log->next.noise;
    }
}

static struct log *oldest(struct logs *logs, size_t *ret_index)
{
    struct log *first = NULL;

    for (size_t i = 0; i < logs->n; i++) {
        struct log *log = &logs->items[i];

        log_advance(log);
        if (!log->there || (first && strcmp(first->next.time, log->next.time) <= 0))
            continue;
        first = log;
        *ret_index = i;
    }
    return first;
}

/* A log of one connection is about it, also where charon does not say so yet. */
static const char *name_of(const struct vnl_json *entry, const char *ifname)
{
    const char *name = *ifname ? vnl_json_get_text(entry, ifname) : NULL;

    if (!name && vnl_json_len(entry) == 2)
        name = vnl_json_get_text(entry, vnl_json_key_at(entry, 1));
    return name ? name : *ifname ? ifname : "-";
}

static int write_new(struct logs *logs, int fd)
{
    struct log *log;
    size_t i = 0;

    while ((log = oldest(logs, &i))) {
        const char *name = name_of(vnl_json_at(logs->answer, i), log->next.connection);

        if (dprintf(fd, "%s  %s  %s\n", log->next.time, name, log->next.text) < 0)
            return -errno;
        log->there = false;
    }
    return 0;
}

static bool lab_is_there(const char *lab)
{
    CLEANUP(vnl_fd_close) int fd = -1;

    return vnl_netns_open(lab, VNL_FABRIC, &fd, NULL) == 0;
}

/* Until the lab or the reader is gone; an interrupt ends the process. */
static int keep_writing(const char *lab, struct logs *logs, int fd)
{
    struct pollfd reader = { .fd = fd };
    int r = write_new(logs, fd);

    while (r == 0 && lab_is_there(lab) && poll(&reader, 1, FOLLOW_MS) == 0)
        r = write_new(logs, fd);
    return r;
}

int vnl_vpn_log(const char *lab, const char *gateway, int fd, bool follow, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *answer = NULL;
    CLEANUP(logs_done) struct logs logs = { .n = 0 };
    int r = ask(lab, order("logs", gateway, NULL), &answer, err);

    if (r < 0)
        return r;
    if (!vnl_json_len(vnl_json_get(answer, "logs")))
        return vnl_fail(err, ENOENT, "gateway '%s' has no tunnel, so it has no IKE log", gateway);
    r = logs_open(lab, vnl_json_get(answer, "logs"), &logs, err);
    if (r < 0)
        return r;
    r = follow ? keep_writing(lab, &logs, fd) : write_new(&logs, fd);
    return r < 0 && r != -EPIPE ? vnl_fail(err, -r, "writing the IKE log: %s", strerror(-r)) : 0;
}
