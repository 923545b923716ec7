#include "labs.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 12

struct builder {
    struct vnl_lab *lab;
    struct vnl_vnet *vnet; /* the last one */
    struct vnl_src src;
    char *words[WORDS_MAX];
    size_t n_words;
    struct vnl_err **err;
};

/* The value of "key=value" among the words, or NULL. */
static const char *option(const struct builder *b, const char *key)
{
    size_t len = strlen(key);

    for (size_t i = 0; i < b->n_words; i++) {
        if (strncmp(b->words[i], key, len) == 0 && b->words[i][len] == '=')
            return b->words[i] + len + 1;
    }
    return NULL;
}

static bool flag(const struct builder *b, const char *name)
{
    for (size_t i = 0; i < b->n_words; i++) {
        if (strcmp(b->words[i], name) == 0)
            return true;
    }
    return false;
}

/* The word unless it is missing or an option. */
static const char *operand(const struct builder *b, size_t i)
{
    return i < b->n_words && !strchr(b->words[i], '=') ? b->words[i] : NULL;
}

typedef void each_fn(void *arg, const char *item);

static void each(const char *list, each_fn *fn, void *arg)
{
    char *copy = list ? strdup(list) : NULL, *rest = copy, *item;

    while (copy && (item = strsep(&rest, ",")))
        fn(arg, item);
    free(copy);
}

static void add_prefix(void *arg, const char *text)
{
    struct vnl_prefix prefix;

    assert_int_equal(vnl_prefix_parse(text, &prefix, NULL), 0);
    assert_int_equal(vnl_prefixes_add(arg, &prefix), 0);
}

static void add_name(void *arg, const char *name)
{
    assert_int_equal(vnl_names_add(arg, name), 0);
}

static struct vnl_scope scope_of(const struct builder *b)
{
    return (struct vnl_scope){ (char *)option(b, "subscription"), (char *)option(b, "group"),
                               (char *)option(b, "location") };
}

static void add_vnet(struct builder *b)
{
    struct vnl_scope scope = scope_of(b);

    b->vnet = vnl_vnet_add(b->lab, b->words[1], &scope, &b->src, b->err);
    assert_non_null(b->vnet);
    each(operand(b, 2), add_prefix, &b->vnet->space);
}

static void add_subnet(struct builder *b)
{
    struct vnl_subnet *subnet = vnl_subnet_add(b->vnet, b->words[1], &b->src, b->err);

    assert_non_null(subnet);
    each(operand(b, 2), add_prefix, &subnet->prefixes);
}

static void add_peer(struct builder *b)
{
    struct vnl_peering *link = vnl_peering_add(b->vnet, b->words[1], &b->src, b->err);

    assert_non_null(link);
    link->remote_ref = strdup(b->words[2]);
    link->allow_vnet_access = !flag(b, "noaccess");
    link->allow_forwarded_traffic = flag(b, "forwarded");
    link->allow_gateway_transit = flag(b, "transit");
    link->use_remote_gateways = flag(b, "gateways");
    link->only_ipv6 = flag(b, "ipv6");
    link->complete_vnets = !option(b, "local") && !option(b, "remote");
    each(option(b, "local"), add_name, &link->local_subnets);
    each(option(b, "remote"), add_name, &link->remote_subnets);
}

static void add_address(void *arg, const char *text)
{
    struct vnl_nic *nic = arg;
    struct vnl_ip_config *config;
    struct vnl_addr addr;

    assert_int_equal(vnl_addr_parse(text, &addr, NULL), 0);
    config = vnl_ip_config_add(nic, NULL, &nic->src, NULL);
    assert_non_null(config);
    config->is_static = true;
    config->addr = addr;
}

struct nic_arg {
    struct builder *b;
    struct vnl_vm *vm;
};

static void add_nic(void *arg, const char *subnet)
{
    struct nic_arg *a = arg;
    struct vnl_nic *nic;
    char name[128];

    (void)snprintf(name, sizeof(name), a->vm->n_nics ? "%.100s-nic%zu" : "%.100s-nic", a->vm->name,
                   a->vm->n_nics);
    nic = vnl_nic_add(a->vm, name, &a->b->src, a->b->err);
    assert_non_null(nic);
    nic->subnet_ref = strdup(subnet);
}

static void add_vm(struct builder *b)
{
    struct vnl_scope scope = scope_of(b);
    struct nic_arg arg = { b, vnl_vm_add(b->lab, b->words[1], &scope, &b->src, b->err) };

    assert_non_null(arg.vm);
    each(operand(b, 2), add_nic, &arg);
    if (arg.vm->n_nics)
        each(operand(b, 3), add_address, arg.vm->nics[0]);
    arg.vm->bandwidth_bps = option(b, "bandwidth") ? strtoull(option(b, "bandwidth"), NULL, 10) : 0;
}

static void add_host(struct builder *b)
{
    struct vnl_host *host = vnl_host_add(b->lab, b->words[1], &b->src, b->err);

    assert_non_null(host);
    assert_int_equal(vnl_addr_parse(b->words[2], &host->addr, NULL), 0);
}

static void add_gateway(struct builder *b)
{
    struct vnl_scope scope = scope_of(b);
    struct vnl_vpn_gateway *gateway = vnl_vpn_gateway_add(b->lab, b->words[1], &scope, &b->src, b->err);

    assert_non_null(gateway);
    gateway->vnet_ref = strdup(b->words[2]);
    gateway->sku = strdup(option(b, "sku") ? option(b, "sku") : "VpnGw1AZ");
    b->lab->gateway_throughput |= flag(b, "throughput");
}

static void add_local_gateway(struct builder *b)
{
    struct vnl_scope scope = scope_of(b);
    struct vnl_local_gateway *local = vnl_local_gateway_add(b->lab, b->words[1], &scope, &b->src, b->err);

    assert_non_null(local);
    assert_int_equal(vnl_addr_parse(b->words[2], &local->addr, NULL), 0);
    each(operand(b, 3), add_prefix, &local->prefixes);
}

static void add_connection(struct builder *b)
{
    struct vnl_scope scope = scope_of(b);
    struct vnl_connection *connection = vnl_connection_add(b->lab, b->words[1], &scope, &b->src, b->err);
    bool is_site = strcmp(b->words[0], "s2s") == 0;

    assert_non_null(connection);
    connection->type = is_site ? VNL_CONNECTION_IPSEC : VNL_CONNECTION_VNET;
    connection->gateway1_ref = strdup(b->words[2]);
    *(is_site ? &connection->local2_ref : &connection->gateway2_ref) = strdup(b->words[3]);
    connection->shared_key = strdup(option(b, "key") ? option(b, "key") : "testsecret");
}

static void add_site(struct builder *b)
{
    struct vnl_site *site = vnl_site_add(b->lab, b->words[1], &b->src, b->err);

    assert_non_null(site);
    assert_int_equal(vnl_addr_parse(b->words[2], &site->addr, NULL), 0);
    each(operand(b, 3), add_prefix, &site->prefixes);
    site->shared_key = strdup(option(b, "key") ? option(b, "key") : "testsecret");
}

static void add_site_host(struct builder *b)
{
    struct vnl_site *site = vnl_site_lookup(b->lab, b->words[2]);
    struct vnl_site_host *host = site ? vnl_site_host_add(b->lab, site, b->words[1], &b->src, b->err) : NULL;

    assert_non_null(host);
    assert_int_equal(vnl_addr_parse(b->words[3], &host->addr, NULL), 0);
}

static void add_expect(struct builder *b)
{
    struct vnl_expect *expect = vnl_expect_add(b->lab, &b->src, b->err);
    const char *tcp = option(b, "tcp"), *udp = option(b, "udp");

    assert_non_null(expect);
    expect->from = strdup(b->words[1]);
    expect->to = strdup(b->words[2]);
    expect->proto = tcp ? VNL_EXPECT_TCP : udp ? VNL_EXPECT_UDP : VNL_EXPECT_ICMP;
    expect->port = (uint16_t)atoi(tcp ? tcp : udp ? udp : "0");
}

static const struct {
    const char *name;
    void (*add)(struct builder *b);
    size_t n_operands;
} kinds[] = {
    { "vnet", add_vnet, 1 },       { "subnet", add_subnet, 1 },     { "peer", add_peer, 2 },
    { "vm", add_vm, 1 },           { "expect", add_expect, 2 },     { "host", add_host, 2 },
    { "gateway", add_gateway, 2 }, { "lng", add_local_gateway, 3 }, { "v2v", add_connection, 3 },
    { "s2s", add_connection, 3 },  { "site", add_site, 3 },         { "sitehost", add_site_host, 3 },
};

static void split_words(struct builder *b, char *line)
{
    char *word;

    b->n_words = 0;
    while ((word = strsep(&line, " "))) {
        if (!*word)
            continue;
        assert_true(b->n_words < WORDS_MAX);
        b->words[b->n_words++] = word;
    }
}

static void add_line(struct builder *b, char *line)
{
    split_words(b, line);
    if (b->n_words == 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].name, b->words[0]) != 0)
            continue;
        if (b->n_words <= kinds[i].n_operands)
            fail_msg("line %d: '%s' needs more words", b->src.line, b->words[0]);
        kinds[i].add(b);
        return;
    }
    fail_msg("line %d: what is '%s'?", b->src.line, b->words[0]);
}

struct vnl_lab *labs_build(const char *text, struct vnl_err **err)
{
    struct builder b = { .src = { "lab.yaml", 0, 1 }, .err = err };
    char *copy = strdup(text), *rest = copy, *line;

    assert_non_null(copy);
    assert_int_equal(vnl_lab_new("test", &b.lab, err), 0);
    while ((line = strsep(&rest, "\n"))) {
        b.src.line++;
        add_line(&b, line);
    }
    free(copy);
    return b.lab;
}

static void must_be_fine(const char *given, struct vnl_err **err)
{
    if (*err) {
        vnl_err_print(stderr, *err);
        vnl_err_free(err);
        fail_msg("no mistake is expected: %s", given);
    }
}

struct vnl_lab *labs_resolve(const char *text)
{
    struct vnl_err *err = NULL;
    struct vnl_lab *lab = labs_build(text, &err);
    int r = vnl_lab_resolve(lab, &err);

    must_be_fine(text, &err);
    assert_int_equal(r, 0);
    return lab;
}

struct vnl_lab *labs_settle(const char *text, const struct vnl_lab *before)
{
    struct vnl_lab *lab = labs_resolve(text);
    struct vnl_err *err = NULL;
    int r = vnl_lab_settle(lab, before, &err);

    must_be_fine(text, &err);
    assert_int_equal(r, 0);
    return lab;
}

/* --- tables ------------------------------------------------------------------------------------------ */

static struct vnl_err *play(const char *text, const struct vnl_lab *before)
{
    struct vnl_err *err = NULL;
    struct vnl_lab *lab = labs_build(text, &err);
    int r = vnl_lab_resolve(lab, &err);

    if (!err)
        r = vnl_lab_settle(lab, before, &err);
    else
        r = -EINVAL;
    assert_int_equal(r, err ? -EINVAL : 0);
    vnl_lab_free(&lab);
    return err;
}

struct vnl_err *labs_mistakes(const char *text)
{
    struct vnl_err *err = play(text, NULL);

    assert_non_null(err);
    return err;
}

const struct vnl_err *labs_find(const struct vnl_err *err, const char *code, size_t *ret_n)
{
    const struct vnl_err *found = NULL;
    size_t n = 0;

    for (; err; err = err->next) {
        if (strcmp(err->code ? err->code : "", code) == 0) {
            found = err;
            n++;
        }
    }
    if (ret_n)
        *ret_n = n;
    return found;
}

static void check_words(const struct labs_case *row, const struct vnl_err *err)
{
    char *copy = row->words ? strdup(row->words) : NULL, *rest = copy, *word;

    while (copy && (word = strsep(&rest, "|"))) {
        if (!strstr(err->msg, word) && !(err->hint && strstr(err->hint, word)))
            fail_msg("%s: '%s' is not in: %s (%s)", row->given, word, err->msg,
                     err->hint ? err->hint : "no hint");
    }
    free(copy);
}

static void check_row(const struct labs_case *row)
{
    CLEANUP(vnl_lab_free) struct vnl_lab *before = row->before ? labs_settle(row->before, NULL) : NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = play(row->lab, before);

    if (!row->code) {
        must_be_fine(row->given, &err);
        return;
    }
    if (vnl_err_count(err) != 1 || !labs_find(err, row->code, NULL)) {
        vnl_err_print(stderr, err);
        fail_msg("%s: %zu mistakes, expected one '%s'", row->given, vnl_err_count(err), row->code);
    }
    check_words(row, err);
}

void labs_check(const struct labs_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_row(&cases[i]);
}

/* --- looking ----------------------------------------------------------------------------------------- */

static char *next_buffer(size_t *ret_size)
{
    static char buffers[4][512];
    static size_t next;

    *ret_size = sizeof(buffers[0]);
    return buffers[next++ % 4];
}

const char *labs_addr(const struct vnl_lab *lab, const char *vm, int family)
{
    const struct vnl_vm *found = vnl_vm_lookup(lab, vm);
    const struct vnl_addr *addr = found ? vnl_nic_addr(found->nics[0], family) : NULL;
    size_t size;
    char *buf = next_buffer(&size);

    if (!found)
        fail_msg("no VM '%s'", vm);
    return addr ? vnl_addr_format(addr, buf) : "-";
}

struct vnl_peering *labs_link(const struct vnl_lab *lab, const char *vnet, const char *name)
{
    const struct vnl_vnet *found = vnl_vnet_lookup(lab, vnet);
    struct vnl_peering *link = found ? vnl_peering_lookup(found, name) : NULL;

    if (!link)
        fail_msg("no peering '%s/%s'", vnet, name);
    return link;
}

const char *labs_link_text(const struct vnl_lab *lab, const char *vnet, const char *name)
{
    const struct vnl_peering *link = labs_link(lab, vnet, name);
    size_t size;
    char *buf = next_buffer(&size), prefix[VNL_PREFIX_STR];
    int len =
        snprintf(buf, size, "%s %s", vnl_peering_state_str(link->state), vnl_peering_sync_str(link->sync));

    for (size_t i = 0; i < link->remote_space.n; i++)
        len += snprintf(buf + len, size - (size_t)len, "%c%s", i ? ',' : ' ',
                        vnl_prefix_format(&link->remote_space.items[i], prefix));
    return buf;
}
