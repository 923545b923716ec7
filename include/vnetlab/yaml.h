/* A YAML document as a plain tree whose every node knows where it was written. The only user of libyaml.
 *
 * Refused with file:line:column: syntax errors, duplicate keys, keys that are not scalars, aliases, merge
 * keys, tags, more than one document, nesting deeper than VNL_YAML_DEPTH, NUL bytes, more than VNL_YAML_SIZE
 * bytes or VNL_YAML_NODES nodes. */
#ifndef VNETLAB_YAML_H
#define VNETLAB_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "vnetlab/err.h"

#define VNL_YAML_DEPTH 64
#define VNL_YAML_SIZE  (16u << 20)
#define VNL_YAML_NODES (1u << 20)

enum vnl_yaml_type { VNL_YAML_SCALAR, VNL_YAML_MAP, VNL_YAML_SEQ, VNL_YAML_TYPE_MAX };

struct vnl_yaml {
    enum vnl_yaml_type type;
    struct vnl_src src;
    char *key; /* when this node is a map's value: its key */
    struct vnl_src key_src;
    char *text;             /* scalar: its text, never NULL */
    bool plain;             /* scalar written without quotes: `80` may be a number, `"80"` is text */
    struct vnl_yaml **kids; /* map and sequence: children in file order */
    size_t n_kids;
};

/* name: what messages and vnl_src.file show; borrowed, must outlive the tree. An empty document is an empty
 * map. Returns 0, -EINVAL (*err says where), -EFBIG, -ENOMEM, or what open/read returned. A duplicate key and
 * a tag leave the tree whole: then *ret is set although -EINVAL is returned, so that the caller can look for
 * further mistakes; it holds the first of two equal keys. After any other failure *ret is untouched. */
int vnl_yaml_parse(const char *name, const char *text, size_t size, struct vnl_yaml **ret,
                   struct vnl_err **err);
int vnl_yaml_load(const char *path, struct vnl_yaml **ret, struct vnl_err **err);

const char *vnl_yaml_type_str(enum vnl_yaml_type type);                        /* "scalar", "map", "list" */
struct vnl_yaml *vnl_yaml_lookup(const struct vnl_yaml *map, const char *key); /* borrowed, or NULL */
bool vnl_yaml_is_null(const struct vnl_yaml *node); /* no value, `null` or `~` written plain */
void vnl_yaml_free(struct vnl_yaml **node);

#endif
