#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vpn_parts.h"

/* Depths: 0 the message, 1 an IKE_SA, 2 its list of children, 3 a child. */
struct suite {
    char encryption[32], size[8], integrity[32], prf[32], group[32];
};

struct parts {
    struct suite ike, esp;
    char child_state[32];
    uint64_t in, out;
};

static bool keep(const struct vnl_vici_element *element, const char *key, char *buf, size_t size)
{
    if (strcmp(element->name, key))
        return false;
    vnl_vici_text(element, buf, size);
    return true;
}

static bool keep_suite(const struct vnl_vici_element *element, struct suite *suite)
{
    return keep(element, "encr-alg", suite->encryption, sizeof(suite->encryption)) ||
           keep(element, "encr-keysize", suite->size, sizeof(suite->size)) ||
           keep(element, "integ-alg", suite->integrity, sizeof(suite->integrity)) ||
           keep(element, "prf-alg", suite->prf, sizeof(suite->prf)) ||
           keep(element, "dh-group", suite->group, sizeof(suite->group));
}

static void read_ike(const struct vnl_vici_element *element, struct parts *parts, struct vnl_vpn_sa *ret)
{
    ret->established |=
        vnl_vici_is(element, "state", "ESTABLISHED") || vnl_vici_is(element, "state", "REKEYING");
    ret->connecting |=
        vnl_vici_is(element, "state", "CONNECTING") || vnl_vici_is(element, "state", "CREATED");
    (void)keep_suite(element, &parts->ike);
}

static void read_child(const struct vnl_vici_element *element, struct parts *parts)
{
    char number[24];

    if (keep(element, "state", parts->child_state, sizeof(parts->child_state)) ||
        keep_suite(element, &parts->esp))
        return;
    if (keep(element, "bytes-in", number, sizeof(number)))
        parts->in = strtoull(number, NULL, 10);
    else if (keep(element, "bytes-out", number, sizeof(number)))
        parts->out = strtoull(number, NULL, 10);
}

static void end_child(struct parts *parts, struct vnl_vpn_sa *ret)
{
    static const char *const there[] = { "INSTALLED", "REKEYING", "REKEYED" };

    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
        ret->installed |= !strcmp(parts->child_state, there[i]);
    ret->in += parts->in;
    ret->out += parts->out;
    parts->child_state[0] = '\0';
    parts->in = parts->out = 0;
}

static size_t put_suite(char *buf, size_t size, const struct suite *suite)
{
    return (size_t)snprintf(buf, size, "%s%s%s%s%s%s%s", suite->encryption, *suite->size ? "-" : "",
                            suite->size, *suite->integrity ? "/" : "", suite->integrity,
                            *suite->group ? "/" : "", suite->group);
}

static void end_ike(const struct parts *parts, struct vnl_vpn_sa *ret)
{
    size_t len = put_suite(ret->suite, sizeof(ret->suite), &parts->ike);

    if (!*parts->esp.encryption || len + 8 > sizeof(ret->suite))
        return;
    len += (size_t)snprintf(ret->suite + len, sizeof(ret->suite) - len, "%sESP:", len ? ", " : "");
    (void)put_suite(ret->suite + len, sizeof(ret->suite) - len, &parts->esp);
}

static void take(const struct vnl_vici_element *element, struct parts *parts, struct vnl_vpn_sa *ret)
{
    bool start = element->kind == VNL_VICI_SECTION_START, end = element->kind == VNL_VICI_SECTION_END;

    if (start && element->depth == 0)
        (void)snprintf(ret->name, sizeof(ret->name), "%.31s", element->name);
    else if (end && element->depth == 0)
        end_ike(parts, ret);
    else if (end && element->depth == 2)
        end_child(parts, ret);
    else if (element->kind == VNL_VICI_KEY_VALUE && element->depth == 0)
        ret->up |= vnl_vici_is(element, "up", "yes");
    else if (element->kind == VNL_VICI_KEY_VALUE && element->depth == 1)
        read_ike(element, parts, ret);
    else if (element->kind == VNL_VICI_KEY_VALUE && element->depth == 3)
        read_child(element, parts);
    else if (element->kind == VNL_VICI_LIST_ITEM && element->depth == 1 && !*ret->inner)
        (void)keep(element, "local-vips", ret->inner, sizeof(ret->inner));
}

int vnl_vpn_sa_parse(const uint8_t *message, size_t size, struct vnl_vpn_sa *ret)
{
    struct parts parts = { .in = 0 };
    struct vnl_vici_reader reader;
    struct vnl_vici_element element;
    int r;

    *ret = (struct vnl_vpn_sa){ .up = false };
    vnl_vici_reader_init(&reader, message, size);
    while ((r = vnl_vici_next(&reader, &element)) > 0)
        take(&element, &parts, ret);
    return r;
}
