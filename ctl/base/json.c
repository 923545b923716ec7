/* jansson behind an opaque type: a struct vnl_json is a json_t that this file alone may look into. */
#include "vnetlab/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"

static json_t *json_in(const struct vnl_json *value)
{
    return (json_t *)value;
}

static struct vnl_json *json_out(json_t *value)
{
    return (struct vnl_json *)value;
}

struct vnl_json *vnl_json_object(void)
{
    return json_out(json_object());
}

struct vnl_json *vnl_json_array(void)
{
    return json_out(json_array());
}

/* JSON text is UTF-8. Paths and command output may be anything: each byte above ASCII becomes '?' then, so
 * that the value is shown and not lost. */
static json_t *string_of_bytes(const char *text)
{
    CLEANUP(vnl_str_free) char *ascii = strdup(text);

    if (!ascii)
        return NULL;
    for (char *p = ascii; *p; p++)
        *p = (unsigned char)*p < 0x80 ? *p : '?';
    return json_string(ascii);
}

struct vnl_json *vnl_json_str(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();

    return json_out(value ? value : string_of_bytes(text));
}

struct vnl_json *vnl_json_int(int64_t value)
{
    return json_out(json_integer(value));
}

/* JSON has no NaN and no infinity. */
struct vnl_json *vnl_json_real(double value)
{
    return json_out(isfinite(value) ? json_real(value) : json_null());
}

struct vnl_json *vnl_json_bool(bool value)
{
    return json_out(json_boolean(value));
}

/* jansson takes `value` also when it fails, and fails for NULL. */
int vnl_json_set(struct vnl_json *object, const char *key, struct vnl_json *value)
{
    return json_object_set_new(json_in(object), key, json_in(value)) < 0 ? -ENOMEM : 0;
}

int vnl_json_push(struct vnl_json *array, struct vnl_json *value)
{
    return json_array_append_new(json_in(array), json_in(value)) < 0 ? -ENOMEM : 0;
}

struct vnl_json *vnl_json_get(const struct vnl_json *object, const char *key)
{
    return json_out(json_object_get(json_in(object), key));
}

struct vnl_json *vnl_json_at(const struct vnl_json *array, size_t index)
{
    return json_out(json_array_get(json_in(array), index));
}

size_t vnl_json_len(const struct vnl_json *array)
{
    return json_is_object(json_in(array)) ? json_object_size(json_in(array))
                                          : json_array_size(json_in(array));
}

const char *vnl_json_text(const struct vnl_json *value)
{
    return json_string_value(json_in(value));
}

const char *vnl_json_key_at(const struct vnl_json *object, size_t index)
{
    void *member = json_object_iter(json_in(object));

    while (member && index--)
        member = json_object_iter_next(json_in(object), member);
    return member ? json_object_iter_key(member) : NULL;
}

const char *vnl_json_get_text(const struct vnl_json *object, const char *key)
{
    return vnl_json_text(vnl_json_get(object, key));
}

bool vnl_json_get_bool(const struct vnl_json *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(json_in(object), key);

    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

int64_t vnl_json_get_int(const struct vnl_json *object, const char *key, int64_t fallback)
{
    const json_t *value = json_object_get(json_in(object), key);

    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool vnl_json_is_object(const struct vnl_json *value)
{
    return json_is_object(json_in(value));
}

bool vnl_json_is_array(const struct vnl_json *value)
{
    return json_is_array(json_in(value));
}

int vnl_json_format(const struct vnl_json *value, int indent, char **ret, struct vnl_err **err)
{
    /* 15 digits print 0.1 as 0.1; jansson's 17 print 0.10000000000000001. */
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15) | JSON_INDENT((size_t)indent);
    char *text = value ? json_dumps(json_in(value), flags) : NULL;

    if (!text)
        return vnl_fail(err, ENOMEM, "JSON text");
    *ret = text;
    return 0;
}

int vnl_json_parse(const char *text, size_t size, struct vnl_json **ret, struct vnl_err **err)
{
    json_error_t why;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);

    if (!value && json_error_code(&why) == json_error_out_of_memory)
        return vnl_fail(err, ENOMEM, "JSON value");
    if (!value)
        return vnl_fail(err, EINVAL, "not valid JSON, line %d, column %d: %s", why.line, why.column,
                        why.text);
    *ret = json_out(value);
    return 0;
}

void vnl_json_free(struct vnl_json **value)
{
    json_decref(json_in(*value));
    *value = NULL;
}
