/* Who has which address in which subnet: spec 1.4.
 *
 * Every configuration of every NIC and every frontend of a load balancer is a claim on its subnet. Claims are sorted so that those of one subnet
 * and family stand together: first those with an address, by address, then those without, in file order. In
 * that order an address claimed twice stands side by side, what exceeds the subnet's size stands at the end,
 * and one walk upward gives the others the lowest free addresses. So a lab of n NICs costs n log n.
 *
 * An address is there when it is static, or when settle kept it for a dynamic configuration. Azure promises
 * no order for dynamic addresses; lowest first is ours, so that transcripts come out alike (spec 1.4). */
#include "model.h"

#include <stdlib.h>

struct claim {
    const struct vnl_subnet *subnet;
    const char *what, *owner, *part; /* "network interface", "vm-nic", "ipconfig1" */
    const char *id;                  /* of the owner */
    const struct vnl_src *src, *subnet_src;
    struct vnl_addr *addr;
    bool is_static;
    uint16_t family;
    bool fixed;   /* has an address */
    size_t order; /* file order */
};

struct claims {
    struct claim *items;
    size_t n;
};

static int claim_cmp(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int r;

    if (x->subnet->number != y->subnet->number)
        return x->subnet->number < y->subnet->number ? -1 : 1;
    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    if (x->fixed != y->fixed)
        return x->fixed ? -1 : 1;
    r = x->fixed ? vnl_addr_cmp(x->addr, y->addr) : 0;
    return r ? r : (x->order > y->order) - (x->order < y->order);
}

/* Addresses that the subnet cannot give are mistakes already, and claim nothing; so do all in Azure's own
 * subnets, where no VM may be (spec 1.9). */
static bool claimable(const struct claim *claim)
{
    const struct vnl_prefix *prefix;

    if (vnl_special_subnet_lookup(claim->subnet->name))
        return false;
    if (!claim->fixed)
        return vnl_subnet_has_family(claim->subnet, claim->family);
    prefix = vnl_subnet_prefix_of(claim->subnet, claim->addr);
    return prefix && !vnl_addr_reserved(prefix, claim->addr);
}

static void add_claim(struct claims *claims, const struct claim *claim)
{
    struct claim *new = &claims->items[claims->n];

    *new = *claim;
    new->fixed = claim->addr->family != 0;
    new->order = claims->n;
    claims->n += claimable(new);
}

static void add_nic(struct claims *claims, struct vnl_nic *nic)
{
    for (size_t i = 0; nic->subnet && i < nic->n_configs; i++) {
        struct vnl_ip_config *config = &nic->configs[i];

        add_claim(claims, &(struct claim){ .subnet = nic->subnet,
                                           .what = "network interface",
                                           .owner = nic->name,
                                           .part = config->name,
                                           .id = nic->id,
                                           .src = &config->src,
                                           .subnet_src = &nic->subnet_src,
                                           .addr = &config->addr,
                                           .is_static = config->is_static,
                                           .family = config->family });
    }
}

static void add_balancer(struct claims *claims, const struct vnl_lb *lb)
{
    for (size_t i = 0; i < lb->n_frontends; i++) {
        struct vnl_lb_frontend *frontend = lb->frontends[i];

        if (frontend->subnet)
            add_claim(claims, &(struct claim){ .subnet = frontend->subnet,
                                               .what = "load balancer",
                                               .owner = lb->name,
                                               .part = frontend->name,
                                               .id = lb->id,
                                               .src = &frontend->addr_src,
                                               .subnet_src = &frontend->subnet_src,
                                               .addr = &frontend->addr,
                                               .is_static = frontend->is_static,
                                               .family = AF_INET });
    }
}

static size_t count_claims(const struct vnl_lab *lab)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++)
            n += lab->vms[i]->nics[k]->n_configs;
    }
    for (size_t i = 0; i < lab->n_lbs; i++)
        n += lab->lbs[i]->n_frontends;
    return n;
}

/* NICs first: a frontend without an address takes none away that a NIC would have had without it. */
static int claims_build(const struct vnl_lab *lab, struct claims *ret)
{
    struct claims claims = { .items = calloc(count_claims(lab) + 1, sizeof(*claims.items)) };

    if (!claims.items)
        return -ENOMEM;
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++)
            add_nic(&claims, lab->vms[i]->nics[k]);
    }
    for (size_t i = 0; i < lab->n_lbs; i++)
        add_balancer(&claims, lab->lbs[i]);
    qsort(claims.items, claims.n, sizeof(*claims.items), claim_cmp);
    *ret = claims;
    return 0;
}

static void claims_done(struct claims *claims)
{
    free(claims->items);
}

/* --- taken twice ------------------------------------------------------------------------------------- */

/* `a` came first in the file. A kept dynamic address is older than any static one that is written now. */
static void mistake_taken(struct vnl_check *check, const struct claim *a, const struct claim *b)
{
    const struct claim *late = b->is_static || !a->is_static ? b : a, *early = late == b ? a : b;
    char addr[VNL_ADDR_STR];

    vnl_mistake(
        check, "PrivateIPAddressIsAllocated", late->src, late->id,
        early->is_static ? NULL : "that address was given dynamically and is kept: choose another one",
        "IP configuration '%s/%s' is using the private IP address %s which is already allocated to resource "
        "'%s/%s'",
        late->owner, late->part, vnl_addr_format(late->addr, addr), early->owner, early->part);
}

static void check_taken(struct vnl_check *check, const struct claim *claims, size_t n)
{
    size_t owner = 0;

    for (size_t i = 1; i < n && claims[i].fixed; i++) {
        if (vnl_addr_eq(claims[owner].addr, claims[i].addr))
            mistake_taken(check, &claims[owner], &claims[i]);
        else
            owner = i;
    }
}

/* --- full -------------------------------------------------------------------------------------------- */

static uint64_t prefix_capacity(const struct vnl_prefix *prefix)
{
    unsigned host_bits = vnl_addr_bits(prefix->addr.family) - prefix->len;

    if (host_bits < 3)
        return 0;
    if (host_bits > 32)
        return UINT64_MAX / 2;
    return (UINT64_C(1) << host_bits) - 5; /* spec 1.2 */
}

static uint64_t subnet_capacity(const struct vnl_subnet *subnet, uint16_t family)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < subnet->prefixes.n && sum < UINT64_MAX / 2; i++) {
        if (subnet->prefixes.items[i].addr.family == family)
            sum += prefix_capacity(&subnet->prefixes.items[i]);
    }
    return sum;
}

/* The number of addresses is what does not fit, blamed on the first one that is left without. */
static void check_full(struct vnl_check *check, const struct claim *claims, size_t n)
{
    const struct vnl_subnet *subnet = claims[0].subnet;
    uint64_t capacity = subnet_capacity(subnet, claims[0].family);
    CLEANUP(vnl_str_free) char *prefixes = NULL;
    const struct claim *first;

    if (n <= capacity)
        return;
    first = &claims[capacity];
    prefixes = vnl_prefixes_join(&subnet->prefixes);
    vnl_mistake(check, "SubnetIsFull", first->subnet_src, first->id, NULL,
                "Subnet '%s' with address prefix %s does not have enough capacity for %zu IP addresses: %s "
                "'%s' gets none",
                subnet->name, prefixes ? prefixes : "", (size_t)(n - capacity), first->what, first->owner);
}

/* --- groups ------------------------------------------------------------------------------------------ */

typedef void group_fn(struct vnl_check *check, struct claim *claims, size_t n);

/* Calls fn for the claims of each subnet and family. */
static void for_groups(struct vnl_check *check, struct claims *claims, group_fn *fn)
{
    size_t first = 0;

    for (size_t i = 1; i <= claims->n; i++) {
        const struct claim *a = &claims->items[first];

        if (i < claims->n && claims->items[i].subnet == a->subnet && claims->items[i].family == a->family)
            continue;
        fn(check, &claims->items[first], i - first);
        first = i;
    }
}

static void check_group(struct vnl_check *check, struct claim *claims, size_t n)
{
    check_taken(check, claims, n);
    check_full(check, claims, n);
}

void vnl_claims_check(struct vnl_check *check)
{
    CLEANUP(claims_done) struct claims claims = { 0 };

    if (claims_build(check->lab, &claims) < 0)
        vnl_check_nomem(check, "addresses");
    for_groups(check, &claims, check_group);
}

/* --- allocation -------------------------------------------------------------------------------------- */

/* Walks the free addresses of a subnet upward, prefix by prefix, beside the sorted taken ones. */
struct walk {
    const struct vnl_prefixes *prefixes;
    uint16_t family;
    const struct claim *taken;
    size_t n_taken;
    size_t next_prefix;
    size_t next_taken;
    struct vnl_addr next, last; /* next.family 0: between prefixes */
};

static bool enter_prefix(struct walk *walk)
{
    while (walk->next_prefix < walk->prefixes->n) {
        const struct vnl_prefix *prefix = &walk->prefixes->items[walk->next_prefix++];

        walk->next_taken = 0;
        if (prefix->addr.family == walk->family && vnl_prefix_usable(prefix, &walk->next, &walk->last))
            return true;
    }
    return false;
}

static bool is_taken(struct walk *walk)
{
    while (walk->next_taken < walk->n_taken &&
           vnl_addr_cmp(walk->taken[walk->next_taken].addr, &walk->next) < 0)
        walk->next_taken++;
    return walk->next_taken < walk->n_taken && vnl_addr_eq(walk->taken[walk->next_taken].addr, &walk->next);
}

static void walk_step(struct walk *walk)
{
    if (vnl_addr_eq(&walk->next, &walk->last))
        walk->next.family = 0;
    else
        walk->next = vnl_addr_add(&walk->next, 1);
}

static bool walk_next(struct walk *walk, struct vnl_addr *ret)
{
    while (walk->next.family || enter_prefix(walk)) {
        bool found = !is_taken(walk);

        if (found)
            *ret = walk->next;
        walk_step(walk);
        if (found)
            return true;
    }
    return false;
}

static size_t count_fixed(const struct claim *claims, size_t n)
{
    size_t fixed = 0;

    while (fixed < n && claims[fixed].fixed)
        fixed++;
    return fixed;
}

/* The subnet cannot run out here: resolve counted, and kept addresses do not change the number. */
static void allocate_group(struct vnl_check *check, struct claim *claims, size_t n)
{
    size_t fixed = count_fixed(claims, n);
    struct walk walk = {
        .prefixes = &claims[0].subnet->prefixes,
        .family = claims[0].family,
        .taken = claims,
        .n_taken = fixed,
    };

    check_taken(check, claims, n);
    for (size_t i = fixed; i < n; i++) {
        if (!walk_next(&walk, claims[i].addr)) {
            check_full(check, claims, n);
            return;
        }
    }
}

void vnl_claims_allocate(struct vnl_check *check)
{
    CLEANUP(claims_done) struct claims claims = { 0 };

    if (claims_build(check->lab, &claims) < 0)
        vnl_check_nomem(check, "addresses");
    for_groups(check, &claims, allocate_group);
}
