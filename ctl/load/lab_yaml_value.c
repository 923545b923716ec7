/* Walking key tables, and the values that several resources share. */
#include "lab_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void add_loaded(struct vnl_loading *l, const struct vnl_src *src)
{
    size_t n = l->n_loaded;

    if ((n & (n - 1)) == 0) { /* full at each power of two */
        struct vnl_loaded *loaded = realloc(l->loaded, (n ? n * 2 : 1) * sizeof(*loaded));

        if (!loaded) {
            (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
            return;
        }
        l->loaded = loaded;
    }
    l->current = l->n_loaded++;
    l->loaded[l->current] = (struct vnl_loaded){ .src = *src, .owner = l->current, .n_broken = l->n_broken };
    l->inside = true;
}

void vnl_lab_enter(struct vnl_loading *l, const struct vnl_src *src, const char *type, const char *name)
{
    (void)snprintf(l->target, sizeof(l->target), "%s%s%s", type, name ? "/" : "", name ? name : "");
    add_loaded(l, src);
}

void vnl_lab_enter_part(struct vnl_loading *l, const struct vnl_src *src)
{
    size_t owner = l->current, n_loaded = l->n_loaded;

    add_loaded(l, src);
    if (l->n_loaded > n_loaded)
        l->loaded[l->current].owner = owner;
}

/* That the part lacks something says nothing of the whole. */
void vnl_lab_leave_part(struct vnl_loading *l)
{
    if (!l->loaded)
        return; /* no memory, which was said */
    l->n_broken = l->loaded[l->current].n_broken;
    l->current = l->loaded[l->current].owner;
}

void vnl_lab_leave(struct vnl_loading *l)
{
    l->target[0] = '\0';
    l->inside = false;
}

size_t vnl_lab_enter_child(struct vnl_loading *l, const char *type, const char *name)
{
    size_t parent = strlen(l->target);

    (void)snprintf(l->target + parent, sizeof(l->target) - parent, "/%s/%s", type, name);
    return parent;
}

void vnl_lab_leave_child(struct vnl_loading *l, size_t parent)
{
    l->target[parent] = '\0';
}

void vnl_lab_broken(struct vnl_loading *l)
{
    l->n_broken++;
    if (l->inside)
        l->loaded[l->current].broken = true;
    else
        l->lost_section = true;
}

void vnl_lab_broken_if_twice(struct vnl_loading *l, const struct vnl_err *before)
{
    for (const struct vnl_err *one = l->mistakes; one && one != before; one = one->next) {
        if (one->code && strcmp(one->code, "InvalidTemplate") == 0) {
            vnl_lab_broken(l);
            return;
        }
    }
}

void vnl_lab_missing(struct vnl_loading *l, const struct vnl_yaml *node, const char *hint, const char *key)
{
    vnl_lab_broken(l);
    if (node->key)
        vnl_lab_mistake(l, node->key_src, NULL, hint, "'%s' has no '%s'", node->key, key);
    else
        vnl_lab_mistake(l, node->src, NULL, hint, "'%s' is missing", key);
}

bool vnl_lab_no_memory(const struct vnl_err *mistakes)
{
    while (mistakes && mistakes->num != ENOMEM)
        mistakes = mistakes->next;
    return mistakes;
}

/* "not 'yes'", "not a list", "not an empty value" */
static const char *describe(const struct vnl_yaml *node, char buf[64])
{
    if (node->type == VNL_YAML_MAP)
        return "a map";
    if (node->type == VNL_YAML_SEQ)
        return "a list";
    if (vnl_yaml_is_null(node) || !*node->text)
        return "an empty value";
    (void)snprintf(buf, 64, strlen(node->text) > 40 ? "'%.40s...'" : "'%.40s'", node->text);
    return buf;
}

void vnl_lab_wrong_type(struct vnl_loading *l, const char *name, const char *type,
                        const struct vnl_yaml *node)
{
    char buf[64];

    vnl_lab_mistake(l, node->src, "InvalidRequestContent", NULL, "'%s' must be %s, not %s", name, type,
                    describe(node, buf));
}

bool vnl_lab_is_map(struct vnl_loading *l, const char *name, const struct vnl_yaml *node)
{
    if (node->type == VNL_YAML_MAP || vnl_yaml_is_null(node))
        return true;
    vnl_lab_wrong_type(l, name, "a map", node);
    vnl_lab_broken(l);
    return false;
}

/* --- keys -------------------------------------------------------------------------------------------- */

static const struct vnl_lab_key *find_key(const struct vnl_lab_keys *table, const char *name)
{
    for (size_t i = 0; i < table->n; i++) {
        if (strcmp(table->keys[i].name, name) == 0)
            return &table->keys[i];
    }
    return NULL;
}

/* The key that was probably meant: the same in other case, or near in spelling. */
static const char *meant_key(const struct vnl_lab_keys *table, const char *name)
{
    const char *names[64];
    size_t n = 0;

    for (size_t i = 0; i < table->n && n < ARRAY_SIZE(names); i++) {
        if (strcasecmp(table->keys[i].name, name) == 0)
            return table->keys[i].name;
        if (!table->keys[i].refuse)
            names[n++] = table->keys[i].name;
    }
    return vnl_nearest(name, names, n);
}

/* A misspelled key takes its value away from the resource; so what is said about the rest may be a
 * consequence. */
static void unknown_key(struct vnl_loading *l, const struct vnl_lab_keys *table, const struct vnl_yaml *node)
{
    const char *meant = meant_key(table, node->key);
    char hint[80];

    if (meant) {
        (void)snprintf(hint, sizeof(hint), "did you mean '%s'?", meant);
        vnl_lab_broken(l);
    }
    vnl_lab_mistake(l, node->key_src, "InvalidRequestContent", meant ? hint : NULL, "unknown key '%s' in %s",
                    node->key, table->what);
}

static void refused_key(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node)
{
    char hint[80];

    if (key->instead) {
        (void)snprintf(hint, sizeof(hint), "use '%s'", key->instead);
        vnl_lab_broken(l);
    }
    vnl_lab_mistake(l, node->key_src, "InvalidRequestContent", key->instead ? hint : NULL, "'%s' %s",
                    key->name, key->refuse);
}

void vnl_lab_read_map(struct vnl_loading *l, const struct vnl_lab_keys *table, void *resource,
                      const struct vnl_yaml *node)
{
    if (!vnl_lab_is_map(l, node->key ? node->key : table->what, node))
        return;
    for (size_t i = 0; i < node->n_kids; i++) {
        const struct vnl_yaml *kid = node->kids[i];
        const struct vnl_lab_key *key = find_key(table, kid->key);

        if (!key)
            unknown_key(l, table, kid);
        else if (key->refuse)
            refused_key(l, key, kid);
        else if (key->read)
            key->read(l, key, resource, kid);
    }
}

/* --- values ------------------------------------------------------------------------------------------ */

void vnl_lab_copy(struct vnl_loading *l, char **ret, const char *text)
{
    char *copy = strdup(text);

    if (!copy) {
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
        return;
    }
    free(*ret);
    *ret = copy;
}

const char *vnl_lab_text(struct vnl_loading *l, const char *name, const char *type,
                         const struct vnl_yaml *node)
{
    if (node->type == VNL_YAML_SCALAR && !vnl_yaml_is_null(node) && *node->text)
        return node->text;
    vnl_lab_wrong_type(l, name, type, node);
    return NULL;
}

/* YAML 1.2: true and false, nothing else ("yes", "on" and 1 were YAML 1.1's). */
void vnl_lab_read_bool(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                       const struct vnl_yaml *node)
{
    bool *value = (bool *)((char *)resource + key->field);
    bool plain = node->type == VNL_YAML_SCALAR && node->plain;

    if (plain && strcasecmp(node->text, "true") == 0)
        *value = true;
    else if (plain && strcasecmp(node->text, "false") == 0)
        *value = false;
    else
        vnl_lab_wrong_type(l, key->name, "true or false", node);
}

bool vnl_lab_number(struct vnl_loading *l, const char *name, const struct vnl_yaml *node, long min, long max,
                    long *ret)
{
    char type[64];
    size_t n = node->type == VNL_YAML_SCALAR && node->plain ? strspn(node->text, "0123456789") : 0;
    long value = 0;

    for (size_t i = 0; i < n && value <= max; i++)
        value = value * 10 + (node->text[i] - '0');
    if (n == 0 || node->text[n] || (n > 1 && node->text[0] == '0') || value < min || value > max) {
        (void)snprintf(type, sizeof(type), "a number from %ld to %ld", min, max);
        vnl_lab_wrong_type(l, name, type, node);
        return false;
    }
    *ret = value;
    return true;
}

/* A mistake in a value's text has no place yet: the parser of addresses does not know about files. */
static void place_mistake(struct vnl_loading *l, const struct vnl_src *src, struct vnl_err **why)
{
    if (!*why)
        return;
    if ((*why)->num == ENOMEM)
        vnl_err_append(&l->mistakes, why);
    else
        vnl_lab_mistake(l, *src, (*why)->code, (*why)->hint, "%s", (*why)->msg);
}

static void add_prefix(struct vnl_loading *l, const char *name, const struct vnl_yaml *node,
                       struct vnl_prefixes *ret)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    const char *text = vnl_lab_text(l, name, "a prefix such as 10.0.0.0/16", node);
    struct vnl_prefix prefix;

    if (!text || vnl_prefix_parse(text, &prefix, &why) < 0) {
        place_mistake(l, &node->src, &why);
        vnl_lab_broken(l);
        return;
    }
    if (vnl_prefixes_add(ret, &prefix) < 0)
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
}

void vnl_lab_prefixes(struct vnl_loading *l, const char *name, const struct vnl_yaml *node,
                      struct vnl_prefixes *ret)
{
    if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < node->n_kids; i++)
            add_prefix(l, name, node->kids[i], ret);
    } else if (node->type == VNL_YAML_MAP) {
        vnl_lab_wrong_type(l, name, "a prefix or a list of prefixes", node);
        vnl_lab_broken(l);
    } else {
        add_prefix(l, name, node, ret);
    }
}

void vnl_lab_read_prefixes(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                           const struct vnl_yaml *node)
{
    vnl_lab_prefixes(l, key->name, node, (struct vnl_prefixes *)((char *)resource + key->field));
}

static void add_name(struct vnl_loading *l, const struct vnl_lab_key *key, const struct vnl_yaml *node,
                     struct vnl_names *ret)
{
    const char *text = vnl_lab_text(l, key->name, key->type, node);

    if (text && vnl_names_add(ret, text) < 0)
        (void)vnl_fail(&l->mistakes, ENOMEM, "lab '%s'", l->lab->name);
}

void vnl_lab_read_names(struct vnl_loading *l, const struct vnl_lab_key *key, void *resource,
                        const struct vnl_yaml *node)
{
    struct vnl_names *names = (struct vnl_names *)((char *)resource + key->field);

    if (node->type == VNL_YAML_SEQ) {
        for (size_t i = 0; i < node->n_kids; i++)
            add_name(l, key, node->kids[i], names);
    } else {
        add_name(l, key, node, names);
    }
}

const struct vnl_yaml *vnl_lab_ref_value(const struct vnl_yaml *node)
{
    const struct vnl_yaml *id =
        node->type == VNL_YAML_MAP && node->n_kids == 1 ? vnl_yaml_lookup(node, "id") : NULL;

    return id ? id : node;
}

static char *scope_text(struct vnl_loading *l, const struct vnl_yaml *node, const char *name)
{
    const struct vnl_yaml *value = vnl_yaml_lookup(node, name);

    return value ? (char *)vnl_lab_text(l, name, "a name", value) : NULL;
}

struct vnl_scope vnl_lab_scope(struct vnl_loading *l, const struct vnl_yaml *node)
{
    return (struct vnl_scope){
        .subscription = scope_text(l, node, "subscription"),
        .resource_group = scope_text(l, node, "resourceGroup"),
        .location = scope_text(l, node, "location"),
    };
}
