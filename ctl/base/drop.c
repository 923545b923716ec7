#include "vnetlab/drop.h"

#include <errno.h>
#include <strings.h>

#include "vnetlab/base.h"

static const char *const drop_str[] = {
#define NAME(symbol, name, text) [VNL_DROP_##symbol] = (name),
    VNL_DROP_REASONS(NAME)
#undef NAME
};
static_assert(ARRAY_SIZE(drop_str) == VNL_DROP_MAX, "name every drop reason");

static const char *const drop_text[] = {
#define TEXT(symbol, name, text) [VNL_DROP_##symbol] = (text),
    VNL_DROP_REASONS(TEXT)
#undef TEXT
};
static_assert(ARRAY_SIZE(drop_text) == VNL_DROP_MAX, "explain every drop reason");

static const char *const stage_str[] = {
    [VNL_STAGE_FRAME] = "frame",       [VNL_STAGE_NEIGHBOR] = "neighbor",
    [VNL_STAGE_PARSE] = "parse",       [VNL_STAGE_SOURCE] = "source",
    [VNL_STAGE_PROTOCOL] = "protocol", [VNL_STAGE_NSG_OUTBOUND] = "nsg-outbound",
    [VNL_STAGE_ROUTE] = "route",       [VNL_STAGE_TRANSLATE] = "translate",
    [VNL_STAGE_PEERING] = "peering",   [VNL_STAGE_NSG_INBOUND] = "nsg-inbound",
    [VNL_STAGE_DELIVER] = "deliver",
};
static_assert(ARRAY_SIZE(stage_str) == VNL_STAGE_MAX, "name every stage");

/* Numbers may come from a kernel table that a newer vnetlab wrote, so the bounds are checked. */
const char *vnl_drop_str(enum vnl_drop reason)
{
    return (unsigned)reason < VNL_DROP_MAX ? drop_str[reason] : "Unknown";
}

const char *vnl_drop_text(enum vnl_drop reason)
{
    return (unsigned)reason < VNL_DROP_MAX ? drop_text[reason] : "a reason that this version does not know";
}

int vnl_drop_parse(const char *name, enum vnl_drop *ret)
{
    for (unsigned i = 0; i < VNL_DROP_MAX; i++) {
        if (strcasecmp(name, drop_str[i]) == 0) {
            *ret = (enum vnl_drop)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *vnl_stage_str(enum vnl_stage stage)
{
    return (unsigned)stage < VNL_STAGE_MAX ? stage_str[stage] : "unknown";
}

const char *const *vnl_drop_names(void)
{
    return drop_str;
}
