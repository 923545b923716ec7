/* ldns reads and writes the wire format; here is what is answered. Whatever a guest sends is data: what ldns cannot read is FORMERR,
 * and the answer to that is made of nothing but the query's id.
 *
 * Flags are those of a recursive resolver: no AA, RA set. There is nothing behind it to ask, so an unknown name is NXDOMAIN at once. */
#include "dns.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "vnetlab/base.h"
#include "vnetlab/plan.h"

#define HEADER_SIZE    12u
#define UDP_MIN        512u /* what each client takes (RFC 1035) */
#define RCODE_BADVERS  16u  /* upper four bits of 12, RFC 6891; the OPT record carries them */
#define QTYPE_TRANSFER 251u /* IXFR; 252 is AXFR */

static void pkt_free(ldns_pkt **pkt)
{
    if (*pkt)
        ldns_pkt_free(*pkt);
}

static void list_free(ldns_rr_list **list)
{
    if (*list)
        ldns_rr_list_deep_free(*list);
}

/* --- records -------------------------------------------------------------------------------------- */

/* Takes the data. */
static int push_rr(ldns_pkt *answer, const ldns_rdf *owner, ldns_rr_type type, ldns_rdf *data)
{
    ldns_rr *rr = ldns_rr_new();

    if (!rr || !data) {
        ldns_rdf_deep_free(data);
        ldns_rr_free(rr);
        return -ENOMEM;
    }
    ldns_rr_set_owner(rr, ldns_rdf_clone(owner));
    ldns_rr_set_ttl(rr, VNL_DNS_TTL_S);
    ldns_rr_set_type(rr, type);
    ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
    if (!ldns_rr_push_rdf(rr, data)) {
        ldns_rdf_deep_free(data);
        ldns_rr_free(rr);
        return -ENOMEM;
    }
    return ldns_pkt_push_rr(answer, LDNS_SECTION_ANSWER, rr) ? 0 : -ENOMEM;
}

static int push_addr(ldns_pkt *answer, const ldns_rdf *owner, const struct vnl_addr *addr)
{
    bool is_v4 = addr->family == AF_INET;

    return push_rr(answer, owner, is_v4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA,
                   ldns_rdf_new_frm_data(is_v4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA,
                                         vnl_addr_bits(addr->family) / 8, addr->bytes));
}

static int push_addrs(ldns_pkt *answer, const ldns_rr *question, const struct vnl_plan *plan,
                      const struct vnl_plan_vm *vm)
{
    ldns_rr_type type = ldns_rr_get_type(question);
    const struct vnl_addr *a = vnl_names_addr(plan, vm, AF_INET), *aaaa = vnl_names_addr(plan, vm, AF_INET6);
    int r = 0;

    if (a && (type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_ANY))
        r = push_addr(answer, ldns_rr_owner(question), a);
    if (r == 0 && aaaa && (type == LDNS_RR_TYPE_AAAA || type == LDNS_RR_TYPE_ANY))
        r = push_addr(answer, ldns_rr_owner(question), aaaa);
    return r;
}

/* --- the answer to one question ------------------------------------------------------------------- */

static int answer_pointer(ldns_pkt *answer, const ldns_rr *question, const char *target)
{
    ldns_rr_type type = ldns_rr_get_type(question);

    if (type != LDNS_RR_TYPE_PTR && type != LDNS_RR_TYPE_ANY)
        return 0;
    return push_rr(answer, ldns_rr_owner(question), LDNS_RR_TYPE_PTR, ldns_dname_new_frm_str(target));
}

/* name: the question's, as text without the dot at the end. */
static int answer_name(ldns_pkt *answer, const ldns_rr *question, const struct vnl_plan *plan,
                       const struct vnl_plan_nic *from, const char *name)
{
    CLEANUP(vnl_str_free) char *pointed = NULL;
    const struct vnl_plan_vm *vm;
    struct vnl_addr addr;

    if (vnl_names_reverse(name, &addr) == 0 && (pointed = vnl_names_of(plan, from, &addr)))
        return answer_pointer(answer, question, pointed);
    vm = vnl_names_find(plan, from, name);
    if (vm)
        return push_addrs(answer, question, plan, vm);
    ldns_pkt_set_rcode(answer, LDNS_RCODE_NXDOMAIN);
    return 0;
}

static int answer_question(ldns_pkt *answer, const ldns_rr *question, const struct vnl_plan *plan,
                           const struct vnl_plan_nic *from)
{
    ldns_rr_class class = ldns_rr_get_class(question);
    unsigned type = (unsigned)ldns_rr_get_type(question);
    CLEANUP(vnl_str_free) char *name = NULL;
    size_t len;

    if (!from || (class != LDNS_RR_CLASS_IN && class != LDNS_RR_CLASS_ANY) || type == QTYPE_TRANSFER ||
        type == QTYPE_TRANSFER + 1) {
        ldns_pkt_set_rcode(answer, LDNS_RCODE_REFUSED);
        return 0;
    }
    name = ldns_rdf2str(ldns_rr_owner(question));
    if (!name)
        return -ENOMEM;
    len = strlen(name);
    if (len && name[len - 1] == '.')
        name[len - 1] = '\0';
    return answer_name(answer, question, plan, from, name);
}

/* --- messages ------------------------------------------------------------------------------------- */

/* An answer without anything of the query but its id, opcode and RD. */
static ldns_pkt *answer_new(const uint8_t *query)
{
    ldns_pkt *answer = ldns_pkt_new();

    if (!answer)
        return NULL;
    ldns_pkt_set_id(answer, (uint16_t)(query[0] << 8 | query[1]));
    ldns_pkt_set_opcode(answer, (ldns_pkt_opcode)(query[2] >> 3 & 15));
    ldns_pkt_set_qr(answer, true);
    ldns_pkt_set_rd(answer, query[2] & 1);
    ldns_pkt_set_ra(answer, true);
    return answer;
}

static void answer_edns(ldns_pkt *answer, const ldns_pkt *query)
{
    if (!ldns_pkt_edns(query))
        return;
    ldns_pkt_set_edns_udp_size(answer, VNL_DNS_UDP_MAX);
    if (ldns_pkt_edns_version(query) == 0)
        return;
    ldns_pkt_set_rcode(answer, RCODE_BADVERS & 15u);
    ldns_pkt_set_edns_extended_rcode(answer, RCODE_BADVERS >> 4);
}

static int fill(ldns_pkt *answer, const ldns_pkt *query, const struct vnl_plan *plan,
                const struct vnl_plan_nic *from)
{
    const ldns_rr *question;
    ldns_rr *copy;

    if (ldns_pkt_qdcount(query) != 1 || !(question = ldns_rr_list_rr(ldns_pkt_question(query), 0))) {
        ldns_pkt_set_rcode(answer, LDNS_RCODE_FORMERR);
        return 0;
    }
    copy = ldns_rr_clone(question);
    if (!copy || !ldns_pkt_push_rr(answer, LDNS_SECTION_QUESTION, copy))
        return -ENOMEM;
    answer_edns(answer, query);
    return ldns_pkt_edns_extended_rcode(answer) ? 0 : answer_question(answer, question, plan, from);
}

/* Truncated: the question alone, and the client comes again over TCP. */
static int to_wire(ldns_pkt *answer, size_t limit, uint8_t **ret, size_t *ret_size)
{
    CLEANUP(list_free) ldns_rr_list *cut = NULL;

    if (ldns_pkt2wire(ret, answer, ret_size) != LDNS_STATUS_OK)
        return -ENOMEM;
    if (*ret_size <= limit)
        return 0;
    free(*ret);
    *ret = NULL;
    cut = ldns_pkt_answer(answer);
    ldns_pkt_set_answer(answer, ldns_rr_list_new());
    ldns_pkt_set_ancount(answer, 0);
    ldns_pkt_set_tc(answer, true);
    return ldns_pkt2wire(ret, answer, ret_size) == LDNS_STATUS_OK ? 0 : -ENOMEM;
}

static size_t limit_of(const ldns_pkt *query, size_t room)
{
    size_t takes = query && ldns_pkt_edns(query) ? ldns_pkt_edns_udp_size(query) : UDP_MIN;

    if (takes < UDP_MIN)
        takes = UDP_MIN;
    return room == VNL_DNS_TCP_MAX || takes > room ? room : takes;
}

int vnl_dns_answer(const struct vnl_plan *plan, const struct vnl_plan_nic *from, const uint8_t *query,
                   size_t size, size_t room, uint8_t **ret, size_t *ret_size)
{
    CLEANUP(pkt_free) ldns_pkt *asked = NULL, *answer = NULL;
    int r = 0;

    if (size < HEADER_SIZE || query[2] & 0x80)
        return -EINVAL;
    answer = answer_new(query);
    if (!answer)
        return -ENOMEM;
    if (ldns_pkt_get_opcode(answer) != LDNS_PACKET_QUERY)
        ldns_pkt_set_rcode(answer, LDNS_RCODE_NOTIMPL);
    else if (ldns_wire2pkt(&asked, query, size) != LDNS_STATUS_OK)
        ldns_pkt_set_rcode(answer, LDNS_RCODE_FORMERR);
    else
        r = fill(answer, asked, plan, from);
    return r < 0 ? r : to_wire(answer, limit_of(asked, room), ret, ret_size);
}
