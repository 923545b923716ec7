/* Virtual networks, subnets and application security groups, each as a few lines. */
#include "show_parts.h"

#include <stdio.h>

#include "vnetlab/base.h"

void vnl_show_label(const char *text)
{
    (void)printf("  %-26s ", text);
}

void vnl_show_line(const char *name, const char *value)
{
    vnl_show_label(name);
    (void)printf("%s\n", value ? value : "-");
}

void vnl_show_flag(const char *name, bool on)
{
    vnl_show_line(name, on ? "true" : "false");
}

void vnl_show_prefixes(const struct vnl_prefixes *prefixes)
{
    char buf[VNL_PREFIX_STR];

    for (size_t i = 0; i < prefixes->n; i++)
        (void)printf("%s%s", i ? ", " : "", vnl_prefix_format(&prefixes->items[i], buf));
    (void)puts(prefixes->n ? "" : "-");
}

void vnl_show_subnets(const char *name, struct vnl_subnet *const *subnets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        vnl_show_label(i ? "" : name);
        (void)printf("subnet %s/%s\n", subnets[i]->vnet->name, subnets[i]->name);
    }
}

int vnl_show_vnet(const struct vnl_vnet *vnet)
{
    char addr[VNL_ADDR_STR];

    (void)printf("virtual network %s\n", vnet->name);
    vnl_show_line("location", vnet->scope.location);
    vnl_show_label("address space");
    vnl_show_prefixes(&vnet->space);
    for (size_t i = 0; i < vnet->n_dns; i++)
        vnl_show_line(i ? "" : "DNS servers", vnl_addr_format(&vnet->dns[i], addr));
    if (vnet->gateway)
        vnl_show_line("VPN gateway", vnet->gateway->name);
    for (size_t i = 0; i < vnet->n_subnets; i++) {
        vnl_show_label(i ? "" : "subnets");
        (void)printf("%s ", vnet->subnets[i]->name);
        vnl_show_prefixes(&vnet->subnets[i]->prefixes);
    }
    for (size_t i = 0; i < vnet->n_peerings; i++) {
        const struct vnl_peering *link = vnet->peerings[i];

        vnl_show_label(i ? "" : "peerings");
        (void)printf("%s to %s, %s\n", link->name, link->remote ? link->remote->name : link->remote_ref,
                     vnl_peering_state_str(link->state));
    }
    return 0;
}

static void print_members(const struct vnl_lab *lab, const struct vnl_subnet *subnet)
{
    char addr[VNL_ADDR_STR];
    bool any = false;

    for (size_t i = 0; i < lab->n_vms; i++) {
        for (size_t k = 0; k < lab->vms[i]->n_nics; k++) {
            const struct vnl_nic *nic = lab->vms[i]->nics[k];

            if (nic->subnet != subnet)
                continue;
            vnl_show_label(any ? "" : "network interfaces");
            (void)printf("%s of %s, %s\n", nic->name, nic->vm->name,
                         vnl_addr_format(&nic->configs[0].addr, addr));
            any = true;
        }
    }
}

int vnl_show_subnet(const struct vnl_lab *lab, const struct vnl_subnet *subnet)
{
    (void)printf("subnet %s/%s\n", subnet->vnet->name, subnet->name);
    vnl_show_label("prefixes");
    vnl_show_prefixes(&subnet->prefixes);
    vnl_show_line("NSG", subnet->nsg ? subnet->nsg->name : NULL);
    vnl_show_line("route table", subnet->route_table ? subnet->route_table->name : NULL);
    vnl_show_line("NAT gateway", subnet->nat ? subnet->nat->name : NULL);
    vnl_show_flag("defaultOutboundAccess", !subnet->private_outbound);
    print_members(lab, subnet);
    return 0;
}

int vnl_show_asg(const struct vnl_asg *asg)
{
    (void)printf("application security group %s\n", asg->name);
    vnl_show_line("location", asg->scope.location);
    vnl_show_line("virtual network", asg->vnet ? asg->vnet->name : NULL);
    for (size_t i = 0; i < asg->n_nics; i++) {
        vnl_show_label(i ? "" : "members");
        (void)printf("%s of %s\n", asg->nics[i]->name, asg->nics[i]->vm->name);
    }
    if (!asg->n_nics)
        vnl_show_line("members", NULL);
    return 0;
}
