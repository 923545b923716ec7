/* Completion of `vnetlab set` paths, from the tables that `set` itself reads. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lab_set.h"

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/load.h"

/* How far the path has been understood: below `parent` there are these levels; behind a member also keys. */
struct place {
    const void *parent;
    const struct vnl_set_level *levels;
    size_t n_levels;
    const struct vnl_set_level *keys_of; /* NULL: no keys here */
};

static bool is_word(const char *name, const char *word, size_t len)
{
    return name && strlen(name) == len && !strncasecmp(name, word, len);
}

static const struct vnl_set_level *level_named(const struct place *place, const char *word, size_t len)
{
    for (size_t i = 0; i < place->n_levels; i++)
        if (is_word(place->levels[i].names[0], word, len) || is_word(place->levels[i].names[1], word, len))
            return &place->levels[i];
    return NULL;
}

static const void *member_named(const struct vnl_set_level *level, const void *parent, const char *word,
                                size_t len)
{
    const char *name = NULL;
    const void *member;

    for (size_t i = 0; (member = level->member(parent, i, &name)); i++)
        if (is_word(name, word, len))
            return member;
    return NULL;
}

/* `head` is what stands in front of the last word, with its dot. */
static int offer(struct vnl_names *ret, const char *path, size_t head, const char *word, const char *tail)
{
    CLEANUP(vnl_str_free) char *text = NULL;

    if (strncasecmp(word, path + head, strlen(path + head)) != 0)
        return 0;
    if (asprintf(&text, "%.*s%s%s", (int)head, path, word, tail) < 0) {
        text = NULL;
        return -ENOMEM;
    }
    return vnl_names_add(ret, text);
}

static int offer_members(struct vnl_names *ret, const char *path, size_t head,
                         const struct vnl_set_level *level, const void *parent)
{
    const char *name = NULL;
    int r = 0;

    for (size_t i = 0; r >= 0 && level->member(parent, i, &name); i++)
        r = offer(ret, path, head, name, ".");
    return r;
}

static int offer_place(struct vnl_names *ret, const char *path, size_t head, const struct place *place)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && place->keys_of && i < place->keys_of->n_settable; i++)
        r = offer(ret, path, head, place->keys_of->settable[i].key, "");
    for (size_t i = 0; r >= 0 && i < place->n_levels; i++)
        r = offer(ret, path, head, place->levels[i].names[place->levels[i].names[1] ? 1 : 0], ".");
    return r;
}

int vnl_lab_set_paths(const struct vnl_lab *lab, const char *path, struct vnl_names *ret,
                      struct vnl_err **err)
{
    struct place place = { .parent = lab, .levels = vnl_set_sections, .n_levels = vnl_set_n_sections };
    const struct vnl_set_level *level = NULL;
    size_t head = 0;
    int r;

    for (size_t len; path[head + (len = strcspn(path + head, "."))] == '.'; head += len + 1) {
        const void *member;

        if (!level) {
            level = level_named(&place, path + head, len);
            if (!level)
                return 0;
            continue;
        }
        member = member_named(level, place.parent, path + head, len);
        if (!member)
            return 0;
        place = (struct place){ member, level->children, level->n_children, level };
        level = NULL;
    }
    r = level ? offer_members(ret, path, head, level, place.parent) : offer_place(ret, path, head, &place);
    return r < 0 ? vnl_fail(err, ENOMEM, "set: paths") : 0;
}
