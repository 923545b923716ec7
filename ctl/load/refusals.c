#include "vnetlab/refusals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/yaml.h"

void vnl_refusals_done(struct vnl_refusals *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].code);
        free(list->items[i].mentions);
    }
    free(list->items);
    *list = (struct vnl_refusals){ 0 };
}

static const char *text_of(const struct vnl_yaml *entry, const char *key)
{
    const struct vnl_yaml *node = entry->type == VNL_YAML_MAP ? vnl_yaml_lookup(entry, key) : NULL;

    return node && node->type == VNL_YAML_SCALAR ? node->text : NULL;
}

static int add(struct vnl_refusals *list, const char *code, const char *mentions)
{
    struct vnl_refusal *items = reallocarray(list->items, list->n + 1, sizeof(*items));
    struct vnl_refusal *new;

    if (!items)
        return -ENOMEM;
    list->items = items;
    new = &items[list->n];
    new->code = strdup(code);
    new->mentions = mentions ? strdup(mentions) : NULL;
    list->n++;
    return new->code && (new->mentions || !mentions) ? 0 : -ENOMEM;
}

int vnl_refusals_load(const char *path, struct vnl_refusals *ret, struct vnl_err **err)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;
    CLEANUP(vnl_refusals_done) struct vnl_refusals list = { 0 };
    const struct vnl_yaml *expect;
    int r = vnl_yaml_load(path, &root, err);

    if (r < 0)
        return r;
    expect = root->type == VNL_YAML_MAP ? vnl_yaml_lookup(root, "expect") : NULL;
    for (size_t i = 0; expect && expect->type == VNL_YAML_SEQ && i < expect->n_kids; i++) {
        const char *code = text_of(expect->kids[i], "error");

        if (code && add(&list, code, text_of(expect->kids[i], "mentions")) < 0)
            return vnl_fail(err, ENOMEM, "%s", path);
    }
    *ret = list;
    list = (struct vnl_refusals){ 0 };
    return 0;
}
