/* `vnetlab set`: one property of a lab, by its path, as if the lab file had been edited there.
 *
 * A path is what stands in the file: section, name, key, with names of children between them
 * ("nsgs.web.rules.allow-http.access"). Values are YAML and go through the readers of the lab file's key tables, so
 * that a key takes here what it takes there and is refused in the same words. Readers of lists append: what was
 * there is cleared first. That, and which keys can be set at all, is in lab_set_table.c.
 *
 * Names may hold dots, so a name is found by the resources that exist, the longest first. */
#include "lab_set.h"
#include "vnetlab/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VALUE "VALUE" /* the operand; stands for the file in the places of mistakes */

struct setting {
    struct vnl_loading l;
    const char *path;
    const struct vnl_yaml *value;
    bool is_null; /* the word is written; no word at all is no wish */
};

/* --- paths -------------------------------------------------------------------------------------------- */

#define NAMES_MAX 64

/* rest: what could not be understood; names: what could stand there. */
static int fail_unknown(const struct setting *s, const char *rest, const char *const *names, size_t n,
                        const char *what, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *word = strndup(rest, strcspn(rest, "."));
    CLEANUP(vnl_str_free) char *hint = NULL;
    const char *nearest = word ? vnl_nearest(word, names, n) : NULL;
    int front = (int)(rest - s->path);

    if (nearest && asprintf(&hint, "did you mean '%.*s%s'?", front, s->path, nearest) < 0)
        hint = NULL;
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint, "set '%s': there is no %s '%s'", s->path, what,
                       word ? word : "");
}

static bool is_word(const char *rest, const char *name)
{
    size_t len = name ? strlen(name) : 0;

    return name && !strncasecmp(rest, name, len) && (!rest[len] || rest[len] == '.');
}

/* What stands behind the next dot; "" at the end. */
static const char *behind(const char *rest, size_t len)
{
    return rest[len] ? rest + len + 1 : rest + len;
}

static const struct vnl_set_level *find_level(const struct vnl_set_level *levels, size_t n, const char **rest)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(levels[i].names); k++) {
            if (!is_word(*rest, levels[i].names[k]))
                continue;
            *rest = behind(*rest, strlen(levels[i].names[k]));
            return &levels[i];
        }
    }
    return NULL;
}

static void *find_member(const struct vnl_set_level *level, const void *parent, const char **rest)
{
    void *found = NULL, *member;
    const char *name;
    size_t best = 0;

    for (size_t i = 0; (member = level->member(parent, i, &name)); i++) {
        if (!is_word(*rest, name) || strlen(name) <= best)
            continue;
        best = strlen(name);
        found = member;
    }
    if (found)
        *rest = behind(*rest, best);
    return found;
}

/* What there is, and `set` is not the way to change it. */
__attribute__((format(printf, 3, 4))) static int fail_by_file(const struct setting *s, struct vnl_err **err,
                                                              const char *fmt, ...)
{
    CLEANUP(vnl_str_free) char *what = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&what, fmt, args) < 0)
        what = NULL;
    va_end(args);
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, "edit the lab file, then say 'vnetlab up FILE'",
                       "set '%s': %s", s->path, what ? what : "cannot be set");
}

static int fail_member(const struct setting *s, const struct vnl_set_level *level, const void *parent,
                       const char *rest, struct vnl_err **err)
{
    const char *names[NAMES_MAX], *name;
    size_t n = 0;

    if (!*rest)
        return vnl_fail(err, EINVAL, "set '%s': the name of a %s is missing", s->path, level->noun);
    if (s->value->type == VNL_YAML_MAP && !strchr(rest, '.'))
        return fail_by_file(s, err, "a new %s cannot be made here", level->noun);
    for (size_t i = 0; n < NAMES_MAX && level->member(parent, i, &name); i++)
        names[n++] = name;
    return fail_unknown(s, rest, names, n, level->noun, err);
}

static size_t put_levels(const char **names, size_t n, const struct vnl_set_level *levels, size_t n_levels)
{
    for (size_t i = 0; i < n_levels; i++) {
        for (size_t k = ARRAY_SIZE(levels[i].names); k-- > 0;) {
            if (levels[i].names[k])
                names[n++] = levels[i].names[k];
        }
    }
    return n;
}

static const struct vnl_lab_key *key_lookup(const struct vnl_lab_keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->n; i++)
        if (!strcasecmp(keys->keys[i].name, name))
            return &keys->keys[i];
    return NULL;
}

static const struct vnl_settable *find_settable(const struct vnl_set_level *level, const char *key)
{
    for (size_t i = 0; i < level->n_settable; i++)
        if (!strcasecmp(level->settable[i].key, key))
            return &level->settable[i];
    return NULL;
}

/* Below a property whose value is a map: rest is "bgpSettings.asn". */
static int fail_part(const struct setting *s, const struct vnl_set_level *level, const char *key,
                     const char *rest, struct vnl_err **err)
{
    const char *part = rest + strlen(key);
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (asprintf(&hint, "vnetlab set %.*s '{%s: ...}'", (int)(part - s->path), s->path, part + 1) < 0)
        hint = NULL;
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint, "set '%s': '%s' of a %s is set as a whole",
                       s->path, key, level->noun);
}

/* A key of the lab file that is not for `set`, or no key at all. */
static int fail_key(const struct setting *s, const struct vnl_set_level *level, const char *rest,
                    struct vnl_err **err)
{
    const char *names[NAMES_MAX];
    size_t n = put_levels(names, 0, level->children, level->n_children);
    CLEANUP(vnl_str_free) char *word = strndup(rest, strcspn(rest, "."));
    const struct vnl_lab_key *key = word ? key_lookup(level->keys, word) : NULL;

    if (!*rest && s->is_null)
        return fail_by_file(s, err, "a %s cannot be deleted here", level->noun);
    if (!*rest && s->value->type == VNL_YAML_MAP)
        return fail_by_file(s, err, "a %s is set property by property here", level->noun);
    if (!*rest)
        return vnl_fail(err, EINVAL, "set '%s': which property of the %s?", s->path, level->noun);
    if (key && find_settable(level, key->name))
        return fail_part(s, level, key->name, rest, err);
    if (key && !key->refuse)
        return fail_by_file(s, err, "'%s' of a %s cannot be set", key->name, level->noun);
    for (size_t i = 0; i < level->n_settable; i++)
        names[n++] = level->settable[i].key;
    return fail_unknown(s, rest, names, n, "property", err);
}

/* --- setting ------------------------------------------------------------------------------------------ */

/* A key of a NIC, at a VM that has its NICs by name. */
static int fail_of_nic(const struct setting *s, const char *key, const struct vnl_vm *vm,
                       struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (asprintf(&hint, "such as 'nics.%s.%s'", vm->nics[0]->name, key) < 0)
        hint = NULL;
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint,
                       "set '%s': '%s' belongs to the network interfaces of virtual machine '%s'", s->path,
                       key, vm->name);
}

static int read_key(struct setting *s, const struct vnl_set_level *level, const struct vnl_settable *settable,
                    void *resource, struct vnl_err **err)
{
    const struct vnl_lab_key *key = key_lookup(level->keys, settable->key);

    if (settable->of_nic && !((const struct vnl_vm *)resource)->short_form)
        return fail_of_nic(s, settable->key, resource, err);
    if (settable->clear)
        settable->clear(resource);
    if (!settable->clear || !vnl_yaml_is_null(s->value))
        key->read(&s->l, key, resource, s->value);
    if (settable->after)
        settable->after(resource);
    return 0;
}

/* A whole resource: the keys that are written change, the others stay. */
static void read_keys(struct setting *s, const struct vnl_set_level *level, void *resource)
{
    for (size_t i = 0; s->value->type == VNL_YAML_MAP && i < s->value->n_kids; i++) {
        const struct vnl_settable *settable = find_settable(level, s->value->kids[i]->key);

        if (settable && settable->clear)
            settable->clear(resource);
    }
    vnl_lab_read_map(&s->l, level->keys, resource, s->value);
}

static int set_below(struct setting *s, const struct vnl_set_level *level, void *parent, const char *rest,
                     struct vnl_err **err)
{
    void *member = find_member(level, parent, &rest);
    const struct vnl_settable *settable;
    const struct vnl_set_level *child;

    if (!member && *rest && level->add && s->value->type == VNL_YAML_MAP) {
        level->add(&s->l, parent, rest, s->value);
        return 0;
    }
    if (!member)
        return fail_member(s, level, parent, rest, err);
    if (!*rest && level->remove && s->is_null) {
        level->remove(member);
        return 0;
    }
    if (!*rest && level->add) {
        read_keys(s, level, member);
        return 0;
    }
    child = find_level(level->children, level->n_children, &rest);
    if (child)
        return set_below(s, child, member, rest, err);
    settable = find_settable(level, rest);
    if (!settable)
        return fail_key(s, level, rest, err);
    return read_key(s, level, settable, member, err);
}

static int set_path(struct setting *s, struct vnl_err **err)
{
    const char *rest = s->path, *names[NAMES_MAX];
    const struct vnl_set_level *section = find_level(vnl_set_sections, vnl_set_n_sections, &rest);
    CLEANUP(vnl_str_free) char *word = strndup(s->path, strcspn(s->path, "."));
    const struct vnl_lab_key *key;

    if (section)
        return set_below(s, section, s->l.lab, rest, err);
    key = word ? key_lookup(&vnl_lab_top_keys, word) : NULL;
    if (key && !key->refuse)
        return fail_by_file(s, err, "'%s' cannot be set", key->name);
    return fail_unknown(s, rest, names, put_levels(names, 0, vnl_set_sections, vnl_set_n_sections), "section",
                        err);
}

/* To the parser of documents, no value is an empty map. */
static bool is_empty(const struct vnl_yaml *root, const char *value)
{
    return root->type == VNL_YAML_MAP && root->n_kids == 0 && !strchr(value, '{');
}

int vnl_lab_set(struct vnl_lab *lab, const char *path, const char *value, struct vnl_err **err)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;
    static char nothing[1];
    static const struct vnl_yaml none = {
        .type = VNL_YAML_SCALAR, .src = { VALUE, 1, 1 }, .text = nothing, .plain = true
    };
    struct setting s = { .path = path, .l.lab = lab };
    const char *text = strcmp(value, "*") != 0 ? value : "'*'"; /* bare, YAML takes it for an alias */
    int r = vnl_yaml_parse(VALUE, text, strlen(text), &root, err);

    if (r < 0)
        return vnl_wrap(err, "set '%s'", path);
    s.value = is_empty(root, value) ? &none : root;
    s.is_null = vnl_yaml_is_null(s.value) && *value;
    (void)snprintf(s.l.target, sizeof(s.l.target), "%s", path);
    r = set_path(&s, err);
    free(s.l.loaded);
    if (!s.l.mistakes)
        return r;
    r = vnl_lab_no_memory(s.l.mistakes) ? -ENOMEM : -EINVAL;
    vnl_err_append(err, &s.l.mistakes);
    return r;
}
