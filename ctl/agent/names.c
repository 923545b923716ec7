#include "names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vnetlab/base.h"
#include "vnetlab/plan.h"

/* "vm-1" of "vm-1.SUFFIX"; 0 when the name does not end so. A VNet with DNS servers of its own has a suffix that nobody resolves. */
static size_t head_of(const struct vnl_plan_vnet *vnet, const char *name)
{
    size_t len = strlen(name), suffix = vnet->dns_suffix ? strlen(vnet->dns_suffix) : 0;

    if (!suffix || vnet->n_dns || len <= suffix + 1 || name[len - suffix - 1] != '.' ||
        strcasecmp(name + len - suffix, vnet->dns_suffix) != 0)
        return 0;
    return len - suffix - 1;
}

static bool is_called(const struct vnl_plan_vm *vm, const char *name, size_t len)
{
    return strlen(vm->name) == len && strncasecmp(vm->name, name, len) == 0;
}

/* vnet: where its primary NIC is; VNL_PLAN_NOBODY: on the internet side. Gateways have no names. */
static const struct vnl_plan_vm *find_in(const struct vnl_plan *plan, uint32_t vnet, const char *name,
                                         size_t len)
{
    for (size_t i = 0; i < plan->n_vms; i++) {
        const struct vnl_plan_vm *vm = &plan->vms[i];

        if (vm->n_nics && !vm->gateway && vm->host == (vnet == VNL_PLAN_NOBODY) &&
            (vm->host || plan->nics[vm->nics[0]].vnet == vnet) && is_called(vm, name, len))
            return vm;
    }
    return NULL;
}

const struct vnl_plan_vm *vnl_names_find(const struct vnl_plan *plan, const struct vnl_plan_nic *from,
                                         const char *name)
{
    size_t head = head_of(&plan->vnets[from->vnet], name);
    const struct vnl_plan_vm *vm;

    if (head)
        return find_in(plan, from->vnet, name, head);
    vm = strchr(name, '.') ? NULL : find_in(plan, from->vnet, name, strlen(name));
    return vm ? vm : find_in(plan, VNL_PLAN_NOBODY, name, strlen(name));
}

const struct vnl_addr *vnl_names_addr(const struct vnl_plan *plan, const struct vnl_plan_vm *vm, int family)
{
    const struct vnl_plan_nic *nic = &plan->nics[vm->nics[0]];

    for (size_t i = 0; i < nic->n_addrs; i++)
        if (nic->addrs[i].addr.family == family)
            return &nic->addrs[i].addr;
    return NULL;
}

/* --- reverse -------------------------------------------------------------------------------------- */

static int reverse4(const char *name, struct vnl_addr *ret)
{
    static const char suffix[] = ".in-addr.arpa";
    size_t len = strlen(name);
    char text[INET_ADDRSTRLEN];
    uint8_t bytes[4];

    if (len < sizeof(suffix) || len - sizeof(suffix) + 1 >= sizeof(text) ||
        strcasecmp(name + len - sizeof(suffix) + 1, suffix) != 0)
        return -EINVAL;
    (void)snprintf(text, sizeof(text), "%.*s", (int)(len - sizeof(suffix) + 1), name);
    if (inet_pton(AF_INET, text, bytes) != 1)
        return -EINVAL;
    *ret = (struct vnl_addr){ .family = AF_INET, .bytes = { bytes[3], bytes[2], bytes[1], bytes[0] } };
    return 0;
}

static int nibble(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static int reverse6(const char *name, struct vnl_addr *ret)
{
    struct vnl_addr addr = { .family = AF_INET6 };

    if (strlen(name) != 64 + strlen("ip6.arpa") || strcasecmp(name + 64, "ip6.arpa") != 0)
        return -EINVAL;
    for (int i = 0; i < 32; i++, name += 2) {
        int shift = i % 2 ? 4 : 0;

        if (!isxdigit((unsigned char)name[0]) || name[1] != '.')
            return -EINVAL;
        addr.bytes[15 - i / 2] |= (uint8_t)(nibble(name[0]) << shift);
    }
    *ret = addr;
    return 0;
}

int vnl_names_reverse(const char *name, struct vnl_addr *ret)
{
    return reverse4(name, ret) == 0 ? 0 : reverse6(name, ret);
}

char *vnl_names_of(const struct vnl_plan *plan, const struct vnl_plan_nic *from, const struct vnl_addr *addr)
{
    const struct vnl_plan_vnet *vnet = &plan->vnets[from->vnet];
    const struct vnl_plan_nic *nic = vnl_plan_nic_by_addr(plan, from->vnet, addr);
    char *name = NULL;

    if (nic && vnet->dns_suffix)
        return asprintf(&name, "%s.%s", plan->vms[nic->vm].name, vnet->dns_suffix) < 0 ? NULL : name;
    if (!nic && plan->internet < plan->n_vnets)
        nic = vnl_plan_nic_by_addr(plan, plan->internet, addr);
    return nic ? strdup(plan->vms[nic->vm].name) : NULL;
}
