#include "arm_member.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/json.h"

/* What a getter could not use: absent, or of another type. */
static int fail_member(const struct vnl_json *object, const char *key, const char *type, struct vnl_err **err)
{
    if (!vnl_json_get(object, key))
        return vnl_fail(err, EINVAL, "'%s' is missing", key);
    return vnl_fail(err, EINVAL, "'%s' is not %s", key, type);
}

int vnl_member_text(const struct vnl_json *object, const char *key, const char **ret, struct vnl_err **err)
{
    const char *text = vnl_json_get_text(object, key);

    if (!text)
        return fail_member(object, key, "text", err);
    *ret = text;
    return 0;
}

/* The same for a field of the model, which may have a value already. */
int vnl_member_copy(const struct vnl_json *object, const char *key, char **ret, struct vnl_err **err)
{
    const char *text = NULL;
    char *copy;

    if (vnl_member_text(object, key, &text, err) < 0)
        return -EINVAL;
    copy = strdup(text);
    if (!copy)
        return vnl_fail(err, ENOMEM, "'%s'", key);
    free(*ret);
    *ret = copy;
    return 0;
}

int vnl_member_copy_if(const struct vnl_json *object, const char *key, char **ret, struct vnl_err **err)
{
    return vnl_json_get(object, key) ? vnl_member_copy(object, key, ret, err) : 0;
}

int vnl_member_object(const struct vnl_json *object, const char *key, const struct vnl_json **ret,
                      struct vnl_err **err)
{
    const struct vnl_json *value = vnl_json_get(object, key);

    if (!vnl_json_is_object(value))
        return fail_member(object, key, "an object", err);
    *ret = value;
    return 0;
}

int vnl_member_array(const struct vnl_json *object, const char *key, const struct vnl_json **ret,
                     struct vnl_err **err)
{
    const struct vnl_json *value = vnl_json_get(object, key);

    if (!vnl_json_is_array(value))
        return fail_member(object, key, "a list", err);
    *ret = value;
    return 0;
}

/* A value of another type is whatever one falls back on. */
int vnl_member_bool(const struct vnl_json *object, const char *key, bool *ret, struct vnl_err **err)
{
    bool value = vnl_json_get_bool(object, key, false);

    if (value != vnl_json_get_bool(object, key, true))
        return fail_member(object, key, "true or false", err);
    *ret = value;
    return 0;
}

int vnl_member_int(const struct vnl_json *object, const char *key, int64_t min, int64_t max, int64_t *ret,
                   struct vnl_err **err)
{
    int64_t value = vnl_json_get_int(object, key, INT64_MIN);

    if (value != vnl_json_get_int(object, key, INT64_MAX))
        return fail_member(object, key, "a number", err);
    if (value < min || value > max)
        return vnl_fail(err, EINVAL, "'%s' is %lld, and not between %lld and %lld", key, (long long)value,
                        (long long)min, (long long)max);
    *ret = value;
    return 0;
}

/* One of the first n words of a vocabulary. */
int vnl_member_word(const struct vnl_json *object, const char *key, const char *(*word)(int), int n, int *ret,
                    struct vnl_err **err)
{
    const char *text = NULL;

    if (vnl_member_text(object, key, &text, err) < 0)
        return -EINVAL;
    for (int i = 0; i < n; i++) {
        if (!strcmp(word(i), text)) {
            *ret = i;
            return 0;
        }
    }
    return vnl_fail(err, EINVAL, "'%s' is '%s', which is none of its values", key, text);
}

int vnl_member_addr(const struct vnl_json *object, const char *key, struct vnl_addr *ret,
                    struct vnl_err **err)
{
    const char *text = NULL;

    if (vnl_member_text(object, key, &text, err) < 0)
        return -EINVAL;
    return vnl_addr_parse(text, ret, err) < 0 ? vnl_wrap(err, "'%s'", key) : 0;
}

/* The id inside {"id": ...}. */
int vnl_member_ref(const struct vnl_json *object, const char *key, const char **ret, struct vnl_err **err)
{
    const struct vnl_json *ref = NULL;

    if (vnl_member_object(object, key, &ref, err) < 0)
        return -EINVAL;
    return vnl_member_text(ref, "id", ret, err) < 0 ? vnl_wrap(err, "'%s'", key) : 0;
}

int vnl_member_names(const struct vnl_json *object, const char *key, struct vnl_names *ret,
                     struct vnl_err **err)
{
    const struct vnl_json *array = NULL;

    if (vnl_member_array(object, key, &array, err) < 0)
        return -EINVAL;
    for (size_t i = 0; i < vnl_json_len(array); i++) {
        const char *name = vnl_json_text(vnl_json_at(array, i));

        if (!name)
            return vnl_fail(err, EINVAL, "'%s' has an element that is not text", key);
        if (vnl_names_add(ret, name) < 0)
            return vnl_fail(err, ENOMEM, "'%s'", key);
    }
    return 0;
}

int vnl_member_names_if(const struct vnl_json *object, const char *key, struct vnl_names *ret,
                        struct vnl_err **err)
{
    return vnl_json_get(object, key) ? vnl_member_names(object, key, ret, err) : 0;
}

int vnl_member_add_prefix(struct vnl_prefixes *list, const char *text, struct vnl_err **err)
{
    struct vnl_prefix prefix;

    if (vnl_prefix_parse(text, &prefix, err) < 0)
        return -EINVAL;
    return vnl_prefixes_add(list, &prefix) < 0 ? vnl_fail(err, ENOMEM, "prefix '%s'", text) : 0;
}

int vnl_member_prefixes(const struct vnl_json *object, struct vnl_prefixes *ret, struct vnl_err **err)
{
    return vnl_member_ranges(object, "addressPrefixes", ret, err);
}

int vnl_member_ranges(const struct vnl_json *object, const char *key, struct vnl_prefixes *ret,
                      struct vnl_err **err)
{
    CLEANUP(vnl_names_done) struct vnl_names texts = { 0 };
    int r = vnl_member_names(object, key, &texts, err);

    for (size_t i = 0; !r && i < texts.n; i++)
        r = vnl_member_add_prefix(ret, texts.items[i], err);
    return r;
}

int vnl_member_space(const struct vnl_json *object, const char *key, struct vnl_prefixes *ret,
                     struct vnl_err **err)
{
    const struct vnl_json *space = NULL;

    if (vnl_member_object(object, key, &space, err) < 0)
        return -EINVAL;
    return vnl_member_prefixes(space, ret, err) < 0 ? vnl_wrap(err, "'%s'", key) : 0;
}

/* ":line:column" at the end of a text; where it starts, or NULL. */
static const char *parse_position(const char *text, int *ret_line, int *ret_col)
{
    const char *col = strrchr(text, ':');
    const char *line = col ? memrchr(text, ':', (size_t)(col - text)) : NULL;
    char end;

    return line && sscanf(line, ":%9d:%9d%c", ret_line, ret_col, &end) == 2 ? line : NULL;
}

/* "file:line:column", or nothing at all. The lab owns the name of one file; a position in another one is not
 * kept. */
int vnl_member_source(const struct vnl_lab *lab, const struct vnl_json *object, const char *key,
                      struct vnl_src *ret, struct vnl_err **err)
{
    struct vnl_src src = { 0 };
    const char *text = NULL, *end;
    size_t len;

    if (!vnl_json_get(object, key))
        return 0;
    if (vnl_member_text(object, key, &text, err) < 0)
        return -EINVAL;
    end = parse_position(text, &src.line, &src.col);
    if (!end)
        return vnl_fail(err, EINVAL, "'%s' is '%s', and not file:line:column", key, text);
    len = (size_t)(end - text);
    if (len && lab->file && strlen(lab->file) == len && !memcmp(lab->file, text, len))
        src.file = lab->file;
    if (!len || src.file)
        *ret = src;
    return 0;
}
