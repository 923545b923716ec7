/* expect: what `vnetlab check` sends real packets for. */
#include "lab_yaml.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "vnetlab/drop.h"

/* The entry being read, and which of its keys were there. */
struct reading {
    struct vnl_expect *expect;
    unsigned n_protos;
    bool has_result;
};

/* Packets to these never reach the network: the guest answers or refuses them itself, so nothing would be tried
 * (spec 1.7 for multicast and broadcast). */
static const struct {
    const char *what;
    struct vnl_prefix prefix;
} outside[] = {
    { "an unspecified", { { AF_INET, { 0 } }, 8 } },
    { "a loopback", { { AF_INET, { 127 } }, 8 } },
    { "a multicast", { { AF_INET, { 224 } }, 4 } },
    { "the broadcast", { { AF_INET, { 255, 255, 255, 255 } }, 32 } },
    { "an unspecified", { { AF_INET6, { 0 } }, 128 } },
    { "a loopback", { { AF_INET6, { [15] = 1 } }, 128 } },
    { "a multicast", { { AF_INET6, { 0xff } }, 8 } },
};

static void check_destination(struct vnl_loading *l, const struct vnl_yaml *node)
{
    struct vnl_addr addr;

    if (vnl_addr_parse(node->text, &addr, NULL) < 0)
        return; /* a VM's name */
    for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
        if (vnl_prefix_has(&outside[i].prefix, &addr))
            vnl_lab_mistake(l, node->src, NULL, "name a VM, or an address of the network",
                            "'to' is %s address: an expectation is about what the network does with a packet",
                            outside[i].what);
    }
}

static void read_end(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                     const struct vnl_yaml *node)
{
    struct reading *r = resource;
    const char *text = vnl_lab_text(l, key->name, key->type, node);

    if (!text)
        vnl_lab_broken(l);
    else if (strcmp(key->name, "to") == 0)
        check_destination(l, node);
    vnl_lab_copy(l, strcmp(key->name, "from") == 0 ? &r->expect->from : &r->expect->to, text ? text : "");
}

static bool parse_result(const struct vnl_yaml *node, enum vnl_expect_result *ret)
{
    for (unsigned i = 0; node->type == VNL_YAML_SCALAR && i < VNL_EXPECT_RESULT_MAX; i++) {
        if (strcasecmp(node->text, vnl_expect_result_str((enum vnl_expect_result)i)) == 0) {
            *ret = (enum vnl_expect_result)i;
            return true;
        }
    }
    return false;
}

static void read_result(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    struct reading *r = resource;

    if (r->has_result)
        vnl_lab_mistake(l, node->key_src, NULL, "leave one of them out",
                        "'icmp' says the result, and '%s' too", key->name);
    r->has_result = true;
    if (!parse_result(node, &r->expect->result))
        vnl_lab_wrong_type(l, key->name, "pass or drop", node);
}

/* `icmp: true` asks for a ping; `icmp: drop` asks for one and says what comes of it. */
static void read_icmp(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    struct reading *r = resource;

    r->n_protos++;
    r->expect->proto = VNL_EXPECT_ICMP;
    if (node->type == VNL_YAML_SCALAR && node->plain && strcasecmp(node->text, "true") == 0)
        return;
    if (!parse_result(node, &r->expect->result))
        vnl_lab_wrong_type(l, key->name, key->type, node);
    else if (r->has_result)
        vnl_lab_mistake(l, node->key_src, NULL, "leave one of them out",
                        "'result' says the result, and 'icmp' too");
    r->has_result = true;
}

static void read_port(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    struct reading *r = resource;
    long port = 0;

    r->n_protos++;
    r->expect->proto = strcmp(key->name, "tcp") == 0 ? VNL_EXPECT_TCP : VNL_EXPECT_UDP;
    if (vnl_lab_number(l, key->name, node, 1, 65535, &port))
        r->expect->port = (uint16_t)port;
}

static void read_ttl(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                     const struct vnl_yaml *node)
{
    struct reading *r = resource;
    long ttl;

    if (vnl_lab_number(l, key->name, node, 1, 255, &ttl))
        r->expect->ttl = (int)ttl;
}

static void read_reason(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    struct reading *r = resource;
    const char *text = vnl_lab_text(l, key->name, key->type, node), *meant;
    enum vnl_drop reason = VNL_DROP_NONE;
    char hint[80];

    if (!text)
        return;
    if (vnl_drop_parse(text, &reason) == 0 && reason != VNL_DROP_NONE) {
        vnl_lab_copy(l, &r->expect->reason, vnl_drop_str(reason));
        return;
    }
    meant = vnl_nearest(text, vnl_drop_names() + 1, VNL_DROP_MAX - 1);
    (void)snprintf(hint, sizeof(hint), "did you mean '%s'?", meant ? meant : "");
    vnl_lab_mistake(l, node->src, NULL, meant ? hint : NULL, "'%.80s' is not a drop reason", text);
}

/* {error: CODE, mentions: TEXT}: the file itself is meant to be refused. `vnetlab check` reads these entries
 * on its own, because there is no lab then; here only their form is looked at. */
static void read_refusal(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    (void)resource;
    (void)vnl_lab_text(l, key->name, key->type, node);
}

static const struct vnl_lab_key refusal_keys[] = {
    { "error", read_refusal, .type = "an ARM error code", .fallback = "required",
      .text = "the file must be refused with this code" },
    { "mentions", read_refusal, .type = "text", .fallback = "not checked",
      .text = "words that the message must contain" },
};
const struct vnl_lab_keys vnl_lab_refusal_keys = { "Expected refusal", "an expected refusal", refusal_keys,
                                                   ARRAY_SIZE(refusal_keys) };

static const struct vnl_lab_key expect_keys[] = {
    { "from", read_end, .type = "the name of a VM or host", .fallback = "required",
      .text = "who sends: a VM, an internet host, a host of a site, or a client" },
    { "to", read_end, .type = "a name or an address", .fallback = "required",
      .text = "where to: the name of a VM, of a host or of a public IP address; or an address" },
    { "icmp", read_icmp, .type = "true, pass or drop", .fallback = "-",
      .text = "ping; `icmp: drop` is short for `icmp: true, result: drop`" },
    { "tcp", read_port, .type = "a port number", .fallback = "-", .text = "connect to this port" },
    { "udp", read_port, .type = "a port number", .fallback = "-",
      .text = "a datagram to this port, and an answer" },
    { "result", read_result, .type = "pass or drop", .fallback = "required", .text = "what comes of it" },
    { "ttl", read_ttl, .type = "1 to 255", .fallback = "not checked",
      .text = "TTL of the answer: 64 = no router between" },
    { "reason", read_reason, .type = "a drop reason", .fallback = "not checked",
      .text = "with `drop`: why, e.g. `NoRoute`" },
};
const struct vnl_lab_keys vnl_lab_expect_keys = { "Expectation", "an expectation", expect_keys,
                                                  ARRAY_SIZE(expect_keys) };

/* What the keys must be together. Only one mistake of these per entry: they tend to have one cause. */
static void check_whole(struct vnl_loading *l, const struct reading *r, const struct vnl_yaml *node)
{
    const struct vnl_expect *expect = r->expect;

    if (!expect->from || !expect->to)
        vnl_lab_missing(l, node, "write '{from: VM, to: VM, icmp: pass}'", expect->from ? "to" : "from");
    else if (r->n_protos != 1)
        vnl_lab_mistake(l, node->src, NULL, "write 'icmp: pass', or 'tcp: 80, result: pass'",
                        "exactly one of 'icmp', 'tcp' and 'udp' is needed");
    else if (!r->has_result)
        vnl_lab_mistake(l, node->src, NULL, "add 'result: pass' or 'result: drop'", "'result' is missing");
    else if (expect->reason && expect->result == VNL_EXPECT_PASS)
        vnl_lab_mistake(l, node->src, NULL, NULL, "'reason' goes with 'drop' only");
    else if (expect->ttl && expect->result == VNL_EXPECT_DROP)
        vnl_lab_mistake(l, node->src, NULL, NULL,
                        "'ttl' goes with 'pass' only: a dropped packet has no answer");
}

static void read_expect(struct vnl_loading *l, const struct vnl_yaml *node)
{
    const struct vnl_err *before = l->mistakes;
    struct reading r = { 0 };

    vnl_lab_enter(l, &node->src, "expect", NULL);
    l->target[0] = '\0'; /* the place says it: entries have no names */
    if (node->type != VNL_YAML_MAP) {
        vnl_lab_wrong_type(l, "expect", "a list of maps", node);
        return;
    }
    if (vnl_yaml_lookup(node, "error")) {
        vnl_lab_read_map(l, &vnl_lab_refusal_keys, &r, node);
        return;
    }
    r.expect = vnl_expect_add(l->lab, &node->src, &l->mistakes);
    if (!r.expect)
        return;
    vnl_lab_read_map(l, &vnl_lab_expect_keys, &r, node);
    if (l->mistakes == before)
        check_whole(l, &r, node);
    if (l->mistakes != before)
        vnl_lab_broken(l);
    if (!r.expect->from)
        vnl_lab_copy(l, &r.expect->from, "");
    if (!r.expect->to)
        vnl_lab_copy(l, &r.expect->to, "");
}

void vnl_lab_read_expects(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    (void)resource;
    if (vnl_yaml_is_null(node))
        return;
    if (node->type != VNL_YAML_SEQ) {
        vnl_lab_wrong_type(l, key->name, "a list", node);
        return;
    }
    for (size_t i = 0; i < node->n_kids; i++)
        read_expect(l, node->kids[i]);
}
