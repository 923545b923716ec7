#include "bgp_tables.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/json.h"

struct column {
    const char *header, *key;
};

/* The first column of each is only there when it tells rows apart. */
static const struct column peer_columns[] = {
    { "LocalAddress", "localAddress" },
    { "Neighbor", "neighbor" },
    { "ASN", "asn" },
    { "State", "state" },
    { "ConnectedDuration", "connectedDuration" },
    { "RoutesReceived", "routesReceived" },
    { "MessagesSent", "messagesSent" },
    { "MessagesReceived", "messagesReceived" },
};

static const struct column route_columns[] = {
    { "Neighbor", "neighbor" }, { "Network", "network" },
    { "NextHop", "nextHop" },   { "SourcePeer", "sourcePeer" },
    { "Origin", "origin" },     { "AsPath", "asPath" },
    { "Weight", "weight" },     { "LocalAddress", "localAddress" },
};
#define COLUMNS_MAX 8
static_assert(ARRAY_SIZE(peer_columns) <= COLUMNS_MAX && ARRAY_SIZE(route_columns) <= COLUMNS_MAX,
              "room for every column");

static enum vnl_tone tone_of(const char *key, const char *text)
{
    if (strcmp(key, "state") != 0)
        return VNL_TONE_PLAIN;
    return !strcmp(text, "Connected") ? VNL_TONE_GOOD : VNL_TONE_WARN;
}

static void cell(struct vnl_table *table, const struct vnl_json *item, const char *key)
{
    const char *text = vnl_json_get_text(item, key);
    int64_t number = vnl_json_get_int(item, key, -1);

    if (text || number < 0)
        vnl_table_cell(table, tone_of(key, text ? text : ""), "%s", text ? text : "");
    else
        vnl_table_cell(table, VNL_TONE_PLAIN, "%" PRId64, number);
}

static int print(FILE *out, const struct vnl_json *list, const struct column *columns, size_t n_columns,
                 struct vnl_err **err)
{
    const char *headers[COLUMNS_MAX];
    CLEANUP(vnl_table_free) struct vnl_table *table = NULL;

    for (size_t i = 0; i < n_columns; i++)
        headers[i] = columns[i].header;
    table = vnl_table_new(headers, n_columns);
    for (size_t i = 0; i < vnl_json_len(list); i++)
        for (size_t k = 0; k < n_columns; k++)
            cell(table, vnl_json_at(list, i), columns[k].key);
    return vnl_table_print(out, table, true, err);
}

/* Of an active-active gateway, each instance has its own. */
static bool has_two_local_addresses(const struct vnl_json *list)
{
    const char *first = vnl_json_get_text(vnl_json_at(list, 0), "localAddress");

    for (size_t i = 1; i < vnl_json_len(list); i++) {
        const char *other = vnl_json_get_text(vnl_json_at(list, i), "localAddress");

        if (first && other && strcmp(first, other) != 0)
            return true;
    }
    return false;
}

int vnl_bgp_peers_print(FILE *out, const struct vnl_json *list, struct vnl_err **err)
{
    size_t skip = has_two_local_addresses(list) ? 0 : 1;

    return print(out, list, peer_columns + skip, ARRAY_SIZE(peer_columns) - skip, err);
}

int vnl_bgp_routes_print(FILE *out, const struct vnl_json *list, struct vnl_err **err)
{
    size_t skip = vnl_json_get_text(vnl_json_at(list, 0), "neighbor") ? 0 : 1;

    return print(out, list, route_columns + skip, ARRAY_SIZE(route_columns) - skip, err);
}

struct vnl_json *vnl_bgp_to_json(struct vnl_json *list)
{
    struct vnl_json *json = vnl_json_object();

    if (vnl_json_set(json, "value", list) < 0)
        vnl_json_free(&json);
    return json;
}
