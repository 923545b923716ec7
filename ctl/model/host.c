/* Simulated hosts of the internet: made, found and freed, and which addresses they can have. */
#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void vnl_host_free(struct vnl_host **ptr)
{
    struct vnl_host *host = TAKE_PTR(*ptr);

    if (!host)
        return;
    free(host->id);
    free(host->name);
    vnl_names_done(&host->run);
    free(host);
}

/* A VM's name names a namespace, and so does a host's. */
struct vnl_host *vnl_host_add(struct vnl_lab *lab, const char *name, const struct vnl_src *src,
                              struct vnl_err **err)
{
    CLEANUP(vnl_host_free) struct vnl_host *host = calloc(1, sizeof(*host));
    struct vnl_host **hosts = vnl_list_grow(lab->hosts, lab->n_hosts, sizeof(*hosts));
    struct vnl_check check = { .lab = lab, .err = err };

    lab->hosts = hosts ? hosts : lab->hosts;
    if (!host || !hosts || !(host->name = strdup(name)) || asprintf(&host->id, "internet/hosts/%s", name) < 0)
        return vnl_add_failed(err, VNL_TYPE_HOST, name);
    host->src = src ? *src : host->src;
    host->addr_src = host->src;
    host->slot = VNL_SLOT_NONE;
    vnl_name_check(&check, VNL_TYPE_HOST, name, src, host->id);
    if (vnl_new_check(&check, lab->index, VNL_TYPE_HOST, name, src, host->id, name) &&
        vnl_index_put(&lab->index, VNL_TYPE_HOST, host->name, host) < 0)
        return vnl_add_failed(err, VNL_TYPE_HOST, name);
    return lab->hosts[lab->n_hosts++] = TAKE_PTR(host);
}

struct vnl_host *vnl_host_lookup(const struct vnl_lab *lab, const char *name)
{
    return vnl_index_unique(lab->index, VNL_TYPE_HOST, name);
}

bool vnl_lab_has_internet(const struct vnl_lab *lab)
{
    return lab->internet || lab->n_hosts || lab->n_public_ips || lab->n_nat_gateways || lab->n_gateways ||
           lab->n_sites;
}

/* --- rules ------------------------------------------------------------------------------------------- */

static void check_address(struct vnl_check *check, const struct vnl_host *host, size_t number)
{
    char text[VNL_ADDR_STR];

    vnl_addr_format(&host->addr, text);
    if (!vnl_addr_is_public(&host->addr))
        vnl_mistake(check, "BadRequest", &host->addr_src, host->id, "such as 203.0.113.80",
                    "Internet host '%s' cannot have %s: that is no IPv4 address of the internet", host->name,
                    text);
    else if (vnl_prefix_has(&vnl_default_outbound_prefix, &host->addr))
        vnl_mistake(check, "BadRequest", &host->addr_src, host->id,
                    "192.0.2.128/25 is what VMs without a public IP address share on their way out",
                    "Internet host '%s' cannot have %s: default outbound access has it", host->name, text);
    for (size_t i = 0; i < number; i++) {
        if (vnl_addr_eq(&check->lab->hosts[i]->addr, &host->addr))
            vnl_mistake(check, "BadRequest", &host->addr_src, host->id, NULL,
                        "Internet host '%s' cannot have %s: internet host '%s' has that address", host->name,
                        text, check->lab->hosts[i]->name);
    }
}

static void check_public_ips(struct vnl_check *check, const struct vnl_host *host)
{
    char text[VNL_ADDR_STR];

    for (size_t i = 0; i < check->lab->n_public_ips; i++) {
        const struct vnl_public_ip *one = check->lab->public_ips[i];

        if (one->is_static && vnl_addr_eq(&one->addr, &host->addr))
            vnl_mistake(check, "BadRequest", &host->addr_src, host->id, NULL,
                        "Internet host '%s' cannot have %s: public IP address '%s' has that address",
                        host->name, vnl_addr_format(&host->addr, text), one->name);
    }
}

static void check_name(struct vnl_check *check, const struct vnl_host *host)
{
    if (vnl_index_get(check->lab->index, VNL_TYPE_VM, host->name, strlen(host->name), NULL))
        vnl_mistake(check, "InvalidTemplate", &host->src, host->id, "both are namespaces of the lab",
                    "The name '%s' is a virtual machine's, and an internet host cannot have it too",
                    host->name);
}

/* A host without an address was refused by the loader. */
void vnl_hosts_check(struct vnl_check *check)
{
    for (size_t i = 0; i < check->lab->n_hosts; i++) {
        const struct vnl_host *host = check->lab->hosts[i];

        check_name(check, host);
        if (!host->addr.family)
            continue;
        check_address(check, host, i);
        check_public_ips(check, host);
    }
}
