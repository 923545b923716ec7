/* "Did you mean": the nearest of some names by spelling.
 *
 * The distance counts inserted, removed, changed and swapped letters (Damerau-Levenshtein in its usual
 * restricted form: no part of the word is edited twice). Case does not count: ARM's names do not know it.
 * Three rows of the table are enough: a swap looks back two letters. */
#include "model.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX                                                                                             \
    256u /* longer words get no suggestion: no name of ARM is longer, nor an id from its type on */

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* One row of the table: distances from the first i letters of a to every beginning of b. */
static void fill_row(const char *a, size_t i, const char *b, size_t n_b, size_t rows[3][WORD_MAX + 1])
{
    size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

    row[0] = i;
    for (size_t k = 1; k <= n_b; k++) {
        row[k] = min3(above[k] + 1, row[k - 1] + 1, above[k - 1] + !same_letter(a[i - 1], b[k - 1]));
        if (i > 1 && k > 1 && same_letter(a[i - 1], b[k - 2]) && same_letter(a[i - 2], b[k - 1]) &&
            above2[k - 2] + 1 < row[k])
            row[k] = above2[k - 2] + 1;
    }
}

static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t rows[3][WORD_MAX + 1];

    for (size_t k = 0; k <= n_b; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= n_a; i++)
        fill_row(a, i, b, n_b, rows);
    return rows[n_a % 3][n_b];
}

const char *vnl_nearest(const char *word, const char *const *names, size_t n_names)
{
    size_t len = strlen(word), best = SIZE_MAX;
    const char *nearest = NULL;

    for (size_t i = 0; i < n_names; i++) {
        size_t name_len = strlen(names[i]), longer = len > name_len ? len : name_len, d;

        if (strcasecmp(word, names[i]) == 0)
            return names[i];
        if (longer > WORD_MAX)
            continue;
        d = distance(word, len, names[i], name_len);
        if (d < best && d * 3 <= longer) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}

/* Of ids only what follows the provider is compared: the rest is long, and alike in all. */
char *vnl_did_you_mean(const char *word, const struct vnl_names *names)
{
    const char **paths = calloc(names->n + 1, sizeof(*paths));
    const char *nearest = NULL;
    char *hint = NULL;

    for (size_t i = 0; paths && i < names->n; i++)
        paths[i] = vnl_id_path(names->items[i]);
    if (paths)
        nearest = vnl_nearest(vnl_id_path(word), paths, names->n);
    for (size_t i = 0; nearest && i < names->n; i++) {
        if (paths[i] != nearest)
            continue;
        if (asprintf(&hint, "did you mean '%s'?", names->items[i]) < 0)
            hint = NULL;
        break;
    }
    free(paths);
    return hint;
}
