/* Virtual machines and network interfaces as ARM's JSON: see arm_resource.c. */
#include "arm_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/json_writer.h"
#include "vnetlab/lab.h"

static void write_ip_config(struct vnl_json_writer *out, const struct vnl_nic *nic,
                            const struct vnl_ip_config *config)
{
    CLEANUP(vnl_str_free) char *id = NULL;
    char buf[VNL_ADDR_STR];

    if (asprintf(&id, "%s/ipConfigurations/%s", nic->id, config->name) < 0) {
        id = NULL;
        out->failed = true;
        return;
    }
    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "id", id);
    vnl_json_write_text(out, "name", config->name);
    vnl_json_write_text(out, "type", "Microsoft.Network/networkInterfaces/ipConfigurations");
    vnl_json_write_open(out, "properties", '{');
    vnl_json_write_text(out, "provisioningState", "Succeeded");
    vnl_json_write_text(out, "privateIPAddress", vnl_addr_format(&config->addr, buf));
    vnl_json_write_text(out, "privateIPAllocationMethod", config->is_static ? "Static" : "Dynamic");
    vnl_json_write_text(out, "privateIPAddressVersion", config->family == AF_INET6 ? "IPv6" : "IPv4");
    vnl_arm_write_ref(out, "subnet", nic->subnet->id);
    vnl_json_write_bool(out, "primary", config->primary);
    if (nic->n_asgs)
        vnl_arm_write_asgs(out, "applicationSecurityGroups", nic->asgs, nic->n_asgs);
    if (config->public_ip)
        vnl_arm_write_ref(out, "publicIPAddress", config->public_ip->id);
    vnl_arm_open_own(out, &config->src);
    vnl_arm_write_written(out, "publicIPAddress", config->public_ref, &config->public_src);
    vnl_arm_close(out);
}

/* ARM's spelling of a MAC: 00-0D-3A-12-34-56. */
static void write_mac(struct vnl_json_writer *out, const struct vnl_mac *mac)
{
    const uint8_t *b = mac->bytes;
    char text[VNL_MAC_STR];

    (void)snprintf(text, sizeof(text), "%02X-%02X-%02X-%02X-%02X-%02X", b[0], b[1], b[2], b[3], b[4], b[5]);
    vnl_json_write_text(out, "macAddress", text);
}

void vnl_arm_write_nic(struct vnl_json_writer *out, const struct vnl_nic *nic)
{
    vnl_arm_open(out, VNL_TYPE_NIC, nic->id, nic->name, nic->vm->scope.location);
    vnl_json_write_bool(out, "primary", nic->primary);
    vnl_arm_write_ref(out, "virtualMachine", nic->vm->id);
    write_mac(out, &nic->mac);
    vnl_json_write_bool(out, "enableIPForwarding", nic->ip_forwarding);
    if (nic->nsg)
        vnl_arm_write_ref(out, "networkSecurityGroup", nic->nsg->id);
    vnl_json_write_open(out, "ipConfigurations", '[');
    for (size_t i = 0; i < nic->n_configs; i++)
        write_ip_config(out, nic, &nic->configs[i]);
    vnl_json_write_close(out, ']');
    vnl_arm_open_own(out, &nic->src);
    vnl_json_write_int(out, "slot", nic->slot);
    vnl_json_write_text(out, "subnetRef", nic->subnet_ref);
    vnl_arm_write_source(out, "subnetSource", &nic->subnet_src);
    vnl_arm_write_written(out, "networkSecurityGroup", nic->nsg_ref, &nic->nsg_src);
    if (nic->asg_refs.n) {
        vnl_arm_write_names(out, "applicationSecurityGroupRefs", &nic->asg_refs);
        vnl_arm_write_source(out, "applicationSecurityGroupSource", &nic->asg_src);
    }
    vnl_arm_close(out);
}

/* As in Azure's answers: which one is the primary is said where there are several. */
static void write_vm_nic(struct vnl_json_writer *out, const struct vnl_vm *vm, const struct vnl_nic *nic)
{
    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "id", nic->id);
    if (vm->n_nics > 1) {
        vnl_json_write_open(out, "properties", '{');
        vnl_json_write_bool(out, "primary", nic->primary);
        vnl_json_write_close(out, '}');
    }
    vnl_json_write_close(out, '}');
}

void vnl_arm_write_vm(struct vnl_json_writer *out, const struct vnl_vm *vm)
{
    vnl_arm_open(out, VNL_TYPE_VM, vm->id, vm->name, vm->scope.location);
    vnl_json_write_open(out, "networkProfile", '{');
    vnl_json_write_open(out, "networkInterfaces", '[');
    for (size_t i = 0; i < vm->n_nics; i++)
        write_vm_nic(out, vm, vm->nics[i]);
    vnl_json_write_close(out, ']');
    vnl_json_write_close(out, '}');
    vnl_arm_open_own(out, &vm->src);
    if (!vm->short_form)
        vnl_json_write_bool(out, "shortForm", false);
    vnl_json_write_bool(out, "ipForward", vm->ip_forward);
    if (vm->bandwidth_bps)
        vnl_json_write_int(out, "bandwidth", (int64_t)vm->bandwidth_bps);
    vnl_arm_write_names(out, "run", &vm->run);
    vnl_arm_close(out);
}
