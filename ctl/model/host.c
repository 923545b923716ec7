/* Simulated hosts of the internet: made, found and freed, and which addresses they can have. */
#include "outside.h"
#include "p2s.h"

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

/* What a host is called in sentences, and whom a mistake is about. */
static const char *what(const struct vnl_host *host)
{
    return host->client ? "Client" : "Internet host";
}

static const char *about(const struct vnl_host *host)
{
    return host->client ? host->client->id : host->id;
}

/* Is the name new? A client's host was checked when the client was. */
static bool is_new(struct vnl_check *check, const struct vnl_host *host, const struct vnl_src *src)
{
    const struct vnl_host *old = vnl_host_lookup(check->lab, host->name);

    if (!old || !old->client == !host->client)
        return host->client ? !old
                            : vnl_new_check(check, check->lab->index, VNL_TYPE_HOST, host->name, src,
                                            host->id, host->name);
    vnl_mistake(check, "InvalidTemplate", src, about(host), "both are namespaces of the lab",
                "The name '%s' is that of %s, and %s cannot have it too", host->name,
                old->client ? "a client" : "an internet host",
                host->client ? "a client" : "an internet host");
    return false;
}

/* A VM's name names a namespace, and so does a host's. */
static struct vnl_host *add(struct vnl_lab *lab, const char *name, struct vnl_client *client,
                            const struct vnl_src *src, struct vnl_err **err)
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
    host->client = client;
    if (!client)
        vnl_name_check(&check, VNL_TYPE_HOST, name, src, host->id);
    if (is_new(&check, host, src) && vnl_index_put(&lab->index, VNL_TYPE_HOST, host->name, host) < 0)
        return vnl_add_failed(err, VNL_TYPE_HOST, name);
    return lab->hosts[lab->n_hosts++] = TAKE_PTR(host);
}

struct vnl_host *vnl_host_add(struct vnl_lab *lab, const char *name, const struct vnl_src *src,
                              struct vnl_err **err)
{
    return add(lab, name, NULL, src, err);
}

struct vnl_host *vnl_client_host_add(struct vnl_lab *lab, struct vnl_client *client, struct vnl_err **err)
{
    return add(lab, client->name, client, &client->src, err);
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
        vnl_mistake(check, "BadRequest", &host->addr_src, about(host), "such as 203.0.113.80",
                    "%s '%s' cannot have %s: that is no IPv4 address of the internet", what(host), host->name,
                    text);
    else if (vnl_prefix_has(&vnl_default_outbound_prefix, &host->addr))
        vnl_mistake(check, "BadRequest", &host->addr_src, about(host),
                    "192.0.2.128/25 is what VMs without a public IP address share on their way out",
                    "%s '%s' cannot have %s: default outbound access has it", what(host), host->name, text);
    for (size_t i = 0; i < number; i++) {
        if (vnl_addr_eq(&check->lab->hosts[i]->addr, &host->addr))
            vnl_mistake(check, "BadRequest", &host->addr_src, about(host), NULL,
                        "%s '%s' cannot have %s: %s '%s' has that address", what(host), host->name, text,
                        check->lab->hosts[i]->client ? "client" : "internet host",
                        check->lab->hosts[i]->name);
    }
}

static void check_public_ips(struct vnl_check *check, const struct vnl_host *host)
{
    char text[VNL_ADDR_STR];

    for (size_t i = 0; i < check->lab->n_public_ips; i++) {
        const struct vnl_public_ip *one = check->lab->public_ips[i];

        if (one->is_static && vnl_addr_eq(&one->addr, &host->addr))
            vnl_mistake(check, "BadRequest", &host->addr_src, about(host), NULL,
                        "%s '%s' cannot have %s: public IP address '%s' has that address", what(host),
                        host->name, vnl_addr_format(&host->addr, text), one->name);
    }
}

static void check_name(struct vnl_check *check, const struct vnl_host *host)
{
    if (vnl_index_get(check->lab->index, VNL_TYPE_VM, host->name, strlen(host->name), NULL))
        vnl_mistake(check, "InvalidTemplate", &host->src, about(host), "both are namespaces of the lab",
                    "The name '%s' is a virtual machine's, and %s cannot have it too", host->name,
                    host->client ? "a client" : "an internet host");
}

/* A host without an address was refused by the loader; a client gets one when the lab is settled. */
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
