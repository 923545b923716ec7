/* What a guest's BIRD says of its sessions and routes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgp_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define TRUST_MS 3000  /* tunnels are known again by then */
#define RETRY_MS 60000 /* a peer that sent too much */

static void sessions_free(struct vnl_bird_session **sessions)
{
    free(*sessions);
}

static const struct vnl_bird_session *find(const struct vnl_bird_session *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i].name, name))
            return &list[i];
    return NULL;
}

/* BIRD's words for the states of RFC 4271. */
static enum vnl_bgp_state state_of(const struct vnl_bird_session *said)
{
    static const char *const trying[] = { "Connect", "Active", "OpenSent", "OpenConfirm" };

    if (!said)
        return VNL_BGP_UNKNOWN;
    if (said->down)
        return VNL_BGP_STOPPED;
    if (!strcmp(said->state, "Established"))
        return VNL_BGP_CONNECTED;
    for (size_t i = 0; i < ARRAY_SIZE(trying); i++)
        if (!strcmp(said->state, trying[i]))
            return VNL_BGP_CONNECTING;
    return VNL_BGP_IDLE;
}

static bool note_session(struct vnl_bgp_session *session, const struct vnl_bird_session *said, int64_t now)
{
    enum vnl_bgp_state state = state_of(said);
    bool changed = state != session->state || (said && said->since_s != session->since_s);

    if (changed || state != VNL_BGP_CONNECTED)
        session->ready = false;
    if (state == VNL_BGP_CONNECTED || !session->up)
        session->retry_ms = 0;
    else if (state == VNL_BGP_STOPPED && said->error[0] && !session->retry_ms)
        session->retry_ms = now + RETRY_MS;
    session->state = state;
    session->since_s = said ? said->since_s : 0;
    session->received = said ? said->received : 0;
    (void)snprintf(session->error, sizeof(session->error), "%s",
                   said && state != VNL_BGP_CONNECTED ? said->error : "");
    return changed;
}

static int ask_sessions(struct vnl_bgp_guest *guest, struct vnl_bird_session **ret, size_t *ret_n,
                        struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    int r = vnl_bird_ask(guest->control.fd, "show protocols all", &text, err);

    if (r == 0 && vnl_bird_sessions_parse(text, ret, ret_n) < 0)
        r = vnl_fail(err, ENOMEM, "its sessions");
    return r;
}

static int look_at_sessions(struct vnl_bgp_guest *guest, int64_t now, struct vnl_err **err)
{
    CLEANUP(sessions_free) struct vnl_bird_session *said = NULL;
    bool changed = false;
    size_t n = 0;
    int r = ask_sessions(guest, &said, &n, err);

    for (size_t i = 0; i < guest->n_sessions && r == 0; i++) {
        struct vnl_bgp_session *session = &guest->sessions[i];

        changed |= note_session(session, find(said, n, session->ifname), now);
    }
    if (changed) {
        guest->bgp->serial++;
        guest->changed_ms = now;
    }
    return r;
}

static bool same_route(const struct vnl_bird_route *a, const struct vnl_bird_route *b)
{
    return a->best == b->best && a->learned == b->learned && vnl_prefix_eq(&a->prefix, &b->prefix) &&
           !strcmp(a->session, b->session) && !strcmp(a->as_path, b->as_path) &&
           vnl_addr_eq(&a->next_hop, &b->next_hop);
}

static bool same_routes(const struct vnl_bird_routes *a, const struct vnl_bird_routes *b)
{
    for (size_t i = 0; i < a->n && a->n == b->n; i++)
        if (!same_route(&a->items[i], &b->items[i]))
            return false;
    return a->n == b->n;
}

static int look_at_routes(struct vnl_bgp_guest *guest, int64_t now, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *text = NULL;
    struct vnl_bird_routes routes = { .items = NULL };
    int r = vnl_bird_ask(guest->control.fd, "show route all", &text, err);

    if (r == 0 && vnl_bird_routes_parse(text, &routes) < 0)
        r = vnl_fail(err, ENOMEM, "its routes");
    if (r < 0)
        return r;
    if (!guest->known || !same_routes(&guest->routes, &routes)) {
        guest->bgp->dirty = true;
        guest->changed_ms = now;
    }
    vnl_bird_routes_done(&guest->routes);
    guest->routes = routes;
    guest->known = true;
    return 0;
}

int vnl_bgp_guest_look(struct vnl_bgp_guest *guest, int64_t now, struct vnl_err **err)
{
    int r = look_at_sessions(guest, now, err);

    guest->look_ms = 0;
    guest->looked_ms = now;
    return r < 0 ? r : look_at_routes(guest, now, err);
}

int vnl_bgp_guest_trust(struct vnl_bgp_guest *guest, int64_t now, struct vnl_err **err)
{
    CLEANUP(sessions_free) struct vnl_bird_session *said = NULL;
    size_t n = 0;
    int r = ask_sessions(guest, &said, &n, err);

    for (size_t i = 0; i < guest->n_sessions && r == 0; i++) {
        struct vnl_bgp_session *session = &guest->sessions[i];
        const struct vnl_bird_session *is = find(said, n, session->ifname);

        session->up = is && !is->down;
        session->trust_ms = session->up ? now + TRUST_MS : 0;
    }
    return r;
}

void vnl_bgp_guest_forget(struct vnl_bgp_guest *guest)
{
    for (size_t i = 0; i < guest->n_sessions; i++) {
        struct vnl_bgp_session *session = &guest->sessions[i];

        session->state = VNL_BGP_UNKNOWN;
        session->since_s = 0;
        session->received = 0;
        session->error[0] = '\0';
        session->retry_ms = session->trust_ms = 0;
        session->ready = false;
    }
    vnl_bird_routes_done(&guest->routes);
    guest->look_ms = guest->looked_ms = 0;
    guest->known = true;
    guest->bgp->dirty = true;
    guest->bgp->serial++;
}
