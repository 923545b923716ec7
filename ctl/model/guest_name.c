/* Guests of a lab are namespaces LAB.NAME, so the names of VMs, internet hosts, gateways, sites and their hosts are unique together.
 * That a VM and an internet host have one name is said in host.c. */
#include "gateway.h"

#include <stdlib.h>
#include <string.h>

struct guest {
    const char *name, *what, *id;
    const struct vnl_src *src;
};

struct guests {
    struct guest *items;
    size_t n;
    struct vnl_index *index;
};

static void guests_done(struct guests *guests)
{
    vnl_index_free(&guests->index);
    free(guests->items);
}

static size_t count(const struct vnl_lab *lab)
{
    size_t n = lab->n_vms + lab->n_hosts + lab->n_gateways * VNL_GATEWAY_INSTANCES + lab->n_sites;

    for (size_t i = 0; i < lab->n_sites; i++)
        n += lab->sites[i]->n_hosts;
    return n;
}

static void mistake(struct vnl_check *check, const struct guest *new, const struct guest *old)
{
    vnl_mistake(check, "InvalidTemplate", new->src, new->id, "both are namespaces of the lab",
                "The name '%s' is that of a %s, and a %s cannot have it too", new->name, old->what,
                new->what);
}

/* Two sites of one name were refused when the second one was added. */
static void add(struct vnl_check *check, struct guests *guests, struct guest guest)
{
    struct guest *old = vnl_index_get(guests->index, VNL_TYPE_VM, guest.name, strlen(guest.name), NULL);
    struct guest *new = &guests->items[guests->n];

    if (old) {
        if (strcmp(old->what, guest.what) != 0 || strcmp(guest.what, "site") != 0)
            mistake(check, &guest, old);
        return;
    }
    *new = guest;
    guests->n++;
    if (vnl_index_put(&guests->index, VNL_TYPE_VM, new->name, new) < 0)
        vnl_check_nomem(check, "names");
}

static void add_known(struct vnl_check *check, struct guests *guests)
{
    const struct vnl_lab *lab = check->lab;

    for (size_t i = 0; i < lab->n_vms; i++) {
        if (!vnl_index_get(guests->index, VNL_TYPE_VM, lab->vms[i]->name, strlen(lab->vms[i]->name), NULL))
            add(check, guests, (struct guest){ lab->vms[i]->name, "virtual machine", lab->vms[i]->id, NULL });
    }
    for (size_t i = 0; i < lab->n_hosts; i++) {
        if (!vnl_index_get(guests->index, VNL_TYPE_VM, lab->hosts[i]->name, strlen(lab->hosts[i]->name),
                           NULL))
            add(check, guests,
                (struct guest){ lab->hosts[i]->name,
                                lab->hosts[i]->client ? "client" : "simulated internet host",
                                lab->hosts[i]->id, NULL });
    }
}

static void add_gateway(struct vnl_check *check, struct guests *guests, const struct vnl_vpn_gateway *gateway)
{
    static const char *const what[] = { "virtual network gateway",
                                        "second instance of a virtual network gateway" };
    static_assert(ARRAY_SIZE(what) == VNL_GATEWAY_INSTANCES, "say which instance");

    for (size_t i = 0; i < gateway->n_instances; i++)
        add(check, guests,
            (struct guest){ gateway->instances[i].name, what[i], gateway->id,
                            i ? &gateway->active_src : &gateway->src });
}

void vnl_guest_names_check(struct vnl_check *check)
{
    CLEANUP(guests_done) struct guests guests = { 0 };
    const struct vnl_lab *lab = check->lab;

    if (lab->n_gateways + lab->n_sites == 0)
        return;
    guests.items = calloc(count(lab) + 1, sizeof(*guests.items));
    if (!guests.items) {
        vnl_check_nomem(check, "names");
        return;
    }
    add_known(check, &guests);
    for (size_t i = 0; i < lab->n_gateways; i++)
        add_gateway(check, &guests, lab->gateways[i]);
    for (size_t i = 0; i < lab->n_sites; i++)
        add(check, &guests,
            (struct guest){ lab->sites[i]->name, "site", lab->sites[i]->id, &lab->sites[i]->src });
    for (size_t i = 0; i < lab->n_sites; i++) {
        for (size_t k = 0; k < lab->sites[i]->n_hosts; k++)
            add(check, &guests,
                (struct guest){ lab->sites[i]->hosts[k]->name, "host of a site", lab->sites[i]->id,
                                &lab->sites[i]->hosts[k]->src });
    }
}
