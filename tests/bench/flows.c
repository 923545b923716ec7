/* flows ROUND: 500 000 flows of one NIC, by BPF_PROG_TEST_RUN. Prints lines "ROW VARIANT ROUND VALUE".
 *
 *   flows/mib         memory of the flow table
 *   flows/fill_s      time to open them all, one system call each
 *   flows/open_ns     of that what the program takes for a first packet
 *   flows/known_ns    what it takes for one more packet of each, in an order that no cache foresees
 *   flows/lookups_s   the same as packets per second of one CPU
 * Each packet is a run of its own: the kernel's two looks at the clock are in the figures. */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/bpf_tables.h"
#include "bed.h"
#include "vnetlab/base.h"
#include "vnetlab/bpf.h"
#include "vnetlab/probe.h"

#define FLOWS VNL_FLOW_NIC_MAX
#define SLOTS (1u << 20)
#define PORTS 500 /* of each source port as many destination ports */

static const char lab[] = "name: bench\n"
                          "networkSecurityGroups: {all: {securityRules: {any: {priority: 100, direction: "
                          "Outbound, access: Allow}}}}\n"
                          "vnets: {net: {addressSpace: [10.0.0.0/16], subnets: {default: 10.0.0.0/24}}}\n"
                          "virtualMachines: {vm1: {subnet: net/default, networkSecurityGroup: all}, vm2: "
                          "{subnet: net/default}}\n";

static double run(const struct bed *bed, uint32_t number)
{
    const struct vnl_nic *from = bed->lab->vms[0]->nics[0], *to = bed->lab->vms[1]->nics[0];
    unsigned char frame[VNL_FRAME_SIZE];
    size_t size =
        vnl_frame_build(&from->mac, vnl_nic_addr(from, AF_INET), vnl_nic_addr(to, AF_INET), VNL_PROBE_UDP,
                        (uint16_t)(10000 + number / PORTS), (uint16_t)(10000 + number % PORTS), frame);
    uint32_t reason;
    double ns = bed_run(bed, from->slot, frame, size, 1, &reason);

    if (reason != VNL_DROP_NONE)
        errx(1, "flow %u: %s", number, vnl_drop_str(reason));
    return ns;
}

/* FLOWS and the step have no common divisor: every flow comes once. */
static double run_all(const struct bed *bed, uint32_t step)
{
    double ns = 0;

    for (uint64_t i = 0; i < FLOWS; i++)
        ns += run(bed, (uint32_t)(i * step % FLOWS));
    return ns / FLOWS;
}

int main(int argc, char **argv)
{
    int round_number = argc == 2 ? atoi(argv[1]) : 0;
    double start, filled, open_ns, known_ns;
    struct bed bed;
    uint32_t count;

    if (argc != 2)
        errx(2, "usage: flows ROUND");
    bed_enter();
    bed_make(&bed, lab, SLOTS);
    start = bed_now_s();
    open_ns = run_all(&bed, 1);
    filled = bed_now_s() - start;
    count = vnl_bpf_flow_count(bed.bpf, bed.lab->vms[0]->nics[0]->slot);
    if (count != FLOWS)
        errx(1, "%u flows were opened, not %u", count, FLOWS);
    known_ns = run_all(&bed, 314159);
    if (vnl_bpf_flow_count(bed.bpf, bed.lab->vms[0]->nics[0]->slot) != FLOWS)
        errx(1, "a known flow was opened once more");
    printf("flows/mib 500k %d %.1f\n", round_number, (double)bed.bpf->table[VNL_BPF_FLOWS].bytes / (1 << 20));
    printf("flows/fill_s 500k %d %.3f\n", round_number, filled);
    printf("flows/open_ns 500k %d %.1f\n", round_number, open_ns);
    printf("flows/known_ns 500k %d %.1f\n", round_number, known_ns);
    printf("flows/lookups_s 500k %d %.0f\n", round_number, 1e9 / known_ns);
    bed_done(&bed);
    return 0;
}
