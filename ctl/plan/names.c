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
#define HASH_LEN  16
#define REST_MAX  160 /* of an alias, behind the name: more than two addresses and all words */

static_assert((VNL_NIC_SLOTS_MAX - 1) / VNL_BRIDGE_PORTS < VNL_VNET_BRIDGES,
              "a bridge number for every NIC slot");
static_assert(VNL_INTERNET_SLOT >= VNL_VNET_SLOTS_MAX, "the internet side has a slot of its own");
static_assert(VNL_SITE_SLOT > VNL_INTERNET_SLOT, "and sites come behind it");
static_assert(VNL_BRIDGE_IFINDEX + (VNL_SITE_SLOT + VNL_SITES_MAX) * VNL_VNET_BRIDGES <= VNL_PLATFORM_IFINDEX,
              "bridges, ports of our own and NICs do not share interface indices");

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

int vnl_text_copy(char **ret, const char *text)
{
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
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
    size_t n;

    if (vnet_slot == VNL_INTERNET_SLOT)
        n = (size_t)snprintf(buf, 16, "internet");
    else if (vnet_slot >= VNL_SITE_SLOT)
        n = (size_t)snprintf(buf, 16, "site%u", (vnet_slot - VNL_SITE_SLOT) % VNL_SITES_MAX);
    else
        n = (size_t)snprintf(buf, 16, "vnet%u", vnet_slot % VNL_VNET_SLOTS_MAX);
    if (number > 0)
        (void)snprintf(buf + n, 16 - n, ".%u", number % VNL_VNET_BRIDGES);
}

/* --- aliases -------------------------------------------------------------------------------------------- */

uint64_t vnl_text_hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

/* " ~" and a hash of the whole in place of the end, from a word's or an address's end on. */
static char *cut_end(const char *full)
{
    size_t len = ALIAS_MAX - HASH_LEN - 2;

    while (len > 0 && full[len] != ' ' && full[len] != ',')
        len--;
    return vnl_text("%.*s ~%016" PRIx64, (int)len, full, vnl_text_hash(full));
}

/* "vnetlab LAB NAME" and what follows. The kernel keeps 255 characters; a longer text loses the end of NAME, or of what follows where that
 * is what makes it long, and a hash of the whole takes its place, so that two texts never look the same. */
static char *alias_format(const char *lab, const char *name, const char *rest)
{
    char *full = vnl_text("vnetlab %s %s%s", lab, name, rest), *cut;
    size_t len = full ? strlen(full) : 0, name_len = strlen(name), over = len + HASH_LEN + 1 - ALIAS_MAX;

    if (len <= ALIAS_MAX)
        return full;
    if (strlen(rest) <= REST_MAX && over < name_len)
        cut = vnl_text("vnetlab %s %.*s~%016" PRIx64 "%s", lab, (int)(name_len - over), name,
                       vnl_text_hash(full), rest);
    else
        cut = cut_end(full);
    free(full);
    return cut;
}

char *vnl_bridge_alias(const char *lab, const char *vnet)
{
    return alias_format(lab, vnet, "");
}

/* " MAC ADDR/LEN[,ADDR/LEN]"; returns its length. The buffer has room for each address. */
static size_t put_addrs(char *text, size_t size, const struct vnl_plan_nic *nic)
{
    char mac[VNL_MAC_STR], buf[VNL_ADDR_STR];
    size_t used = (size_t)snprintf(text, size, " %s", vnl_mac_format(&nic->mac, mac));

    for (size_t i = 0; i < nic->n_addrs; i++)
        used += (size_t)snprintf(text + used, size - used, "%c%s/%u", i ? ',' : ' ',
                                 vnl_addr_format(&nic->addrs[i].addr, buf), nic->addrs[i].prefix_len);
    return used;
}

/* The guest's first NIC is eth0 and has the default route; the others say which they are. */
char *vnl_nic_alias(const char *lab, const struct vnl_plan_vm *vm, const struct vnl_plan_nic *nic,
                    size_t place)
{
    size_t name_size = strlen(vm->name) + strlen(nic->name) + 2, used;
    size_t size = nic->n_addrs * (VNL_ADDR_STR + 5) + 128;
    CLEANUP(vnl_str_free) char *name = malloc(name_size + size);
    char *rest;

    if (!name)
        return NULL;
    rest = name + name_size;
    (void)snprintf(name, name_size, "%s/%s", vm->name, nic->name);
    used = put_addrs(rest, size, nic);
    if (place > 0)
        used += (size_t)snprintf(rest + used, size - used, " eth%zu", place);
    if (vm->ip_forward)
        used += (size_t)snprintf(rest + used, size - used, " ip_forward");
    if (vm->gateway)
        used += (size_t)snprintf(rest + used, size - used, " gateway");
    if (nic->bandwidth_bps)
        (void)snprintf(rest + used, size - used, " bandwidth=%" PRIu64, nic->bandwidth_bps);
    return alias_format(lab, name, rest);
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

        for (size_t k = 0; k < nic->n_addrs && !plan->vms[nic->vm].gateway; k++) {
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
