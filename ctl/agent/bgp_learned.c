/* What BIRDs have learned, for others: to the VPN controller what each end carries, to the lab's tables what each gateway has. Tunnels first, so that
 * no packet comes to a gateway that does not know its way. */
#include "vnetlab/learned.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgp_parts.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/plan.h"

#define BUSY_MS  100  /* a command is at the lab */
#define AGAIN_MS 1000 /* what failed */

/* --- tunnels -------------------------------------------------------------------------------------- */

/* True: it was other than what was known. */
static bool tell(struct vnl_bgp_guest *guest, struct vnl_bgp_session *session)
{
    const struct vnl_bird_routes *routes = &guest->routes;
    struct vnl_prefix *carries = calloc(routes->n + 1, sizeof(*carries));
    bool news;
    size_t n = 0;

    if (!carries)
        return false;
    for (size_t i = 0; i < routes->n; i++)
        if (routes->items[i].best && routes->items[i].learned &&
            !strcmp(routes->items[i].session, session->ifname))
            carries[n++] = routes->items[i].prefix;
    news = !session->told || !vnl_prefixes_same(carries, n, session->carries, session->n_carries);
    if (news)
        guest->bgp->hands.learned_set(guest->bgp->vpn, session->ifname, carries, n);
    free(session->carries);
    session->carries = carries;
    session->n_carries = n;
    session->told = true;
    return news;
}

static bool tell_all(struct vnl_bgp_control *bgp)
{
    bool news = false;

    for (size_t i = 0; i < bgp->n_guests; i++)
        for (size_t j = 0; j < bgp->guests[i]->n_sessions && bgp->guests[i]->known; j++)
            news |= tell(bgp->guests[i], &bgp->guests[i]->sessions[j]);
    return news;
}

/* --- the best of each gateway and prefix ---------------------------------------------------------- */

struct candidate {
    const char *gateway, *connection;
    const struct vnl_bird_route *route;
    uint32_t instance;
    unsigned hops;
};

static unsigned hops_of(const char *as_path)
{
    unsigned n = 0;

    for (const char *at = as_path; *(at += strspn(at, " ")); at += strcspn(at, " "))
        n++;
    return n;
}

static int cmp_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int r = strcmp(x->gateway, y->gateway);

    if (r == 0)
        r = vnl_prefix_cmp(&x->route->prefix, &y->route->prefix);
    if (r == 0)
        r = x->hops < y->hops ? -1 : x->hops > y->hops;
    return r ? r : x->instance < y->instance ? -1 : x->instance > y->instance;
}

static const char *connection_of(const struct vnl_bgp_guest *guest, const char *session)
{
    for (size_t i = 0; i < guest->n_sessions; i++)
        if (!strcmp(guest->sessions[i].ifname, session))
            return guest->bgp->plan->tunnels[guest->sessions[i].tunnel].connection;
    return NULL;
}

static size_t add_candidates(const struct vnl_bgp_guest *guest, struct candidate *list)
{
    const struct vnl_plan_gateway *gateway = &guest->bgp->plan->gateways[guest->gateway];
    size_t n = 0;

    for (size_t i = 0; i < guest->routes.n; i++) {
        const struct vnl_bird_route *route = &guest->routes.items[i];
        const char *connection = connection_of(guest, route->session);

        if (route->best && route->learned && connection)
            list[n++] = (struct candidate){ gateway->id, connection, route, gateway->instance,
                                            hops_of(route->as_path) };
    }
    return n;
}

static int add_best(const struct candidate *list, size_t n, struct vnl_learned *ret)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++)
        if (i == 0 || strcmp(list[i].gateway, list[i - 1].gateway) != 0 ||
            !vnl_prefix_eq(&list[i].route->prefix, &list[i - 1].route->prefix))
            r = vnl_learned_add(ret, list[i].gateway, list[i].connection, &list[i].route->prefix,
                                list[i].route->as_path);
    return r;
}

int vnl_bgp_learned_collect(const struct vnl_bgp_control *bgp, struct vnl_learned *ret)
{
    struct candidate *list;
    size_t n = 0;
    int r;

    for (size_t i = 0; i < bgp->n_guests; i++)
        n += bgp->guests[i]->routes.n;
    list = calloc(n + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < bgp->n_guests; i++)
        n += add_candidates(bgp->guests[i], list + n);
    qsort(list, n, sizeof(*list), cmp_candidates);
    r = add_best(list, n, ret);
    free(list);
    if (r < 0)
        vnl_learned_done(ret);
    return r;
}

/* --- publishing ----------------------------------------------------------------------------------- */

static bool same(const struct vnl_learned *a, const struct vnl_learned *b)
{
    for (size_t i = 0; i < a->n && a->n == b->n; i++)
        if (strcmp(a->items[i].gateway, b->items[i].gateway) != 0 ||
            strcmp(a->items[i].connection, b->items[i].connection) != 0 ||
            strcmp(a->items[i].as_path, b->items[i].as_path) != 0 ||
            !vnl_prefix_eq(&a->items[i].prefix, &b->items[i].prefix))
            return false;
    return a->n == b->n;
}

/* A set that lacks what a BIRD would say if it were asked would take routes away for a moment. */
static bool is_whole(const struct vnl_bgp_control *bgp, int64_t now)
{
    for (size_t i = 0; i < bgp->n_guests; i++)
        if (!bgp->guests[i]->known && now < bgp->patience_ms)
            return false;
    return true;
}

/* The hands may sort it; `published` keeps the order of collecting, which is what the next one is compared with. */
static int publish(struct vnl_bgp_control *bgp, struct vnl_err **err)
{
    struct vnl_learned learned = { .items = NULL }, copy = { .items = NULL };
    int r = vnl_bgp_learned_collect(bgp, &learned);

    if (r == 0 && (bgp->anew || !same(&learned, &bgp->published))) {
        r = vnl_bgp_learned_collect(bgp, &copy);
        if (r == 0 && (r = bgp->hands.publish(bgp->lab, &copy, err)) == 0) {
            vnl_learned_done(&bgp->published);
            bgp->published = learned;
            learned = (struct vnl_learned){ .items = NULL };
            bgp->has_learned = true;
            bgp->anew = false;
        }
    }
    vnl_learned_done(&learned);
    vnl_learned_done(&copy);
    return r;
}

int vnl_bgp_learned_run(struct vnl_bgp_control *bgp, int64_t now)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r;

    if (!bgp->dirty)
        return -1;
    if (tell_all(bgp))
        return 0; /* the VPN controller's turn */
    if (now < bgp->publish_ms)
        return (int)(bgp->publish_ms - now);
    if (!is_whole(bgp, now))
        return (int)(bgp->patience_ms - now);
    r = publish(bgp, &err);
    bgp->dirty = r < 0;
    if (r < 0 && r != -EBUSY)
        (void)fprintf(stderr, "learned routes: %s\n", err ? err->msg : strerror(-r));
    bgp->publish_ms = r < 0 ? now + (r == -EBUSY ? BUSY_MS : AGAIN_MS) : 0;
    return r < 0 ? (int)(bgp->publish_ms - now) : 0;
}
