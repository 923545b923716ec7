/* DNS of a VNet: what a query's bytes are answered with, without a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <ldns/ldns.h>

#include "../../ctl/agent/dns.h"
#include "../../ctl/agent/names.h"
#include "../../ctl/agent/view.h"
#include "../harness/plans.h"
#include "vnetlab/base.h"
#include "vnetlab/layout.h"

#define SUFFIX "hash.bx.internal.cloudapp.net"

#define LAB                                                                                                  \
    "name: dns\nlocation: eastus\n"                                                                          \
    "vnets:\n"                                                                                               \
    "  vnet-1: {addressSpace: [10.0.0.0/16, 'fd00:a::/48'],\n"                                               \
    "           subnets: {s: {addressPrefixes: [10.0.0.0/24, 'fd00:a:0:1::/64']}},\n"                        \
    "           peerings: {to-2: {remoteVirtualNetwork: vnet-2}}}\n"                                         \
    "  vnet-2: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24},\n"                                   \
    "           peerings: {to-1: {remoteVirtualNetwork: vnet-1}}}\n"                                         \
    "  vnet-3: {addressSpace: [203.0.113.0/24], subnets: {s: 203.0.113.0/24}}\n"                             \
    "virtualMachines:\n"                                                                                     \
    "  vm-1: {subnet: vnet-1/s}\n"                                                                           \
    "  Web-2: {subnet: vnet-1/s}\n"                                                                          \
    "  vm-3: {subnet: vnet-2/s}\n"                                                                           \
    "  example: {subnet: vnet-3/s}\n"

static struct vnl_plan *plan;

/* vnet-3 plays the internet side, so that names are tested alone. */
static int setup(void **state)
{
    (void)state;
    plan = plan_of(LAB);
    for (size_t i = 0; i < plan->n_vnets; i++) {
        free(plan->vnets[i].dns_suffix);
        plan->vnets[i].dns_suffix = strdup(SUFFIX);
        plan->vnets[i].n_dns = 0;
    }
    plan->vms[3].host = true;
    plan->internet = plan->nics[plan->vms[3].nics[0]].vnet;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vnl_plan_free(&plan);
    return 0;
}

static const struct vnl_plan_nic *asker(const char *vm)
{
    const struct vnl_plan_vm *found = vnl_plan_vm_lookup(plan, vm);

    assert_non_null(found);
    return &plan->nics[found->nics[0]];
}

/* A query as a stub resolver sends it. Returns its size. */
static size_t put_query(uint8_t *buf, const char *name, uint16_t type)
{
    static const uint8_t head[] = { 0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
    uint8_t *at = buf + sizeof(head);

    memcpy(buf, head, sizeof(head));
    while (*name) {
        size_t len = strcspn(name, ".");

        *at++ = (uint8_t)len;
        memcpy(at, name, len);
        at += len;
        name += len + (name[len] == '.');
    }
    *at++ = 0;
    *at++ = (uint8_t)(type >> 8);
    *at++ = (uint8_t)type;
    *at++ = 0;
    *at++ = 1;
    return (size_t)(at - buf);
}

static ldns_pkt *ask_bytes(const char *vm, const uint8_t *query, size_t size, size_t room)
{
    uint8_t *text = NULL;
    size_t len = 0;
    ldns_pkt *pkt = NULL;

    assert_int_equal(vnl_dns_answer(plan, vm ? asker(vm) : NULL, query, size, room, &text, &len), 0);
    assert_int_equal(ldns_wire2pkt(&pkt, text, len), LDNS_STATUS_OK);
    assert_int_equal(ldns_pkt_id(pkt), 0x1234);
    assert_true(ldns_pkt_qr(pkt));
    assert_true(ldns_pkt_ra(pkt));
    free(text);
    return pkt;
}

/* "NOERROR 10.0.0.4", "NXDOMAIN", ... into a static buffer. */
static const char *ask(const char *vm, const char *name, uint16_t type)
{
    static char text[512];
    uint8_t query[512];
    ldns_pkt *pkt = ask_bytes(vm, query, put_query(query, name, type), VNL_DNS_UDP_MAX);
    char *rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(pkt));
    int n = snprintf(text, sizeof(text), "%s", rcode);

    for (size_t i = 0; i < ldns_pkt_ancount(pkt); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_answer(pkt), i);
        char *data = ldns_rdf2str(ldns_rr_rdf(rr, 0));

        assert_int_equal(ldns_rr_ttl(rr), VNL_DNS_TTL_S);
        n += snprintf(text + n, sizeof(text) - (size_t)n, " %s", data);
        free(data);
    }
    free(rcode);
    ldns_pkt_free(pkt);
    return text;
}

static void names_end_at_the_virtual_network(void **state)
{
    static const struct {
        const char *from, *name;
        uint16_t type;
        const char *answer;
    } rows[] = {
        { "vm-1", "web-2." SUFFIX, LDNS_RR_TYPE_A, "NOERROR 10.0.0.5" },
        { "vm-1", "WEB-2." SUFFIX, LDNS_RR_TYPE_A, "NOERROR 10.0.0.5" },
        { "vm-1", "web-2", LDNS_RR_TYPE_A, "NOERROR 10.0.0.5" },
        { "vm-1", "vm-1", LDNS_RR_TYPE_AAAA, "NOERROR fd00:a:0:1::4" },
        { "vm-3", "vm-3", LDNS_RR_TYPE_AAAA, "NOERROR" },
        { "vm-1", "vm-1", LDNS_RR_TYPE_MX, "NOERROR" },
        { "vm-1", "vm-1", LDNS_RR_TYPE_ANY, "NOERROR 10.0.0.4 fd00:a:0:1::4" },
        { "vm-1", "vm-3." SUFFIX, LDNS_RR_TYPE_A, "NXDOMAIN" }, /* spec 7.19: peered, and yet */
        { "vm-3", "vm-1", LDNS_RR_TYPE_A, "NXDOMAIN" },
        { "vm-1", "vm-9." SUFFIX, LDNS_RR_TYPE_A, "NXDOMAIN" },
        { "vm-1", "vm-1.other.net", LDNS_RR_TYPE_A, "NXDOMAIN" },
        { "vm-1", "x" SUFFIX, LDNS_RR_TYPE_A, "NXDOMAIN" },
        { "vm-1", SUFFIX, LDNS_RR_TYPE_A, "NXDOMAIN" },
        { "vm-1", "", LDNS_RR_TYPE_NS, "NXDOMAIN" },
        { "vm-1", "vm-1", LDNS_RR_TYPE_AXFR, "REFUSED" },
        { NULL, "vm-1", LDNS_RR_TYPE_A, "REFUSED" },
        { "vm-1", "example", LDNS_RR_TYPE_A, "NOERROR 203.0.113.4" },
        { "vm-1", "example." SUFFIX, LDNS_RR_TYPE_A, "NXDOMAIN" },
        { "vm-1", "4.0.0.10.in-addr.arpa", LDNS_RR_TYPE_PTR, "NOERROR vm-1." SUFFIX "." },
        { "vm-1", "4.113.0.203.in-addr.arpa", LDNS_RR_TYPE_PTR, "NOERROR example." },
        { "vm-1", "4.0.1.10.in-addr.arpa", LDNS_RR_TYPE_PTR, "NXDOMAIN" },
        { "vm-1", "300.0.0.10.in-addr.arpa", LDNS_RR_TYPE_PTR, "NXDOMAIN" },
        { "vm-1", "0.0.10.in-addr.arpa", LDNS_RR_TYPE_PTR, "NXDOMAIN" },
        { "vm-1", "4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.a.0.0.0.0.0.d.f.ip6.arpa",
          LDNS_RR_TYPE_PTR, "NOERROR vm-1." SUFFIX "." },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_string_equal(ask(rows[i].from, rows[i].name, rows[i].type), rows[i].answer);
}

/* reddog.microsoft.com is a dummy that Azure itself does not resolve (spec 1.8). */
static void a_vnet_with_servers_of_its_own_has_no_suffix_here(void **state)
{
    (void)state;
    plan->vnets[0].n_dns = 1;
    assert_string_equal(ask("vm-1", "web-2." SUFFIX, LDNS_RR_TYPE_A), "NXDOMAIN");
    assert_string_equal(ask("vm-1", "web-2", LDNS_RR_TYPE_A), "NOERROR 10.0.0.5");
    plan->vnets[0].n_dns = 0;
}

static void a_host_with_a_dot_is_found_by_its_whole_name(void **state)
{
    (void)state;
    free(plan->vms[3].name);
    plan->vms[3].name = strdup("www.example.com");
    assert_string_equal(ask("vm-1", "www.example.com", LDNS_RR_TYPE_A), "NOERROR 203.0.113.4");
    assert_string_equal(ask("vm-1", "example.com", LDNS_RR_TYPE_A), "NXDOMAIN");
    assert_string_equal(ask("vm-1", "www", LDNS_RR_TYPE_A), "NXDOMAIN");
}

static void who_asks_is_known_by_the_slot_in_the_address(void **state)
{
    const struct vnl_plan_nic *nic = asker("vm-3");

    (void)state;
    assert_ptr_equal(vnl_view_guest(plan, vnl_view_addr(nic->slot)), nic);
    assert_null(vnl_view_guest(plan, vnl_view_addr(999)));
    assert_null(vnl_view_guest(plan, (struct in_addr){ .s_addr = htonl(VNL_PLATFORM_DNS) }));
}

/* --- messages ------------------------------------------------------------------------------------- */

static void rcode_is(const uint8_t *query, size_t size, ldns_pkt_rcode wanted)
{
    ldns_pkt *pkt = ask_bytes("vm-1", query, size, VNL_DNS_UDP_MAX);

    assert_int_equal(ldns_pkt_get_rcode(pkt), wanted);
    ldns_pkt_free(pkt);
}

static void nonsense_is_told_apart(void **state)
{
    uint8_t query[512], *none = NULL;
    size_t size = put_query(query, "vm-1", LDNS_RR_TYPE_A), none_size = 0;

    (void)state;
    rcode_is(query, size - 1, LDNS_RCODE_FORMERR);
    rcode_is(query, 12, LDNS_RCODE_FORMERR);
    query[5] = 0;
    rcode_is(query, 12, LDNS_RCODE_FORMERR);
    query[5] = 1;
    query[size - 1] = 3; /* class CHAOS */
    rcode_is(query, size, LDNS_RCODE_REFUSED);
    query[size - 1] = 1;
    query[2] = 0x29; /* opcode UPDATE */
    rcode_is(query, size, LDNS_RCODE_NOTIMPL);
    query[2] = 0x81; /* a response: to answer it could go on for ever */
    assert_int_equal(vnl_dns_answer(plan, asker("vm-1"), query, size, VNL_DNS_UDP_MAX, &none, &none_size),
                     -EINVAL);
    query[2] = 1;
    assert_int_equal(vnl_dns_answer(plan, asker("vm-1"), query, 11, true, &none, &none_size), -EINVAL);
    assert_null(none);
}

/* version: of EDNS. */
static size_t put_edns(uint8_t *query, size_t size, uint16_t udp_size, uint8_t version)
{
    const uint8_t opt[] = { 0, 0, 41, (uint8_t)(udp_size >> 8), (uint8_t)udp_size, 0, version, 0, 0, 0, 0 };

    query[11] = 1;
    memcpy(query + size, opt, sizeof(opt));
    return size + sizeof(opt);
}

static void edns_is_answered_with_edns(void **state)
{
    uint8_t query[512];
    size_t size = put_query(query, "vm-1", LDNS_RR_TYPE_A);
    ldns_pkt *plain = ask_bytes("vm-1", query, size, VNL_DNS_UDP_MAX), *edns, *newer;

    (void)state;
    assert_false(ldns_pkt_edns(plain));
    edns = ask_bytes("vm-1", query, put_edns(query, size, 4096, 0), VNL_DNS_UDP_MAX);
    assert_true(ldns_pkt_edns(edns));
    assert_int_equal(ldns_pkt_edns_udp_size(edns), VNL_DNS_UDP_MAX);
    assert_int_equal(ldns_pkt_ancount(edns), 1);
    newer = ask_bytes("vm-1", query, put_edns(query, size, 4096, 1), VNL_DNS_UDP_MAX);
    assert_int_equal(ldns_pkt_edns_extended_rcode(newer), 1); /* BADVERS */
    assert_int_equal(ldns_pkt_ancount(newer), 0);
    ldns_pkt_free(plain);
    ldns_pkt_free(edns);
    ldns_pkt_free(newer);
}

/* No answer of ours is larger than what each client takes, so it is the transport's room that is made small. */
static void what_is_too_large_is_truncated(void **state)
{
    uint8_t query[512];
    size_t size = put_query(query, "vm-1", LDNS_RR_TYPE_A);
    ldns_pkt *whole = ask_bytes("vm-1", query, size, size + 16),
             *cut = ask_bytes("vm-1", query, size, size + 15);

    (void)state;
    assert_int_equal(ldns_pkt_ancount(whole), 1);
    assert_false(ldns_pkt_tc(whole));
    assert_int_equal(ldns_pkt_ancount(cut), 0);
    assert_int_equal(ldns_pkt_qdcount(cut), 1);
    assert_true(ldns_pkt_tc(cut));
    ldns_pkt_free(whole);
    ldns_pkt_free(cut);
}

/* With the sanitizers this is where a mistake shows. Both noise and queries with a few bytes changed. */
static void random_bytes_do_no_harm(void **state)
{
    uint8_t query[600];

    (void)state;
    srandom(7);
    for (int i = 0; i < 20000; i++) {
        size_t size = (size_t)random() % 64, len = 0;
        uint8_t *answer = NULL;

        if (i % 2) {
            size = put_edns(query, put_query(query, "web-2." SUFFIX, LDNS_RR_TYPE_A), 512, 0);
            for (int k = 0; k < 1 + i % 5; k++)
                query[(size_t)random() % size] = (uint8_t)random();
            size -= (size_t)random() % 4;
        } else {
            for (size_t k = 0; k < size; k++)
                query[k] = (uint8_t)random();
        }
        if (vnl_dns_answer(plan, asker("vm-1"), query, size, i % 3 ? VNL_DNS_UDP_MAX : VNL_DNS_TCP_MAX,
                           &answer, &len) == 0)
            assert_in_range(len, 12, UINT16_MAX);
        free(answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_end_at_the_virtual_network, setup, teardown),
        cmocka_unit_test_setup_teardown(a_vnet_with_servers_of_its_own_has_no_suffix_here, setup, teardown),
        cmocka_unit_test_setup_teardown(a_host_with_a_dot_is_found_by_its_whole_name, setup, teardown),
        cmocka_unit_test_setup_teardown(who_asks_is_known_by_the_slot_in_the_address, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense_is_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(edns_is_answered_with_edns, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_large_is_truncated, setup, teardown),
        cmocka_unit_test_setup_teardown(random_bytes_do_no_harm, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
