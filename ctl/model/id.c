/* Resource ids, names and locations, as ARM has them. Ids and names are compared without case and kept as
 * written. */
#include "model.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Source: Azure documentation, "Naming rules and restrictions for Azure resources" (spec 6.4 of the ARM
 * reference). Virtual machines: Linux names; '_' and '.' stand in the documentation's list of forbidden
 * characters, '.' is forbidden "at the end" in the next sentence. We take '.' inside and no '_'. */
struct name_rule {
    const char *what; /* for sentences */
    size_t min, max;
    const char *inside; /* characters allowed inside */
    const char *end;    /* at the end; the first one is always a letter or digit */
    const char *hint;
};

#define NETWORK_INSIDE ALNUM "_.-"
#define NETWORK_END    ALNUM "_"
#define NETWORK_HINT   "letters, digits, '_', '.', '-'; starts with a letter or digit, ends with one or '_'"

static const struct name_rule name_rules[] = {
    [VNL_TYPE_VNET] = { "virtual network", 2, 64, NETWORK_INSIDE, NETWORK_END, "2 to 64 " NETWORK_HINT },
    [VNL_TYPE_SUBNET] = { "subnet", 1, 80, NETWORK_INSIDE, NETWORK_END, "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_PEERING] = { "peering", 1, 80, NETWORK_INSIDE, NETWORK_END, "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_VM] = { "virtual machine", 1, 64, ALNUM ".-", ALNUM,
                      "1 to 64 letters, digits, '.' and '-'; starts and ends with a letter or digit" },
    [VNL_TYPE_NIC] = { "network interface", 1, 80, NETWORK_INSIDE, NETWORK_END, "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_NSG] = { "network security group", 1, 80, NETWORK_INSIDE, NETWORK_END,
                       "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_RULE] = { "security rule", 1, 80, NETWORK_INSIDE, NETWORK_END, "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_ASG] = { "application security group", 1, 80, NETWORK_INSIDE, NETWORK_END,
                       "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_ROUTE_TABLE] = { "route table", 1, 80, NETWORK_INSIDE, NETWORK_END, "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_ROUTE] = { "route", 1, 80, NETWORK_INSIDE, NETWORK_END, "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_PUBLIC_IP] = { "public IP address", 1, 80, NETWORK_INSIDE, NETWORK_END,
                             "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_NAT_GATEWAY] = { "NAT gateway", 1, 80, NETWORK_INSIDE, NETWORK_END, "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_BALANCER] = { "load balancer", 1, 80, NETWORK_INSIDE, NETWORK_END, "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_VPN_GATEWAY] = { "virtual network gateway", 1, 80, NETWORK_INSIDE, NETWORK_END,
                               "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_LOCAL_GATEWAY] = { "local network gateway", 1, 80, NETWORK_INSIDE, NETWORK_END,
                                 "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_CONNECTION] = { "connection", 1, 80, NETWORK_INSIDE, NETWORK_END, "1 to 80 " NETWORK_HINT },
    [VNL_TYPE_SITE] = { "site", 1, 64, ALNUM ".-", ALNUM,
                        "1 to 64 letters, digits, '.' and '-'; starts and ends with a letter or digit" },
    [VNL_TYPE_CLIENT] = { "client", 1, 64, ALNUM ".-", ALNUM,
                          "1 to 64 letters, digits, '.' and '-'; starts and ends with a letter or digit" },
    [VNL_TYPE_HOST] = { "internet host", 1, 64, ALNUM ".-", ALNUM,
                        "1 to 64 letters, digits, '.' and '-'; starts and ends with a letter or digit" },
};
static_assert(ARRAY_SIZE(name_rules) == VNL_TYPE_MAX, "a name rule for every type");

const char *vnl_type_str(enum vnl_type type)
{
    return name_rules[type].what;
}

bool vnl_name_ok(enum vnl_type type, const char *name)
{
    const struct name_rule *rule = &name_rules[type];
    size_t len = strlen(name);

    return len >= rule->min && len <= rule->max && strspn(name, rule->inside) == len &&
           strchr(ALNUM, name[0]) && strchr(rule->end, name[len - 1]);
}

const char *vnl_name_hint(enum vnl_type type)
{
    return name_rules[type].hint;
}

void vnl_name_check(struct vnl_check *check, enum vnl_type type, const char *name, const struct vnl_src *src,
                    const char *id)
{
    const struct name_rule *rule = &name_rules[type];

    if (!vnl_name_ok(type, name))
        vnl_mistake(check, "InvalidResourceName", src, id, rule->hint,
                    "Resource name '%s' is invalid for %s %s", name,
                    strchr("aeiou", rule->what[0]) ? "an" : "a", rule->what);
}

char *vnl_id_format(const struct vnl_scope *scope, const char *type_path, const char *name, const char *child)
{
    char *id = NULL;

    if (asprintf(&id, "/subscriptions/%s/resourceGroups/%s/providers/%s/%s%s%s", scope->subscription,
                 scope->resource_group, type_path, name, child ? "/" : "", child ? child : "") < 0)
        return NULL;
    return id;
}

bool vnl_id_eq(const char *a, const char *b)
{
    return a && b && strcasecmp(a, b) == 0;
}

const char *vnl_id_path(const char *id)
{
    const char *provider = id ? strcasestr(id, "/providers/") : NULL;
    const char *path = provider ? strchr(provider + strlen("/providers/"), '/') : NULL;

    return path ? path + 1 : id;
}

bool vnl_id_matches(const char *text, const char *form)
{
    while (*form) {
        if (*form == '*') {
            size_t len = strcspn(text, "/");

            if (len == 0)
                return false;
            text += len;
        } else if (tolower((unsigned char)*text++) != tolower((unsigned char)*form)) {
            return false;
        }
        form++;
    }
    return *text == '\0';
}

char *vnl_location_normalize(const char *text)
{
    char *location = strdup(text), *end = location;

    for (; location && *text; text++) {
        if (*text != ' ')
            *end++ = (char)tolower((unsigned char)*text);
    }
    if (location)
        *end = '\0';
    return location;
}

static bool is_guid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (size_t i = 0; form[i]; i++) {
        if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != '-')
            return false;
    }
    return text[sizeof(form) - 1] == '\0';
}

static bool resource_group_ok(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= 90 && strspn(name, ALNUM "_()-.") == len && name[len - 1] != '.';
}

/* NULL fields were not written. Source: ARM reference, sections 6.1 and 6.4. Locations are not compared with
 * a list of Azure's regions: they change, and a lab only asks whether two are equal. */
void vnl_scope_check(struct vnl_check *check, const struct vnl_scope *scope, const struct vnl_src *src,
                     const char *id)
{
    if (scope->subscription && !is_guid(scope->subscription))
        vnl_mistake(check, "InvalidSubscriptionId", src, id, "such as 00000000-0000-0000-0000-000000000000",
                    "The provided subscription identifier '%s' is malformed or invalid", scope->subscription);
    if (scope->resource_group && !resource_group_ok(scope->resource_group))
        vnl_mistake(check, "InvalidResourceName", src, id,
                    "1 to 90 letters, digits, '_', '(', ')', '-' and '.'; does not end with '.'",
                    "Resource name '%s' is invalid for a resource group", scope->resource_group);
    if (scope->location &&
        (!*scope->location || strspn(scope->location, ALNUM " ") != strlen(scope->location)))
        vnl_mistake(check, "LocationNotAvailableForResourceType", src, id, "such as eastus or \"East US\"",
                    "The provided location '%s' is not available for resource type", scope->location);
}
