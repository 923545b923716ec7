/* Sending a check's probes into a lab that may have just come up: what is still starting there is waited for. */
#include "check_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/follow.h"

#define POLL_MS      100
#define APPLIANCE_MS 3000

/* --- load balancers: only what their probes have found healthy gets anything -------------------------------- */

/* UDP behind a balancer: the program knows which backend it will be, of those that are healthy. */
static void watch_backend(const struct vnl_check_grader *grader, struct vnl_check_row *row)
{
    const struct vnl_plan_nic *nic = row->sent ? vnl_check_nic(grader->plan, row->probe.vm) : NULL;
    struct vnl_flow_query query;
    struct vnl_follow program;

    if (!nic || row->probe.proto != VNL_PROBE_UDP)
        return;
    query = vnl_check_query(grader->plan, nic, &row->probe);
    if (vnl_follow(grader->plan, grader->bpf, &query, &program, NULL) == 0 &&
        program.reason == VNL_DROP_NONE && program.nic != VNL_VERIFY_NOBODY)
        row->probe.to_vm = grader->plan->vms[grader->plan->nics[program.nic].vm].name;
}

/* How long probes may take to notice that a server is up: the first may come too early. */
static int64_t patience_ms(const struct vnl_plan *plan)
{
    uint32_t longest_s = 0;

    for (size_t i = 0; i < plan->n_balancers; i++)
        for (size_t k = 0; k < plan->balancers[i].n_rules; k++) {
            const struct vnl_plan_lb_rule *rule = &plan->balancers[i].rules[k];
            uint32_t s = rule->probed ? rule->probe.interval_s * rule->probe.threshold : 0;

            longest_s = s > longest_s ? s : longest_s;
        }
    return longest_s ? (int64_t)longest_s * 2000 + 2000 : 0;
}

static bool is_down(const struct vnl_check_grader *grader, const struct vnl_check_row *row)
{
    const struct vnl_plan_nic *nic = row->sent ? vnl_check_nic(grader->plan, row->probe.vm) : NULL;
    struct vnl_flow_query query;
    struct vnl_follow program;

    if (!nic || row->expect->result != VNL_EXPECT_PASS)
        return false;
    query = vnl_check_query(grader->plan, nic, &row->probe);
    return vnl_follow(grader->plan, grader->bpf, &query, &program, NULL) == 0 &&
           program.reason == VNL_DROP_BALANCER_DOWN;
}

/* A lab that has just come up has servers that are still starting. */
static void wait_for_backends(const struct vnl_check_grader *grader, const struct vnl_check *check)
{
    int64_t left_ms = patience_ms(grader->plan);
    bool down = left_ms > 0;

    while (down && left_ms > 0) {
        down = false;
        for (size_t i = 0; !down && i < check->n_rows; i++)
            down = is_down(grader, &check->rows[i]);
        if (down)
            (void)poll(NULL, 0, POLL_MS);
        left_ms -= POLL_MS;
    }
}

/* --- probes ------------------------------------------------------------------------------------------ */

typedef bool choose_fn(const struct vnl_check_grader *grader, const struct vnl_check_row *row);

static bool is_sent(const struct vnl_check_grader *grader, const struct vnl_check_row *row)
{
    (void)grader;
    return row->sent;
}

static void begin(const struct vnl_check_grader *grader, struct vnl_check_row *row)
{
    free(TAKE_PTR(row->why));
    free(TAKE_PTR(row->hint));
    row->ok = false;
    if (row->probe.proto == VNL_PROBE_UDP)
        row->probe.src_port = vnl_check_source_port();
    watch_backend(grader, row);
}

/* All at once; *ret_n: how many rows were chosen. */
static int send_and_grade(const struct vnl_check_grader *grader, struct vnl_check *check, choose_fn *choose,
                          int timeout_ms, size_t *ret_n, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *memory = calloc(check->n_rows + 1, sizeof(struct vnl_probe) + sizeof(size_t));
    struct vnl_probe *probes = (struct vnl_probe *)memory;
    size_t *rows = (size_t *)(probes + check->n_rows + 1), n = 0;
    int r;

    if (!probes)
        return vnl_fail(err, ENOMEM, "check");
    for (size_t i = 0; i < check->n_rows; i++) {
        if (!choose(grader, &check->rows[i]))
            continue;
        begin(grader, &check->rows[i]);
        rows[n] = i;
        probes[n++] = check->rows[i].probe;
    }
    r = n ? vnl_probe_run(grader->plan->lab, probes, n, timeout_ms, err) : 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        check->rows[rows[i]].probe = probes[i];
        vnl_check_grade(grader, &check->rows[rows[i]]);
    }
    *ret_n = n;
    return r;
}

/* --- appliances: what they do to packets their commands say, which may not have done it yet ------------ */

static bool may_be_early(const struct vnl_check_grader *grader, const struct vnl_check_row *row)
{
    const struct vnl_plan *plan = grader->plan;
    const struct vnl_plan_nic *nic = row->sent && !row->ok ? vnl_check_nic(plan, row->probe.vm) : NULL;
    CLEANUP(vnl_verify_free)
    struct vnl_verify *verify = nic ? vnl_check_ask_plan(plan, nic, &row->probe) : NULL;

    for (size_t i = 0; verify && i < verify->n_steps; i++)
        if (verify->steps[i].stage == VNL_VERIFY_GUEST &&
            plan->vms[plan->nics[verify->steps[i].nic].vm].n_run > 0)
            return true;
    return false;
}

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int vnl_check_send(const struct vnl_check_grader *grader, struct vnl_check *check, int timeout_ms,
                   struct vnl_err **err)
{
    int64_t until_ms = now_ms() + APPLIANCE_MS;
    size_t n;
    int r;

    wait_for_backends(grader, check);
    r = send_and_grade(grader, check, is_sent, timeout_ms, &n, err);
    while (r == 0 && n && now_ms() < until_ms) {
        r = send_and_grade(grader, check, may_be_early, timeout_ms, &n, err);
        if (n)
            (void)poll(NULL, 0, POLL_MS);
    }
    return r;
}
