/* Private to the ARM loaders: members of a JSON object, with the mistake said when one is absent or of
 * another type.
 *
 * All return 0 or a negative number, with the error's own number in *err; texts and values are borrowed from
 * the document unless said otherwise. On failure outputs are untouched, lists may have grown. The _if forms
 * leave *ret alone when the member is absent. */
#ifndef VNL_LOAD_ARM_MEMBER_H
#define VNL_LOAD_ARM_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "vnetlab/err.h"
#include "vnetlab/lab.h"

struct vnl_json;

int vnl_member_text(const struct vnl_json *object, const char *key, const char **ret, struct vnl_err **err);
int vnl_member_object(const struct vnl_json *object, const char *key, const struct vnl_json **ret,
                      struct vnl_err **err);
int vnl_member_array(const struct vnl_json *object, const char *key, const struct vnl_json **ret,
                     struct vnl_err **err);
int vnl_member_bool(const struct vnl_json *object, const char *key, bool *ret, struct vnl_err **err);
int vnl_member_int(const struct vnl_json *object, const char *key, int64_t min, int64_t max, int64_t *ret,
                   struct vnl_err **err);
/* *ret: which of word(0) .. word(n - 1) the text is. */
int vnl_member_word(const struct vnl_json *object, const char *key, const char *(*word)(int), int n, int *ret,
                    struct vnl_err **err);

/* Replaces *ret, which is the caller's, by a copy. */
int vnl_member_copy(const struct vnl_json *object, const char *key, char **ret, struct vnl_err **err);
int vnl_member_copy_if(const struct vnl_json *object, const char *key, char **ret, struct vnl_err **err);

/* Append to *ret. */
int vnl_member_names(const struct vnl_json *object, const char *key, struct vnl_names *ret,
                     struct vnl_err **err);
int vnl_member_names_if(const struct vnl_json *object, const char *key, struct vnl_names *ret,
                        struct vnl_err **err);
int vnl_member_prefixes(const struct vnl_json *object, struct vnl_prefixes *ret, struct vnl_err **err);
/* The same of another name. */
int vnl_member_ranges(const struct vnl_json *object, const char *key, struct vnl_prefixes *ret,
                      struct vnl_err **err);
int vnl_member_add_prefix(struct vnl_prefixes *list, const char *text, struct vnl_err **err);

/* ARM's small shapes: an address, {"id": ...}, {"addressPrefixes": [...]}. */
int vnl_member_addr(const struct vnl_json *object, const char *key, struct vnl_addr *ret,
                    struct vnl_err **err);
int vnl_member_ref(const struct vnl_json *object, const char *key, const char **ret, struct vnl_err **err);
int vnl_member_space(const struct vnl_json *object, const char *key, struct vnl_prefixes *ret,
                     struct vnl_err **err);

/* "file:line:column"; *ret stays when it is absent. The lab owns the name of one file; a position in another
 * is not kept. */
int vnl_member_source(const struct vnl_lab *lab, const struct vnl_json *object, const char *key,
                      struct vnl_src *ret, struct vnl_err **err);

#endif
