/* vnetlab check: grades `expect:` with real packets.
 *
 * A lab that is running is graded as it runs, also when the file says something else by now: that is what a
 * learner's lab is graded for. A lab that is not running is brought up for the check and removed after it. A
 * file that Azure would refuse can expect just that (`{error: CODE}`); such a file is graded by its mistakes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_lab.h"
#include "cmds.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/check.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"
#include "vnetlab/plan.h"
#include "vnetlab/refusals.h"
#include "vnetlab/store.h"

#define TIMEOUT_MS 1000

enum { OPT_TIMEOUT, OPT_KEEP };
const struct vnl_opt vnl_check_opts[] = {
    [OPT_TIMEOUT] = { "--timeout", "-W", "SECONDS", "how long to wait for an answer, 1 when not given" },
    [OPT_KEEP] = { "--keep", "-k", NULL, "leave a lab running that was brought up for the check" },
    { NULL },
};

/* What a run over several files adds up to. */
struct tally {
    size_t passed, failed;
    struct vnl_json *json; /* array of labs, or NULL for text */
};

/* --- expected refusals ---------------------------------------------------------------------------- */

static const struct vnl_err *find_error(const struct vnl_err *mistakes, const struct vnl_refusal *refusal)
{
    for (; mistakes; mistakes = mistakes->next)
        if (mistakes->code && !strcasecmp(mistakes->code, refusal->code) &&
            (!refusal->mentions || (mistakes->msg && strstr(mistakes->msg, refusal->mentions))))
            return mistakes;
    return NULL;
}

static int tally_refusal(struct tally *tally, struct vnl_json *rows, struct vnl_table *table,
                         const struct vnl_refusal *refusal, const struct vnl_err *found)
{
    struct vnl_json *row;

    tally->passed += found != NULL;
    tally->failed += found == NULL;
    if (table) {
        vnl_table_cell(table, found ? VNL_TONE_GOOD : VNL_TONE_BAD, found ? "ok" : "FAILED");
        vnl_table_cell(table, VNL_TONE_PLAIN, "the file is refused: %s", refusal->code);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", found ? "refused" : "not refused for that");
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", found ? found->msg : "");
        return 0;
    }
    row = vnl_json_object();
    vnl_json_set(row, "ok", vnl_json_bool(found != NULL));
    vnl_json_set(row, "error", vnl_json_str(refusal->code));
    vnl_json_set(row, "message", vnl_json_str(found ? found->msg : NULL));
    return vnl_json_push(rows, row);
}

/* --- rows ----------------------------------------------------------------------------------------- */

static void format_packet(const struct vnl_expect *expect, char *buf, size_t size)
{
    const char *proto = vnl_expect_proto_str(expect->proto);

    if (expect->proto == VNL_EXPECT_ICMP)
        snprintf(buf, size, "%s %s > %s", proto, expect->from, expect->to);
    else
        snprintf(buf, size, "%s:%u %s > %s", proto, expect->port, expect->from, expect->to);
}

static void format_wanted(const struct vnl_expect *expect, char *buf, size_t size)
{
    int n = snprintf(buf, size, "%s", vnl_expect_result_str(expect->result));

    if (expect->ttl)
        n += snprintf(buf + n, size - (size_t)n, " ttl=%d", expect->ttl);
    if (expect->reason)
        snprintf(buf + n, size - (size_t)n, " %s", expect->reason);
}

/* Beside a plain answer: what else shows that the packet arrived. */
static const char *const passed_how[] = { [VNL_PROBE_REFUSED] = " (port closed)",
                                          [VNL_PROBE_DELIVERED] = " (arrived)",
                                          [VNL_PROBE_RESULT_MAX] = NULL };

static void format_happened(const struct vnl_check_row *row, char *buf, size_t size)
{
    int n;

    if (!row->sent) {
        snprintf(buf, size, "nothing sent");
        return;
    }
    if (!vnl_probe_passed(row->probe.result)) {
        snprintf(buf, size, "drop %s",
                 row->reason ? vnl_drop_str(row->reason) : vnl_probe_result_str(row->probe.result));
        return;
    }
    n = snprintf(buf, size, "pass");
    if (row->probe.ttl)
        n += snprintf(buf + n, size - (size_t)n, " ttl=%d", row->probe.ttl);
    if (passed_how[row->probe.result])
        n += snprintf(buf + n, size - (size_t)n, "%s", passed_how[row->probe.result]);
    snprintf(buf + n, size - (size_t)n, " %.2f ms", (double)row->probe.rtt_us / 1000);
}

static void table_row(struct vnl_table *table, const struct vnl_check_row *row)
{
    char packet[256], wanted[96], happened[96];

    format_packet(row->expect, packet, sizeof(packet));
    format_wanted(row->expect, wanted, sizeof(wanted));
    format_happened(row, happened, sizeof(happened));
    vnl_table_cell(table, row->ok ? VNL_TONE_GOOD : VNL_TONE_BAD, row->ok ? "ok" : "FAILED");
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s: %s", packet, wanted);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", happened);
    vnl_table_cell(table, VNL_TONE_PLAIN, "%s", row->why ? row->why : "");
}

static struct vnl_json *json_row(const struct vnl_check_row *row)
{
    struct vnl_json *json = vnl_json_object();
    bool passed = vnl_probe_passed(row->probe.result);

    vnl_json_set(json, "ok", vnl_json_bool(row->ok));
    if (row->expect->src.file && row->expect->src.line) {
        vnl_json_set(json, "file", vnl_json_str(row->expect->src.file));
        vnl_json_set(json, "line", vnl_json_int(row->expect->src.line));
    }
    vnl_json_set(json, "from", vnl_json_str(row->expect->from));
    vnl_json_set(json, "to", vnl_json_str(row->expect->to));
    vnl_json_set(json, "protocol", vnl_json_str(vnl_expect_proto_str(row->expect->proto)));
    if (row->expect->port)
        vnl_json_set(json, "port", vnl_json_int(row->expect->port));
    vnl_json_set(json, "expected", vnl_json_str(vnl_expect_result_str(row->expect->result)));
    vnl_json_set(json, "happened", vnl_json_str(!row->sent ? NULL : passed ? "pass" : "drop"));
    vnl_json_set(json, "answer", vnl_json_str(row->sent ? vnl_probe_result_str(row->probe.result) : NULL));
    if (row->probe.ttl)
        vnl_json_set(json, "ttl", vnl_json_int(row->probe.ttl));
    if (passed)
        vnl_json_set(json, "milliseconds", vnl_json_real((double)row->probe.rtt_us / 1000));
    else if (row->sent)
        vnl_json_set(json, "reason", vnl_json_str(vnl_drop_str(row->reason)));
    vnl_json_set(json, "why", vnl_json_str(row->why));
    if (row->hint)
        vnl_json_set(json, "hint", vnl_json_str(row->hint));
    return json;
}

/* --- report --------------------------------------------------------------------------------------- */

static const char *const headers[] = { "", "Expected", "Happened", "Why" };

/* "lab.yaml:20:5: ": where the expectation stands, when that is known. */
static const char *format_where(const struct vnl_expect *expect, char *buf, size_t size)
{
    buf[0] = '\0';
    if (expect->src.file && expect->src.line)
        snprintf(buf, size, "%s:%d:%d: ", expect->src.file, expect->src.line, expect->src.col);
    return buf;
}

static void print_hints(const struct vnl_check *check)
{
    char where[512];

    for (size_t i = 0; i < check->n_rows; i++) {
        const struct vnl_expect *expect = check->rows[i].expect;

        if (check->rows[i].ok)
            continue;
        (void)printf("%s%s > %s is not as expected\n", format_where(expect, where, sizeof(where)),
                     expect->from, expect->to);
        if (check->rows[i].hint)
            (void)printf("  hint: %s\n", check->rows[i].hint);
    }
}

static int report_text(const char *title, const struct vnl_check *check, struct vnl_err **err)
{
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    int r;

    (void)printf("%s\n", title);
    if (check->n_rows == 0) {
        (void)printf("  it expects nothing\n\n");
        return 0;
    }
    for (size_t i = 0; i < check->n_rows; i++)
        table_row(table, &check->rows[i]);
    r = vnl_table_print(stdout, table, true, err);
    if (r < 0)
        return r;
    print_hints(check);
    (void)printf("\n");
    (void)fflush(stdout);
    return 0;
}

static int report_json(struct tally *tally, const char *lab, const struct vnl_check *check,
                       struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object(), *rows = vnl_json_array();

    for (size_t i = 0; i < check->n_rows; i++)
        vnl_json_push(rows, json_row(&check->rows[i]));
    vnl_json_set(json, "lab", vnl_json_str(lab));
    vnl_json_set(json, "rows", rows);
    if (vnl_json_push(tally->json, json) < 0)
        return vnl_fail(err, ENOMEM, "check");
    return 0;
}

/* --- one lab -------------------------------------------------------------------------------------- */

/* expected: NULL for the running lab's own expectations. The caller holds the lab's lock. */
static int grade(struct tally *tally, const struct vnl_lab *expected, const char *name, const char *title,
                 int timeout_ms, struct vnl_lock **lock, struct vnl_err **err)
{
    CLEANUP(vnl_check_lab_done) struct vnl_check_lab running = { 0 };
    CLEANUP(vnl_check_free) struct vnl_check *check = NULL;
    int r = vnl_check_lab_ready(name, lock, &running, err);

    if (r >= 0)
        r = vnl_check_run(expected ? expected : running.lab, running.plan, running.list, timeout_ms, &check,
                          err);
    if (r < 0)
        return r;
    tally->passed += check->n_rows - check->n_failed;
    tally->failed += check->n_failed;
    return tally->json ? report_json(tally, name, check, err) : report_text(title, check, err);
}

static int grade_refusals(struct tally *tally, const char *file, const struct vnl_refusals *refusals,
                          const struct vnl_err *mistakes, struct vnl_err **err)
{
    CLEANUP(vnl_table_free) struct vnl_table *table = NULL;
    struct vnl_json *json = NULL, *rows = NULL;
    int r = 0;

    if (tally->json) {
        json = vnl_json_object();
        rows = vnl_json_array();
        vnl_json_set(json, "file", vnl_json_str(file));
    } else {
        (void)printf("%s\n", file);
        table = vnl_table_new(headers, ARRAY_SIZE(headers));
    }
    for (size_t i = 0; i < refusals->n; i++)
        r |=
            tally_refusal(tally, rows, table, &refusals->items[i], find_error(mistakes, &refusals->items[i]));
    if (table) {
        r = vnl_table_print(stdout, table, true, err);
        (void)printf("\n");
        return r;
    }
    vnl_json_set(json, "rows", rows);
    return r < 0 || vnl_json_push(tally->json, json) < 0 ? vnl_fail(err, ENOMEM, "check") : 0;
}

/* Back to what was before: nothing, or a lab that is stored and not running. */
static int put_back(const char *name, const struct vnl_lab *stored, bool applied, struct vnl_err **err)
{
    CLEANUP(vnl_store_close) struct vnl_store *store = NULL;
    int r = vnl_dp_down(name, false, err);

    if (r < 0)
        return r;
    if (!stored)
        return vnl_store_remove(name, err);
    r = vnl_store_open(name, false, &store, err);
    return r < 0 ? r : vnl_store_save(store, stored, applied, err);
}

/* For a lab that does not run: up, grade, down. */
static int check_for_once(struct tally *tally, const struct vnl_args *args, const char *file,
                          const struct vnl_lab *lab, const char *title, int timeout_ms,
                          struct vnl_lock **lock, struct vnl_err **err)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *stored = NULL;
    bool applied = false;
    int r = vnl_cmd_load_stored(lab->name, &stored, &applied, NULL), d;

    if (r < 0 && r != -ENOENT)
        return vnl_fail(err, -r, "lab '%s': what is stored of it cannot be read", lab->name);
    r = vnl_cmd_up_locked(file, err);
    if (r < 0)
        return r;
    r = grade(tally, lab, lab->name, title, timeout_ms, lock, err);
    d = args->values[OPT_KEEP] ? 0 : put_back(lab->name, stored, applied, err);
    return r < 0 ? r : d;
}

static int check_loaded(struct tally *tally, const struct vnl_args *args, const char *file,
                        const struct vnl_lab *lab, int timeout_ms, struct vnl_err **err)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;
    CLEANUP(vnl_str_free) char *title = NULL;
    bool runs;
    int r = vnl_lock_take(lab->name, -1, vnl_cmd_lock_waiting, NULL, &lock, err);

    if (r < 0)
        return r;
    runs = vnl_dp_exists(lab->name);
    if (asprintf(&title, "%s: lab %s%s", file, lab->name, runs ? ", as it runs" : "") < 0)
        return vnl_fail(err, ENOMEM, "check");
    if (runs)
        return grade(tally, lab, lab->name, title, timeout_ms, &lock, err);
    return check_for_once(tally, args, file, lab, title, timeout_ms, &lock, err);
}

static int check_file(struct tally *tally, const struct vnl_args *args, const char *file, int timeout_ms,
                      struct vnl_err **err)
{
    CLEANUP(vnl_refusals_done) struct vnl_refusals refusals = { 0 };
    CLEANUP(vnl_err_free) struct vnl_err *mistakes = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    int r = vnl_lab_load(file, &lab, &mistakes);

    if (r == -EINVAL || r == 0)
        (void)vnl_refusals_load(file, &refusals, NULL); /* a file that is no YAML expects nothing */
    if (refusals.n > 0) {
        if (r == 0)
            (void)vnl_lab_settle(lab, NULL, &mistakes);
        return grade_refusals(tally, file, &refusals, mistakes, err);
    }
    if (r < 0) {
        vnl_err_append(err, &mistakes);
        return r;
    }
    return check_loaded(tally, args, file, lab, timeout_ms, err);
}

static int check_running(struct tally *tally, const struct vnl_args *args, int timeout_ms,
                         struct vnl_err **err)
{
    CLEANUP(vnl_lock_release) struct vnl_lock *lock = NULL;
    CLEANUP(vnl_str_free) char *name = NULL;
    CLEANUP(vnl_str_free) char *title = NULL;
    int r = vnl_cmd_pick_lab(args, &name, err);

    if (r >= 0)
        r = vnl_lock_take(name, -1, vnl_cmd_lock_waiting, NULL, &lock, err);
    if (r < 0)
        return r;
    if (asprintf(&title, "lab %s", name) < 0)
        return vnl_fail(err, ENOMEM, "check");
    return grade(tally, NULL, name, title, timeout_ms, &lock, err);
}

static int summarize(struct tally *tally, struct vnl_err **err)
{
    struct vnl_json *json;

    if (!tally->json) {
        (void)printf("%zu passed, %zu failed\n", tally->passed, tally->failed);
        return tally->failed ? VNL_EXIT_NO : VNL_EXIT_OK;
    }
    json = vnl_json_object();
    vnl_json_set(json, "passed", vnl_json_int((int64_t)tally->passed));
    vnl_json_set(json, "failed", vnl_json_int((int64_t)tally->failed));
    vnl_json_set(json, "labs", TAKE_PTR(tally->json));
    if (vnl_out_json(json, err) < 0)
        return -ENOMEM;
    return tally->failed ? VNL_EXIT_NO : VNL_EXIT_OK;
}

static void tally_done(struct tally *tally)
{
    vnl_json_free(&tally->json);
}

/* A file that cannot be graded does not keep the others from being graded. Returns the first -errno. */
static int check_files(struct tally *tally, const struct vnl_args *args, int timeout_ms, struct vnl_err **err)
{
    int worst = 0;

    for (size_t i = 0; i < args->n_operands; i++) {
        CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
        int r = check_file(tally, args, args->operands[i], timeout_ms, &why);

        vnl_err_append(err, &why);
        worst = worst < 0 ? worst : r;
    }
    return worst;
}

int vnl_cmd_check(const struct vnl_args *args, struct vnl_err **err)
{
    CLEANUP(tally_done) struct tally tally = { .json = args->json ? vnl_json_array() : NULL };
    int timeout_ms, r, s;

    r = vnl_cmd_timeout(args->values[OPT_TIMEOUT], TIMEOUT_MS, &timeout_ms, err);
    if (r < 0)
        return r;
    if (args->n_operands == 0)
        r = check_running(&tally, args, timeout_ms, err);
    else
        r = check_files(&tally, args, timeout_ms, err);
    if (r < 0 && args->n_operands < 2)
        return r;
    s = summarize(&tally, err);
    return r < 0 ? r : s;
}
