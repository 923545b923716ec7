/* Lists of names and prefixes. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *vnl_list_grow(void *items, size_t n, size_t item_size)
{
    if (n & (n - 1)) /* not a power of two: there is room */
        return items;
    return reallocarray(items, n ? n * 2 : 1, item_size);
}

int vnl_prefixes_add(struct vnl_prefixes *list, const struct vnl_prefix *prefix)
{
    struct vnl_prefix *items = vnl_list_grow(list->items, list->n, sizeof(*items));

    if (!items)
        return -ENOMEM;
    list->items = items;
    list->items[list->n++] = *prefix;
    return 0;
}

/* Replaces what dst holds; src and dst may not be the same list. */
int vnl_prefixes_copy(struct vnl_prefixes *dst, const struct vnl_prefixes *src)
{
    struct vnl_prefixes copy = { 0 };

    for (size_t i = 0; i < src->n; i++) {
        if (vnl_prefixes_add(&copy, &src->items[i]) < 0) {
            vnl_prefixes_done(&copy);
            return -ENOMEM;
        }
    }
    vnl_prefixes_done(dst);
    *dst = copy;
    return 0;
}

void vnl_prefixes_done(struct vnl_prefixes *list)
{
    free(list->items);
    *list = (struct vnl_prefixes){ 0 };
}

bool vnl_prefixes_have(const struct vnl_prefixes *list, const struct vnl_prefix *prefix)
{
    for (size_t i = 0; i < list->n; i++) {
        if (vnl_prefix_eq(&list->items[i], prefix))
            return true;
    }
    return false;
}

static int add_once(struct vnl_prefixes *list, const struct vnl_prefix *prefix)
{
    return vnl_prefixes_have(list, prefix) ? 0 : vnl_prefixes_add(list, prefix);
}

int vnl_prefixes_overlapping(const struct vnl_prefixes *a, const struct vnl_prefixes *b,
                             struct vnl_prefixes *ret)
{
    for (size_t i = 0; i < a->n; i++) {
        for (size_t k = 0; k < b->n; k++) {
            if (!vnl_prefix_overlap(&a->items[i], &b->items[k]))
                continue;
            if (add_once(ret, &a->items[i]) < 0 || add_once(ret, &b->items[k]) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

char *vnl_prefixes_join(const struct vnl_prefixes *list)
{
    char *text = calloc(list->n + 1, VNL_PREFIX_STR + 2);
    char *end = text;

    for (size_t i = 0; text && i < list->n; i++) {
        char buf[VNL_PREFIX_STR];

        end = stpcpy(end, i ? ", " : "");
        end = stpcpy(end, vnl_prefix_format(&list->items[i], buf));
    }
    return text;
}

int vnl_ports_add(struct vnl_port_list *list, struct vnl_ports ports)
{
    struct vnl_ports *items = vnl_list_grow(list->items, list->n, sizeof(*items));

    if (!items)
        return -ENOMEM;
    list->items = items;
    list->items[list->n++] = ports;
    return 0;
}

void vnl_ports_done(struct vnl_port_list *list)
{
    free(list->items);
    *list = (struct vnl_port_list){ 0 };
}

/* One port without sign, spaces or leading zeros; what stands behind it, or NULL. */
static const char *parse_port(const char *text, uint16_t *ret)
{
    size_t n = strspn(text, "0123456789");
    unsigned long port = n >= 1 && n <= 5 ? strtoul(text, NULL, 10) : UINT16_MAX + 1ul;

    if (port > UINT16_MAX || (n > 1 && text[0] == '0'))
        return NULL;
    *ret = (uint16_t)port;
    return text + n;
}

int vnl_ports_parse(const char *text, struct vnl_ports *ret)
{
    struct vnl_ports ports;
    const char *end = parse_port(text, &ports.first);

    ports.last = ports.first;
    if (end && *end == '-')
        end = parse_port(end + 1, &ports.last);
    if (!end || *end)
        return -EINVAL;
    *ret = ports;
    return 0;
}

const char *vnl_ports_format(struct vnl_ports ports, char buf[VNL_PORTS_STR])
{
    if (ports.first == ports.last)
        (void)snprintf(buf, VNL_PORTS_STR, "%u", ports.first);
    else
        (void)snprintf(buf, VNL_PORTS_STR, "%u-%u", ports.first, ports.last);
    return buf;
}

char *vnl_names_join(const struct vnl_names *names, size_t max)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < names->n && i < max; i++)
        (void)fprintf(out, "%s%s", i ? ", " : "", names->items[i]);
    if (names->n > max)
        (void)fprintf(out, " and %zu more", names->n - max);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
