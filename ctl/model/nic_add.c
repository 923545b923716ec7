/* Network interfaces and their ip configurations: made and freed. */
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void config_done(struct vnl_ip_config *config)
{
    free(config->name);
    free(config->public_ref);
}

void vnl_nic_free(struct vnl_nic **ptr)
{
    struct vnl_nic *nic = TAKE_PTR(*ptr);

    if (!nic)
        return;
    for (size_t i = 0; i < nic->n_configs; i++)
        config_done(&nic->configs[i]);
    free(nic->configs);
    free(nic->id);
    free(nic->name);
    free(nic->subnet_ref);
    free(nic->nsg_ref);
    vnl_names_done(&nic->asg_refs);
    free(nic->asgs);
    free(nic);
}

struct vnl_nic *vnl_nic_add(struct vnl_vm *vm, const char *name, const struct vnl_src *src,
                            struct vnl_err **err)
{
    CLEANUP(vnl_nic_free) struct vnl_nic *nic = calloc(1, sizeof(*nic));
    struct vnl_nic **nics = vnl_list_grow(vm->nics, vm->n_nics, sizeof(*nics));
    struct vnl_check check = { .err = err };

    vm->nics = nics ? nics : vm->nics;
    if (!nic || !nics || !(nic->name = strdup(name)) ||
        !(nic->id = vnl_id_format(&vm->scope, VNL_NIC_TYPE, name, NULL)))
        return vnl_add_failed(err, VNL_TYPE_NIC, name);
    nic->src = src ? *src : nic->src;
    nic->subnet_src = nic->nsg_src = nic->asg_src = nic->src;
    nic->vm = vm;
    nic->slot = VNL_SLOT_NONE;
    vnl_name_check(&check, VNL_TYPE_NIC, name, src, nic->id);
    return vm->nics[vm->n_nics++] = TAKE_PTR(nic);
}

static void check_config_name(struct vnl_check *check, const struct vnl_nic *nic, const char *name,
                              const struct vnl_src *src)
{
    if (!vnl_name_ok(VNL_TYPE_NIC, name))
        vnl_mistake(check, "InvalidResourceName", src, nic->id, vnl_name_hint(VNL_TYPE_NIC),
                    "Resource name '%s' is invalid for an ip configuration", name);
    for (size_t i = 0; i < nic->n_configs; i++) {
        if (!nic->configs[i].name || strcasecmp(nic->configs[i].name, name) != 0)
            continue;
        vnl_mistake(check, "InvalidTemplate", src, nic->id,
                    "names of ip configurations are compared without case",
                    "The ip configuration '%s' is defined multiple times", name);
        return;
    }
}

struct vnl_ip_config *vnl_ip_config_add(struct vnl_nic *nic, const char *name, const struct vnl_src *src,
                                        struct vnl_err **err)
{
    struct vnl_ip_config *configs = vnl_list_grow(nic->configs, nic->n_configs, sizeof(*configs));
    char *copy = name ? strdup(name) : NULL;
    struct vnl_check check = { .err = err };

    nic->configs = configs ? configs : nic->configs;
    if (!configs || (name && !copy)) {
        free(copy);
        (void)vnl_fail(err, ENOMEM, "ip configuration of network interface '%s'", nic->name);
        return NULL;
    }
    if (name)
        check_config_name(&check, nic, name, src);
    configs[nic->n_configs] = (struct vnl_ip_config){ .name = copy };
    if (src)
        configs[nic->n_configs].src = configs[nic->n_configs].public_src = *src;
    return &configs[nic->n_configs++];
}
