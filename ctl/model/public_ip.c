/* Public IP addresses: made, found and freed, who has them, and what they may be. Spec 6.1.
 *
 * Where a refusal of Azure is known and its code is not, the code is BadRequest, as in peering_check.c. */
#include "gateway.h"
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IPV4(a, b, c, d, bits)                                                                               \
    {                                                                                                        \
        { AF_INET, { a, b, c, d } }, bits                                                                    \
    }

const struct vnl_prefix vnl_default_outbound_prefix = IPV4(192, 0, 2, 128, 25);

/* Private ranges are those that Azure's system routes keep from the internet (spec 4.1); the rest mean something else to
 * every host, or are the platform's. */
static const struct vnl_prefix not_public[] = {
    IPV4(10, 0, 0, 0, 8),  IPV4(172, 16, 0, 0, 12),    IPV4(192, 168, 0, 0, 16), IPV4(100, 64, 0, 0, 10),
    IPV4(0, 0, 0, 0, 8),   IPV4(127, 0, 0, 0, 8),      IPV4(169, 254, 0, 0, 16), IPV4(224, 0, 0, 0, 4),
    IPV4(240, 0, 0, 0, 4), IPV4(168, 63, 129, 16, 32),
};

bool vnl_addr_is_public(const struct vnl_addr *addr)
{
    for (size_t i = 0; i < ARRAY_SIZE(not_public); i++) {
        if (vnl_prefix_has(&not_public[i], addr))
            return false;
    }
    return addr->family == AF_INET;
}

/* --- registry ---------------------------------------------------------------------------------------- */

void vnl_public_ip_free(struct vnl_public_ip **ptr)
{
    struct vnl_public_ip *public_ip = TAKE_PTR(*ptr);

    if (!public_ip)
        return;
    free(public_ip->id);
    free(public_ip->name);
    vnl_scope_done(&public_ip->scope);
    free(public_ip);
}

struct vnl_public_ip *vnl_public_ip_add(struct vnl_lab *lab, const char *name, const struct vnl_scope *scope,
                                        const struct vnl_src *src, struct vnl_err **err)
{
    CLEANUP(vnl_public_ip_free) struct vnl_public_ip *new = calloc(1, sizeof(*new));
    struct vnl_public_ip **list = vnl_list_grow(lab->public_ips, lab->n_public_ips, sizeof(*list));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->public_ips = list ? list : lab->public_ips;
    if (!new || !list || vnl_scope_fill(&new->scope, scope, &lab->defaults, lab->defaults.location) < 0 ||
        !(new->name = strdup(name)) ||
        !(new->id = vnl_id_format(&new->scope, VNL_PUBLIC_IP_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_PUBLIC_IP, name);
    new->src = src ? *src : new->src;
    new->addr_src = new->src;
    new->number = (uint32_t)lab->n_public_ips;
    vnl_name_check(&check, VNL_TYPE_PUBLIC_IP, name, src, new->id);
    if (scope)
        vnl_scope_check(&check, scope, src, new->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_PUBLIC_IP, new->id, src, new->id, name) &&
        (vnl_index_put(&lab->index, VNL_TYPE_PUBLIC_IP, new->id, new) < 0 ||
         vnl_index_put(&lab->index, VNL_TYPE_PUBLIC_IP, new->name, new) < 0))
        return vnl_add_failed(err, VNL_TYPE_PUBLIC_IP, name);
    return lab->public_ips[lab->n_public_ips++] = TAKE_PTR(new);
}

struct vnl_public_ip *vnl_public_ip_lookup(const struct vnl_lab *lab, const char *name_or_id)
{
    return vnl_index_unique(lab->index, VNL_TYPE_PUBLIC_IP, name_or_id);
}

/* Its name may be one of several that are called so: those that stay are entered again. 0 or -ENOMEM. */
static int drop(struct vnl_lab *lab, size_t at)
{
    struct vnl_public_ip *gone = lab->public_ips[at];
    int r = 0;

    vnl_index_drop(lab->index, VNL_TYPE_PUBLIC_IP, gone->id);
    vnl_index_drop(lab->index, VNL_TYPE_PUBLIC_IP, gone->name);
    lab->n_public_ips--;
    for (size_t i = at; i < lab->n_public_ips; i++) {
        lab->public_ips[i] = lab->public_ips[i + 1];
        lab->public_ips[i]->number = (uint32_t)i;
    }
    for (size_t i = 0; r == 0 && i < lab->n_public_ips; i++) {
        if (vnl_id_eq(lab->public_ips[i]->name, gone->name))
            r = vnl_index_put(&lab->index, VNL_TYPE_PUBLIC_IP, lab->public_ips[i]->name, lab->public_ips[i]);
    }
    vnl_public_ip_free(&gone);
    return r;
}

/* What `publicIPAddress: true` made goes with it. */
static void drop_implied(struct vnl_check *check)
{
    struct vnl_lab *lab = check->lab;

    for (size_t i = lab->n_public_ips; i-- > 0;) {
        const struct vnl_public_ip *one = lab->public_ips[i];

        if (one->implied && !one->config && !one->nat && !one->gateway && drop(lab, i) < 0)
            vnl_check_nomem(check, "public IP addresses");
    }
}

/* --- who has them ------------------------------------------------------------------------------------ */

/* Source: ARM's code and sentence. */
static void mistake_in_use(struct vnl_check *check, const struct vnl_nic *nic,
                           const struct vnl_ip_config *config, const struct vnl_public_ip *one)
{
    vnl_mistake(check, "PublicIPAddressInUse", &config->public_src, nic->id,
                "a public IP address is attached once: make another one",
                "IP configuration '%s/%s' is referencing public IP address '%s' that is already allocated to "
                "network interface '%s'",
                nic->name, config->name ? config->name : "ipconfig1", one->name, one->nic->name);
}

/* An implied one lives where its VM does. */
static void place_implied(struct vnl_check *check, struct vnl_public_ip *one, const struct vnl_vm *vm)
{
    char *location = vm->scope.location ? strdup(vm->scope.location) : NULL;

    if (vm->scope.location && !location)
        vnl_check_nomem(check, "public IP address");
    if (!location)
        return;
    free(one->scope.location);
    one->scope.location = location;
}

static struct vnl_public_ip *resolve_ref(struct vnl_check *check, const struct vnl_nic *nic,
                                         const struct vnl_ip_config *config)
{
    CLEANUP(vnl_str_free) char *who = NULL;
    struct vnl_public_ip *one = vnl_public_ip_lookup(check->lab, config->public_ref);
    struct vnl_ref ref = { .type = VNL_TYPE_PUBLIC_IP,
                           .text = config->public_ref,
                           .src = &config->public_src,
                           .id = nic->id,
                           .scope = &nic->vm->scope };

    if (one && one->implied)
        place_implied(check, one, nic->vm);
    if (asprintf(&who, "network interface '%s'", nic->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "network interface");
        return NULL;
    }
    ref.who = who;
    return vnl_ref_resolve(check, &ref);
}

static void resolve_config(struct vnl_check *check, struct vnl_nic *nic, struct vnl_ip_config *config)
{
    struct vnl_public_ip *one;

    config->public_ip = NULL;
    if (!config->public_ref)
        return;
    one = config->public_ip = resolve_ref(check, nic, config);
    if (one && one->config) {
        mistake_in_use(check, nic, config, one);
        config->public_ip = NULL;
    } else if (one) {
        one->config = config;
        one->nic = nic;
    }
}

/* All of one SKU on a NIC. Source: Azure documentation, "Public IP addresses", SKU: "You can't mix"; its code is not known. */
static void check_skus(struct vnl_check *check, const struct vnl_nic *nic)
{
    const struct vnl_public_ip *first = NULL;

    for (size_t i = 0; i < nic->n_configs; i++) {
        const struct vnl_public_ip *one = nic->configs[i].public_ip;

        if (one && first && one->sku != first->sku) {
            vnl_mistake(
                check, "BadRequest", &nic->configs[i].public_src, nic->id,
                "give all public IP addresses of a network interface the same sku",
                "Network interface '%s' has public IP addresses of both SKUs: '%s' is %s and '%s' is %s",
                nic->name, first->name, vnl_sku_str(first->sku), one->name, vnl_sku_str(one->sku));
            return;
        }
        first = first ? first : one;
    }
}

static void resolve_nic(struct vnl_check *check, struct vnl_nic *nic)
{
    for (size_t i = 0; i < nic->n_configs; i++)
        resolve_config(check, nic, &nic->configs[i]);
    check_skus(check, nic);
}

void vnl_public_ips_derive(const struct vnl_lab *lab)
{
    for (size_t i = 0; i < lab->n_public_ips; i++) {
        lab->public_ips[i]->config = NULL;
        lab->public_ips[i]->nic = NULL;
    }
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            struct vnl_nic *nic = lab->vms[i]->nics[k];

            for (size_t c = 0; c < nic->n_configs; c++) {
                if (!nic->configs[c].public_ip)
                    continue;
                nic->configs[c].public_ip->config = &nic->configs[c];
                nic->configs[c].public_ip->nic = nic;
            }
        }
    }
}

/* --- what they may be -------------------------------------------------------------------------------- */

static void check_address(struct vnl_check *check, const struct vnl_public_ip *one)
{
    char text[VNL_ADDR_STR];

    if (!vnl_addr_is_public(&one->addr))
        vnl_mistake(check, "BadRequest", &one->addr_src, one->id,
                    "such as 198.51.100.7; without one the lab chooses",
                    "Public IP address '%s' cannot be %s: that is no IPv4 address of the internet", one->name,
                    vnl_addr_format(&one->addr, text));
    else if (vnl_prefix_has(&vnl_default_outbound_prefix, &one->addr))
        vnl_mistake(check, "BadRequest", &one->addr_src, one->id,
                    "192.0.2.128/25 is what VMs without a public IP address share on their way out",
                    "Public IP address '%s' cannot be %s: default outbound access has it", one->name,
                    vnl_addr_format(&one->addr, text));
    for (uint32_t i = 0; i < one->number; i++) {
        const struct vnl_public_ip *other = check->lab->public_ips[i];

        if (other->is_static && vnl_addr_eq(&other->addr, &one->addr))
            vnl_mistake(check, "BadRequest", &one->addr_src, one->id, NULL,
                        "Public IP address '%s' cannot be %s: '%s' has that address", one->name,
                        vnl_addr_format(&one->addr, text), other->name);
    }
}

void vnl_public_ips_resolve(struct vnl_check *check)
{
    struct vnl_lab *lab = check->lab;

    for (size_t i = 0; i < lab->n_public_ips; i++) {
        lab->public_ips[i]->config = NULL;
        lab->public_ips[i]->nic = NULL;
        lab->public_ips[i]->nat = NULL;
    }
    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++)
            resolve_nic(check, lab->vms[i]->nics[k]);
    }
    vnl_gateway_publics_resolve(check);
    drop_implied(check);
    for (size_t i = 0; i < lab->n_public_ips; i++) {
        if (lab->public_ips[i]->is_static)
            check_address(check, lab->public_ips[i]);
    }
}
