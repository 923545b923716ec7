#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/digest.h"
#include "vnetlab/err.h"
#include "vpn_parts.h"

static void put_seconds(struct vnl_vici_message *message, const char *key, uint64_t seconds)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%" PRIu64 "s", seconds);
    vnl_vici_put(message, key, text);
}

static void put_number(struct vnl_vici_message *message, const char *key, uint64_t number)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    vnl_vici_put(message, key, text);
}

/* At most as many as a message of a sane size holds; a connection's own lists are far smaller. */
#define WORDS_MAX 128

/* "a,b,c" as a list. */
static void put_words(struct vnl_vici_message *message, const char *key, const char *words)
{
    char text[1024];
    const char *items[WORDS_MAX];
    char *rest = text, *word;
    size_t n = 0;

    message->failed |= !words || strlen(words) >= sizeof(text);
    (void)snprintf(text, sizeof(text), "%s", words ? words : "");
    while (n < WORDS_MAX && (word = strsep(&rest, ", ")))
        if (*word)
            items[n++] = word;
    vnl_vici_put_list(message, key, items, n);
}

static void put_selectors(struct vnl_vici_message *message, const char *key, const struct vnl_prefix *list,
                          size_t n)
{
    static const char *const all[] = { "0.0.0.0/0" };
    char texts[WORDS_MAX][VNL_PREFIX_STR];
    const char *items[WORDS_MAX];

    if (!n)
        return vnl_vici_put_list(message, key, all, 1);
    message->failed |= n > WORDS_MAX;
    for (size_t i = 0; i < n && i < WORDS_MAX; i++)
        items[i] = vnl_prefix_format(&list[i], texts[i]);
    vnl_vici_put_list(message, key, items, n < WORDS_MAX ? n : WORDS_MAX);
}

static void put_one(struct vnl_vici_message *message, const char *key, const char *word)
{
    vnl_vici_put_list(message, key, &word, 1);
}

static void put_side(struct vnl_vici_message *message, const char *side, const char *id)
{
    vnl_vici_open(message, side);
    vnl_vici_put(message, "auth", "psk");
    vnl_vici_put(message, "id", id);
    vnl_vici_close(message);
}

/* After the selectors. */
static void end_child(struct vnl_vici_message *message, const struct vnl_plan_tunnel *tunnel)
{
    put_words(message, "esp_proposals", tunnel->esp);
    put_seconds(message, "rekey_time", tunnel->child_lifetime_s);
    if (tunnel->child_bytes)
        put_number(message, "rekey_bytes", tunnel->child_bytes);
    vnl_vici_put(message, "mode", "tunnel");
    vnl_vici_put(message, "start_action", "none"); /* "start" would close the IKE_SA when it is replaced */
    vnl_vici_put(message, "close_action", "none");
    vnl_vici_put(message, "dpd_action", tunnel->kind == VNL_TUNNEL_SERVER ? "clear" : "restart");
    vnl_vici_close(message);
    vnl_vici_close(message);
}

static void put_child(struct vnl_vici_message *message, const struct vnl_plan_tunnel *tunnel,
                      const char *child)
{
    vnl_vici_open(message, "children");
    vnl_vici_open(message, child);
    put_selectors(message, "local_ts", tunnel->local_ts, tunnel->n_local_ts);
    put_selectors(message, "remote_ts", tunnel->remote_ts, tunnel->n_remote_ts);
    end_child(message, tunnel);
}

/* encap: ESP in UDP. libipsec has no other, also as peer: a peer that has another engine, or a configuration of its owner's, finds
 * out by itself. */
static void put_connection(struct vnl_vici_message *message, const struct vnl_plan *plan,
                           const struct vnl_plan_tunnel *tunnel, enum vnl_vpn_engine engine,
                           const char *local, const char *remote)
{
    unsigned tries = vnl_vpn_dpd_tries(vnl_vpn_dpd_least(plan, tunnel, engine));

    vnl_vici_put(message, "version", tunnel->ike_v1 ? "1" : "2");
    put_one(message, "local_addrs", local);
    put_one(message, "remote_addrs", remote);
    put_words(message, "proposals", tunnel->ike);
    vnl_vici_put(message, "encap", engine == VNL_VPN_LIBIPSEC ? "yes" : "no");
    vnl_vici_put(message, "mobike", "no");
    put_seconds(message, "dpd_delay", vnl_vpn_dpd_delay(tunnel->dpd_s, tries));
    vnl_vici_put(message, "keyingtries", "0");
    put_seconds(message, "rekey_time", tunnel->ike_lifetime_s);
    /* One certificate may be several clients': a gateway knows them apart by nothing else. */
    vnl_vici_put(message, "unique", tunnel->kind == VNL_TUNNEL_SERVER ? "never" : "replace");
    if (engine == VNL_VPN_XFRM) {
        put_number(message, "if_id_in", tunnel->if_id);
        put_number(message, "if_id_out", tunnel->if_id);
    }
}

void vnl_vpn_connection_write(struct vnl_vici_message *message, const struct vnl_plan *plan,
                              const struct vnl_plan_tunnel *tunnel, enum vnl_vpn_engine engine,
                              const char *child)
{
    char local[VNL_ADDR_STR], remote[VNL_ADDR_STR];

    (void)vnl_addr_format(&plan->gateways[tunnel->gateway].outer, local);
    (void)vnl_addr_format(&tunnel->remote, remote);
    vnl_vici_open(message, tunnel->ifname);
    put_connection(message, plan, tunnel, engine, local, remote);
    put_side(message, "local", local);
    put_side(message, "remote", remote);
    put_child(message, tunnel, child);
    vnl_vici_close(message);
}

/* --- point-to-site -------------------------------------------------------------------------------- */

static void put_pools(struct vnl_vici_message *message, const struct vnl_plan_tunnel *tunnel)
{
    char names[WORDS_MAX][VNL_VPN_POOL_STR];
    const char *items[WORDS_MAX];

    message->failed |= tunnel->n_routes > WORDS_MAX;
    for (size_t i = 0; i < tunnel->n_routes && i < WORDS_MAX; i++) {
        vnl_vpn_pool_name(tunnel, &tunnel->routes[i], names[i]);
        items[i] = names[i];
    }
    vnl_vici_put_list(message, "pools", items, tunnel->n_routes < WORDS_MAX ? tunnel->n_routes : WORDS_MAX);
}

/* A client is known by its certificate's subject, a gateway by its address, which its certificate is for. */
static void put_certificates(struct vnl_vici_message *message, bool server, const char *gateway,
                             const struct vnl_vpn_credentials *credentials)
{
    vnl_vici_open(message, "local");
    vnl_vici_put(message, "auth", "pubkey");
    put_one(message, "certs", credentials->own.certificate);
    if (server)
        vnl_vici_put(message, "id", gateway);
    vnl_vici_close(message);
    vnl_vici_open(message, "remote");
    vnl_vici_put(message, "auth", "pubkey");
    vnl_vici_put_list(message, "cacerts", (const char *const *)credentials->roots, credentials->n_roots);
    if (credentials->n_accepted)
        vnl_vici_put_list(message, "certs", (const char *const *)credentials->accepted,
                          credentials->n_accepted);
    vnl_vici_put(message, "id", server ? "%any" : gateway);
    vnl_vici_close(message);
}

void vnl_vpn_p2s_write(struct vnl_vici_message *message, const struct vnl_plan *plan,
                       const struct vnl_plan_tunnel *tunnel, enum vnl_vpn_engine engine, const char *child,
                       const struct vnl_vpn_credentials *credentials)
{
    bool server = tunnel->kind == VNL_TUNNEL_SERVER;
    char local[VNL_ADDR_STR], remote[VNL_ADDR_STR] = "%any";

    (void)vnl_addr_format(&plan->gateways[tunnel->gateway].outer, local);
    if (!server)
        (void)vnl_addr_format(&tunnel->remote, remote);
    vnl_vici_open(message, tunnel->ifname);
    put_connection(message, plan, tunnel, engine, local, remote);
    vnl_vici_put(message, "send_cert", "always");
    if (server)
        put_pools(message, tunnel);
    else
        put_one(message, "vips", "0.0.0.0");
    put_certificates(message, server, server ? local : remote, credentials);
    vnl_vici_open(message, "children");
    vnl_vici_open(message, child);
    put_one(message, "local_ts", server ? "0.0.0.0/0" : "dynamic");
    put_one(message, "remote_ts", server ? "dynamic" : "0.0.0.0/0");
    end_child(message, tunnel);
    vnl_vici_close(message);
}

/* --- names ---------------------------------------------------------------------------------------- */

/* Certificates that cannot be used are settings too: it is tried again when they are others. */
static void write_p2s(struct vnl_vici_message *message, const struct vnl_plan *plan,
                      const struct vnl_plan_tunnel *tunnel, enum vnl_vpn_engine engine)
{
    CLEANUP(vnl_vpn_credentials_done) struct vnl_vpn_credentials credentials = { .n_roots = 0 };
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    if (vnl_vpn_credentials_gather(plan, tunnel, &credentials, &err) < 0)
        return vnl_vici_put(message, "failure", err->msg);
    vnl_vpn_p2s_write(message, plan, tunnel, engine, "c", &credentials);
}

int vnl_vpn_child_name(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel,
                       enum vnl_vpn_engine engine, char ret[VNL_VPN_CHILD_STR])
{
    static const uint8_t zero[VNL_DIGEST_SIZE];
    struct vnl_vici_message message = { .bytes = NULL };
    uint8_t digest[VNL_DIGEST_SIZE];
    bool failed;

    if (tunnel->kind == VNL_TUNNEL_CONNECTION)
        vnl_vpn_connection_write(&message, plan, tunnel, engine, "c");
    else
        write_p2s(&message, plan, tunnel, engine);
    failed = message.failed;
    vnl_digest(zero, message.bytes, message.size, digest);
    vnl_vici_message_done(&message);
    ret[0] = 'c';
    for (size_t i = 0; i < 8; i++)
        (void)snprintf(ret + 1 + 2 * i, 3, "%02x", digest[i]);
    return failed ? -ENOMEM : 0;
}

void vnl_vpn_secret_name(const char *ifname, const char *key, char ret[VNL_VPN_SECRET_STR])
{
    static const uint8_t zero[VNL_DIGEST_SIZE];
    uint8_t digest[VNL_DIGEST_SIZE];

    ret[0] = '\0';
    if (!*key)
        return;
    vnl_digest(zero, key, strlen(key), digest);
    (void)snprintf(ret, VNL_VPN_SECRET_STR, "%s-%02x%02x", ifname, digest[0], digest[1]);
}
