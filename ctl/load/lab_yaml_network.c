/* Quantities of the network: latency between regions, the bandwidth of a VM; and a VNet's DNS servers. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- number and unit --------------------------------------------------------------------------------- */

struct unit {
    const char *name;
    uint64_t factor;
};

/* "2.5Gbps": at most three digits behind the dot, so that all is counted in whole numbers. false: no such text. */
static bool parse_quantity(const char *text, const struct unit *units, size_t n, uint64_t *ret)
{
    size_t whole = strspn(text, "0123456789"), part = 0;
    uint64_t thousandths = 0;
    const char *rest = text + whole;

    if (whole == 0 || whole > 9)
        return false;
    thousandths = strtoull(text, NULL, 10) * 1000;
    if (*rest == '.') {
        uint64_t weight = 100;

        part = strspn(++rest, "0123456789");
        if (part == 0 || part > 3)
            return false;
        for (size_t i = 0; i < part; i++, weight /= 10)
            thousandths += weight * (uint64_t)(rest[i] - '0');
        rest += part;
    }
    rest += strspn(rest, " ");
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(rest, units[i].name) == 0) {
            *ret = thousandths * units[i].factor / 1000;
            return true;
        }
    }
    return false;
}

/* --- bandwidth --------------------------------------------------------------------------------------- */

static const struct unit rates[] = {
    { "bps", 1 }, { "kbps", 1000 }, { "Mbps", 1000000 }, { "Gbps", 1000000000 }
};
#define BANDWIDTH_MIN UINT64_C(8000) /* a small packet in a second */
#define BANDWIDTH_MAX UINT64_C(1000000000000)

void vnl_lab_read_bandwidth(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                            const struct vnl_yaml *node)
{
    uint64_t *bandwidth = (uint64_t *)((char *)resource + key->field), value;

    if (node->type != VNL_YAML_SCALAR || !parse_quantity(node->text, rates, ARRAY_SIZE(rates), &value) ||
        value < BANDWIDTH_MIN || value > BANDWIDTH_MAX)
        vnl_lab_wrong_type(l, key->name, "a rate from 8kbps to 1000Gbps, such as 1Gbps", node);
    else
        *bandwidth = value;
}

/* --- latency ----------------------------------------------------------------------------------------- */

static const struct unit times[] = { { "us", 1 }, { "ms", 1000 }, { "s", 1000000 } };
#define RTT_MAX_US UINT64_C(10000000)

/* The entry being read. */
struct reading {
    char *a, *b;
    uint64_t rtt_us;
};

static void reading_done(struct reading *reading)
{
    free(reading->a);
    free(reading->b);
}

/* As scopes have it: "East US" is "eastus". */
static void copy_region(struct vnl_loading *l, char **ret, const char *text)
{
    char *end;

    vnl_lab_copy(l, ret, text);
    if (!*ret)
        return;
    end = *ret;
    for (const char *c = *ret; *c; c++) {
        if (*c != ' ')
            *end++ = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    }
    *end = '\0';
}

static void read_between(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                         const struct vnl_yaml *node)
{
    struct reading *reading = resource;
    const char *a, *b;

    if (node->type != VNL_YAML_SEQ) {
        vnl_lab_wrong_type(l, key->name, key->type, node);
        return;
    }
    if (node->n_kids != 2) {
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", "such as [eastus, westeurope]",
                        "'%s' names %zu regions, and not two", key->name, node->n_kids);
        return;
    }
    a = vnl_lab_text(l, key->name, "a region", node->kids[0]);
    b = vnl_lab_text(l, key->name, "a region", node->kids[1]);
    if (!a || !b)
        return;
    copy_region(l, &reading->a, a);
    copy_region(l, &reading->b, b);
    if (reading->a && reading->b && strcmp(reading->a, reading->b) == 0)
        vnl_lab_mistake(l, node->src, NULL, "latency is between regions; inside of one there is none here",
                        "'%s' names one region twice: %s", key->name, reading->a);
}

static void read_rtt(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                     const struct vnl_yaml *node)
{
    struct reading *reading = resource;
    uint64_t value;

    if (node->type != VNL_YAML_SCALAR || !parse_quantity(node->text, times, ARRAY_SIZE(times), &value) ||
        !value || value > RTT_MAX_US)
        vnl_lab_wrong_type(l, key->name, "a time from 1us to 10s, such as 60ms", node);
    else
        reading->rtt_us = value;
}

static const struct vnl_lab_key latency_keys[] = {
    { "between", read_between, .type = "a list of two regions", .fallback = "required",
      .text = "such as `[eastus, westeurope]`" },
    { "rtt", read_rtt, .type = "a time with its unit", .fallback = "required",
      .text = "round trip, in `us`, `ms` or `s`: `60ms`; half of it each way" },
};
const struct vnl_lab_keys vnl_lab_latency_keys = { "Latency", "a latency", latency_keys,
                                                   ARRAY_SIZE(latency_keys) };

/* Takes the regions over. */
static void add_latency(struct vnl_loading *l, const struct vnl_src *src, struct reading *reading)
{
    struct vnl_lab *lab = l->lab;
    struct vnl_latency *list = reallocarray(lab->latencies, lab->n_latencies + 1, sizeof(*list));

    if (!list) {
        (void)vnl_fail(&l->mistakes, ENOMEM, "latency");
        return;
    }
    lab->latencies = list;
    lab->latencies[lab->n_latencies++] = (struct vnl_latency){
        .src = *src, .a = TAKE_PTR(reading->a), .b = TAKE_PTR(reading->b), .rtt_us = (uint32_t)reading->rtt_us
    };
}

static void read_latency(struct vnl_loading *l, const struct vnl_yaml *node)
{
    CLEANUP(reading_done) struct reading reading = { 0 };
    const struct vnl_err *before = l->mistakes;

    if (node->type != VNL_YAML_MAP) {
        vnl_lab_wrong_type(l, "latency", "'azure' or a list of maps", node);
        return;
    }
    vnl_lab_read_map(l, &vnl_lab_latency_keys, &reading, node);
    if (l->mistakes != before)
        return;
    if (!reading.a || !reading.rtt_us)
        vnl_lab_missing(l, node, "write '{between: [eastus, westeurope], rtt: 80ms}'",
                        reading.a ? "rtt" : "between");
    else
        add_latency(l, &node->src, &reading);
}

void vnl_lab_read_latency(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                          const struct vnl_yaml *node)
{
    static const char *const azure[] = { "azure" };

    (void)resource;
    if (node->type == VNL_YAML_SCALAR && strcmp(node->text, azure[0]) == 0) {
        l->lab->azure_latency = true;
    } else if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < node->n_kids; i++) {
            vnl_lab_enter(l, &node->kids[i]->src, "latency", NULL);
            l->target[0] = '\0'; /* the place says it: entries have no names */
            read_latency(l, node->kids[i]);
        }
    } else if (node->type == VNL_YAML_SCALAR && vnl_nearest(node->text, azure, 1)) {
        vnl_lab_mistake(l, node->src, "InvalidRequestContent", "did you mean 'azure'?",
                        "'%s' must be %s, not '%.40s'", key->name, key->type, node->text);
    } else if (!vnl_yaml_is_null(node)) {
        vnl_lab_wrong_type(l, key->name, key->type, node);
    }
}

/* --- DNS servers ------------------------------------------------------------------------------------- */

#define DNS_MAX 20u /* spec 1.8 */

static void add_server(struct vnl_loading *l, const struct vnl_lab_key *key, struct vnl_vnet *vnet,
                       const struct vnl_yaml *node)
{
    const char *text = vnl_lab_text(l, key->name, key->type, node);
    struct vnl_addr *servers, addr;

    if (!text)
        return;
    if (vnl_addr_parse(text, &addr, NULL) < 0) {
        vnl_lab_wrong_type(l, key->name, "an IP address such as 10.0.0.4", node);
        return;
    }
    servers = reallocarray(vnet->dns, vnet->n_dns + 1, sizeof(*servers));
    if (!servers) {
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
        return;
    }
    vnet->dns = servers;
    vnet->dns[vnet->n_dns++] = addr;
}

/* Source of the limit: Azure limits, "DNS servers per virtual network"; the code is not known. */
void vnl_lab_read_dns(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                      const struct vnl_yaml *node)
{
    struct vnl_vnet *vnet = resource;

    if (vnet->n_dns) {
        vnl_lab_mistake(l, node->key_src, NULL, "leave one of them out",
                        "'dnsServers' and 'dhcpOptions' say the same thing");
        return;
    }
    if (node->type != VNL_YAML_SEQ) {
        add_server(l, key, vnet, node);
        return;
    }
    for (size_t i = 0; i < node->n_kids; i++)
        add_server(l, key, vnet, node->kids[i]);
    if (node->n_kids > DNS_MAX)
        vnl_lab_mistake(l, node->src, "BadRequest", NULL, "'%s' has %zu servers; at most %u are allowed",
                        key->name, node->n_kids, DNS_MAX);
}

static const struct vnl_lab_key dhcp_keys[] = {
    { "dnsServers", vnl_lab_read_dns, .type = "an IP address or a list of them", .fallback = "-",
      .text = "" },
};
static const struct vnl_lab_keys dhcp_table = { "DHCP options", "dhcpOptions", dhcp_keys,
                                                ARRAY_SIZE(dhcp_keys) };

void vnl_lab_read_dhcp(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    (void)key;
    vnl_lab_read_map(l, &dhcp_table, resource, node);
}
