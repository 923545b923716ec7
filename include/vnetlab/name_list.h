/* A list of names. A zeroed struct is an empty list. */
#ifndef VNETLAB_NAME_LIST_H
#define VNETLAB_NAME_LIST_H

#include <stddef.h>

struct vnl_names {
    char **items;
    size_t n;
};

int vnl_names_add(struct vnl_names *list, const char *name); /* copied; 0 or -ENOMEM */
void vnl_names_done(struct vnl_names *list);

#endif
