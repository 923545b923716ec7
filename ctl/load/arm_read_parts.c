/* What the readers of all resources share: see arm_read.h. */
#include "arm_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm_member.h"
#include "vnetlab/base.h"
#include "vnetlab/json.h"

int vnl_arm_resource_open(const struct vnl_lab *lab, const struct vnl_json *json,
                          struct vnl_arm_resource *ret, struct vnl_err **err)
{
    struct vnl_arm_resource r = { 0 };

    if (vnl_member_text(json, "id", &r.id, err) < 0)
        return -EINVAL;
    if (vnl_member_text(json, "name", &r.name, err) < 0 ||
        vnl_member_object(json, "properties", &r.properties, err) < 0 ||
        vnl_member_object(json, "vnetlab", &r.own, err) < 0 ||
        vnl_member_source(lab, r.own, "source", &r.src, err) < 0)
        return -EINVAL;
    if (vnl_json_get(json, "location") && vnl_member_text(json, "location", &r.location, err) < 0)
        return -EINVAL;
    *ret = r;
    return 0;
}

void vnl_arm_scope_done(struct vnl_scope *scope)
{
    free(scope->subscription);
    free(scope->resource_group);
    free(scope->location);
    *scope = (struct vnl_scope){ 0 };
}

int vnl_arm_scope_init(struct vnl_scope *scope, const struct vnl_arm_resource *in, struct vnl_err **err)
{
    int n = 0;

    if (!in->location)
        return vnl_fail(err, EINVAL, "'location' is missing");
    n = sscanf(in->id, "/subscriptions/%m[^/]/resourceGroups/%m[^/]/", &scope->subscription,
               &scope->resource_group);
    if (n != 2)
        return vnl_fail(err, EINVAL, "'id' is '%s', which is no resource id", in->id);
    scope->location = strdup(in->location);
    return scope->location ? 0 : vnl_fail(err, ENOMEM, "'location'");
}

int vnl_arm_check_added(const char *id, const struct vnl_arm_resource *in, struct vnl_err **err)
{
    if (*err)
        return -EINVAL;
    if (!id)
        return vnl_fail(err, ENOMEM, "'%s'", in->name);
    if (strcmp(id, in->id) != 0)
        return vnl_fail(err, EINVAL, "'id' is '%s', but the name and place of the resource make '%s'", in->id,
                        id);
    return 0;
}

int vnl_arm_get_slot(const struct vnl_json *own, uint32_t *ret, struct vnl_err **err)
{
    int64_t slot;

    if (vnl_member_int(own, "slot", 0, VNL_SLOT_NONE - 1, &slot, err) < 0)
        return -EINVAL;
    *ret = (uint32_t)slot;
    return 0;
}

int vnl_arm_get_named_slot(const struct vnl_json *own, const char *key, uint32_t *ret, struct vnl_err **err)
{
    int64_t slot;

    if (vnl_member_int(own, key, 0, VNL_SLOT_NONE - 1, &slot, err) < 0)
        return -EINVAL;
    *ret = (uint32_t)slot;
    return 0;
}

int vnl_arm_get_ipv4(const struct vnl_json *json, const char *key, struct vnl_addr *ret, struct vnl_err **err)
{
    if (vnl_member_addr(json, key, ret, err) < 0)
        return -EINVAL;
    return ret->family == AF_INET ? 0 : vnl_fail(err, EINVAL, "'%s' is no IPv4 address", key);
}
