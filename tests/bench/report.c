/* report RAW TARGETS [JSON]: medians and same-round ratios of a benchmark run, as a table and as JSON.
 *
 * RAW      lines "ROW VARIANT ROUND VALUE", ROW without spaces, e.g. "tcp-1/gbit".
 * TARGETS  lines "ROW BASE VARIANT <=|>= LIMIT TEXT...": the median of VARIANT's same-round ratios to BASE
 * should keep to LIMIT; BASE "-": the value itself. Lines that begin with # are left out.
 *
 * A ratio is taken between two measurements of one round and then the median over the rounds: the machine's
 * speed drifts, and both sides of a round drift together. Meeting a target is printed, never an exit status:
 * speed is shown, not tested. */
#include <err.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/json.h"

#define NAME 48
#define MAX  256

struct sample {
    char row[NAME], variant[NAME];
    int round;
    double value;
};

static struct sample *samples;
static size_t n_samples;
static char rows[MAX][NAME], variants[MAX][NAME];
static size_t n_rows, n_variants;

static void remember(char list[][NAME], size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(list[i], name) == 0)
            return;
    if (*n == MAX)
        errx(1, "more than %d names", MAX);
    snprintf(list[(*n)++], NAME, "%s", name);
}

static void read_samples(const char *path)
{
    FILE *file = fopen(path, "re");
    struct sample sample;

    if (!file)
        err(1, "%s", path);
    while (fscanf(file, "%47s %47s %d %lf", sample.row, sample.variant, &sample.round, &sample.value) == 4) {
        samples = realloc(samples, (n_samples + 1) * sizeof(*samples));
        if (!samples)
            err(1, "%s", path);
        samples[n_samples++] = sample;
        remember(rows, &n_rows, sample.row);
        remember(variants, &n_variants, sample.variant);
    }
    fclose(file);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *values, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(values, n, sizeof(*values), compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static bool is(const struct sample *sample, const char *row, const char *variant)
{
    return strcmp(sample->row, row) == 0 && strcmp(sample->variant, variant) == 0;
}

static double value_of(const char *row, const char *variant)
{
    double *values = calloc(n_samples + 1, sizeof(*values));
    size_t n = 0;
    double ret;

    if (!values)
        err(1, "median");
    for (size_t i = 0; i < n_samples; i++)
        if (is(&samples[i], row, variant))
            values[n++] = samples[i].value;
    ret = median(values, n);
    free(values);
    return ret;
}

static double ratio_of(const char *row, const char *base, const char *variant)
{
    double *values = calloc(n_samples + 1, sizeof(*values));
    size_t n = 0;
    double ret;

    if (!values)
        err(1, "ratio");
    for (size_t i = 0; i < n_samples; i++)
        for (size_t j = 0; is(&samples[i], row, variant) && j < n_samples; j++)
            if (is(&samples[j], row, base) && samples[j].round == samples[i].round && samples[j].value > 0)
                values[n++] = samples[i].value / samples[j].value;
    ret = median(values, n);
    free(values);
    return ret;
}

/* The first variant that was measured for a row is what the others are compared with. */
static const char *base_of(const char *row)
{
    for (size_t i = 0; i < n_samples; i++)
        if (strcmp(samples[i].row, row) == 0)
            return samples[i].variant;
    return "";
}

static bool same_variants(const char *row, const char *other)
{
    for (size_t j = 0; j < n_variants; j++)
        if (isnan(value_of(row, variants[j])) != isnan(value_of(other, variants[j])))
            return false;
    return true;
}

static void print_head(const char *row)
{
    printf("\n%-22s", "median (ratio)");
    for (size_t j = 0; j < n_variants; j++)
        if (!isnan(value_of(row, variants[j])))
            printf(" %18s", variants[j]);
    printf("\n");
}

/* Rows that follow each other and were measured for the same variants stand under one head. */
static void print_table(void)
{
    for (size_t i = 0; i < n_rows; i++) {
        if (i == 0 || !same_variants(rows[i - 1], rows[i]))
            print_head(rows[i]);
        printf("%-22s", rows[i]);
        for (size_t j = 0; j < n_variants; j++) {
            double value = value_of(rows[i], variants[j]);
            char cell[40];

            if (isnan(value))
                continue;
            snprintf(cell, sizeof(cell), "%.4g (%.2f)", value,
                     ratio_of(rows[i], base_of(rows[i]), variants[j]));
            printf(" %18s", cell);
        }
        printf("\n");
    }
}

static void json_table(struct vnl_json *out)
{
    struct vnl_json *list = vnl_json_array();

    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < n_variants; j++) {
            double value = value_of(rows[i], variants[j]);
            struct vnl_json *entry;

            if (isnan(value))
                continue;
            entry = vnl_json_object();
            vnl_json_set(entry, "row", vnl_json_str(rows[i]));
            vnl_json_set(entry, "variant", vnl_json_str(variants[j]));
            vnl_json_set(entry, "median", vnl_json_real(value));
            vnl_json_set(entry, "base", vnl_json_str(base_of(rows[i])));
            vnl_json_set(entry, "ratio", vnl_json_real(ratio_of(rows[i], base_of(rows[i]), variants[j])));
            vnl_json_push(list, entry);
        }
    vnl_json_set(out, "medians", list);
}

static void print_targets(const char *path, struct vnl_json *out)
{
    FILE *file = fopen(path, "re");
    struct vnl_json *list = vnl_json_array();
    char line[512], row[NAME], base[NAME], variant[NAME], sign[3], text[256];
    double limit;

    if (!file)
        err(1, "%s", path);
    printf("\n%-58s %8s %8s\n", "goal", "measured", "");
    while (fgets(line, sizeof(line), file)) {
        double got;
        bool met;
        struct vnl_json *entry;

        if (line[0] == '#' ||
            sscanf(line, "%47s %47s %47s %2s %lf %255[^\n]", row, base, variant, sign, &limit, text) != 6)
            continue;
        got = strcmp(base, "-") == 0 ? value_of(row, variant) : ratio_of(row, base, variant);
        if (isnan(got))
            continue;
        met = strcmp(sign, "<=") == 0 ? got <= limit : got >= limit;
        printf("%-58s %8.3f %8s\n", text, got, met ? "met" : "missed");
        entry = vnl_json_object();
        vnl_json_set(entry, "goal", vnl_json_str(text));
        vnl_json_set(entry, "limit", vnl_json_real(limit));
        vnl_json_set(entry, "measured", vnl_json_real(got));
        vnl_json_set(entry, "met", vnl_json_bool(met));
        vnl_json_push(list, entry);
    }
    fclose(file);
    vnl_json_set(out, "goals", list);
}

int main(int argc, char **argv)
{
    struct vnl_json *out = vnl_json_object();
    char *text = NULL;

    if (argc < 3)
        errx(2, "usage: report RAW TARGETS [JSON]");
    read_samples(argv[1]);
    if (n_samples == 0)
        errx(1, "%s: no samples", argv[1]);
    print_table();
    json_table(out);
    print_targets(argv[2], out);
    if (argc > 3) {
        FILE *file = fopen(argv[3], "we");

        if (!file || vnl_json_format(out, 2, &text, NULL) < 0)
            err(1, "%s", argv[3]);
        fprintf(file, "%s\n", text);
        fclose(file);
        printf("\nthe same as JSON: %s\n", argv[3]);
    }
    free(text);
    vnl_json_free(&out);
    free(samples);
    return 0;
}
