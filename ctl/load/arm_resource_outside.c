/* Public IP addresses, NAT gateways and the internet side as JSON: see arm_resource.c. Hosts and latencies are no resources of ARM; they are
 * members of the document. */
#include "arm_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/json_writer.h"
#include "vnetlab/lab.h"
#include "vnetlab/load.h"

/* The SKU stands beside the properties: opens the resource as vnl_arm_open() does. */
void vnl_arm_open_sku(struct vnl_json_writer *out, enum vnl_type type, const char *id, const char *name,
                      const char *location, enum vnl_sku sku)
{
    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "id", id);
    vnl_json_write_text(out, "name", name);
    vnl_json_write_text(out, "type", vnl_arm_type_str(type));
    vnl_json_write_text(out, "location", location);
    vnl_json_write_open(out, "sku", '{');
    vnl_json_write_text(out, "name", vnl_sku_str(sku));
    vnl_json_write_text(out, "tier", "Regional");
    vnl_json_write_close(out, '}');
    vnl_json_write_open(out, "properties", '{');
    vnl_json_write_text(out, "provisioningState", "Succeeded");
}

/* --- public IP addresses ----------------------------------------------------------------------------- */

static void write_config_ref(struct vnl_json_writer *out, const struct vnl_public_ip *public_ip)
{
    CLEANUP(vnl_str_free) char *id = NULL;

    if (asprintf(&id, "%s/ipConfigurations/%s", public_ip->nic->id, public_ip->config->name) < 0) {
        id = NULL;
        out->failed = true;
        return;
    }
    vnl_arm_write_ref(out, "ipConfiguration", id);
}

static void write_gateway_ref(struct vnl_json_writer *out, const struct vnl_public_ip *public_ip)
{
    const struct vnl_vpn_gateway *gateway = public_ip->gateway;
    size_t instance = gateway->instances[0].public_ip == public_ip ? 0 : 1;
    CLEANUP(vnl_str_free) char *id = vnl_arm_gateway_config_id(gateway, instance);

    if (id)
        vnl_arm_write_ref(out, "ipConfiguration", id);
    else
        out->failed = true;
}

void vnl_arm_write_public_ip(struct vnl_json_writer *out, const struct vnl_public_ip *public_ip)
{
    char buf[VNL_ADDR_STR];

    vnl_arm_open_sku(out, VNL_TYPE_PUBLIC_IP, public_ip->id, public_ip->name, public_ip->scope.location,
                     public_ip->sku);
    vnl_json_write_text(out, "ipAddress", vnl_addr_format(&public_ip->addr, buf));
    vnl_json_write_text(out, "publicIPAddressVersion", "IPv4");
    vnl_json_write_text(out, "publicIPAllocationMethod", "Static");
    vnl_json_write_int(out, "idleTimeoutInMinutes",
                       public_ip->idle_timeout_min ? public_ip->idle_timeout_min : 4);
    if (public_ip->config)
        write_config_ref(out, public_ip);
    if (public_ip->gateway)
        write_gateway_ref(out, public_ip);
    if (public_ip->nat)
        vnl_arm_write_ref(out, "natGateway", public_ip->nat->id);
    vnl_arm_open_own(out, &public_ip->src);
    vnl_json_write_bool(out, "static", public_ip->is_static);
    vnl_json_write_bool(out, "implied", public_ip->implied);
    if (public_ip->idle_timeout_min)
        vnl_json_write_int(out, "idleTimeoutInMinutes", public_ip->idle_timeout_min);
    vnl_arm_write_source(out, "addressSource", &public_ip->addr_src);
    vnl_arm_close(out);
}

/* --- NAT gateways ------------------------------------------------------------------------------------ */

void vnl_arm_write_nat_gateway(struct vnl_json_writer *out, const struct vnl_nat_gateway *nat)
{
    vnl_arm_open_sku(out, VNL_TYPE_NAT_GATEWAY, nat->id, nat->name, nat->scope.location, VNL_SKU_STANDARD);
    vnl_json_write_int(out, "idleTimeoutInMinutes", nat->idle_timeout_min ? nat->idle_timeout_min : 4);
    vnl_json_write_open(out, "publicIpAddresses", '[');
    for (size_t i = 0; i < nat->n_publics; i++)
        vnl_arm_write_ref(out, NULL, nat->publics[i]->id);
    vnl_json_write_close(out, ']');
    if (nat->n_subnets) {
        vnl_json_write_open(out, "subnets", '[');
        for (size_t i = 0; i < nat->n_subnets; i++)
            vnl_arm_write_ref(out, NULL, nat->subnets[i]->id);
        vnl_json_write_close(out, ']');
    }
    vnl_arm_open_own(out, &nat->src);
    if (nat->idle_timeout_min)
        vnl_json_write_int(out, "idleTimeoutInMinutes", nat->idle_timeout_min);
    vnl_arm_write_names(out, "publicIpAddressRefs", &nat->public_refs);
    vnl_arm_write_source(out, "publicIpAddressSource", &nat->public_src);
    vnl_arm_close(out);
}

/* --- the internet ------------------------------------------------------------------------------------ */

void vnl_arm_write_host(struct vnl_json_writer *out, const struct vnl_host *host)
{
    char buf[VNL_ADDR_STR];

    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "name", host->name);
    vnl_json_write_text(out, "address", vnl_addr_format(&host->addr, buf));
    vnl_arm_write_names(out, "run", &host->run);
    vnl_json_write_open(out, "vnetlab", '{');
    vnl_arm_write_source(out, "source", &host->src);
    vnl_arm_write_source(out, "addressSource", &host->addr_src);
    vnl_json_write_int(out, "slot", host->slot);
    vnl_json_write_close(out, '}');
    vnl_json_write_close(out, '}');
}

static void write_hosts(struct vnl_json_writer *out, const struct vnl_lab *lab)
{
    vnl_json_write_open(out, "internet", '{');
    vnl_json_write_open(out, "hosts", '[');
    for (size_t i = 0; i < lab->n_hosts; i++) {
        if (!lab->hosts[i]->client) /* its client is written, elsewhere */
            vnl_arm_write_host(out, lab->hosts[i]);
    }
    vnl_json_write_close(out, ']');
    vnl_json_write_close(out, '}');
}

static void write_latency(struct vnl_json_writer *out, const struct vnl_latency *latency)
{
    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_open(out, "between", '[');
    vnl_json_write_text(out, NULL, latency->a);
    vnl_json_write_text(out, NULL, latency->b);
    vnl_json_write_close(out, ']');
    vnl_json_write_int(out, "rttMicroseconds", latency->rtt_us);
    vnl_arm_write_source(out, "source", &latency->src);
    vnl_json_write_close(out, '}');
}

/* A lab that asks for neither has neither member. */
void vnl_arm_write_internet(struct vnl_json_writer *out, const struct vnl_lab *lab)
{
    if (lab->internet)
        write_hosts(out, lab);
    if (!lab->azure_latency && lab->n_latencies == 0)
        return;
    vnl_json_write_open(out, "latency", '{');
    vnl_json_write_bool(out, "azure", lab->azure_latency);
    vnl_json_write_open(out, "pairs", '[');
    for (size_t i = 0; i < lab->n_latencies; i++)
        write_latency(out, &lab->latencies[i]);
    vnl_json_write_close(out, ']');
    vnl_json_write_close(out, '}');
}
