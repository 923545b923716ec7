/* One target per backend of a probed rule. A probe has until its next one is due, as Azure's: no answer is a failure.
 * Until its first success a backend that refuses is asked again soon: its server may be starting.
 *
 * Targets are rebuilt with each plan, and what was known moves over by the rule's health id, which stands for the rule and its backends.
 * The tables may be new ones by then and know nothing, so all that is known is written again. */
#include "prober.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "health.h"
#include "loop.h"
#include "view.h"
#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/err.h"
#include "vnetlab/image.h"
#include "vnetlab/layout.h"
#include "vnetlab/plan.h"

#define RESPONSE_MAX 64 /* the status line's beginning */

struct rule;

struct target {
    struct vnl_source source; /* fd -1: no probe under way */
    struct vnl_prober *prober;
    struct rule *rule;
    struct in_addr addr;
    int64_t due_ms; /* when the next probe starts, and this one has failed */
    bool asked;     /* HTTP: the request is sent */
    size_t size;
    char response[RESPONSE_MAX];
};

struct rule {
    const struct vnl_plan_lb_rule *plan;
    uint64_t id;
    struct target *targets;          /* plan->n_backends */
    struct vnl_health_state *states; /* of the same */
    size_t n;
};

struct vnl_prober {
    int epoll_fd;
    char *dir;
    struct vnl_bpf *bpf;
    struct rule *rules;
    size_t n_rules;
};

static void rules_free(struct rule **rules, size_t *n_rules)
{
    for (size_t i = 0; i < *n_rules; i++) {
        for (size_t k = 0; k < (*rules)[i].n; k++)
            vnl_fd_close(&(*rules)[i].targets[k].source.fd);
        free((*rules)[i].targets);
        free((*rules)[i].states);
    }
    free(*rules);
    *rules = NULL;
    *n_rules = 0;
}

/* --- verdicts ------------------------------------------------------------------------------------- */

static void tell(const struct vnl_prober *prober, const struct rule *rule)
{
    vnl_bpf_health_set(prober->bpf, rule->plan->health, rule->id, vnl_health_alive(rule->states, rule->n));
}

static int64_t interval_ms(const struct rule *rule)
{
    return 1000 * (int64_t)(rule->plan->probe.interval_s ? rule->plan->probe.interval_s : 1);
}

static void finish(struct target *target, bool success)
{
    struct rule *rule = target->rule;
    size_t i = (size_t)(target - rule->targets);
    bool was_down = rule->states[i].down;
    int64_t now = vnl_loop_now_ms();

    vnl_fd_close(&target->source.fd);
    if (!success && !rule->states[i].succeeded && target->due_ms > now + VNL_HEALTH_EAGER_MS)
        target->due_ms = now + VNL_HEALTH_EAGER_MS;
    if (!vnl_health_counts(&rule->states[i], success, now, interval_ms(rule)))
        return;
    if (!vnl_health_note(&rule->states[i], success, rule->plan->probe.threshold))
        return;
    if (rule->states[i].down != was_down)
        (void)fprintf(stderr, "%s: backend %zu is %s\n", rule->plan->id, i, was_down ? "up" : "down");
    tell(target->prober, rule);
}

/* --- one probe ------------------------------------------------------------------------------------ */

static void send_request(struct target *target)
{
    const struct vnl_plan_lb_probe *probe = &target->rule->plan->probe;
    const struct vnl_plan_backend *backend = &target->rule->plan->backends[target - target->rule->targets];
    CLEANUP(vnl_str_free) char *request = NULL;
    char addr[VNL_ADDR_STR], host[VNL_ADDR_STR + 8];
    ssize_t len;

    (void)snprintf(host, sizeof(host), "%s:%u", vnl_addr_format(&backend->addr, addr), probe->port);
    request = vnl_health_request(probe, host);
    len = request ? (ssize_t)strlen(request) : -1;
    if (len < 0 || send(target->source.fd, request, (size_t)len, MSG_NOSIGNAL) != len ||
        vnl_loop_change(target->prober->epoll_fd, &target->source, EPOLLIN) < 0)
        finish(target, false);
    target->asked = true;
}

static void read_response(struct target *target)
{
    ssize_t n = recv(target->source.fd, target->response + target->size,
                     sizeof(target->response) - target->size, MSG_DONTWAIT);
    int verdict;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    target->size += n > 0 ? (size_t)n : 0;
    verdict = n < 0 ? 0 : vnl_health_response(target->response, target->size);
    if (verdict >= 0 || n == 0)
        finish(target, verdict == 1);
}

static void target_ready(struct vnl_source *source, uint32_t events)
{
    struct target *target = VNL_OWNER_OF(source, struct target, source);
    int error = 0;
    socklen_t len = sizeof(error);

    if (target->asked)
        return read_response(target);
    if (getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error || (events & EPOLLERR))
        return finish(target, false);
    if (target->rule->plan->probe.http)
        return send_request(target);
    finish(target, true);
}

/* The kernel takes a source port from net.ipv4.ip_local_port_range, which begins at VNL_PROBE_PORT_MIN in a new namespace. */
static int begin(struct target *target)
{
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(VNL_PLATFORM_DNS) };
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(target->rule->plan->probe.port),
                              .sin_addr = target->addr };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    target->source = (struct vnl_source){ .fd = fd, .ready = target_ready };
    target->asked = false;
    target->size = 0;
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
        (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS))
        return -errno;
    return vnl_loop_watch(target->prober->epoll_fd, &target->source, EPOLLOUT);
}

static void start(struct target *target, int64_t now)
{
    struct vnl_health_state *state = &target->rule->states[target - target->rule->targets];

    if (target->source.fd >= 0)
        finish(target, false);
    target->due_ms = now + interval_ms(target->rule);
    if (!state->since_ms)
        state->since_ms = now;
    if (begin(target) < 0)
        finish(target, false);
}

int vnl_prober_run(struct vnl_prober *prober)
{
    int64_t now = vnl_loop_now_ms(), next = INT64_MAX;

    for (size_t i = 0; i < prober->n_rules; i++) {
        for (size_t k = 0; k < prober->rules[i].n; k++) {
            struct target *target = &prober->rules[i].targets[k];

            if (target->due_ms <= now)
                start(target, now);
            next = target->due_ms < next ? target->due_ms : next;
        }
    }
    return next == INT64_MAX ? -1 : (int)(next - now);
}

/* --- plans ---------------------------------------------------------------------------------------- */

static int rule_init(struct vnl_prober *prober, struct rule *rule, const struct vnl_plan *plan,
                     const struct vnl_plan_lb_rule *from)
{
    *rule = (struct rule){
        .plan = from,
        .id = vnl_health_id(from),
        .targets = calloc(from->n_backends + 1, sizeof(*rule->targets)),
        .states = calloc(from->n_backends + 1, sizeof(*rule->states)),
    };
    if (!rule->targets || !rule->states)
        return -ENOMEM;
    rule->n = from->n_backends;
    for (size_t i = 0; i < rule->n; i++)
        rule->targets[i] = (struct target){
            .source.fd = -1,
            .prober = prober,
            .rule = rule,
            .addr = vnl_view_addr(plan->nics[from->backends[i].nic].slot),
        };
    return 0;
}

static size_t count_rules(const struct vnl_plan *plan)
{
    size_t n = 0;

    for (size_t i = 0; i < plan->n_balancers; i++)
        for (size_t k = 0; k < plan->balancers[i].n_rules; k++)
            n += plan->balancers[i].rules[k].probed;
    return n;
}

static int rules_build(struct vnl_prober *prober, const struct vnl_plan *plan, struct rule *rules,
                       size_t *n_rules)
{
    for (size_t i = 0; i < plan->n_balancers; i++)
        for (size_t k = 0; k < plan->balancers[i].n_rules; k++) {
            const struct vnl_plan_lb_rule *from = &plan->balancers[i].rules[k];

            if (from->probed && rule_init(prober, &rules[(*n_rules)++], plan, from) < 0)
                return -ENOMEM;
        }
    return 0;
}

/* Also when the next probe is due, so that many changes of the plan do not mean many probes. */
static void keep_known(struct rule *rule, const struct rule *old, size_t n_old)
{
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].id != rule->id || old[i].n != rule->n)
            continue;
        memcpy(rule->states, old[i].states, rule->n * sizeof(*rule->states));
        for (size_t k = 0; k < rule->n; k++)
            rule->targets[k].due_ms = old[i].targets[k].source.fd < 0 ? old[i].targets[k].due_ms : 0;
    }
}

static void tell_known(const struct vnl_prober *prober)
{
    for (size_t i = 0; i < prober->n_rules; i++) {
        bool known = false;

        for (size_t k = 0; k < prober->rules[i].n; k++)
            known |= prober->rules[i].states[k].probed;
        if (known)
            tell(prober, &prober->rules[i]);
    }
}

int vnl_prober_follow(struct vnl_prober *prober, const struct vnl_plan *plan, struct vnl_err **err)
{
    size_t room = count_rules(plan), n_rules = 0;
    struct rule *rules = calloc(room + 1, sizeof(*rules));
    int r = rules ? rules_build(prober, plan, rules, &n_rules) : -ENOMEM;

    vnl_bpf_close(&prober->bpf);
    if (r == 0 && room)
        r = vnl_bpf_open(prober->dir, &prober->bpf, err);
    else if (r < 0)
        (void)vnl_fail(err, ENOMEM, "health probes");
    for (size_t i = 0; i < n_rules && r == 0; i++)
        keep_known(&rules[i], prober->rules, prober->n_rules);
    rules_free(&prober->rules, &prober->n_rules);
    if (r < 0) {
        rules_free(&rules, &n_rules);
        return r;
    }
    prober->rules = rules;
    prober->n_rules = n_rules;
    tell_known(prober);
    return 0;
}

int vnl_prober_new(int epoll_fd, const char *dir, struct vnl_prober **ret, struct vnl_err **err)
{
    struct vnl_prober *prober = calloc(1, sizeof(*prober));

    if (!prober || !(prober->dir = strdup(dir))) {
        free(prober);
        return vnl_fail(err, ENOMEM, "health probes");
    }
    prober->epoll_fd = epoll_fd;
    *ret = prober;
    return 0;
}

void vnl_prober_free(struct vnl_prober **prober)
{
    if (!*prober)
        return;
    rules_free(&(*prober)->rules, &(*prober)->n_rules);
    vnl_bpf_close(&(*prober)->bpf);
    free((*prober)->dir);
    free(*prober);
    *prober = NULL;
}
