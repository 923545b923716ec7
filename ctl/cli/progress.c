#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmds.h"

#include "vnetlab/dataplane.h"

#define REDRAW_MS 50 /* often enough to look alive, seldom enough to cost nothing */

struct progress {
    int64_t next_ms;
    bool shown;
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void show_progress(const char *what, size_t done, size_t total, void *arg)
{
    struct progress *progress = arg;
    int64_t now = now_ms();

    if (now < progress->next_ms)
        return;
    progress->next_ms = now + REDRAW_MS;
    progress->shown = true;
    (void)fprintf(stderr, "\r\033[K%s %zu/%zu", what, done, total);
    (void)fflush(stderr);
}

static void erase_progress(const struct progress *progress)
{
    if (progress->shown)
        (void)fputs("\r\033[K", stderr);
}

bool vnl_progress_wanted(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

/* A lab that is ready within the first moment shows no line at all. */
int vnl_cmd_apply(const struct vnl_plan *plan, struct vnl_dp_stats *ret, struct vnl_err **err)
{
    struct progress progress = { .next_ms = now_ms() + REDRAW_MS };
    struct vnl_dp_options options = { .arg = &progress };
    int r;

    if (vnl_progress_wanted())
        options.progress = show_progress;
    r = vnl_dp_apply(plan, &options, ret, err);
    erase_progress(&progress);
    return r;
}
