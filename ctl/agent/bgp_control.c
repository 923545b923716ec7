#include "bgp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bgp_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/plan.h"

#define PATIENCE_MS 3000 /* so long a BIRD that does not start holds up what others have learned */

int vnl_bgp_control_new(int epoll_fd, const char *lab, struct vnl_vpn *vpn, const struct vnl_bgp_hands *hands,
                        struct vnl_bgp_control **ret, struct vnl_err **err)
{
    CLEANUP(vnl_bgp_control_free) struct vnl_bgp_control *bgp = calloc(1, sizeof(*bgp));

    if (!bgp || !(bgp->lab = strdup(lab)))
        return vnl_fail(err, ENOMEM, "BGP of lab '%s'", lab);
    bgp->epoll_fd = epoll_fd;
    bgp->vpn = vpn;
    bgp->hands = *hands;
    bgp->anew = true;
    *ret = TAKE_PTR(bgp);
    return 0;
}

static void forget(struct vnl_bgp_control *bgp)
{
    for (size_t i = 0; i < bgp->n_guests; i++)
        vnl_bgp_guest_free(&bgp->guests[i]);
    free(bgp->guests);
    bgp->guests = NULL;
    bgp->n_guests = 0;
    bgp->plan = NULL;
}

void vnl_bgp_control_free(struct vnl_bgp_control **bgp)
{
    if (!*bgp)
        return;
    forget(*bgp);
    vnl_learned_done(&(*bgp)->published);
    free((*bgp)->lab);
    free(*bgp);
    *bgp = NULL;
}

/* --- following a plan ----------------------------------------------------------------------------- */

static bool has_session(const struct vnl_plan *plan, size_t gateway)
{
    for (size_t i = 0; i < plan->n_tunnels && plan->gateways[gateway].asn; i++)
        if (plan->tunnels[i].gateway == gateway && plan->tunnels[i].peer_asn)
            return true;
    return false;
}

static struct vnl_bgp_guest *take(struct vnl_bgp_guest **guests, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (guests[i] && !strcmp(guests[i]->name, name))
            return TAKE_PTR(guests[i]);
    return NULL;
}

/* Those that stay are moved; what is left in the old list is not wanted. */
static int list_guests(struct vnl_bgp_control *bgp, struct vnl_bgp_guest **guests, size_t *n)
{
    const struct vnl_plan *plan = bgp->plan;

    for (size_t i = 0; i < plan->n_gateways; i++) {
        struct vnl_bgp_guest *guest;

        if (!has_session(plan, i))
            continue;
        guest = take(bgp->guests, bgp->n_guests, plan->gateways[i].name);
        if (!guest && !(guest = vnl_bgp_guest_new(bgp, plan->gateways[i].name)))
            return -ENOMEM;
        guests[(*n)++] = guest;
        if (vnl_bgp_guest_follow(guest, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int follow_guests(struct vnl_bgp_control *bgp)
{
    struct vnl_bgp_guest **guests = calloc(bgp->plan->n_gateways + 1, sizeof(struct vnl_bgp_guest *));
    size_t n = 0;
    int r = guests ? list_guests(bgp, guests, &n) : -ENOMEM;

    for (size_t i = 0; i < bgp->n_guests; i++) {
        if (bgp->guests[i] && r == 0)
            vnl_bgp_guest_end(bgp->guests[i]);
        vnl_bgp_guest_free(&bgp->guests[i]);
    }
    free(bgp->guests);
    bgp->guests = guests;
    bgp->n_guests = n;
    return r;
}

static void configure(struct vnl_bgp_guest *guest)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    if (guest->phase == VNL_BGP_GUEST_UP && vnl_bgp_guest_configure(guest, &err) < 0)
        vnl_bgp_guest_lost(guest, err->msg);
}

int vnl_bgp_control_follow(struct vnl_bgp_control *bgp, const struct vnl_plan *plan, struct vnl_err **err)
{
    int64_t now = vnl_loop_now_ms();
    int r;

    bgp->plan = plan;
    bgp->serial++;
    bgp->patience_ms = now + PATIENCE_MS;
    bgp->dirty |= bgp->n_guests > 0;
    r = follow_guests(bgp);
    if (r < 0) {
        forget(bgp); /* half of it would be about the old plan */
        return vnl_fail(err, -r, "BGP: %s", strerror(-r));
    }
    vnl_bgp_sweep(bgp);
    for (size_t i = 0; i < bgp->n_guests; i++) {
        configure(bgp->guests[i]);
        if (bgp->guests[i]->phase == VNL_BGP_GUEST_DOWN)
            (void)vnl_bgp_guest_run(bgp->guests[i], now);
    }
    return 0;
}

static int least_of(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

int vnl_bgp_control_run(struct vnl_bgp_control *bgp)
{
    int64_t now = vnl_loop_now_ms();
    int least = -1;

    for (size_t i = 0; i < bgp->n_guests; i++)
        least = least_of(least, vnl_bgp_guest_run(bgp->guests[i], now));
    return bgp->plan ? least_of(least, vnl_bgp_learned_run(bgp, now)) : -1;
}

bool vnl_bgp_control_has_learned(struct vnl_bgp_control *bgp)
{
    bool has_learned = bgp->has_learned;

    bgp->has_learned = false;
    return has_learned;
}

/* --- what is asked of it -------------------------------------------------------------------------- */

uint64_t vnl_bgp_control_serial(const struct vnl_bgp_control *bgp)
{
    return bgp->serial;
}

/* *ret_guest: whose it is. */
static const struct vnl_bgp_session *session_of(const struct vnl_bgp_control *bgp, size_t tunnel,
                                                const struct vnl_bgp_guest **ret_guest)
{
    for (size_t i = 0; i < bgp->n_guests; i++)
        for (size_t j = 0; j < bgp->guests[i]->n_sessions; j++)
            if ((*ret_guest = bgp->guests[i])->sessions[j].tunnel == tunnel)
                return &bgp->guests[i]->sessions[j];
    return NULL;
}

static const char *reason_of(const struct vnl_bgp_guest *guest, const struct vnl_bgp_session *session)
{
    return guest->why ? guest->why : session->error[0] ? session->error : NULL;
}

void vnl_bgp_control_fill(const struct vnl_bgp_control *bgp, struct vnl_json *states)
{
    for (size_t i = 0; i < vnl_json_len(states); i++) {
        const struct vnl_bgp_guest *guest;
        const struct vnl_bgp_session *session = session_of(bgp, i, &guest);
        struct vnl_json *state = vnl_json_at(states, i);

        (void)vnl_json_set(state, "bgp", vnl_json_bool(session));
        (void)vnl_json_set(state, "bgpState", vnl_json_int(session ? session->state : VNL_BGP_UNKNOWN));
        (void)vnl_json_set(state, "bgpReady", vnl_json_bool(!session || session->ready));
        (void)vnl_json_set(state, "bgpReason", vnl_json_str(session ? reason_of(guest, session) : NULL));
    }
}
