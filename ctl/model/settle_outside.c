/* Public IPs, NAT gateways, load balancers and internet hosts from the lab in force to the one asked for: addresses and slots that
 * are kept, and those that are given out.
 *
 * A public IP address is static (spec 6.1): it keeps its address as long as it lives, and cannot get another one; nor does its
 * SKU change. Addresses are given out from documentation ranges, lowest first: 198.51.100.0/24, then 192.0.2.0/25. */
#include "outside.h"
#include "p2s.h"

#include <stdlib.h>
#include <string.h>

#define IPV4(a, b, c, d, bits)                                                                               \
    {                                                                                                        \
        { AF_INET, { a, b, c, d } }, bits                                                                    \
    }

static const struct vnl_prefix public_ranges[] = { IPV4(198, 51, 100, 0, 24), IPV4(192, 0, 2, 0, 25) };

/* --- public IPs: what is kept ------------------------------------------------------------------------ */

/* Source: Azure documentation, "Public IP addresses": SKUs of addresses in use do not change; the code is not known. */
static void check_kept(struct vnl_check *check, const struct vnl_public_ip *one,
                       const struct vnl_public_ip *old)
{
    char was[VNL_ADDR_STR], now[VNL_ADDR_STR];

    vnl_location_check(check, VNL_TYPE_PUBLIC_IP, one->id, one->name, &one->src, &one->scope, &old->scope);
    if (one->sku != old->sku &&
        !(one->gateway && one->implied)) /* then the gateway's SKU did, which is said there */
        vnl_mistake(check, "BadRequest", &one->src, one->id, "give it another name, or remove it first",
                    "Public IP address '%s' is %s and cannot become %s", one->name, vnl_sku_str(old->sku),
                    vnl_sku_str(one->sku));
    if (one->is_static && !vnl_addr_eq(&one->addr, &old->addr))
        vnl_mistake(check, "BadRequest", &one->addr_src, one->id, "give it another name, or remove it first",
                    "Public IP address '%s' has %s and cannot get %s", one->name,
                    vnl_addr_format(&old->addr, was), vnl_addr_format(&one->addr, now));
}

static void keep_public(struct vnl_check *check, struct vnl_public_ip *one)
{
    const struct vnl_public_ip *old = check->before ? vnl_public_ip_lookup(check->before, one->id) : NULL;

    if (!one->is_static)
        one->addr = old ? old->addr : (struct vnl_addr){ 0 };
    if (old)
        check_kept(check, one, old);
}

/* --- public IPs: what is given out ------------------------------------------------------------------- */

/* By address; owner: whose it is, for messages. */
struct taken {
    const struct vnl_addr *addr;
    const struct vnl_public_ip *public_ip;
    const struct vnl_host *host;
    const struct vnl_site *site;
};

static int taken_cmp(const void *a, const void *b)
{
    return vnl_addr_cmp(((const struct taken *)a)->addr, ((const struct taken *)b)->addr);
}

static size_t list_taken(const struct vnl_lab *lab, struct taken *taken)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_public_ips; i++) {
        if (lab->public_ips[i]->addr.family)
            taken[n++] = (struct taken){ .addr = &lab->public_ips[i]->addr, .public_ip = lab->public_ips[i] };
    }
    for (size_t i = 0; i < lab->n_hosts; i++) {
        if (lab->hosts[i]->addr.family)
            taken[n++] = (struct taken){ .addr = &lab->hosts[i]->addr, .host = lab->hosts[i] };
    }
    for (size_t i = 0; i < lab->n_sites; i++)
        taken[n++] = (struct taken){ .addr = &lab->sites[i]->addr, .site = lab->sites[i] };
    qsort(taken, n, sizeof(*taken), taken_cmp);
    return n;
}

/* Two written ones were refused before: one of the two was given its address, is older, and keeps it. */
static void mistake_taken(struct vnl_check *check, const struct taken *a, const struct taken *b)
{
    const struct taken *kept = a->public_ip && !a->public_ip->is_static ? a : b, *new = kept == a ? b : a;
    const char *name = new->host ? new->host->name : new->site ? new->site->name : new->public_ip->name;
    const struct vnl_client *client = new->host ? new->host->client : NULL;
    char text[VNL_ADDR_STR];

    vnl_mistake(check, "BadRequest",
                new->host   ? &new->host->addr_src
                : new->site ? &new->site->addr_src
                            : &new->public_ip->addr_src,
                client      ? client->id
                : new->host ? new->host->id
                : new->site ? new->site->id
                            : new->public_ip->id,
                "that address was given out and is kept: choose another one",
                "%s '%s' cannot have %s: public IP address '%s' has that address",
                client      ? "Client"
                : new->host ? "Internet host"
                : new->site ? "Site"
                            : "Public IP address",
                name, vnl_addr_format(new->addr, text), kept->public_ip->name);
}

static bool is_taken(const struct taken *taken, size_t n, const struct vnl_addr *addr)
{
    const struct taken want = { .addr = addr };

    return bsearch(&want, taken, n, sizeof(*taken), taken_cmp);
}

/* Where the next one is looked for. */
struct walk {
    const struct taken *taken;
    size_t n_taken;
    size_t range;
    uint64_t next; /* in the range; 0 and the last one are no host's */
};

static bool walk_next(struct walk *walk, struct vnl_addr *ret)
{
    for (; walk->range < ARRAY_SIZE(public_ranges); walk->range++, walk->next = 0) {
        const struct vnl_prefix *range = &public_ranges[walk->range];
        uint64_t last = (UINT64_C(1) << (32 - range->len)) - 1;

        while (++walk->next < last) {
            *ret = vnl_addr_add(&range->addr, walk->next);
            if (!is_taken(walk->taken, walk->n_taken, ret))
                return true;
        }
    }
    return false;
}

static void give_publics(struct vnl_check *check, struct walk *walk)
{
    const struct vnl_lab *lab = check->lab;

    for (size_t i = 0; i < lab->n_public_ips; i++) {
        struct vnl_public_ip *one = lab->public_ips[i];
        struct vnl_addr addr;

        if (one->addr.family)
            continue;
        if (!walk_next(walk, &addr)) {
            vnl_mistake(check, "PublicIPCountLimitReached", &one->src, one->id,
                        "write 'ipAddress: ...' for some of them",
                        "198.51.100.0/24 and 192.0.2.0/25 have no address left for public IP address '%s'",
                        one->name);
            return;
        }
        one->addr = addr;
    }
}

static void give_clients(struct vnl_check *check, struct walk *walk)
{
    for (size_t i = 0; i < check->lab->n_clients; i++) {
        const struct vnl_client *client = check->lab->clients[i];
        struct vnl_addr addr;

        if (client->host->addr.family)
            continue;
        if (!walk_next(walk, &addr)) {
            vnl_mistake(check, "BadRequest", &client->src, client->id,
                        "write 'publicIPAddress: ...' for some of them",
                        "198.51.100.0/24 and 192.0.2.0/25 have no address left for client '%s'",
                        client->name);
            return;
        }
        client->host->addr = addr;
    }
}

static void settle_publics(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;
    struct taken *taken = calloc(lab->n_public_ips + lab->n_hosts + lab->n_sites + 1, sizeof(*taken));
    struct walk walk = { .taken = taken };

    if (!taken) {
        vnl_check_nomem(check, "public IP addresses");
        return;
    }
    for (size_t i = 0; i < lab->n_public_ips; i++)
        keep_public(check, lab->public_ips[i]);
    vnl_settle_client_addresses(check);
    walk.n_taken = list_taken(lab, taken);
    for (size_t i = 1; i < walk.n_taken; i++) {
        if (vnl_addr_eq(taken[i - 1].addr, taken[i].addr))
            mistake_taken(check, &taken[i - 1], &taken[i]);
    }
    give_publics(check, &walk);
    give_clients(check, &walk);
    free(taken);
}

/* --- load balancers ---------------------------------------------------------------------------------- */

static void keep_frontend(const struct vnl_lb *old, struct vnl_lb_frontend *frontend)
{
    const struct vnl_lb_frontend *was = old ? vnl_lb_frontend_lookup(old, frontend->name) : NULL;

    if (frontend->is_static)
        return;
    frontend->addr = (struct vnl_addr){ 0 };
    if (was && frontend->subnet && vnl_id_eq(was->subnet->id, frontend->subnet->id) &&
        vnl_subnet_prefix_of(frontend->subnet, &was->addr))
        frontend->addr = was->addr;
}

void vnl_settle_frontends(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_lbs; i++) {
        struct vnl_lb *lb = check->lab->lbs[i];
        const struct vnl_lb *old = check->before ? vnl_lb_lookup(check->before, lb->id) : NULL;

        for (size_t k = 0; k < lb->n_frontends; k++)
            keep_frontend(old, lb->frontends[k]);
    }
}

/* A rule is the same one as long as its balancer and its name stay. */
static void keep_rules(struct vnl_check *check, struct vnl_lb *lb)
{
    const struct vnl_lb *old = check->before ? vnl_lb_lookup(check->before, lb->id) : NULL;

    for (size_t i = 0; i < lb->n_rules; i++) {
        const struct vnl_lb_rule *was = old ? vnl_lb_rule_lookup(old, lb->rules[i]->name) : NULL;

        lb->rules[i]->slot = was ? was->slot : VNL_SLOT_NONE;
    }
    if (!old)
        return;
    vnl_location_check(check, VNL_TYPE_BALANCER, lb->id, lb->name, &lb->src, &lb->scope, &old->scope);
    if (lb->sku != old->sku)
        vnl_mistake(check, "BadRequest", &lb->src, lb->id, "give it another name, or remove it first",
                    "Load balancer '%s' is %s and cannot become %s", lb->name, vnl_sku_str(old->sku),
                    vnl_sku_str(lb->sku));
}

static int assign_rules(const struct vnl_lab *lab)
{
    uint32_t **slots;
    size_t n = 0;
    int r;

    for (size_t i = 0; i < lab->n_lbs; i++)
        n += lab->lbs[i]->n_rules;
    slots = calloc(n + 1, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < lab->n_lbs; i++) {
        for (size_t k = 0; k < lab->lbs[i]->n_rules; k++)
            slots[n++] = &lab->lbs[i]->rules[k]->slot;
    }
    r = vnl_slots_assign(slots, n);
    free(slots);
    return r;
}

/* --- the steps --------------------------------------------------------------------------------------- */

void vnl_settle_hosts(struct vnl_check *check)
{
    vnl_settle_client_hosts(check);
    for (size_t i = 0; i < check->lab->n_hosts; i++) {
        struct vnl_host *host = check->lab->hosts[i];
        const struct vnl_host *old = check->before ? vnl_host_lookup(check->before, host->name) : NULL;

        host->slot = old ? old->slot : VNL_SLOT_NONE;
    }
}

void vnl_settle_outside(struct vnl_check *check)
{
    const struct vnl_lab *lab = check->lab;

    settle_publics(check);
    for (size_t i = 0; i < lab->n_nat_gateways; i++) {
        const struct vnl_nat_gateway *nat = lab->nat_gateways[i];
        const struct vnl_nat_gateway *old =
            check->before ? vnl_nat_gateway_lookup(check->before, nat->id) : NULL;

        if (old)
            vnl_location_check(check, VNL_TYPE_NAT_GATEWAY, nat->id, nat->name, &nat->src, &nat->scope,
                               &old->scope);
    }
    for (size_t i = 0; i < lab->n_lbs; i++)
        keep_rules(check, lab->lbs[i]);
    if (assign_rules(lab) < 0)
        vnl_check_nomem(check, "load balancing rules");
}

/* --- derived ----------------------------------------------------------------------------------------- */

static void derive_frontend(struct vnl_lb_frontend *frontend)
{
    const struct vnl_prefix *prefix = vnl_subnet_prefix_of(frontend->subnet, &frontend->addr);

    if (prefix)
        frontend->subnet_prefix = *prefix;
}

int vnl_outside_derive(const struct vnl_lab *lab)
{
    vnl_public_ips_derive(lab);
    for (size_t i = 0; i < lab->n_hosts; i++)
        lab->hosts[i]->mac = vnl_mac_of_slot(lab->hosts[i]->slot);
    for (size_t i = 0; i < lab->n_lbs; i++) {
        for (size_t k = 0; k < lab->lbs[i]->n_frontends; k++)
            derive_frontend(lab->lbs[i]->frontends[k]);
    }
    return vnl_nat_gateways_derive(lab);
}
