/* Open-addressed hash of text without case. */
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct entry {
    const char *key; /* NULL: free */
    size_t len;
    void *value;
    size_t count;
    uint32_t hash;
    enum vnl_type type;
};

struct vnl_index {
    struct entry *entries;
    size_t n_entries; /* a power of two */
    size_t n_used;
};

#define INDEX_START 16u

/* FNV-1a over the lower-case bytes. ASCII only: ARM names have no others. */
static uint32_t hash_text(enum vnl_type type, const char *key, size_t len)
{
    uint32_t hash = 2166136261u ^ (uint32_t)type;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)key[i];

        hash ^= c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
        hash *= 16777619u;
    }
    return hash;
}

/* The entry of the key, or the free one where it belongs. There is always a free one. */
static struct entry *find(const struct vnl_index *index, const struct entry *want)
{
    size_t mask = index->n_entries - 1;

    for (size_t i = want->hash & mask;; i = (i + 1) & mask) {
        struct entry *e = &index->entries[i];

        if (!e->key)
            return e;
        if (e->hash == want->hash && e->type == want->type && e->len == want->len &&
            strncasecmp(e->key, want->key, want->len) == 0)
            return e;
    }
}

static int resize(struct vnl_index *index, size_t n_entries)
{
    struct vnl_index bigger = { .n_entries = n_entries, .n_used = index->n_used };

    bigger.entries = calloc(n_entries, sizeof(*bigger.entries));
    if (!bigger.entries)
        return -ENOMEM;
    for (size_t i = 0; i < index->n_entries; i++) {
        if (index->entries[i].key)
            *find(&bigger, &index->entries[i]) = index->entries[i];
    }
    free(index->entries);
    *index = bigger;
    return 0;
}

static int make_room(struct vnl_index **index)
{
    if (!*index && !(*index = calloc(1, sizeof(**index))))
        return -ENOMEM;
    if ((*index)->n_entries == 0)
        return resize(*index, INDEX_START);
    if ((*index)->n_used >= (*index)->n_entries / 4 * 3)
        return resize(*index, (*index)->n_entries * 2);
    return 0;
}

int vnl_index_put(struct vnl_index **index, enum vnl_type type, const char *key, void *value)
{
    struct entry new = { .key = key, .len = strlen(key), .value = value, .count = 1, .type = type };
    struct entry *e;

    if (make_room(index) < 0)
        return -ENOMEM;
    new.hash = hash_text(type, key, new.len);
    e = find(*index, &new);
    if (e->key) {
        e->count++;
        return 0;
    }
    *e = new;
    (*index)->n_used++;
    return 0;
}

void *vnl_index_get(const struct vnl_index *index, enum vnl_type type, const char *key, size_t len,
                    size_t *ret_count)
{
    struct entry want = { .key = key, .len = len, .type = type, .hash = hash_text(type, key, len) };
    const struct entry *e = index && index->n_entries ? find(index, &want) : NULL;

    if (ret_count)
        *ret_count = e && e->key ? e->count : 0;
    return e && e->key ? e->value : NULL;
}

/* Entries behind it may have been put there only because it stood in their way: each is put anew. */
void vnl_index_drop(struct vnl_index *index, enum vnl_type type, const char *key)
{
    struct entry want = { .key = key, .len = strlen(key), .type = type };
    size_t mask = index->n_entries - 1;
    struct entry *e;

    want.hash = hash_text(type, key, want.len);
    e = find(index, &want);
    if (!e->key)
        return;
    *e = (struct entry){ 0 };
    index->n_used--;
    for (size_t i = (size_t)(e - index->entries + 1) & mask; index->entries[i].key; i = (i + 1) & mask) {
        struct entry moved = index->entries[i];

        index->entries[i] = (struct entry){ 0 };
        *find(index, &moved) = moved;
    }
}

void vnl_index_free(struct vnl_index **index)
{
    if (*index)
        free((*index)->entries);
    free(*index);
    *index = NULL;
}
