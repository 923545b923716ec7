/* Random labs: four witnesses and one truth.
 *
 * A lab of a few VNets is made by lot, with peerings of every kind, security groups at subnets and NICs, route tables and appliances, a
 * way to the internet and an internal load balancer.
 * What becomes of a packet between any two VMs is predicted from the model by naive_lab.h, and compared with
 *   1. what the plan says (vnl_verify),
 *   2. what the loaded program says in dry runs, guest by guest (program.h),
 *   3. what happens to real packets (vnl_probe_run), also to the TTL of echo replies.
 * Then the running lab is changed a few times and everything is compared again. A disagreement is cut down to the smallest lab that
 * still shows it.
 *
 *   random [--features rules,routes,ipv6,internet,balancers] [N [SEED [FIRST]]]
 *
 * Lab I of a seed is always the same lab: `random 1 SEED I` plays it alone. Features that are not named are left out of it; all are in
 * when none is named. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
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

#include "play.h"
#include "topology.h"

#define STEPS_MAX 4
#define SHRINK_S  30

/* The lab in hand is finished and taken down. */
static volatile sig_atomic_t interrupted;

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
    free(play->hosts);
    play->hosts = NULL;
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

    topology_make(&steps[0], play->features, &state);
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

static unsigned features_parse(char *text)
{
    static const char *const names[] = { "rules", "routes", "ipv6", "internet", "balancers", NULL };
    unsigned features = 0;

    while (*text) {
        int i = getsubopt(&text, (char *const *)names, &(char *){ NULL });

        if (i < 0) {
            (void)fprintf(stderr, "--features: rules, routes, ipv6, internet and balancers are known\n");
            exit(2);
        }
        features |= 1u << i;
    }
    return features;
}

static unsigned features_of(int argc, char **argv)
{
    static const struct option options[] = { { "features", required_argument, NULL, 'f' }, { 0 } };
    unsigned features = TOPOLOGY_ALL;
    int letter;

    while ((letter = getopt_long(argc, argv, "f:", options, NULL)) != -1) {
        if (letter != 'f')
            exit(2);
        if (*optarg)
            features = features_parse(optarg);
    }
    return features;
}

int main(int argc, char **argv)
{
    struct play play = { .features = features_of(argc, argv) };
    unsigned n = (unsigned)number(argc, argv, optind, 50), failed = 0, played = 0,
             first = (unsigned)number(argc, argv, optind + 2, 0);
    uint64_t seed = number(argc, argv, optind + 1, 1);

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
    (void)printf("%zu rows, %zu of them through appliances, %zu sent twice\n", play.checked, play.through,
                 play.repeated);
    rows_print_met(&play);
    (void)printf("random labs: %u passed, %u failed\n", played - failed, failed);
    return failed > 0 || played < n;
}
