/* Names and numbers of kernel objects, and the hosts files. Everything is derived from slots, which a VNet or
 * NIC keeps while it lives: what exists never has to be renamed because a neighbour came or went. */
#include "parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/lab.h"
#include "vnetlab/layout.h"

#define ALIAS_MAX 255 /* IFALIASZ - 1 */

static_assert((VNL_NIC_SLOTS_MAX - 1) / VNL_BRIDGE_PORTS < VNL_VNET_BRIDGES,
              "a bridge number for every NIC slot");
static_assert(VNL_BRIDGE_IFINDEX + VNL_VNET_SLOTS_MAX * VNL_VNET_BRIDGES <= VNL_NIC_IFINDEX,
              "bridges and NICs do not share interface indices");

char *vnl_text(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    return n < 0 ? NULL : text;
}

char *vnl_prefixes_text(const struct vnl_prefix *items, size_t n)
{
    size_t size = n * VNL_PREFIX_STR + 2, used = 0;
    char *text = malloc(size), buf[VNL_PREFIX_STR];

    if (!text)
        return NULL;
    (void)snprintf(text, size, "-");
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : "",
                                 vnl_prefix_format(&items[i], buf));
    return text;
}

uint32_t vnl_bridge_number(uint32_t nic_slot)
{
    return nic_slot / VNL_BRIDGE_PORTS;
}

uint32_t vnl_bridge_ifindex(uint32_t vnet_slot, uint32_t number)
{
    return VNL_BRIDGE_IFINDEX + vnet_slot * VNL_VNET_BRIDGES + number;
}

void vnl_bridge_name(char buf[16], uint32_t vnet_slot, uint32_t number)
{
    if (number == 0)
        (void)snprintf(buf, 16, "vnet%u", vnet_slot);
    else
        (void)snprintf(buf, 16, "vnet%u.%u", vnet_slot % VNL_VNET_SLOTS_MAX, number % VNL_VNET_BRIDGES);
}

/* --- aliases -------------------------------------------------------------------------------------------- */

static uint64_t fnv1a(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

/* "vnetlab LAB NAME" and what follows. The kernel keeps 255 characters; a longer text loses the end of NAME,
 * and a hash of the whole takes its place, so that two texts never look the same. */
static char *alias_format(const char *lab, const char *name, const char *rest)
{
    char *full = vnl_text("vnetlab %s %s%s", lab, name, rest), *cut;
    size_t len = full ? strlen(full) : 0, name_len = strlen(name), over = len + 17 - ALIAS_MAX;

    if (len <= ALIAS_MAX)
        return full;
    if (over < name_len)
        cut = vnl_text("vnetlab %s %.*s~%016" PRIx64 "%s", lab, (int)(name_len - over), name, fnv1a(full),
                       rest);
    else
        cut = vnl_text("vnetlab %.100s ~%016" PRIx64, lab, fnv1a(full));
    free(full);
    return cut;
}

char *vnl_bridge_alias(const char *lab, const char *vnet)
{
    return alias_format(lab, vnet, "");
}

char *vnl_nic_alias(const char *lab, const struct vnl_nic *nic)
{
    char rest[256], mac[VNL_MAC_STR], buf[VNL_ADDR_STR], *name, *alias;
    int n = snprintf(rest, sizeof(rest), " %s", vnl_mac_format(&nic->mac, mac));

    for (size_t i = 0; i < nic->n_configs && n < (int)sizeof(rest); i++)
        n += snprintf(rest + n, sizeof(rest) - (size_t)n, "%s%s/%u", i ? "," : " ",
                      vnl_addr_format(&nic->configs[i].addr, buf), nic->configs[i].subnet_prefix.len);
    if (nic->vm->ip_forward && n < (int)sizeof(rest))
        (void)snprintf(rest + n, sizeof(rest) - (size_t)n, " ip_forward");
    name = vnl_text("%s/%s", nic->vm->name, nic->name);
    alias = name ? alias_format(lab, name, rest) : NULL;
    free(name);
    return alias;
}

/* --- bridges and hosts files ---------------------------------------------------------------------------- */

/* NIC indices sorted by VNet, those of one VNet in plan order; starts[i] is where VNet i begins,
 * starts[n_vnets] the end. */
static int group_nics(const struct vnl_plan *plan, uint32_t **ret_nics, uint32_t **ret_starts)
{
    uint32_t *nics = calloc(plan->n_nics + 1, sizeof(*nics)),
             *starts = calloc(plan->n_vnets + 2, sizeof(*starts));

    if (!nics || !starts) {
        free(nics);
        free(starts);
        return -ENOMEM;
    }
    /* Counted one place further up, so that filling moves each start to where it belongs. */
    for (size_t i = 0; i < plan->n_nics; i++)
        starts[plan->nics[i].vnet + 2]++;
    for (size_t i = 2; i < plan->n_vnets + 2; i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < plan->n_nics; i++)
        nics[starts[plan->nics[i].vnet + 1]++] = (uint32_t)i;
    *ret_nics = nics;
    *ret_starts = starts;
    return 0;
}

static void write_hosts(FILE *out, const struct vnl_plan *plan, const uint32_t *nics, size_t n)
{
    char buf[VNL_ADDR_STR];

    (void)fputs("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n", out);
    for (size_t i = 0; i < n; i++) {
        const struct vnl_plan_nic *nic = &plan->nics[nics[i]];

        for (size_t k = 0; k < nic->n_addrs; k++) {
            (void)fputs(vnl_addr_format(&nic->addrs[k].addr, buf), out);
            (void)fputc(' ', out);
            (void)fputs(plan->vms[nic->vm].name, out);
            (void)fputc('\n', out);
        }
    }
}

/* Azure's names end at the VNet's border, also where it is peered (spec 1.8). */
static char *hosts_text(const struct vnl_plan *plan, const uint32_t *nics, size_t n)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool bad;

    if (!out)
        return NULL;
    write_hosts(out, plan, nics, n);
    bad = ferror(out) != 0;
    if (fclose(out) == 0 && !bad)
        return text;
    free(text);
    return NULL;
}

static int add_bridge(struct vnl_plan *plan, uint32_t vnet, uint32_t number)
{
    struct vnl_plan_bridge *bridge = &plan->bridges[plan->n_bridges];

    bridge->vnet = vnet;
    bridge->ifindex = vnl_bridge_ifindex(plan->vnets[vnet].slot, number);
    vnl_bridge_name(bridge->ifname, plan->vnets[vnet].slot, number);
    bridge->alias = vnl_bridge_alias(plan->lab, plan->vnets[vnet].name);
    if (!bridge->alias)
        return -ENOMEM;
    plan->n_bridges++;
    return 0;
}

static int add_bridges(struct vnl_plan *plan, uint32_t vnet, const uint32_t *nics, size_t n)
{
    bool used[VNL_VNET_BRIDGES] = { [0] = true };
    int r = 0;

    for (size_t i = 0; i < n; i++)
        used[vnl_bridge_number(plan->nics[nics[i]].slot)] = true;
    for (uint32_t number = 0; number < VNL_VNET_BRIDGES && r == 0; number++)
        if (used[number])
            r = add_bridge(plan, vnet, number);
    return r;
}

int vnl_links_build(struct vnl_plan *plan)
{
    uint32_t *nics = NULL, *starts = NULL;
    int r = group_nics(plan, &nics, &starts);

    if (r < 0)
        return r;
    /* Each VNet has its bridge 0; every further one holds at least one NIC. */
    plan->bridges = calloc(plan->n_vnets + plan->n_nics + 1, sizeof(*plan->bridges));
    r = plan->bridges ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < plan->n_vnets && r == 0; i++) {
        size_t n = starts[i + 1] - starts[i];

        plan->vnets[i].hosts = hosts_text(plan, nics + starts[i], n);
        r = plan->vnets[i].hosts ? add_bridges(plan, i, nics + starts[i], n) : -ENOMEM;
    }
    free(nics);
    free(starts);
    return r;
}
