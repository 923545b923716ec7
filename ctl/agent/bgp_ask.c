/* ARM's getBgpPeerStatus, getLearnedRoutes and getAdvertisedRoutes of a gateway (spec 9.4): both instances', if it has two. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bgp_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/plan.h"

#define WEIGHT   32768
#define LOG_SIZE (4u << 20)

static void set_text(struct vnl_json *json, const char *key, const char *text)
{
    (void)vnl_json_set(json, key, vnl_json_str(text));
}

static void set_addr(struct vnl_json *json, const char *key, const struct vnl_addr *addr)
{
    char text[VNL_ADDR_STR];

    set_text(json, key, addr->family ? vnl_addr_format(addr, text) : "");
}

static const struct vnl_plan_gateway *gateway_of(const struct vnl_bgp_guest *guest)
{
    return &guest->bgp->plan->gateways[guest->gateway];
}

static const struct vnl_plan_tunnel *tunnel_of(const struct vnl_bgp_guest *guest, size_t session)
{
    return &guest->bgp->plan->tunnels[guest->sessions[session].tunnel];
}

static bool is_peer(const struct vnl_plan_tunnel *tunnel, const char *peer)
{
    char text[VNL_ADDR_STR];

    return !peer || !strcmp(vnl_addr_format(&tunnel->peer_bgp, text), peer);
}

/* --- peers ---------------------------------------------------------------------------------------- */

/* A TimeSpan of .NET's. */
static void format_duration(int64_t seconds, char *text, size_t size)
{
    int64_t days = seconds / 86400;
    int n = days ? snprintf(text, size, "%lld.", (long long)days) : 0;

    (void)snprintf(text + n, size - (size_t)n, "%02d:%02d:%02d.0000000", (int)(seconds / 3600 % 24),
                   (int)(seconds / 60 % 60), (int)(seconds % 60));
}

static void count_in(int dir_fd, const char *file, const char *session, uint64_t *sent, uint64_t *received)
{
    CLEANUP(vnl_fd_close) int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
    CLEANUP(vnl_str_free) char *text = malloc(LOG_SIZE);
    ssize_t n = fd < 0 || !text ? -1 : read(fd, text, LOG_SIZE - 1);

    if (n < 0)
        return;
    text[n] = '\0';
    vnl_bird_messages_count(text, session, sent, received);
}

static struct vnl_json *peer_of(const struct vnl_bgp_guest *guest, size_t i)
{
    const struct vnl_bgp_session *session = &guest->sessions[i];
    struct vnl_json *json = vnl_json_object();
    uint64_t sent = 0, received = 0;
    int64_t seconds = (int64_t)time(NULL) - session->since_s;
    char duration[32];

    format_duration(session->state == VNL_BGP_CONNECTED && seconds > 0 ? seconds : 0, duration,
                    sizeof(duration));
    count_in(guest->dir_fd, "log.old", session->ifname, &sent, &received);
    count_in(guest->dir_fd, "log", session->ifname, &sent, &received);
    set_addr(json, "localAddress", &gateway_of(guest)->bgp_addr);
    set_addr(json, "neighbor", &tunnel_of(guest, i)->peer_bgp);
    (void)vnl_json_set(json, "asn", vnl_json_int(tunnel_of(guest, i)->peer_asn));
    set_text(json, "state", vnl_bgp_state_str(session->state));
    set_text(json, "connectedDuration", duration);
    (void)vnl_json_set(json, "routesReceived", vnl_json_int(session->received));
    (void)vnl_json_set(json, "messagesSent", vnl_json_int((int64_t)sent));
    (void)vnl_json_set(json, "messagesReceived", vnl_json_int((int64_t)received));
    return json;
}

static int add_peers(struct vnl_bgp_guest *guest, const char *peer, struct vnl_json *list,
                     struct vnl_err **err)
{
    (void)err;
    for (size_t i = 0; i < guest->n_sessions; i++)
        if (is_peer(tunnel_of(guest, i), peer))
            (void)vnl_json_push(list, peer_of(guest, i));
    return 0;
}

/* --- routes --------------------------------------------------------------------------------------- */

/* "65010-65020" */
static void set_path(struct vnl_json *json, const char *first, const char *as_path)
{
    CLEANUP(vnl_str_free) char *text = NULL;

    if (asprintf(&text, "%s%s%s", first, *first && *as_path ? " " : "", as_path) < 0)
        text = NULL;
    for (char *at = text; at && (at = strchr(at, ' '));)
        *at = '-';
    set_text(json, "asPath", text);
}

static void set_route(struct vnl_json *json, const struct vnl_bgp_guest *guest,
                      const struct vnl_prefix *prefix, const struct vnl_addr *next_hop,
                      const struct vnl_addr *source, const char *origin)
{
    char text[VNL_PREFIX_STR];

    set_addr(json, "localAddress", &gateway_of(guest)->bgp_addr);
    set_text(json, "network", vnl_prefix_format(prefix, text));
    set_addr(json, "nextHop", next_hop);
    set_addr(json, "sourcePeer", source);
    set_text(json, "origin", origin);
}

static struct vnl_json *route_of(const struct vnl_bgp_guest *guest, const struct vnl_prefix *prefix,
                                 const struct vnl_addr *next_hop, const struct vnl_addr *source,
                                 const char *origin)
{
    struct vnl_json *json = vnl_json_object();

    set_route(json, guest, prefix, next_hop, source, origin);
    return json;
}

static void add_route(struct vnl_json *list, struct vnl_json *json, const char *first, const char *as_path,
                      int weight)
{
    set_path(json, first, as_path);
    (void)vnl_json_set(json, "weight", vnl_json_int(weight));
    (void)vnl_json_push(list, json);
}

static int add_learned(struct vnl_bgp_guest *guest, const char *peer, struct vnl_json *list,
                       struct vnl_err **err)
{
    const struct vnl_plan_gateway *gateway = gateway_of(guest);
    const struct vnl_addr none = { .family = AF_UNSPEC };

    (void)peer;
    (void)err;
    for (size_t i = 0; i < gateway->n_announced; i++)
        add_route(list, route_of(guest, &gateway->announced[i], &none, &gateway->bgp_addr, "Network"), "", "",
                  WEIGHT);
    for (size_t s = 0; s < guest->n_sessions; s++)
        for (size_t i = 0; i < guest->routes.n; i++) {
            const struct vnl_bird_route *route = &guest->routes.items[i];

            if (route->learned && !strcmp(route->session, guest->sessions[s].ifname))
                add_route(
                    list,
                    route_of(guest, &route->prefix, &route->next_hop, &tunnel_of(guest, s)->peer_bgp, "EBgp"),
                    "", route->as_path, WEIGHT);
        }
    return 0;
}

/* What the peer is told begins with our number, as often as the site is to say it more. */
static void format_first(const struct vnl_plan_gateway *gateway, char *text, size_t size)
{
    size_t n = 0;

    for (unsigned i = 0; i <= gateway->prepend && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%u", i ? " " : "", gateway->asn);
}

/* neighbor: to be named; NULL: it was asked for. */
static void add_advertised_to(const struct vnl_bgp_guest *guest, const struct vnl_bird_routes *routes,
                              const struct vnl_addr *neighbor, struct vnl_json *list)
{
    const struct vnl_plan_gateway *gateway = gateway_of(guest);
    char first[512];

    format_first(gateway, first, sizeof(first));
    for (size_t i = 0; i < routes->n; i++) {
        const struct vnl_bird_route *route = &routes->items[i];
        struct vnl_json *json = vnl_json_object();

        if (neighbor)
            set_addr(json, "neighbor", neighbor);
        set_route(json, guest, &route->prefix, &gateway->bgp_addr, &gateway->bgp_addr,
                  route->learned ? "EBgp" : "Network");
        add_route(list, json, first, route->as_path, 0);
    }
}

static int ask_advertised(struct vnl_bgp_guest *guest, const char *session, const struct vnl_addr *neighbor,
                          struct vnl_json *list, struct vnl_err **err)
{
    struct vnl_bird_routes routes = { .items = NULL };
    CLEANUP(vnl_str_free) char *text = NULL;
    char command[64];
    int r;

    (void)snprintf(command, sizeof(command), "show route export " VNL_BIRD_SESSION "%s all", session);
    r = vnl_bird_ask(guest->control.fd, command, &text, err);
    if (r == 0 && vnl_bird_routes_parse(text, &routes) < 0)
        r = vnl_fail(err, ENOMEM, "advertised routes");
    if (r == 0)
        add_advertised_to(guest, &routes, neighbor, list);
    vnl_bird_routes_done(&routes);
    return r;
}

static int add_advertised(struct vnl_bgp_guest *guest, const char *peer, struct vnl_json *list,
                          struct vnl_err **err)
{
    int r = 0;

    for (size_t i = 0; i < guest->n_sessions && r == 0; i++)
        if (is_peer(tunnel_of(guest, i), peer) && guest->sessions[i].state == VNL_BGP_CONNECTED)
            r = ask_advertised(guest, guest->sessions[i].ifname, peer ? NULL : &tunnel_of(guest, i)->peer_bgp,
                               list, err);
    return r;
}

/* --- which of them -------------------------------------------------------------------------------- */

typedef int (*add_fn)(struct vnl_bgp_guest *guest, const char *peer, struct vnl_json *list,
                      struct vnl_err **err);

static add_fn function_of(const char *what)
{
    static const struct {
        const char *what;
        add_fn fn;
    } orders[] = { { "bgp-peers", add_peers },
                   { "bgp-learned", add_learned },
                   { "bgp-advertised", add_advertised } };

    for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
        if (!strcmp(orders[i].what, what))
            return orders[i].fn;
    return NULL;
}

/* The resource's name means all its instances. */
static bool is_meant(const struct vnl_bgp_guest *guest, const char *gateway)
{
    return !strcasecmp(gateway_of(guest)->resource, gateway) || !strcasecmp(guest->name, gateway);
}

static bool has_peer(const struct vnl_bgp_guest *guest, const char *peer)
{
    for (size_t i = 0; i < guest->n_sessions; i++)
        if (is_peer(tunnel_of(guest, i), peer))
            return true;
    return false;
}

static int ask(struct vnl_bgp_control *bgp, add_fn fn, const char *gateway, const char *peer,
               struct vnl_json *list, struct vnl_err **err)
{
    bool found = false, found_peer = false;
    int r = 0;

    for (size_t i = 0; i < bgp->n_guests && r == 0; i++) {
        struct vnl_bgp_guest *guest = bgp->guests[i];

        if (!is_meant(guest, gateway))
            continue;
        found = true;
        found_peer |= has_peer(guest, peer);
        if (guest->phase == VNL_BGP_GUEST_UP)
            (void)vnl_bgp_guest_look(guest, vnl_loop_now_ms(), NULL);
        r = fn(guest, peer, list, err);
    }
    if (r == 0 && !found)
        return vnl_fail(err, ENOENT, "gateway '%s' speaks no BGP", gateway);
    if (r == 0 && !found_peer)
        return vnl_fail(err, ENOENT, "gateway '%s' has no BGP peer %s", gateway, peer);
    return r;
}

struct vnl_json *vnl_bgp_control_ask(struct vnl_bgp_control *bgp, const char *what, const char *gateway,
                                     const char *peer, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *list = vnl_json_array();
    add_fn fn = function_of(what);
    struct vnl_json *json;

    if (!fn || !gateway) {
        (void)vnl_fail(err, EINVAL, "order '%s' is not understood", what);
        return NULL;
    }
    if (ask(bgp, fn, gateway, peer, list, err) < 0)
        return NULL;
    json = vnl_json_object();
    if (vnl_json_set(json, "value", TAKE_PTR(list)) < 0) {
        (void)vnl_fail(err, ENOMEM, "BGP of gateway '%s'", gateway);
        vnl_json_free(&json);
    }
    return json;
}
