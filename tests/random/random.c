/* Random labs: four witnesses and one truth.
 *
 * A lab of a few VNets is made by lot, with peerings of every kind and security groups at subnets and NICs. What becomes of a packet
 * between any two VMs is predicted from the model by naive_lab.h, and compared with
 *   1. what the plan says (vnl_verify),
 *   2. what the loaded program says in a dry run (vnl_bpf_what_if),
 *   3. what happens to real packets (vnl_probe_run).
 * Then the running lab is changed a few times and everything is compared again. A disagreement is cut down to the smallest lab that
 * still shows it.
 *
 *   random [N [SEED [FIRST]]]    lab I of a seed is always the same lab: `random 1 SEED I` plays it alone */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/load.h"
#include "vnetlab/paths.h"
#include "vnetlab/plan.h"
#include "vnetlab/probe.h"
#include "vnetlab/verify.h"

#include "../harness/naive_lab.h"
#include "answer.h"
#include "topology.h"

#define STEPS_MAX  4
#define SILENCE_MS 80
#define PATIENT_MS 1000
#define SHRINK_S   30
#define DRY_PORT                                                                                             \
    30000 /* source port of dry runs: no real flow has it, and no rule parts it from the ephemeral ones */

/* Rows are every pair of addresses with each of these. */
static const struct {
    enum vnl_probe_proto proto;
    uint8_t number;
    uint16_t port;
    const char *name;
} protos[] = {
    { VNL_PROBE_ICMP, IPPROTO_ICMP, 0, "icmp" },      { VNL_PROBE_TCP, IPPROTO_TCP, 80, "tcp 80" },
    { VNL_PROBE_TCP, IPPROTO_TCP, 443, "tcp 443" },   { VNL_PROBE_UDP, IPPROTO_UDP, 53, "udp 53" },
    { VNL_PROBE_UDP, IPPROTO_UDP, 5000, "udp 5000" },
};

/* Where nobody is: private, public, and inside of the first VNets. */
static const char *const nobodys[] = { "172.31.0.100", "192.0.2.1",  "10.0.0.200", "10.1.0.200",
                                       "10.100.2.9",   "fd00:1::99", "2001:db8::1" };

/* The lab in hand is finished and taken down. */
static volatile sig_atomic_t interrupted;

struct row {
    const struct vnl_nic *from;
    const struct vnl_nic *aim; /* whose address it is, or NULL */
    struct vnl_addr dst;
    size_t proto;
    struct naive_way there, back;
    bool passes; /* an answer comes */
};

/* A flow that was let in may live on when the rules change: a later one may happen to be the same. */
struct flow_known {
    uint32_t slot;
    struct vnl_addr dst;
    size_t proto;
};

struct play {
    bool plan_only; /* not root: packets need it */
    char name[32];
    struct vnl_lab *lab;
    struct vnl_plan *plan;
    struct row *rows;
    size_t n_rows;
    struct vnl_bpf *bpf;
    struct flow_known *known; /* of the steps before this one */
    size_t n_known;
    size_t checked, repeated; /* of all plays */
    char said[1024];          /* the disagreement; empty: none */
};

static void say(struct play *play, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct play *play, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(play->said, sizeof(play->said), fmt, args);
    va_end(args);
}

static void say_err(struct play *play, const char *what, const struct vnl_err *err)
{
    say(play, "%s: %s%s%s", what, err && err->code ? err->code : "", err && err->code ? ": " : "",
        err ? err->msg : "?");
}

/* --- rows ---------------------------------------------------------------------------------------------------------------- */

static bool row_add(struct play *play, const struct vnl_nic *from, const struct vnl_nic *aim,
                    const struct vnl_addr *dst)
{
    if (!vnl_nic_addr(from, dst->family))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
        struct row *row = &play->rows[play->n_rows++];
        struct naive_flow flow = { from, *dst, protos[i].number, DRY_PORT, protos[i].port };

        *row = (struct row){ .from = from, .aim = aim, .dst = *dst, .proto = i };
        row->there = naive_lab_forward(play->lab, &flow);
        if (row->there.reason == VNL_DROP_NONE)
            row->back = naive_lab_reply(play->lab, &flow, row->there.at);
        row->passes = row->there.reason == VNL_DROP_NONE && row->back.reason == VNL_DROP_NONE;
    }
    return true;
}

static void rows_of(struct play *play, const struct vnl_nic *from)
{
    for (size_t i = 0; i < play->lab->n_vms; i++) {
        const struct vnl_nic *to = play->lab->vms[i]->nics[0];

        for (size_t k = 0; to != from && k < to->n_configs; k++)
            (void)row_add(play, from, to, &to->configs[k].addr);
    }
    for (size_t i = 0; i < ARRAY_SIZE(nobodys); i++) {
        struct vnl_addr addr;

        if (vnl_addr_parse(nobodys[i], &addr, NULL) == 0)
            (void)row_add(play, from, NULL, &addr);
    }
}

static void rows_make(struct play *play)
{
    size_t n = play->lab->n_vms;

    free(play->rows);
    play->n_rows = 0;
    play->rows = calloc(n * (2 * n + ARRAY_SIZE(nobodys)) * ARRAY_SIZE(protos) + 1, sizeof(*play->rows));
    if (!play->rows)
        abort();
    for (size_t i = 0; i < n; i++)
        rows_of(play, play->lab->vms[i]->nics[0]);
}

static const char *vm_of(const struct vnl_nic *nic)
{
    return nic ? nic->vm->name : "nobody";
}

static void say_row(struct play *play, const struct row *row, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void say_row(struct play *play, const struct row *row, const char *fmt, ...)
{
    char addr[VNL_ADDR_STR], other[256];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(other, sizeof(other), fmt, args);
    va_end(args);
    say(play, "%s -> %s %s %s: predicted %s at %s%s%s, reply %s; %s", vm_of(row->from), vm_of(row->aim),
        vnl_addr_format(&row->dst, addr), protos[row->proto].name, vnl_drop_str(row->there.reason),
        vm_of(row->there.at), row->there.rule ? " by " : "", row->there.rule ? row->there.rule : "",
        vnl_drop_str(row->back.reason), other);
}

/* --- the plan ------------------------------------------------------------------------------------------------------------ */

static uint32_t plan_nic(const struct play *play, const struct vnl_nic *nic)
{
    for (uint32_t i = 0; i < play->plan->n_nics; i++) {
        if (play->plan->nics[i].slot == nic->slot)
            return i;
    }
    abort();
}

static void ask_plan(struct play *play, const struct row *row)
{
    struct vnl_flow_query query = { .nic = plan_nic(play, row->from),
                                    .dst = row->dst,
                                    .proto = protos[row->proto].number,
                                    .src_port = DRY_PORT,
                                    .dst_port = protos[row->proto].port };
    CLEANUP(vnl_verify_free) struct vnl_verify *verify = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    enum vnl_drop there, back;
    const char *rule;

    if (vnl_verify(play->plan, &query, &verify, &err) < 0) {
        say_err(play, "verify", err);
        return;
    }
    there = verify->blocker ? verify->blocker->reason : VNL_DROP_NONE;
    back = there == VNL_DROP_NONE && verify->back ? verify->back->reason : VNL_DROP_NONE;
    rule = verify->blocker && verify->blocker->rule ? verify->blocker->rule->name : NULL;
    if (there != row->there.reason || back != row->back.reason)
        say_row(play, row, "the plan says %s, reply %s", vnl_drop_str(there), vnl_drop_str(back));
    else if (verify->blocker && verify->blocker->nic != plan_nic(play, row->there.at))
        say_row(play, row, "the plan says at NIC %s", play->plan->nics[verify->blocker->nic].name);
    else if ((rule != NULL) != (row->there.rule != NULL) || (rule && strcmp(rule, row->there.rule) != 0))
        say_row(play, row, "the plan says by %s", rule ? rule : "no rule");
}

/* --- the program --------------------------------------------------------------------------------------------------------- */

static void ask_program(struct play *play, const struct row *row)
{
    const struct vnl_addr *src = vnl_nic_addr(row->from, row->dst.family);
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    unsigned char frame[VNL_FRAME_SIZE];
    struct vnl_verdict verdict;
    size_t size = vnl_frame_build(&row->from->mac, src, &row->dst, protos[row->proto].proto, DRY_PORT,
                                  protos[row->proto].port, frame);

    if (vnl_bpf_what_if(play->bpf, row->from->slot, frame, size, false, &verdict, &err) < 0)
        say_err(play, "dry run", err);
    else if (verdict.reason != row->there.reason)
        say_row(play, row, "the program says %s in slot %u", vnl_drop_str(verdict.reason), verdict.slot);
    else if (verdict.reason != VNL_DROP_NONE && verdict.slot != row->there.at->slot)
        say_row(play, row, "the program says in slot %u, not %u", verdict.slot, row->there.at->slot);
    else if (verdict.reason == VNL_DROP_NONE && verdict.out_slot != row->there.at->slot)
        say_row(play, row, "the program delivers to slot %u, not %u", verdict.out_slot, row->there.at->slot);
}

/* --- packets ------------------------------------------------------------------------------------------------------------- */

static struct vnl_probe probe_of(const struct row *row)
{
    /* UDP: an answer is what counts, so nobody looks at the destination's NIC. */
    return (struct vnl_probe){ .vm = vm_of(row->from),
                               .proto = protos[row->proto].proto,
                               .dst = row->dst,
                               .port = protos[row->proto].port };
}

static void remember(struct play *play)
{
    play->known = realloc(play->known, (play->n_known + play->n_rows + 1) * sizeof(*play->known));
    if (!play->known)
        abort();
    for (size_t i = 0; i < play->n_rows; i++) {
        const struct row *row = &play->rows[i];

        if (row->there.reason == VNL_DROP_NONE)
            play->known[play->n_known++] = (struct flow_known){ row->from->slot, row->dst, row->proto };
    }
}

static bool was_allowed(const struct play *play, const struct row *row)
{
    for (size_t i = 0; i < play->n_known; i++) {
        const struct flow_known *known = &play->known[i];

        if (known->slot == row->from->slot && known->proto == row->proto &&
            vnl_addr_eq(&known->dst, &row->dst))
            return true;
    }
    return false;
}

/* An answer that did not come may have been late. One that came although it should not may belong to an older flow, when the kernel
 * chose the same source port again. Then it has to show once more; in all other cases once is enough. */
static void probe_again(struct play *play, const struct row *row, const struct vnl_probe *first)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_probe probe = probe_of(row);

    if (!row->passes && !was_allowed(play, row)) {
        say_row(play, row, "packets: %s", vnl_probe_result_str(first->result));
        return;
    }
    play->repeated++;
    if (vnl_probe_run(play->name, &probe, 1, row->passes ? PATIENT_MS : SILENCE_MS, &err) < 0)
        say_err(play, "probe", err);
    else if (vnl_probe_passed(probe.result) != row->passes)
        say_row(play, row, "packets: %s, and once more %s", vnl_probe_result_str(first->result),
                vnl_probe_result_str(probe.result));
}

static void ask_packets(struct play *play)
{
    struct vnl_probe *probes = calloc(play->n_rows + 1, sizeof(*probes));
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(answer_stop) struct answer *answer = answer_start(play->name, play->lab);

    if (!probes || !answer)
        abort();
    for (size_t i = 0; i < play->n_rows; i++)
        probes[i] = probe_of(&play->rows[i]);
    if (vnl_probe_run(play->name, probes, play->n_rows, SILENCE_MS, &err) < 0)
        say_err(play, "probes", err);
    for (size_t i = 0; i < play->n_rows && !play->said[0]; i++) {
        if (vnl_probe_passed(probes[i].result) != play->rows[i].passes)
            probe_again(play, &play->rows[i], &probes[i]);
    }
    remember(play);
    free(probes);
}

/* --- a lab, step by step ------------------------------------------------------------------------------------------------- */

static bool load(struct play *play, const struct topology *topology)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    CLEANUP(vnl_str_free) char *text = topology_print(topology, play->name);
    int r = vnl_lab_load_text("lab.yaml", text, strlen(text), &lab, &err);

    if (r == 0)
        r = vnl_lab_settle(lab, play->lab, &err);
    if (r < 0) {
        say_err(play, "refused", err);
        return false;
    }
    vnl_lab_free(&play->lab);
    vnl_plan_free(&play->plan);
    play->lab = TAKE_PTR(lab);
    if (vnl_plan_build(play->lab, &play->plan, &err) < 0)
        say_err(play, "plan", err);
    return !play->said[0];
}

static bool apply(struct play *play)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *dir = vnl_run_path(play->name, "bpf");
    struct vnl_dp_stats stats;

    vnl_bpf_close(&play->bpf);
    if (vnl_dp_apply(play->plan, NULL, &stats, &err) < 0)
        say_err(play, "apply", err);
    else if (vnl_bpf_open(dir, &play->bpf, &err) < 0)
        say_err(play, "tables", err);
    return !play->said[0];
}

static void step(struct play *play, const struct topology *topology)
{
    if (!load(play, topology))
        return;
    rows_make(play);
    play->checked += play->n_rows;
    for (size_t i = 0; i < play->n_rows && !play->said[0]; i++)
        ask_plan(play, &play->rows[i]);
    if (play->said[0] || play->plan_only || !apply(play))
        return;
    for (size_t i = 0; i < play->n_rows && !play->said[0]; i++)
        ask_program(play, &play->rows[i]);
    if (!play->said[0])
        ask_packets(play);
}

static void play_end(struct play *play)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    vnl_bpf_close(&play->bpf);
    if (!play->plan_only && vnl_dp_down(play->name, false, &err) < 0 && !play->said[0])
        say_err(play, "down", err);
    vnl_lab_free(&play->lab);
    vnl_plan_free(&play->plan);
    free(play->rows);
    free(play->known);
    play->rows = NULL;
    play->known = NULL;
    play->n_known = 0;
}

/* Plays the steps in a lab of their own. Returns at which one they disagreed, or n. */
static size_t play_steps(struct play *play, const struct topology *steps, size_t n)
{
    static unsigned number;
    size_t i;

    (void)snprintf(play->name, sizeof(play->name), "random%d-%u", (int)getpid(), number++);
    play->said[0] = '\0';
    for (i = 0; i < n && !play->said[0]; i++)
        step(play, &steps[i]);
    play_end(play);
    return play->said[0] ? i - 1 : n;
}

/* --- shrinking ------------------------------------------------------------------------------------------------------------ */

/* A smaller lab that is refused shows nothing. */
static bool still_differs(struct play *play, const struct topology *steps, size_t n)
{
    return play_steps(play, steps, n) < n && strncmp(play->said, "refused", 7) != 0;
}

static bool drop_one(struct play *play, struct topology *steps, size_t n, size_t i, bool *ret_more)
{
    struct topology smaller[STEPS_MAX];
    bool any = false;

    memcpy(smaller, steps, n * sizeof(*steps));
    for (size_t k = 0; k < n; k++) {
        bool done = false;

        *ret_more = topology_drop(&smaller[k], i, &done);
        any |= done;
    }
    if (!any || !still_differs(play, smaller, n))
        return false;
    memcpy(steps, smaller, n * sizeof(*steps));
    return true;
}

static int64_t now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

/* Fewer steps first, then fewer things, for as long as somebody may care to wait. Returns how many steps are left; they are moved to the front. */
static size_t shrink(struct play *play, struct topology *steps, size_t n)
{
    char said[sizeof(play->said)];
    bool refused = !strncmp(play->said, "refused", 7), more = true;
    int64_t end = now_s() + SHRINK_S;

    memcpy(said, play->said, sizeof(said));
    for (size_t keep = 1; keep < n && !refused && !interrupted; keep++) {
        if (!still_differs(play, steps + n - keep, keep))
            continue;
        memmove(steps, steps + n - keep, keep * sizeof(*steps));
        n = keep;
    }
    memcpy(play->said, said, sizeof(said));
    for (size_t i = 0; more && !refused && !interrupted && now_s() < end; i++) {
        if (drop_one(play, steps, n, i, &more))
            memcpy(said, play->said, sizeof(said));
    }
    memcpy(play->said, said, sizeof(said));
    return n;
}

static void report(struct play *play, struct topology *steps, size_t n, uint64_t seed, unsigned lab)
{
    size_t left;

    (void)printf("lab %u of seed %" PRIu64 ", step %zu: %s\n", lab, seed, n, play->said);
    left = shrink(play, steps, n);
    (void)printf("the smallest lab that shows it: %s\n", play->said);
    for (size_t i = 0; i < left; i++) {
        CLEANUP(vnl_str_free) char *text = topology_print(&steps[i], "random");

        (void)printf("--- %zu of %zu: lab.yaml ---\n%s", i + 1, left, text);
    }
    (void)fflush(stdout);
}

/* --- all of them ----------------------------------------------------------------------------------------------------------- */

static bool play_lab(struct play *play, uint64_t seed, unsigned lab)
{
    uint64_t state = seed * 1000003u + lab;
    struct topology steps[STEPS_MAX];
    size_t n = 3 + topology_random(&state) % 2, at;

    topology_make(&steps[0], &state);
    for (size_t i = 1; i < n; i++) {
        steps[i] = steps[i - 1];
        for (size_t k = 1 + topology_random(&state) % 2; k > 0; k--)
            topology_change(&steps[i], &state);
    }
    at = play_steps(play, steps, n);
    if (at < n)
        report(play, steps, at + 1, seed, lab);
    return at == n;
}

/* Files of this run alone, so that it meets no other lab. */
static void use_own_run_dir(void)
{
    char dir[64];

    (void)snprintf(dir, sizeof(dir), "/run/vnetlab-random-%d", (int)getpid());
    setenv("VNETLAB_RUN_DIR", dir, 1);
}

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static void allow_many_sockets(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static unsigned long number(int argc, char **argv, int i, unsigned long otherwise)
{
    return argc > i ? strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    unsigned n = (unsigned)number(argc, argv, 1, 50), first = (unsigned)number(argc, argv, 3, 0);
    unsigned failed = 0, played = 0;
    uint64_t seed = number(argc, argv, 2, 1);
    struct play play = { 0 };

    use_own_run_dir();
    (void)signal(SIGINT, interrupt);
    (void)signal(SIGTERM, interrupt);
    allow_many_sockets();
    play.plan_only = geteuid() != 0;
    (void)printf("random labs: %u, seed %" PRIu64 "%s\n", n, seed,
                 play.plan_only ? " (not root: the plan alone is asked)" : "");
    (void)fflush(stdout);
    for (unsigned i = first; i < first + n && !interrupted; i++, played++)
        failed += !play_lab(&play, seed, i);
    (void)rmdir(vnl_run_dir());
    (void)printf("%zu rows, %zu sent twice\n", play.checked, play.repeated);
    (void)printf("random labs: %u passed, %u failed\n", played - failed, failed);
    return failed > 0 || played < n;
}
