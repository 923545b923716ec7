/* Real packets. */
#include "play.h"

#include <stdlib.h>

#include "answer.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define SILENCE_MS 80
#define PATIENT_MS 1000
#define TTL        64

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

        if (row->way.there.reason == VNL_DROP_NONE)
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

/* Each guest on the reply's way takes one. */
static void check_ttl(struct play *play, const struct row *row, const struct vnl_probe *probe)
{
    int ttl = TTL - (int)row->way.back.n_got + 1;

    if (row->passes && probe->proto == VNL_PROBE_ICMP && probe->result == VNL_PROBE_REPLY &&
        probe->ttl != ttl)
        say_row(play, row, "packets: the reply's TTL is %d, not %d", probe->ttl, ttl);
}

void ask_packets(struct play *play)
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
        else
            check_ttl(play, &play->rows[i], &probes[i]);
    }
    remember(play);
    free(probes);
}
