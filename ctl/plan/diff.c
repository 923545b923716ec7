/* The difference of two plans, in the operator's words.
 *
 * Resources are matched by id. Each kind says how to describe one of its own and what of it counts as
 * changed; one walk serves all. Routes have no lines for a VNet that comes or goes, only for one that stays.
 * Kernel slots mean nothing to the operator and are shown only where nothing else says why a resource is not
 * the same. */
#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"

static const char *const verb_str[] = {
    [VNL_CHANGE_CREATE] = "create",
    [VNL_CHANGE_UPDATE] = "update",
    [VNL_CHANGE_DELETE] = "delete",
};
static_assert(ARRAY_SIZE(verb_str) == VNL_CHANGE_VERB_MAX, "name every verb");

static const char verb_sign[] = {
    [VNL_CHANGE_CREATE] = '+',
    [VNL_CHANGE_UPDATE] = '~',
    [VNL_CHANGE_DELETE] = '-',
};
static_assert(ARRAY_SIZE(verb_sign) == VNL_CHANGE_VERB_MAX, "a sign for every verb");

/* Takes `detail`; NULL is a failed allocation. */
static int add_change(struct vnl_diff_work *work, enum vnl_change_verb verb, const char *path,
                      const char *name, char *detail)
{
    struct vnl_diff *diff = work->diff;
    char *object = vnl_text("%s/%s", path, name);
    struct vnl_change *grown = diff->changes;

    if (diff->n == work->room) {
        work->room = work->room ? 2 * work->room : 16;
        grown = reallocarray(diff->changes, work->room, sizeof(*diff->changes));
    }
    if (grown)
        diff->changes = grown;
    if (!grown || !object || !detail) {
        free(object);
        free(detail);
        return -ENOMEM;
    }
    diff->changes[diff->n++] = (struct vnl_change){ .verb = verb, .object = object, .detail = detail };
    return 0;
}

int vnl_diff_texts(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what, char *before,
                   char *after)
{
    int r = before && after ? 0 : -ENOMEM;

    if (r == 0 && strcmp(before, after) != 0) {
        pair->shown = true;
        r = add_change(work, VNL_CHANGE_UPDATE, pair->path, pair->name,
                       vnl_text("%s %s -> %s", what, before, after));
    }
    free(before);
    free(after);
    return r;
}

int vnl_diff_names(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what,
                   const char *before, const char *after)
{
    return vnl_diff_texts(work, pair, what, strdup(before), strdup(after));
}

int vnl_diff_bools(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what, bool before,
                   bool after)
{
    return vnl_diff_names(work, pair, what, before ? "true" : "false", after ? "true" : "false");
}

int vnl_diff_hidden(struct vnl_diff_work *work, struct vnl_diff_pair *pair, const char *what, bool changed)
{
    if (!changed)
        return 0;
    pair->shown = true;
    return add_change(work, VNL_CHANGE_UPDATE, pair->path, pair->name, vnl_text("%s changed", what));
}

int vnl_diff_slots(struct vnl_diff_work *work, struct vnl_diff_pair *pair, uint32_t before, uint32_t after)
{
    if (pair->shown || before == after)
        return 0;
    return add_change(work, VNL_CHANGE_UPDATE, pair->path, pair->name,
                      vnl_text("slot %u -> %u", before, after));
}

/* --- lists of texts -------------------------------------------------------------------------------------- */

static void free_texts(char **texts, size_t n)
{
    for (size_t i = 0; texts && i < n; i++)
        free(texts[i]);
    free(texts);
}

/* Takes out of both lists what is in both. Rows mostly keep their order, so each search starts where the last
 * one ended. */
static void drop_common(char **before, size_t n_before, char **after, size_t n_after)
{
    size_t at = 0;

    for (size_t i = 0; i < n_before; i++)
        for (size_t k = 0; k < n_after; k++) {
            char **other = &after[(at + k) % n_after];

            if (!*other || strcmp(before[i], *other) != 0)
                continue;
            at = (at + k + 1) % n_after;
            vnl_str_free(&before[i]);
            vnl_str_free(other);
            break;
        }
}

static int add_rows(struct vnl_diff_work *work, struct vnl_diff_pair *pair, char sign, char **texts, size_t n)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        if (!texts[i])
            continue;
        pair->shown = true;
        r = add_change(work, VNL_CHANGE_UPDATE, pair->path, pair->name, vnl_text("%c%s", sign, texts[i]));
    }
    return r;
}

int vnl_diff_rows(struct vnl_diff_work *work, struct vnl_diff_pair *pair, char **gone, size_t n_gone,
                  char **come, size_t n_come)
{
    int r = gone && come ? 0 : -ENOMEM;

    if (r == 0) {
        drop_common(gone, n_gone, come, n_come);
        r = add_rows(work, pair, '-', gone, n_gone);
    }
    if (r == 0)
        r = add_rows(work, pair, '+', come, n_come);
    free_texts(gone, n_gone);
    free_texts(come, n_come);
    return r;
}

/* --- walk ----------------------------------------------------------------------------------------------- */

static const struct vnl_diff_kind *const kinds[] = {
    &vnl_diff_vnets, &vnl_diff_peerings, &vnl_diff_routes,      &vnl_diff_route_tables,
    &vnl_diff_rules, &vnl_diff_subnets,  &vnl_diff_publics,     &vnl_diff_nat_gateways,
    &vnl_diff_lbs,   &vnl_diff_gateways, &vnl_diff_connections, &vnl_diff_sites,
    &vnl_diff_vms,   &vnl_diff_hosts,    &vnl_diff_site_hosts,  &vnl_diff_clients,
};

struct entry {
    const char *key;
    size_t i;
};

static int entry_cmp(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* The keys of a plan's resources of one kind, sorted. NULL on ENOMEM. */
static struct entry *index_build(const struct vnl_plan *plan, const struct vnl_diff_kind *kind)
{
    size_t n = kind->count(plan);
    struct entry *entries = calloc(n + 1, sizeof(*entries));

    for (size_t i = 0; entries && i < n; i++)
        entries[i] = (struct entry){ .key = kind->key(plan, i), .i = i };
    if (entries)
        qsort(entries, n, sizeof(*entries), entry_cmp);
    return entries;
}

static const struct entry *index_find(const struct entry *entries, size_t n, const char *key)
{
    struct entry wanted = { .key = key };

    return bsearch(&wanted, entries, n, sizeof(*entries), entry_cmp);
}

/* What `plan` has and `other` has not. */
static int add_missing(struct vnl_diff_work *work, const struct vnl_diff_kind *kind,
                       enum vnl_change_verb verb, const struct vnl_plan *plan, const struct vnl_plan *other)
{
    struct entry *entries = index_build(other, kind);
    int r = entries ? 0 : -ENOMEM;

    for (size_t i = 0; i < kind->count(plan) && kind->describe && r == 0; i++)
        if (!index_find(entries, kind->count(other), kind->key(plan, i)))
            r = add_change(work, verb, kind->path, kind->name(plan, i), kind->describe(plan, i));
    free(entries);
    return r;
}

static int add_updates(struct vnl_diff_work *work, const struct vnl_diff_kind *kind)
{
    struct entry *entries = index_build(work->before, kind);
    int r = entries ? 0 : -ENOMEM;

    for (size_t i = 0; i < kind->count(work->after) && r == 0; i++) {
        const struct entry *found = index_find(entries, kind->count(work->before), kind->key(work->after, i));
        struct vnl_diff_pair pair = { .path = kind->path, .name = kind->name(work->after, i), .after = i };

        if (!found)
            continue;
        pair.before = found->i;
        r = kind->compare(work, &pair);
    }
    free(entries);
    return r;
}

static int diff_all(struct vnl_diff_work *work)
{
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++)
        r = add_missing(work, kinds[i], VNL_CHANGE_DELETE, work->before, work->after);
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++)
        r = add_missing(work, kinds[i], VNL_CHANGE_CREATE, work->after, work->before);
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++)
        r = add_updates(work, kinds[i]);
    return r;
}

int vnl_diff_build(const struct vnl_plan *before, const struct vnl_plan *after, struct vnl_diff **ret,
                   struct vnl_err **err)
{
    static const struct vnl_plan nothing;
    CLEANUP(vnl_diff_free) struct vnl_diff *diff = calloc(1, sizeof(*diff));
    struct vnl_diff_work work = { .diff = diff, .before = before ? before : &nothing, .after = after };

    if (!diff || diff_all(&work) < 0)
        return vnl_fail(err, ENOMEM, "difference of two plans of lab '%s'", after->lab);
    *ret = TAKE_PTR(diff);
    return 0;
}

void vnl_diff_print(FILE *out, const struct vnl_diff *diff)
{
    size_t width = 0;

    for (size_t i = 0; i < diff->n; i++)
        if (strlen(diff->changes[i].object) > width)
            width = strlen(diff->changes[i].object);
    for (size_t i = 0; i < diff->n; i++)
        (void)fprintf(out, "%c %-*s  %s\n", verb_sign[diff->changes[i].verb], (int)width,
                      diff->changes[i].object, diff->changes[i].detail);
    if (diff->n == 0)
        (void)fputs("nothing to change\n", out);
}

struct vnl_json *vnl_diff_to_json(const struct vnl_diff *diff)
{
    struct vnl_json *array = vnl_json_array();
    int r = 0;

    for (size_t i = 0; i < diff->n && r == 0; i++) {
        struct vnl_json *object = vnl_json_object();

        vnl_json_put(object, "verb", vnl_json_str(verb_str[diff->changes[i].verb]), &r);
        vnl_json_put(object, "object", vnl_json_str(diff->changes[i].object), &r);
        vnl_json_put(object, "detail", vnl_json_str(diff->changes[i].detail), &r);
        object = vnl_json_finish(object, r);
        if (vnl_json_push(array, object) < 0)
            r = -ENOMEM;
    }
    return vnl_json_finish(array, r);
}

void vnl_diff_free(struct vnl_diff **ret)
{
    struct vnl_diff *diff = *ret;

    if (!diff)
        return;
    for (size_t i = 0; i < diff->n; i++) {
        free(diff->changes[i].object);
        free(diff->changes[i].detail);
    }
    free(diff->changes);
    free(diff);
    *ret = NULL;
}
