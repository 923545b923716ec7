#include "gateways.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"

#define MANY 8

/* One lab at a time has what is lent here. */
static struct lent {
    uint32_t n_twice; /* gateways */
    char paths[MANY][64];
    size_t n_paths;
    struct vnl_learned_route learned[MANY];
    char ids[MANY][512];
    struct vnl_client clients[MANY], *list[MANY];
    struct vnl_p2s p2s;
    struct vnl_prefix pools[MANY];
} lent;

static struct vnl_p2s_root roots[] = { { .name = (char *)"one" },
                                       { .name = (char *)"two", .data = (char *)"MIIB" } };
static struct vnl_p2s_revoked revoked[] = {
    { .name = (char *)"stolen", .thumbprint = (char *)"0123456789ABCDEF0123456789ABCDEF01234567" }
};

void gateways_free(struct vnl_lab **ret)
{
    struct vnl_lab *lab = *ret;

    for (size_t i = 0; lab && i < lab->n_gateways; i++) {
        struct vnl_vpn_gateway *gateway = lab->gateways[i];

        gateway->active_active = false;
        gateway->n_instances = 1;
        gateway->p2s = NULL;
        vnl_prefixes_done(&gateway->custom_routes);
    }
    for (size_t i = 0; lab && i < lab->n_hosts; i++)
        lab->hosts[i]->client = NULL;
    for (size_t i = 0; lab && i < lab->n_sites; i++)
        vnl_prefixes_done(&lab->sites[i]->advertised);
    if (lab) {
        lab->learned = (struct vnl_learned){ 0 };
        lab->clients = NULL;
        lab->n_clients = 0;
    }
    vnl_lab_free(ret);
    lent = (struct lent){ 0 };
}

struct vnl_addr addr_of_text(const char *text)
{
    struct vnl_addr addr = { 0 };

    assert_int_equal(vnl_addr_parse(text, &addr, NULL), 0);
    return addr;
}

void gateway_twice(struct vnl_lab *lab, const char *name, const char *public_ip)
{
    struct vnl_vpn_gateway *gateway = vnl_vpn_gateway_lookup(lab, name);
    struct vnl_gateway_instance *first = &gateway->instances[0], *second = &gateway->instances[1];
    uint32_t slot = 100 + 2 * lent.n_twice++;
    struct vnl_addr before = first->bgp_addr;

    before.bytes[3]--;
    assert_non_null(second->name);
    second->public_ip = vnl_public_ip_lookup(lab, public_ip);
    assert_non_null(second->public_ip);
    second->inner = vnl_addr_add(&first->inner, 1);
    second->bgp_addr = before;
    second->in_slot = slot;
    second->out_slot = slot + 1;
    gateway->n_instances = 2;
    gateway->active_active = true;
}

void gateway_asn(struct vnl_lab *lab, const char *gateway, uint32_t asn)
{
    vnl_vpn_gateway_lookup(lab, gateway)->asn = asn;
}

void connection_bgp(struct vnl_lab *lab, const char *connection)
{
    vnl_connection_lookup(lab, connection)->enable_bgp = true;
}

static struct vnl_bgp bgp_of(uint32_t asn, const char *addr)
{
    return (struct vnl_bgp){ .written = true, .asn = asn, .addr = addr_of_text(addr) };
}

void local_bgp(struct vnl_lab *lab, const char *local, uint32_t asn, const char *addr)
{
    vnl_local_gateway_lookup(lab, local)->bgp = bgp_of(asn, addr);
}

void site_bgp(struct vnl_lab *lab, const char *site, uint32_t asn, const char *addr)
{
    vnl_site_lookup(lab, site)->bgp = bgp_of(asn, addr);
}

void learn(struct vnl_lab *lab, const char *gateway, const char *connection, const char *prefix,
           const char *as_path)
{
    const struct vnl_connection *found = vnl_connection_lookup(lab, connection);
    const struct vnl_vpn_gateway *at = vnl_vpn_gateway_lookup(lab, gateway);
    size_t n = lab->learned.n;
    char *path = lent.paths[lent.n_paths++];

    assert_in_range(lent.n_paths, 1, MANY);
    snprintf(lent.ids[n], sizeof(lent.ids[n]), "%s", found ? found->id : connection);
    snprintf(path, sizeof(lent.paths[0]), "%s", as_path);
    lent.learned[n].gateway = at->id;
    lent.learned[n].connection = lent.ids[n];
    lent.learned[n].as_path = path;
    assert_int_equal(vnl_prefix_parse(prefix, &lent.learned[n].prefix, NULL), 0);
    lab->learned = (struct vnl_learned){ .items = lent.learned, .n = n + 1 };
}

void gateway_p2s(struct vnl_lab *lab, const char *gateway, const char *pools)
{
    char text[256], *rest = text, *word;

    lent.p2s = (struct vnl_p2s){
        .roots = roots, .n_roots = ARRAY_SIZE(roots), .revoked = revoked, .n_revoked = ARRAY_SIZE(revoked)
    };
    lent.p2s.pool.items = lent.pools;
    snprintf(text, sizeof(text), "%s", pools);
    while ((word = strsep(&rest, " ")))
        assert_int_equal(vnl_prefix_parse(word, &lent.pools[lent.p2s.pool.n++], NULL), 0);
    vnl_vpn_gateway_lookup(lab, gateway)->p2s = &lent.p2s;
}

struct vnl_client *client_of(struct vnl_lab *lab, const char *host, const char *gateway)
{
    struct vnl_client *client = &lent.clients[lab->n_clients];
    char *id = lent.ids[MANY - 1 - lab->n_clients];

    client->host = vnl_host_lookup(lab, host);
    assert_non_null(client->host);
    client->host->client = client;
    client->number = (uint32_t)lab->n_clients;
    client->name = client->host->name;
    client->gateway = vnl_vpn_gateway_lookup(lab, gateway);
    snprintf(id, sizeof(lent.ids[0]), "clients/%s", client->name);
    client->id = id;
    lent.list[lab->n_clients++] = client;
    lab->clients = lent.list;
    return client;
}

char *prefixes_of(const struct vnl_prefix *prefixes, size_t n)
{
    char *text = NULL, buf[VNL_PREFIX_STR];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%s", i ? " " : "", vnl_prefix_format(&prefixes[i], buf));
    fclose(out);
    return text;
}

void assert_prefixes(const struct vnl_prefix *prefixes, size_t n, const char *expected)
{
    CLEANUP(vnl_str_free) char *text = prefixes_of(prefixes, n);

    assert_string_equal(text, expected);
}

void assert_plans_differ(const struct vnl_plan *before, const struct vnl_plan *after, const char *expected)
{
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(vnl_diff_build(before, after, &diff, NULL), 0);
    vnl_diff_print(out, diff);
    fclose(out);
    assert_string_equal(text, expected);
}
