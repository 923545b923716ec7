/* From lab file to verdict: the tables that the plan becomes, read by the program. Each NIC sends to each
 * other and to nobody; what happens must be what the plan's routes say. */
#include "port.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "../harness/plans.h"
#include "vnetlab/drop.h"
#include "vnetlab/plan.h"

static const char lab_yaml[] =
    "name: pairs\n"
    "location: eastus\n"
    "vnets:\n"
    "  va:\n"
    "    addressSpace: [10.0.0.0/16, 'fd00:a::/48']\n"
    "    subnets: {s: [10.0.1.0/24, 'fd00:a:0:1::/64']}\n"
    "    peerings: {a-b: {remoteVirtualNetwork: vb}, a-c: {remoteVirtualNetwork: vc, "
    "allowVirtualNetworkAccess: false},\n"
    "               a-d: {remoteVirtualNetwork: vd}}\n"
    "  vb:\n"
    "    addressSpace: [10.1.0.0/16, 'fd00:b::/48']\n"
    "    subnets: {s: [10.1.1.0/24, 'fd00:b:0:1::/64']}\n"
    "    peerings: {b-a: {remoteVirtualNetwork: va}}\n"
    "  vc:\n"
    "    addressSpace: [10.2.0.0/16]\n"
    "    subnets: {s: 10.2.1.0/24}\n"
    "    peerings: {c-a: {remoteVirtualNetwork: va}}\n"
    "  vd:\n"
    "    addressSpace: [10.3.0.0/16]\n"
    "    subnets: {s: 10.3.1.0/24}\n"
    "    peerings: {d-a: {remoteVirtualNetwork: va, allowForwardedTraffic: true}}\n"
    "virtualMachines:\n"
    "  a1: {subnet: va/s}\n"
    "  a2: {subnet: va/s}\n"
    "  nva: {subnet: va/s, enableIPForwarding: true}\n"
    "  b1: {subnet: vb/s}\n"
    "  b2: {subnet: vb/s, enableIPForwarding: true}\n"
    "  c1: {subnet: vc/s}\n"
    "  d1: {subnet: vd/s}\n";

static struct vnl_bpf *load_plan(const struct vnl_plan *plan)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_bpf *bpf = NULL;

    if (vnl_bpf_load(plan, NULL, NULL, &bpf, &err) < 0 || vnl_bpf_publish(bpf, plan, NULL, &err) < 0)
        fail_msg("%s", err->msg);
    return bpf;
}

static const char *text_of(const struct vnl_addr *addr, char buf[INET6_ADDRSTRLEN])
{
    return inet_ntop(addr->family, addr->bytes, buf, INET6_ADDRSTRLEN);
}

static struct vnl_verdict dry_run(struct vnl_bpf *bpf, const struct vnl_plan_nic *nic,
                                  const struct vnl_addr *src, const struct vnl_addr *dst)
{
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
    struct frame_spec spec = { .src = text_of(src, from), .dst = text_of(dst, to) };
    struct vnl_verdict verdict;
    struct frame frame;

    frame_build(&frame, &spec);
    memcpy(frame.data + AT_SRC_MAC, nic->mac.bytes, 6);
    assert_int_equal(vnl_bpf_what_if(bpf, nic->slot, frame.data, frame.size, false, &verdict, NULL), 0);
    return verdict;
}

static enum vnl_drop expected(const struct vnl_plan *plan, const struct vnl_plan_nic *nic,
                              const struct vnl_addr *src, const struct vnl_addr *dst)
{
    const struct vnl_route *route = vnl_route_select(&plan->tables[nic->table], dst);
    const struct vnl_plan_nic *owner = vnl_plan_nic_by_addr(plan, nic->vnet, src);

    if (owner != nic && !nic->ip_forwarding)
        return VNL_DROP_SPOOFED_SOURCE;
    if (!route || route->type == VNL_NEXT_HOP_NONE)
        return VNL_DROP_NO_ROUTE;
    if (route->type == VNL_NEXT_HOP_INTERNET)
        return VNL_DROP_NO_INTERNET;
    if (route->deny_access_local)
        return VNL_DROP_PEERING_ACCESS;
    if (!vnl_plan_nic_by_addr(plan, route->vnet, dst))
        return VNL_DROP_NO_OWNER;
    if (route->deny_access_remote)
        return VNL_DROP_PEERING_ACCESS;
    for (size_t i = 0; i < plan->vnets[nic->vnet].n_space; i++) {
        if (vnl_prefix_has(&plan->vnets[nic->vnet].space[i], src))
            return VNL_DROP_NONE;
    }
    return route->deny_forwarded ? VNL_DROP_FORWARDED_TRAFFIC : VNL_DROP_NONE;
}

static void assert_pair(struct vnl_bpf *bpf, const struct vnl_plan *plan, const struct vnl_plan_nic *nic,
                        const struct vnl_addr *src, const struct vnl_addr *dst, unsigned seen[VNL_DROP_MAX])
{
    enum vnl_drop reason = expected(plan, nic, src, dst);
    struct vnl_verdict got = dry_run(bpf, nic, src, dst);
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

    if (got.reason != reason)
        fail_msg("%s sends %s > %s: %s, but the plan says %s", nic->name, text_of(src, from),
                 text_of(dst, to), vnl_drop_str(got.reason), vnl_drop_str(reason));
    seen[reason]++;
}

/* Each with each of the lab's addresses as source, and as destination those and their neighbors, which
 * nobody owns. */
static void verdicts_are_what_the_plan_says(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(lab_yaml);
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = load_plan(plan);
    struct vnl_addr all[64], far = { AF_INET, { 8, 8, 8, 8 } };
    unsigned seen[VNL_DROP_MAX] = { 0 };
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < plan->n_nics; i++) {
        for (size_t k = 0; k < plan->nics[i].n_addrs; k++) {
            all[n] = plan->nics[i].addrs[k].addr;
            all[n + 1] = vnl_addr_add(&all[n], 100);
            n += 2;
        }
    }
    all[n++] = far;
    for (size_t i = 0; i < plan->n_nics; i++) {
        for (size_t src = 0; src < n; src++) {
            for (size_t dst = 0; dst < n; dst++) {
                if (all[src].family == all[dst].family)
                    assert_pair(bpf, plan, &plan->nics[i], &all[src], &all[dst], seen);
            }
        }
    }
    for (int reason = VNL_DROP_NO_ROUTE; reason <= VNL_DROP_FORWARDED_TRAFFIC; reason++)
        assert_true(seen[reason] > 0);
    assert_true(seen[VNL_DROP_NONE] > 0);
}

static void publishing_the_same_plan_changes_nothing(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *plan = plan_of(lab_yaml);
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = load_plan(plan);
    bool changed = true;

    (void)state;
    assert_int_equal(vnl_bpf_publish(bpf, plan, &changed, NULL), 0);
    assert_false(changed);
}

static void a_lab_that_outgrows_its_tables_does_not_fit(void **state)
{
    CLEANUP(vnl_plan_free) struct vnl_plan *small = plan_of(lab_yaml);
    CLEANUP(vnl_plan_free) struct vnl_plan *large = NULL;
    CLEANUP(vnl_bpf_close) struct vnl_bpf *bpf = load_plan(small), *larger = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    char *yaml = NULL;
    size_t size;
    FILE *out = open_memstream(&yaml, &size);

    (void)state;
    fprintf(out, "name: large\nlocation: eastus\nvnets: {vnet: {addressSpace: [10.0.0.0/16], subnets: {s: "
                 "10.0.0.0/20}}}\nvirtualMachines:\n");
    for (int i = 0; i < 300; i++)
        fprintf(out, "  vm%d: {subnet: vnet/s}\n", i);
    fclose(out);
    large = plan_of(yaml);
    free(yaml);
    assert_true(vnl_bpf_fits(bpf, small));
    assert_false(vnl_bpf_fits(bpf, large));
    assert_true(vnl_bpf_publish(bpf, large, NULL, &err) < 0);
    assert_int_equal(
        dry_run(bpf, &small->nics[0], &small->nics[0].addrs[0].addr, &small->nics[1].addrs[0].addr).reason,
        VNL_DROP_NONE);
    larger = load_plan(large);
    assert_true(vnl_bpf_fits(larger, large));
    assert_true(vnl_bpf_fits(larger, small));
    assert_int_equal(
        dry_run(larger, &large->nics[299], &large->nics[299].addrs[0].addr, &large->nics[0].addrs[0].addr)
            .out_slot,
        large->nics[0].slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_are_what_the_plan_says),
        cmocka_unit_test(publishing_the_same_plan_changes_nothing),
        cmocka_unit_test(a_lab_that_outgrows_its_tables_does_not_fit),
    };

    return cmocka_run_group_tests_name("port with a plan's tables", tests, NULL, NULL);
}
