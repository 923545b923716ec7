#include "health.h"

#include <stdio.h>
#include <string.h>

#include "vnetlab/plan.h"

bool vnl_health_counts(const struct vnl_health_state *state, bool success, int64_t now_ms,
                       int64_t interval_ms)
{
    return success || state->succeeded || now_ms - state->since_ms >= interval_ms;
}

bool vnl_health_note(struct vnl_health_state *state, bool success, uint32_t threshold)
{
    bool first = !state->probed;

    if (!state->succeeded || !threshold)
        threshold = 1;
    state->probed = true;
    state->succeeded |= success;
    state->in_row = success == state->down ? state->in_row + 1 : 0;
    if (state->in_row < threshold)
        return first;
    state->down = !state->down;
    state->in_row = 0;
    return true;
}

uint64_t vnl_health_alive(const struct vnl_health_state *states, size_t n)
{
    uint64_t alive = 0;

    for (size_t i = 0; i < n && i < 64; i++)
        alive |= states[i].down ? 0 : 1ull << i;
    return alive;
}

char *vnl_health_request(const struct vnl_plan_lb_probe *probe, const char *host)
{
    const char *path = probe->path && *probe->path ? probe->path : "/";
    char *text = NULL;

    return asprintf(&text,
                    "GET %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Load Balancer Agent\r\n"
                    "Connection: close\r\n\r\n",
                    *path == '/' ? "" : "/", path, host) < 0
               ? NULL
               : text;
}

/* "HTTP/1.1 200": any minor version; anything but 200 is a failure, redirects too (Azure: "Load Balancer health probes"). */
int vnl_health_response(const char *text, size_t size)
{
    static const char version[] = "HTTP/1.";
    const size_t status = sizeof(version) - 1 + strlen("1 ");

    if (memcmp(text, version, size < sizeof(version) - 1 ? size : sizeof(version) - 1) != 0)
        return 0;
    if (size < status + 4)
        return -1;
    return text[status - 1] == ' ' && memcmp(text + status, "200", 3) == 0 &&
           (text[status + 3] == ' ' || text[status + 3] == '\r' || text[status + 3] == '\n');
}
