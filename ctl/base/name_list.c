#include "vnetlab/name_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int vnl_names_add(struct vnl_names *list, const char *name)
{
    if (!(list->n & (list->n - 1))) { /* full at each power of two */
        char **items = reallocarray(list->items, list->n ? 2 * list->n : 1, sizeof(*items));

        if (!items)
            return -ENOMEM;
        list->items = items;
    }
    list->items[list->n] = strdup(name);
    if (!list->items[list->n])
        return -ENOMEM;
    list->n++;
    return 0;
}

void vnl_names_done(struct vnl_names *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct vnl_names){ 0 };
}
