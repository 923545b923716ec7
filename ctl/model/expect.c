/* Expectations: who sends to whom. */
#include "model.h"

#include <stdlib.h>

static char *end_hint(const struct vnl_lab *lab, const char *name, bool is_to)
{
    struct vnl_names names = { 0 };
    char *hint;

    for (size_t i = 0; i < lab->n_vms; i++)
        (void)vnl_names_add(&names, lab->vms[i]->name);
    for (size_t i = 0; i < lab->n_hosts; i++)
        (void)vnl_names_add(&names, lab->hosts[i]->name);
    for (size_t i = 0; i < lab->n_sites; i++) {
        for (size_t k = 0; k < lab->sites[i]->n_hosts; k++)
            (void)vnl_names_add(&names, lab->sites[i]->hosts[k]->name);
    }
    for (size_t i = 0; is_to && i < lab->n_public_ips; i++)
        (void)vnl_names_add(&names, lab->public_ips[i]->name);
    hint = vnl_did_you_mean(name, &names);
    vnl_names_done(&names);
    return hint;
}

static void mistake_end(struct vnl_check *check, const struct vnl_expect *expect, const char *key,
                        const char *name, const char *what)
{
    CLEANUP(vnl_str_free) char *hint = end_hint(check->lab, name, key[0] == 't');

    vnl_mistake(check, NULL, &expect->src, NULL, hint, "expect: '%s: %s' is no %s of this lab", key, name,
                what);
}

static void resolve_to(struct vnl_check *check, struct vnl_expect *expect)
{
    struct vnl_addr addr;

    expect->to_vm = vnl_vm_lookup(check->lab, expect->to);
    expect->to_host = expect->to_vm ? NULL : vnl_host_lookup(check->lab, expect->to);
    expect->to_site_host =
        expect->to_vm || expect->to_host ? NULL : vnl_site_host_lookup(check->lab, expect->to);
    if (expect->to_vm || expect->to_host || expect->to_site_host ||
        vnl_public_ip_lookup(check->lab, expect->to))
        return;
    if (vnl_addr_parse(expect->to, &addr, NULL) == 0)
        expect->addr = addr;
    else
        mistake_end(check, expect, "to", expect->to, "address and no virtual machine");
}

static void resolve_expect(struct vnl_check *check, struct vnl_expect *expect)
{
    if (!expect->from || !expect->to) {
        vnl_mistake(check, NULL, &expect->src, NULL, "such as {from: vm-1, to: vm-2, icmp: pass}",
                    "expect: '%s' is missing", expect->from ? "to" : "from");
        return;
    }
    expect->from_vm = vnl_vm_lookup(check->lab, expect->from);
    expect->from_host = expect->from_vm ? NULL : vnl_host_lookup(check->lab, expect->from);
    expect->from_site_host =
        expect->from_vm || expect->from_host ? NULL : vnl_site_host_lookup(check->lab, expect->from);
    if (!expect->from_vm && !expect->from_host && !expect->from_site_host)
        mistake_end(check, expect, "from", expect->from, "virtual machine");
    resolve_to(check, expect);
    if (expect->proto != VNL_EXPECT_ICMP && expect->port == 0)
        vnl_mistake(check, NULL, &expect->src, NULL, NULL, "expect: %s needs a port from 1 to 65535",
                    vnl_expect_proto_str(expect->proto));
}

void vnl_expects_resolve(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_expects; i++)
        resolve_expect(check, check->lab->expects[i]);
}

/* --- settled ----------------------------------------------------------------------------------------- */

static const struct vnl_vnet *vnet_of_vm(const struct vnl_vm *vm)
{
    return vm->n_nics && vm->nics[0]->subnet ? vm->nics[0]->subnet->vnet : NULL;
}

/* Unpeered VNets may use the same addresses (spec 1.1), so only VNets within the sender's reach are asked. */
static struct vnl_vm *owner_in_reach(const struct vnl_lab *lab, const struct vnl_vnet *vnet,
                                     const struct vnl_addr *addr)
{
    struct vnl_vm *vm = vnl_vm_by_addr(lab, vnet, addr);

    for (size_t i = 0; !vm && i < vnet->n_peerings; i++) {
        const struct vnl_vnet *remote = vnet->peerings[i]->remote;

        for (size_t k = 0; remote && k < remote->space.n; k++) {
            if (vnl_prefix_has(&remote->space.items[k], addr))
                vm = vnl_vm_by_addr(lab, remote, addr);
        }
    }
    return vm;
}

static struct vnl_host *host_by_addr(const struct vnl_lab *lab, const struct vnl_addr *addr)
{
    for (size_t i = 0; i < lab->n_hosts; i++) {
        if (vnl_addr_eq(&lab->hosts[i]->addr, addr))
            return lab->hosts[i];
    }
    return NULL;
}

static void derive_owner(const struct vnl_lab *lab, struct vnl_expect *expect)
{
    const struct vnl_vnet *vnet = expect->from_vm ? vnet_of_vm(expect->from_vm) : NULL;

    expect->to_vm = vnet ? owner_in_reach(lab, vnet, &expect->addr) : NULL;
    expect->to_host = expect->to_vm ? NULL : host_by_addr(lab, &expect->addr);
}

/* The destination by its name, or NULL: the address of a VM, an internet host, a public IP. */
static const struct vnl_addr *addr_of_name(const struct vnl_lab *lab, const struct vnl_expect *expect)
{
    const struct vnl_public_ip *public_ip = vnl_public_ip_lookup(lab, expect->to);

    if (expect->to_vm)
        return expect->to_vm->n_nics ? vnl_nic_addr(expect->to_vm->nics[0], AF_INET) : NULL;
    if (expect->to_host)
        return &expect->to_host->addr;
    if (expect->to_site_host)
        return &expect->to_site_host->addr;
    return public_ip ? &public_ip->addr : NULL;
}

void vnl_expect_derive(const struct vnl_lab *lab, struct vnl_expect *expect)
{
    const struct vnl_addr *addr = addr_of_name(lab, expect);
    struct vnl_addr written;

    if (vnl_addr_parse(expect->to, &written, NULL) == 0) {
        expect->addr = written;
        derive_owner(lab, expect);
    } else if (addr) {
        expect->addr = *addr;
    }
}
