/* vnetlab drops: dropped packets as they happen, from the program's ring buffer, with the names of the lab.
 *
 * Events hold numbers; the names come from the stored lab, which may change while this runs. So it is read anew for an event that comes a
 * second or more after the last reading, and the tables are opened anew when the lab got others. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "cmds.h"
#include "out.h"
#include "resources.h"

#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/event.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/plan.h"

#define POLL_MS  250                /* how long ^C, --timeout and `down` may have to wait */
#define FRESH_NS (1000 * 1000000ll) /* names are looked up anew after so long */

enum { OPT_COUNT, OPT_TIMEOUT };
const struct vnl_opt vnl_drops_opts[] = {
    [OPT_COUNT] = { "--count", "-n", "NUMBER", "end after so many packets" },
    [OPT_TIMEOUT] = { "--timeout", "-W", "SECONDS", "end after so long" },
    { NULL },
};

struct watch {
    const char *lab;
    const char *vm; /* only what is dropped there; NULL: everywhere; in any case */
    bool as_json;
    size_t count;        /* 0: without end */
    int64_t deadline_ns; /* 0: without end */
    char *dir;
    char tables[PATH_MAX]; /* what `dir` points to */
    struct vnl_bpf *bpf;
    struct vnl_bpf_events *events;
    struct vnl_plan *plan;
    int64_t planned_ns;
    uint64_t suppressed_before; /* by the tables in use */
    uint64_t suppressed;        /* by tables that were in use */
    uint64_t seen[VNL_DROP_MAX];
    size_t n_seen;
    struct vnl_err *mistake; /* of a callback */
};

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
    (void)sig;
    stopped = 1;
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec ts;

    (void)clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void close_tables(struct watch *watch)
{
    vnl_bpf_events_close(&watch->events);
    vnl_bpf_close(&watch->bpf);
}

static void watch_done(struct watch *watch)
{
    close_tables(watch);
    vnl_plan_free(&watch->plan);
    vnl_err_free(&watch->mistake);
    free(watch->dir);
}

/* --- names -------------------------------------------------------------------------------------------- */

static int load_plan(struct watch *watch, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    struct vnl_plan *plan = NULL;
    int r = vnl_cmd_load_stored(watch->lab, &lab, NULL, err);

    if (r >= 0)
        r = vnl_plan_build(lab, &plan, err);
    if (r < 0)
        return r;
    vnl_plan_free(&watch->plan);
    watch->plan = plan;
    watch->planned_ns = now_ns(CLOCK_MONOTONIC);
    return 0;
}

static const struct vnl_plan_nic *nic_by_slot(const struct vnl_plan *plan, uint32_t slot)
{
    for (size_t i = 0; i < plan->n_nics; i++)
        if (plan->nics[i].slot == slot)
            return &plan->nics[i];
    return NULL;
}

static const char *vm_by_slot(const struct watch *watch, uint32_t slot)
{
    const struct vnl_plan_nic *nic = nic_by_slot(watch->plan, slot);

    return nic ? watch->plan->vms[nic->vm].name : "?";
}

static uint64_t suppressed_now(const struct watch *watch)
{
    uint64_t n = 0;

    for (size_t i = 0; watch->bpf && i < watch->plan->n_nics; i++)
        n += vnl_bpf_events_suppressed(watch->bpf, watch->plan->nics[i].slot);
    return n;
}

/* --- one event ---------------------------------------------------------------------------------------- */

/* An event's time as the clock on the wall shows it: for people in their zone, for programs in UTC. */
static void format_time(const struct vnl_event *event, bool utc, char buf[64])
{
    int64_t ns = (int64_t)event->time_ns + now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
    time_t seconds = (time_t)(ns / 1000000000ll);
    struct tm tm;
    size_t n;

    (void)(utc ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm));
    n = strftime(buf, 48, utc ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S", &tm);
    (void)snprintf(buf + n, 64 - n, ".%06lld%s", (long long)(ns % 1000000000ll / 1000), utc ? "Z" : "");
}

static void print_text(const struct watch *watch, const struct vnl_event *event,
                       const struct vnl_event_packet *packet)
{
    const struct vnl_plan_rules *rules;
    const struct vnl_plan_rule *rule;
    bool colour = vnl_out_colour(stdout);
    char when[64];

    format_time(event, false, when);
    (void)printf("%s  %-12s  %-8s  %s  %s%s%s", when, vm_by_slot(watch, event->slot),
                 event->inbound ? "inbound" : "outbound", packet->text, vnl_tone_start(VNL_TONE_BAD, colour),
                 vnl_drop_str((enum vnl_drop)event->reason), vnl_tone_start(VNL_TONE_PLAIN, colour));
    if (event->rule != VNL_NO_RULE && vnl_event_rule(watch->plan, event->rule, &rules, &rule))
        (void)printf(" by %s_%s of NSG %s\n", rule->is_default ? "DefaultRule" : "UserRule", rule->name,
                     rules->nsg_name);
    else
        (void)printf(": %s\n", vnl_drop_text((enum vnl_drop)event->reason));
}

static void add_packet(struct vnl_json *json, const struct vnl_event_packet *packet)
{
    char addr[VNL_ADDR_STR];

    (void)vnl_json_set(json, "protocol", vnl_json_str(packet->proto));
    if (packet->src.family != AF_UNSPEC) {
        (void)vnl_json_set(json, "source", vnl_json_str(vnl_addr_format(&packet->src, addr)));
        (void)vnl_json_set(json, "destination", vnl_json_str(vnl_addr_format(&packet->dst, addr)));
    }
    if (packet->has_ports) {
        (void)vnl_json_set(json, "sourcePort", vnl_json_int(packet->src_port));
        (void)vnl_json_set(json, "destinationPort", vnl_json_int(packet->dst_port));
    }
    (void)vnl_json_set(json, "packet", vnl_json_str(packet->text));
}

static struct vnl_json *event_to_json(const struct watch *watch, const struct vnl_event *event,
                                      const struct vnl_event_packet *packet)
{
    const struct vnl_plan_rules *rules;
    const struct vnl_plan_rule *rule;
    struct vnl_json *json = vnl_json_object();
    char when[64];

    format_time(event, true, when);
    (void)vnl_json_set(json, "time", vnl_json_str(when));
    (void)vnl_json_set(json, "virtualMachine", vnl_json_str(vm_by_slot(watch, event->slot)));
    (void)vnl_json_set(json, "sender", vnl_json_str(vm_by_slot(watch, event->from)));
    (void)vnl_json_set(json, "direction", vnl_json_str(event->inbound ? "Inbound" : "Outbound"));
    add_packet(json, packet);
    (void)vnl_json_set(json, "size", vnl_json_int(event->size));
    (void)vnl_json_set(json, "reason", vnl_json_str(vnl_drop_str((enum vnl_drop)event->reason)));
    (void)vnl_json_set(json, "stage", vnl_json_str(vnl_stage_str((enum vnl_stage)event->stage)));
    if (event->rule != VNL_NO_RULE && vnl_event_rule(watch->plan, event->rule, &rules, &rule)) {
        (void)vnl_json_set(json, "networkSecurityGroup", vnl_json_str(rules->nsg));
        (void)vnl_json_set(json, "rule", vnl_json_str(rule->name));
        (void)vnl_json_set(json, "priority", vnl_json_int(rule->priority));
    }
    return json;
}

/* One line, so that other programs can follow. */
static int print_json(const struct watch *watch, const struct vnl_event *event,
                      const struct vnl_event_packet *packet, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = event_to_json(watch, event, packet);
    CLEANUP(vnl_str_free) char *text = NULL;
    int r = json ? vnl_json_format(json, 0, &text, err) : vnl_fail(err, ENOMEM, "drop event");

    if (r >= 0)
        (void)puts(text);
    return r;
}

/* Non-zero ends the polling. */
static int take_event(const struct vnl_event *event, void *arg)
{
    struct watch *watch = arg;
    struct vnl_event_packet packet;

    if (now_ns(CLOCK_MONOTONIC) - watch->planned_ns >= FRESH_NS && load_plan(watch, &watch->mistake) < 0)
        return 1;
    if (watch->vm && strcasecmp(vm_by_slot(watch, event->slot), watch->vm) != 0)
        return 0;
    watch->seen[event->reason < VNL_DROP_MAX ? event->reason : VNL_DROP_NONE]++;
    watch->n_seen++;
    vnl_event_describe(event, &packet);
    if (!watch->as_json)
        print_text(watch, event, &packet);
    else if (print_json(watch, event, &packet, &watch->mistake) < 0)
        return 1;
    (void)fflush(stdout);
    return stopped || (watch->count && watch->n_seen >= watch->count);
}

/* --- the stream --------------------------------------------------------------------------------------- */

static void read_link(const struct watch *watch, char ret[PATH_MAX])
{
    ssize_t n = readlink(watch->dir, ret, PATH_MAX - 1);

    ret[n > 0 ? n : 0] = '\0';
}

static int open_tables(struct watch *watch, struct vnl_err **err)
{
    int r;

    read_link(watch, watch->tables);
    r = vnl_bpf_open(watch->dir, &watch->bpf, err);
    if (r >= 0)
        r = vnl_bpf_events_open(watch->bpf, &watch->events, err);
    if (r < 0)
        return vnl_wrap(err, "lab '%s'", watch->lab);
    watch->suppressed_before = suppressed_now(watch);
    return 0;
}

/* A lab that outgrew its tables has others now. */
static int follow_tables(struct watch *watch, struct vnl_err **err)
{
    char tables[PATH_MAX];

    read_link(watch, tables);
    if (!strcmp(tables, watch->tables))
        return 0;
    watch->suppressed += suppressed_now(watch) - watch->suppressed_before;
    close_tables(watch);
    return open_tables(watch, err);
}

static bool is_over(const struct watch *watch)
{
    return stopped || (watch->count && watch->n_seen >= watch->count) ||
           (watch->deadline_ns && now_ns(CLOCK_MONOTONIC) >= watch->deadline_ns);
}

static int poll_ms(const struct watch *watch)
{
    int64_t left =
        watch->deadline_ns ? (watch->deadline_ns - now_ns(CLOCK_MONOTONIC)) / 1000000 + 1 : POLL_MS;

    return left < POLL_MS ? (int)left : POLL_MS;
}

static int stream(struct watch *watch, struct vnl_err **err)
{
    int r = 0;

    while (r >= 0 && !is_over(watch)) {
        r = vnl_bpf_events_poll(watch->events, poll_ms(watch), take_event, watch);
        if (watch->mistake) {
            vnl_err_append(err, &watch->mistake);
            return -EIO;
        }
        if (r == -EINTR)
            r = 0;
        else if (r < 0)
            return vnl_fail(err, -r, "drop events of lab '%s'", watch->lab);
        if (!vnl_dp_exists(watch->lab))
            return 0;
        r = follow_tables(watch, err);
    }
    return r;
}

/* On standard error: standard output has the packets only. */
static void summarize(const struct watch *watch)
{
    uint64_t hidden = watch->suppressed + suppressed_now(watch) - watch->suppressed_before;
    char buf[64];
    bool any = false;

    (void)fprintf(stderr, "%s dropped", vnl_cmd_count(buf, watch->n_seen, "packet"));
    for (size_t i = 0; i < VNL_DROP_MAX; i++) {
        if (!watch->seen[i])
            continue;
        (void)fprintf(stderr, "%s%llu %s", any ? ", " : ": ", (unsigned long long)watch->seen[i],
                      i == VNL_DROP_NONE ? "Unknown" : vnl_drop_str((enum vnl_drop)i));
        any = true;
    }
    if (hidden)
        (void)fprintf(stderr, "; %llu more were not shown: too many at once", (unsigned long long)hidden);
    (void)fputc('\n', stderr);
}

/* --- the command -------------------------------------------------------------------------------------- */

static int parse_number(const char *option, const char *text, double most, double *ret, struct vnl_err **err)
{
    char *end;

    *ret = 0;
    if (!text)
        return 0;
    *ret = strtod(text, &end);
    if (end == text || *end || !(*ret > 0 && *ret <= most))
        return vnl_fail(err, EINVAL, "drops: %s '%s' is no number above 0", option, text);
    return 0;
}

static int parse_options(struct watch *watch, const struct vnl_args *args, struct vnl_err **err)
{
    double count, seconds = 0;
    int r = parse_number("--count", args->values[OPT_COUNT], 1e9, &count, err);

    if (r >= 0)
        r = parse_number("--timeout", args->values[OPT_TIMEOUT], 1e9, &seconds, err);
    if (r < 0)
        return r;
    if (count != (double)(size_t)count)
        return vnl_fail(err, EINVAL, "drops: --count '%s' is no whole number", args->values[OPT_COUNT]);
    watch->as_json = args->json;
    watch->count = (size_t)count;
    watch->deadline_ns = seconds > 0 ? now_ns(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e9) : 0;
    return 0;
}

static int find_vm(struct watch *watch, const char *word, struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };

    watch->vm = word;
    if (vnl_plan_vm_lookup(watch->plan, word))
        return 0;
    for (size_t i = 0; i < watch->plan->n_vms; i++)
        if (vnl_names_add(&names, watch->plan->vms[i].name) < 0)
            return vnl_fail(err, ENOMEM, "virtual machines");
    return vnl_cmd_not_found(err, "virtual machine", word, watch->lab, &names);
}

int vnl_cmd_drops(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *name = NULL;
    CLEANUP(watch_done) struct watch watch = { .count = 0 };
    const struct sigaction on_stop = { .sa_handler = stop };
    int r = parse_options(&watch, args, err);

    if (r >= 0)
        r = vnl_cmd_pick_lab(args, &name, err);
    watch.lab = name;
    if (r >= 0)
        r = load_plan(&watch, err);
    if (r >= 0 && args->n_operands)
        r = find_vm(&watch, args->operands[0], err);
    if (r < 0)
        return r;
    watch.dir = vnl_run_path(name, "bpf");
    if (!watch.dir)
        return vnl_fail(err, ENOMEM, "lab '%s'", name);
    (void)sigaction(SIGINT, &on_stop, NULL);
    (void)sigaction(SIGTERM, &on_stop, NULL);
    if (open_tables(&watch, err) < 0 || stream(&watch, err) < 0)
        return VNL_EXIT_SYSTEM;
    summarize(&watch);
    return VNL_EXIT_OK;
}
