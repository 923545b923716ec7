/* Overlaps among many prefixes, without comparing each with each.
 *
 * Two prefixes are nested or disjoint. Sorted by address, the wider one first, every prefix that holds
 * another stands before it, and those that hold it form a chain: the nearest one, its nearest one, and so on.
 * The chain of a prefix starts at the one sorted just before it, or at the first of that one's chain that
 * still holds it. */
#include "model.h"

#include <stdlib.h>

#define NO_PARENT SIZE_MAX

static int span_cmp(const void *a, const void *b)
{
    const struct vnl_span *x = a, *y = b;
    int r = vnl_prefix_cmp(&x->prefix, &y->prefix);

    return r ? r : (x->order > y->order) - (x->order < y->order);
}

static size_t find_parent(const struct vnl_span *spans, size_t i)
{
    size_t parent = i ? i - 1 : NO_PARENT;

    while (parent != NO_PARENT && !vnl_prefix_covers(&spans[parent].prefix, &spans[i].prefix))
        parent = spans[parent].parent;
    return parent;
}

void vnl_spans_search(struct vnl_span *spans, size_t n,
                      bool (*blame)(void *arg, const struct vnl_span *later, const struct vnl_span *earlier),
                      void *arg)
{
    if (n > 1)
        qsort(spans, n, sizeof(*spans), span_cmp);
    for (size_t i = 0; i < n; i++) {
        spans[i].parent = find_parent(spans, i);
        for (size_t p = spans[i].parent; p != NO_PARENT; p = spans[p].parent) {
            bool inner_later = spans[i].order > spans[p].order;
            struct vnl_span *later = &spans[inner_later ? i : p], *earlier = &spans[inner_later ? p : i];

            if (!later->blamed)
                later->blamed = blame(arg, later, earlier);
        }
    }
}
