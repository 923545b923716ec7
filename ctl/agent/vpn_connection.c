#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vnetlab/digest.h"
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

static void put_side(struct vnl_vici_message *message, const char *side, const char *id)
{
    vnl_vici_open(message, side);
    vnl_vici_put(message, "auth", "psk");
    vnl_vici_put(message, "id", id);
    vnl_vici_close(message);
}

static void put_child(struct vnl_vici_message *message, const struct vnl_plan_tunnel *tunnel,
                      const char *child)
{
    vnl_vici_open(message, "children");
    vnl_vici_open(message, child);
    put_selectors(message, "local_ts", tunnel->local_ts, tunnel->n_local_ts);
    put_selectors(message, "remote_ts", tunnel->remote_ts, tunnel->n_remote_ts);
    put_words(message, "esp_proposals", tunnel->esp);
    put_seconds(message, "rekey_time", tunnel->child_lifetime_s);
    if (tunnel->child_bytes)
        put_number(message, "rekey_bytes", tunnel->child_bytes);
    vnl_vici_put(message, "mode", "tunnel");
    vnl_vici_put(message, "start_action", "none"); /* "start" would close the IKE_SA when it is replaced */
    vnl_vici_put(message, "close_action", "none");
    vnl_vici_put(message, "dpd_action", "restart");
    vnl_vici_close(message);
    vnl_vici_close(message);
}

/* encap: ESP in UDP. libipsec has no other, also as peer: a peer that has another engine, or a configuration of its owner's, finds
 * out by itself. */
void vnl_vpn_connection_write(struct vnl_vici_message *message, const struct vnl_plan *plan,
                              const struct vnl_plan_tunnel *tunnel, enum vnl_vpn_engine engine,
                              const char *child)
{
    unsigned tries = vnl_vpn_dpd_tries(vnl_vpn_dpd_least(plan, tunnel, engine));
    char local[VNL_ADDR_STR], remote[VNL_ADDR_STR];
    const char *one[1];

    (void)vnl_addr_format(&plan->gateways[tunnel->gateway].outer, local);
    (void)vnl_addr_format(&tunnel->remote, remote);
    vnl_vici_open(message, tunnel->ifname);
    vnl_vici_put(message, "version", tunnel->ike_v1 ? "1" : "2");
    one[0] = local;
    vnl_vici_put_list(message, "local_addrs", one, 1);
    one[0] = remote;
    vnl_vici_put_list(message, "remote_addrs", one, 1);
    put_words(message, "proposals", tunnel->ike);
    vnl_vici_put(message, "encap", engine == VNL_VPN_LIBIPSEC ? "yes" : "no");
    vnl_vici_put(message, "mobike", "no");
    put_seconds(message, "dpd_delay", vnl_vpn_dpd_delay(tunnel->dpd_s, tries));
    vnl_vici_put(message, "keyingtries", "0");
    put_seconds(message, "rekey_time", tunnel->ike_lifetime_s);
    vnl_vici_put(message, "unique", "replace");
    if (engine == VNL_VPN_XFRM) {
        put_number(message, "if_id_in", tunnel->if_id);
        put_number(message, "if_id_out", tunnel->if_id);
    }
    put_side(message, "local", local);
    put_side(message, "remote", remote);
    put_child(message, tunnel, child);
    vnl_vici_close(message);
}

int vnl_vpn_child_name(const struct vnl_plan *plan, const struct vnl_plan_tunnel *tunnel,
                       enum vnl_vpn_engine engine, char ret[VNL_VPN_CHILD_STR])
{
    static const uint8_t zero[VNL_DIGEST_SIZE];
    struct vnl_vici_message message = { .bytes = NULL };
    uint8_t digest[VNL_DIGEST_SIZE];
    bool failed;

    vnl_vpn_connection_write(&message, plan, tunnel, engine, "c");
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

    vnl_digest(zero, key, strlen(key), digest);
    (void)snprintf(ret, VNL_VPN_SECRET_STR, "%s-%02x%02x", ifname, digest[0], digest[1]);
}
