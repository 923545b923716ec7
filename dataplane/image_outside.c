/* The internet's part of an image: public IPs, and for each NIC its way out (spec 6.2). NICs without a public IP share it: on a NAT
 * gateway all are equal, with default outbound access those 62 slots apart. */
#include "image_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/err.h"
#include "vnetlab/plan.h"

#define OUT_TIMEOUT_S 240 /* what goes out by a public IP; NAT gateways have their own */

bool vnl_image_has_internet(const struct vnl_plan *plan)
{
    return plan->internet < plan->n_vnets && plan->vnets[plan->internet].internet;
}

/* --- public IPs --------------------------------------------------------------------------------------------------------- */

static bool is_of_nic(const struct vnl_plan *plan, const struct vnl_plan_public *public_ip)
{
    return public_ip->nic < plan->n_nics && public_ip->addr.family == AF_INET &&
           public_ip->inner.family == AF_INET;
}

static int put_public(struct vnl_image_pool *pool, const struct vnl_plan *plan,
                      const struct vnl_plan_public *from, uint32_t *ret)
{
    struct vnl_public public_ip = {
        .nic = plan->nics[from->nic].slot,
        .flags = from->closed ? VNL_PUBLIC_CLOSED : 0,
        .timeout_s = from->timeout_s,
    };

    memcpy(&public_ip.inner, from->inner.bytes, sizeof(public_ip.inner));
    memcpy(&public_ip.outer, from->addr.bytes, sizeof(public_ip.outer));
    return vnl_image_put(pool, &public_ip, sizeof(public_ip), ret);
}

/* By NIC, then in the plan's order. */
struct by_nic {
    uint32_t nic, index;
};

static int by_nic_cmp(const void *a, const void *b)
{
    const struct by_nic *left = a, *right = b;

    if (left->nic != right->nic)
        return left->nic < right->nic ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

int vnl_image_put_publics(struct vnl_image_layout *layout, const struct vnl_plan *plan, struct vnl_err **err)
{
    struct by_nic *order = calloc(plan->n_publics + 1, sizeof(*order));
    size_t n = 0;
    int r = 0;

    if (!order)
        return vnl_fail(err, ENOMEM, "public IPs of lab '%s'", plan->lab);
    for (uint32_t i = 0; i < plan->n_publics; i++)
        if (is_of_nic(plan, &plan->publics[i]))
            order[n++] = (struct by_nic){ plan->publics[i].nic, i };
    qsort(order, n, sizeof(*order), by_nic_cmp);
    for (size_t i = 0; i < n && r == 0; i++) {
        const struct vnl_plan_public *public_ip = &plan->publics[order[i].index];

        r = put_public(&layout->pool, plan, public_ip, &layout->publics[order[i].index]);
        if (r < 0)
            r = vnl_image_full(&layout->pool, r, "public IP", public_ip->name, err);
    }
    free(order);
    return r;
}

/* --- the internet's table ------------------------------------------------------------------------------------------------ */

size_t vnl_image_count_outer(const struct vnl_plan *plan)
{
    size_t n = plan->n_publics;

    for (size_t i = 0; i < plan->n_nats; i++)
        n += plan->nats[i].n_outer;
    return n;
}

static struct vnl_image_span span_of(const struct vnl_addr *addr, uint16_t kind, uint32_t at)
{
    return (struct vnl_image_span){
        .prefix = { .addr = *addr, .len = 32 },
        .entry = { .kind = kind, .at = at },
    };
}

size_t vnl_image_outer_spans(const struct vnl_image_layout *layout, const struct vnl_plan *plan,
                             struct vnl_image_span *spans)
{
    size_t n = 0;

    for (size_t i = 0; i < plan->n_publics; i++)
        if (is_of_nic(plan, &plan->publics[i]))
            spans[n++] = span_of(&plan->publics[i].addr, VNL_ROUTE_KIND_PUBLIC, layout->publics[i]);
    for (size_t i = 0; i < plan->n_nats; i++)
        for (size_t k = 0; k < plan->nats[i].n_outer; k++)
            spans[n++] = span_of(&plan->nats[i].outer[k], VNL_ROUTE_KIND_SESSION, 0);
    return n;
}

/* --- ways out ------------------------------------------------------------------------------------------------------------ */

struct outsides {
    struct vnl_image_layout *layout;
    const struct vnl_plan *plan;
    uint32_t *outer;  /* by plan->nats: pool offset of its addresses, 0 = not put yet */
    uint32_t *first;  /* by plan->nics: pool offset of its public IPs */
    uint32_t *n;      /* by plan->nics: their number */
    uint32_t *shared; /* pool offsets of those without public IPs */
    size_t n_shared;
};

/* A NIC's lie side by side, in the order of the plan. */
static void find_publics(struct outsides *out)
{
    for (size_t i = 0; i < out->plan->n_publics; i++) {
        const struct vnl_plan_public *public_ip = &out->plan->publics[i];

        if (is_of_nic(out->plan, public_ip) && out->n[public_ip->nic]++ == 0)
            out->first[public_ip->nic] = out->layout->publics[i];
    }
}

static int put_outer(struct outsides *out, uint32_t index)
{
    const struct vnl_plan_nat *nat = &out->plan->nats[index];
    struct vnl_image_pool *pool = &out->layout->pool;
    int r;

    if (out->outer[index])
        return 0;
    r = vnl_image_take(pool, nat->n_outer * sizeof(__be32), &out->outer[index]);
    for (size_t i = 0; r == 0 && i < nat->n_outer; i++)
        memcpy(pool->bytes + out->outer[index] + i * sizeof(__be32), nat->outer[i].bytes, sizeof(__be32));
    return r;
}

static void use_nat(const struct outsides *out, const struct vnl_plan_nic *nic, struct vnl_outside *ret)
{
    const struct vnl_plan_nat *nat = &out->plan->nats[nic->nat];

    ret->flags = nat->gateway ? VNL_OUTSIDE_GATEWAY : 0;
    ret->outer = out->outer[nic->nat];
    ret->n_outer = (uint32_t)nat->n_outer;
    ret->port_first = nic->nat_port_first;
    ret->n_ports = nic->nat_ports;
    ret->tcp_timeout_s = nat->tcp_timeout_s;
    ret->udp_timeout_s = nat->udp_timeout_s;
}

static int put_shared(struct outsides *out, const struct vnl_outside *outside, uint32_t *ret)
{
    struct vnl_image_pool *pool = &out->layout->pool;
    int r;

    for (size_t i = 0; i < out->n_shared; i++)
        if (memcmp(pool->bytes + out->shared[i], outside, sizeof(*outside)) == 0) {
            *ret = out->shared[i];
            return 0;
        }
    r = vnl_image_put(pool, outside, sizeof(*outside), ret);
    if (r == 0)
        out->shared[out->n_shared++] = *ret;
    return r;
}

static int put_outside(struct outsides *out, size_t index)
{
    const struct vnl_plan_nic *nic = &out->plan->nics[index];
    struct vnl_outside outside = {
        .internet = out->layout->tables[out->plan->internet].v4,
        .publics = out->first[index],
        .n_publics = out->n[index],
        .tcp_timeout_s = OUT_TIMEOUT_S,
        .udp_timeout_s = OUT_TIMEOUT_S,
    };
    uint32_t *ret = &out->layout->outsides[index];

    if (nic->nat < out->plan->n_nats) {
        int r = put_outer(out, nic->nat);

        if (r < 0)
            return r;
        use_nat(out, nic, &outside);
    }
    return outside.n_publics ? vnl_image_put(&out->layout->pool, &outside, sizeof(outside), ret)
                             : put_shared(out, &outside, ret);
}

/* Sites have no way to the internet beside their device. */
static bool goes_out(const struct vnl_plan *plan, const struct vnl_plan_nic *nic)
{
    return nic->vnet != plan->internet && !plan->vnets[nic->vnet].site;
}

static void outsides_done(struct outsides *out)
{
    free(out->outer);
    free(out->first);
    free(out->n);
    free(out->shared);
}

int vnl_image_put_outsides(struct vnl_image_layout *layout, const struct vnl_plan *plan, struct vnl_err **err)
{
    struct outsides out = {
        .layout = layout,
        .plan = plan,
        .outer = calloc(plan->n_nats + 1, sizeof(*out.outer)),
        .first = calloc(plan->n_nics + 1, sizeof(*out.first)),
        .n = calloc(plan->n_nics + 1, sizeof(*out.n)),
        .shared = calloc(plan->n_nics + 1, sizeof(*out.shared)),
    };
    int r = out.outer && out.first && out.n && out.shared ? 0 : -ENOMEM;

    if (r == 0)
        find_publics(&out);
    for (size_t i = 0; i < plan->n_nics && r == 0; i++)
        if (vnl_image_has_nic(plan, i) && goes_out(plan, &plan->nics[i]))
            r = put_outside(&out, i);
    outsides_done(&out);
    return r < 0 ? vnl_image_full(&layout->pool, r, "ways to the internet of lab", plan->lab, err) : 0;
}
