/* JSON values. The only user of jansson; the type stays opaque so that nobody else needs it.
 * Builders take ownership of the values put in; a builder that gets NULL passes NULL on (check once, at the
 * end). */
#ifndef VNETLAB_JSON_H
#define VNETLAB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct vnl_err;
struct vnl_json;

struct vnl_json *vnl_json_object(void);
struct vnl_json *vnl_json_array(void);
struct vnl_json *vnl_json_str(const char *text); /* NULL text gives JSON null */
struct vnl_json *vnl_json_int(int64_t value);
struct vnl_json *vnl_json_real(double value);
struct vnl_json *vnl_json_bool(bool value);

/* Put `value` (owned from here on, also on failure) under `key`, or behind the last element. 0 or -ENOMEM. */
int vnl_json_set(struct vnl_json *object, const char *key, struct vnl_json *value);
int vnl_json_push(struct vnl_json *array, struct vnl_json *value);

/* Borrowed; NULL when absent or of another type. */
struct vnl_json *vnl_json_get(const struct vnl_json *object, const char *key);
struct vnl_json *vnl_json_at(const struct vnl_json *array, size_t index);
const char *vnl_json_key_at(const struct vnl_json *object, size_t index); /* in the order they were set */
size_t vnl_json_len(const struct vnl_json *array); /* elements of an array, members of an object, else 0 */
const char *vnl_json_text(const struct vnl_json *value);
const char *vnl_json_get_text(const struct vnl_json *object, const char *key);
bool vnl_json_get_bool(const struct vnl_json *object, const char *key, bool fallback);
int64_t vnl_json_get_int(const struct vnl_json *object, const char *key, int64_t fallback);
bool vnl_json_is_object(const struct vnl_json *value);
bool vnl_json_is_array(const struct vnl_json *value);

/* indent 0 = one line. Keys stay in the order they were set. The text is the caller's. */
int vnl_json_format(const struct vnl_json *value, int indent, char **ret, struct vnl_err **err);
int vnl_json_parse(const char *text, size_t size, struct vnl_json **ret, struct vnl_err **err);
void vnl_json_free(struct vnl_json **value);

#endif
