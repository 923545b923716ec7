/* nsg ROUND: what security rules cost, by BPF_PROG_TEST_RUN. Prints lines "ROW VARIANT ROUND VALUE".
 *
 * Variants are sizes of the rule set at each of the four places (both NICs, both subnets): r1, r10, r100, r1000 with one prefix a rule,
 * and r1000x4 with four. The measured packet matches the last rule of each.
 *
 *   eval/ns     one of the four evaluations of a flow's first packet. The last one denies, so that nothing is rewritten or opened and the
 *               same packet can be run many times; a packet without groups that the peering stops at the same place is subtracted
 *   first/ns    the whole cost of a passing flow's first packet, with both flow entries: the packet of the lab without groups is
 *               subtracted. Single runs, each a system call of its own: caches are as cold as that leaves them
 *   known/ns    the same for a packet of a known flow
 *   compile/ms  one direction's rules to the image that the program searches
 *
 * nsg --live LAB FILE ROUND: a rule of the running lab is changed, the tables alone.
 *   compile-live/ms   plan and tables anew, all of them
 *   publish/ms        until no packet can see the old ones */
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/bpf_tables.h"
#include "bed.h"
#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/classifier.h"
#include "vnetlab/err.h"
#include "vnetlab/image.h"
#include "vnetlab/load.h"
#include "vnetlab/paths.h"
#include "vnetlab/probe.h"

#define REPEAT   20000 /* runs of one test run */
#define TRIES    9     /* test runs, of which the median counts */
#define PACKETS  8000  /* single runs */
#define COMPILES 21
#define FLIPS    15
#define PORT     80

static const struct {
    const char *name;
    unsigned rules, prefixes;
} sizes[] = {
    { "r1", 1, 1 }, { "r10", 10, 1 }, { "r100", 100, 1 }, { "r1000", 1000, 1 }, { "r1000x4", 1000, 4 },
};

static int round_number;

static void say(const char *row, const char *variant, double value)
{
    printf("%s %s %d %.4f\n", row, variant, round_number, value);
}

/* --- labs ---------------------------------------------------------------------------------------------------------------- */

/* n - 1 rules that the packet does not match, and one that it does. */
static void print_group(FILE *out, const char *name, const char *direction, const char *last, unsigned n,
                        unsigned prefixes)
{
    static const char *const each[] = { "172.16.%u.%u/32", "172.17.%u.%u/32", "172.18.%u.%u/32",
                                        "172.19.%u.%u/32" };

    (void)fprintf(out, "  %s:\n    securityRules:\n", name);
    for (unsigned i = 0; i + 1 < n; i++) {
        (void)fprintf(out,
                      "      r%u: {priority: %u, direction: %s, access: Deny, protocol: Tcp, "
                      "destinationPortRange: %u, sourceAddressPrefixes: [",
                      i, 100 + i, direction, 10000 + i);
        for (unsigned k = 0; k < prefixes; k++) {
            (void)fputs(k ? ", " : "", out);
            (void)fprintf(out, each[k], i / 256, i % 256);
        }
        (void)fprintf(out, "]}\n");
    }
    (void)fprintf(out, "      last: {priority: 4000, direction: %s, access: %s}\n", direction, last);
}

/* rules: 0 = no groups. last: what the receiver's NIC says at the end. stop: the receiver's peering says no. */
static char *lab_text(unsigned rules, unsigned prefixes, const char *last, bool stop)
{
    bool groups = rules > 0;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        err(1, "lab");
    (void)fprintf(out, "name: bench\n");
    if (groups) {
        (void)fprintf(out, "networkSecurityGroups:\n");
        print_group(out, "out", "Outbound", "Allow", rules, prefixes);
        print_group(out, "in", "Inbound", "Allow", rules, prefixes);
        print_group(out, "last", "Inbound", last, rules, prefixes);
    }
    (void)fprintf(
        out,
        "vnets:\n"
        "  left: {addressSpace: [10.0.0.0/16], subnets: {default: {addressPrefix: 10.0.0.0/24%s}},\n"
        "         peerings: {to-right: {remoteVirtualNetwork: right}}}\n"
        "  right: {addressSpace: [10.1.0.0/16], subnets: {default: {addressPrefix: 10.1.0.0/24%s}},\n"
        "          peerings: {to-left: {remoteVirtualNetwork: left, allowVirtualNetworkAccess: %s}}}\n"
        "virtualMachines: {vm1: {subnet: left/default%s}, vm2: {subnet: right/default%s}}\n",
        groups ? ", networkSecurityGroup: out" : "", groups ? ", networkSecurityGroup: in" : "",
        stop ? "false" : "true", groups ? ", networkSecurityGroup: out" : "",
        groups ? ", networkSecurityGroup: last" : "");
    if (fclose(out) != 0)
        err(1, "lab");
    return text;
}

static void make(struct bed *bed, unsigned rules, unsigned prefixes, const char *last, bool stop)
{
    CLEANUP(vnl_str_free) char *text = lab_text(rules, prefixes, last, stop);

    bed_make(bed, text, 0);
}

/* --- packets ------------------------------------------------------------------------------------------------------------- */

static const struct vnl_nic *nic(const struct bed *bed, size_t vm)
{
    return bed->lab->vms[vm]->nics[0];
}

static size_t syn(const struct bed *bed, uint16_t sport, unsigned char frame[VNL_FRAME_SIZE])
{
    return vnl_frame_build(&nic(bed, 0)->mac, vnl_nic_addr(nic(bed, 0), AF_INET),
                           vnl_nic_addr(nic(bed, 1), AF_INET), VNL_PROBE_TCP, sport, PORT, frame);
}

static double run(const struct bed *bed, const unsigned char *frame, size_t size, uint32_t repeat,
                  enum vnl_drop expected)
{
    uint32_t reason;
    double ns = bed_run(bed, nic(bed, 0)->slot, frame, size, repeat, &reason);

    if (reason != expected)
        errx(1, "the packet met %s, not %s", vnl_drop_str(reason), vnl_drop_str(expected));
    return ns;
}

/* The machine's speed drifts: each measurement of a lab with groups stands beside one of the lab without. */
struct pair {
    struct bed bare, groups;
};

static void pair_done(struct pair *pair)
{
    bed_done(&pair->bare);
    bed_done(&pair->groups);
}

/* A packet that goes as far as the receiver's last rule, and no further. */
static double stopped_ns(unsigned rules, unsigned prefixes)
{
    unsigned char frame[VNL_FRAME_SIZE];
    double ns[TRIES];
    struct pair pair;
    size_t size;

    make(&pair.bare, 0, 0, "Deny", true);
    make(&pair.groups, rules, prefixes, "Deny", false);
    size = syn(&pair.bare, 40000, frame);
    for (size_t i = 0; i < TRIES; i++)
        ns[i] = run(&pair.groups, frame, size, REPEAT, VNL_DROP_NSG_INBOUND) -
                run(&pair.bare, frame, size, REPEAT, VNL_DROP_PEERING_ACCESS);
    pair_done(&pair);
    return bed_median(ns, TRIES);
}

/* New flows, and then a second packet of each. */
static void passing_ns(unsigned rules, unsigned prefixes, double *ret_first, double *ret_known)
{
    static double first[PACKETS], known[PACKETS], bare_first[PACKETS], bare_known[PACKETS];
    unsigned char frame[VNL_FRAME_SIZE];
    struct pair pair;

    make(&pair.bare, 0, 0, "Allow", false);
    make(&pair.groups, rules, prefixes, "Allow", false);
    for (unsigned i = 0; i < PACKETS; i++) {
        size_t size = syn(&pair.bare, (uint16_t)(20000 + i), frame);

        bare_first[i] = run(&pair.bare, frame, size, 1, VNL_DROP_NONE);
        first[i] = run(&pair.groups, frame, size, 1, VNL_DROP_NONE);
        bare_known[i] = run(&pair.bare, frame, size, 1, VNL_DROP_NONE);
        known[i] = run(&pair.groups, frame, size, 1, VNL_DROP_NONE);
    }
    pair_done(&pair);
    *ret_first = bed_median(first, PACKETS) - bed_median(bare_first, PACKETS);
    *ret_known = bed_median(known, PACKETS) - bed_median(bare_known, PACKETS);
}

/* --- rows ---------------------------------------------------------------------------------------------------------------- */

static double compile_ms(unsigned rules, unsigned prefixes)
{
    CLEANUP(vnl_str_free) char *text = lab_text(rules, prefixes, "Allow", false);
    double ms[COMPILES];
    struct bed bed;

    bed_make(&bed, text, 0);
    for (size_t i = 0; i < COMPILES; i++) {
        double start = bed_now_s();
        void *image = NULL;
        size_t size;

        if (vnl_classifier_build(&bed.plan->rules[0], bed.plan->rules[0].n_inbound > 3, 0, &image, &size,
                                 NULL) < 0)
            errx(1, "classifier");
        ms[i] = (bed_now_s() - start) * 1e3;
        free(image);
    }
    bed_done(&bed);
    return bed_median(ms, COMPILES);
}

static void measure_rules(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        double first, known;

        say("eval/ns", sizes[i].name, stopped_ns(sizes[i].rules, sizes[i].prefixes) / 4);
        passing_ns(sizes[i].rules, sizes[i].prefixes, &first, &known);
        say("first/ns", sizes[i].name, first);
        say("known/ns", sizes[i].name, known);
        say("compile/ms", sizes[i].name, compile_ms(sizes[i].rules, sizes[i].prefixes));
    }
}

/* --- a running lab ------------------------------------------------------------------------------------------------------- */

static struct vnl_image *compile(const struct vnl_lab *lab, const struct vnl_bpf *bpf)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *failed = NULL;
    struct vnl_image *image = NULL;

    if (vnl_plan_build(lab, &plan, &failed) < 0 || vnl_image_build(plan, &bpf->size, &image, &failed) < 0)
        errx(1, "compile: %s", failed->msg);
    return image;
}

static void flip(struct vnl_lab *lab, struct vnl_bpf *bpf, double *ret_compile_ms, double *ret_publish_ms)
{
    struct vnl_rule *rule = lab->nsgs[0]->rules[0];
    CLEANUP(vnl_err_free) struct vnl_err *failed = NULL;
    double start = bed_now_s(), compiled;
    struct vnl_image *image;
    bool changed = false;

    rule->access = rule->access == VNL_ALLOW ? VNL_DENY : VNL_ALLOW;
    image = compile(lab, bpf);
    compiled = bed_now_s();
    if (vnl_bpf_publish_image(bpf, image, &changed, &failed) < 0 || !changed)
        errx(1, "publish: %s", failed ? failed->msg : "nothing to change");
    *ret_publish_ms = (bed_now_s() - compiled) * 1e3;
    *ret_compile_ms = (compiled - start) * 1e3;
    vnl_image_free(&image);
}

static void measure_live(const char *name, const char *file)
{
    CLEANUP(vnl_str_free) char *dir = vnl_run_path(name, "bpf");
    CLEANUP(vnl_err_free) struct vnl_err *failed = NULL;
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = NULL;
    CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL;
    double compile_time[2 * FLIPS], publish_time[2 * FLIPS];

    if (vnl_lab_load(file, &lab, &failed) < 0 || vnl_lab_settle(lab, NULL, &failed) < 0 ||
        vnl_bpf_open(dir, &bpf, &failed) < 0)
        errx(1, "lab '%s': %s", name, failed->msg);
    for (size_t i = 0; i < ARRAY_SIZE(publish_time); i++) /* an even number: all is as before then */
        flip(lab, bpf, &compile_time[i], &publish_time[i]);
    say("compile-live/ms", "vnetlab", bed_median(compile_time, ARRAY_SIZE(compile_time)));
    say("publish/ms", "vnetlab", bed_median(publish_time, ARRAY_SIZE(publish_time)));
}

int main(int argc, char **argv)
{
    bool live = argc == 5 && strcmp(argv[1], "--live") == 0;

    if (argc != 2 && !live)
        errx(2, "usage: nsg ROUND | nsg --live LAB FILE ROUND");
    round_number = atoi(argv[argc - 1]);
    if (live) {
        measure_live(argv[2], argv[3]);
        return 0;
    }
    bed_enter();
    measure_rules();
    return 0;
}
