/* Private to `vnetlab set`: what there is to set (lab_set_table.c), for the walk along a path (lab_set.c). */
#ifndef VNL_LOAD_LAB_SET_H
#define VNL_LOAD_LAB_SET_H

#include "lab_yaml.h"

struct vnl_settable {
    const char *key;
    void (*clear)(void *resource); /* NULL: its reader overwrites */
    void (*after)(void *resource); /* what follows when this key alone was set, or NULL */
    bool of_nic;                   /* of a VM: the key of its only NIC, for VMs of the short form */
};

struct vnl_set_level {
    const char *names[2]; /* ARM's, and the short one */
    const char *noun;
    const struct vnl_lab_keys *keys;
    const struct vnl_settable *settable;
    size_t n_settable;
    void *(*member)(const void *parent, size_t i, const char **ret_name); /* NULL at the end */
    /* A member that is not there is made, and one can be written as a whole. NULL: only the file adds. */
    void (*add)(struct vnl_loading *l, void *parent, const char *name, const struct vnl_yaml *value);
    void (*remove)(void *member); /* for the value null; NULL: only the file removes */
    const struct vnl_set_level *children;
    size_t n_children;
};

/* lab_set_outside.c */
void vnl_set_clear_nat(void *resource);           /* of a subnet */
void vnl_set_clear_outbound(void *resource);      /* of a subnet */
void vnl_set_clear_dns(void *resource);           /* of a VNet */
void vnl_set_clear_bandwidth(void *resource);     /* of a VM */
void vnl_set_clear_config_public(void *resource); /* publicIPAddress of a configuration, NIC, VM */
void vnl_set_clear_nic_public(void *resource);
void vnl_set_clear_vm_public(void *resource);
void *vnl_set_public_at(const void *parent, size_t i, const char **ret_name);
void *vnl_set_nat_at(const void *parent, size_t i, const char **ret_name);
void *vnl_set_lb_at(const void *parent, size_t i, const char **ret_name);
extern const struct vnl_settable vnl_set_public_keys[1], vnl_set_nat_keys[2];
extern const struct vnl_set_level vnl_set_lb_children[3];

/* lab_set_gateway.c */
void *vnl_set_gateway_at(const void *parent, size_t i, const char **ret_name);
void *vnl_set_local_at(const void *parent, size_t i, const char **ret_name);
void *vnl_set_connection_at(const void *parent, size_t i, const char **ret_name);
void *vnl_set_site_at(const void *parent, size_t i, const char **ret_name);
extern const struct vnl_settable vnl_set_gateway_keys[7], vnl_set_local_keys[3], vnl_set_connection_keys[7],
    vnl_set_site_keys[4];

extern const struct vnl_set_level vnl_set_sections[];
extern const size_t vnl_set_n_sections;

#endif
