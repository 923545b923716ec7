/* What BIRD prints, read. Lines are as vnl_bird_ask gives them: without codes. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bird.h"
#include "vnetlab/base.h"

/* The next line into buf, cut at its size; moves *at behind it. False: there is none. */
static bool next_line(const char **at, char *buf, size_t size)
{
    size_t len = strcspn(*at, "\n"), n = len < size - 1 ? len : size - 1;

    if (!**at)
        return false;
    memcpy(buf, *at, n);
    buf[n] = '\0';
    *at += len + ((*at)[len] == '\n');
    return true;
}

/* The text behind `key` where the line, blanks apart, begins with it. */
static const char *after(const char *line, const char *key)
{
    line += strspn(line, " \t");
    if (strncmp(line, key, strlen(key)) != 0)
        return NULL;
    line += strlen(key);
    return line + strspn(line, " ");
}

/* A name of BIRD's into one of ours, in place; another one stays as it is. */
static void name_session(char *name)
{
    size_t len = strlen(VNL_BIRD_SESSION);

    if (!strncmp(name, VNL_BIRD_SESSION, len) && name[len])
        memmove(name, name + len, strlen(name + len) + 1);
}

/* --- sessions ------------------------------------------------------------------------------------- */

static int add_session(struct vnl_bird_session **list, size_t *n, const char *line)
{
    struct vnl_bird_session *more, session = { .state = "Down" };
    char proto[16], table[32], state[16];
    long long since;

    if (sscanf(line, "%15s %15s %31s %15s %lld", session.name, proto, table, state, &since) != 5 ||
        strcmp(proto, "BGP") != 0)
        return 0;
    name_session(session.name);
    more = realloc(*list, (*n + 1) * sizeof(**list));
    if (!more)
        return -ENOMEM;
    *list = more;
    session.down = !strcmp(state, "down");
    session.since_s = since;
    more[(*n)++] = session;
    return 1;
}

static void note_detail(struct vnl_bird_session *session, const char *line)
{
    const char *text;

    if ((text = after(line, "BGP state:")))
        (void)snprintf(session->state, sizeof(session->state), "%s", text);
    else if ((text = after(line, "Last error:")))
        (void)snprintf(session->error, sizeof(session->error), "%s", text);
    else if ((text = after(line, "Routes:")))
        (void)sscanf(text, "%u imported", &session->received);
}

int vnl_bird_sessions_parse(const char *text, struct vnl_bird_session **ret, size_t *ret_n)
{
    struct vnl_bird_session *list = NULL;
    bool of_session = false;
    char line[512];
    size_t n = 0;

    while (next_line(&text, line, sizeof(line))) {
        int r = 0;

        if (*line && *line != ' ') {
            r = add_session(&list, &n, line);
            of_session = r > 0;
        } else if (of_session) {
            note_detail(&list[n - 1], line);
        }
        if (r < 0) {
            free(list);
            return r;
        }
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

/* --- routes --------------------------------------------------------------------------------------- */

static void route_done(struct vnl_bird_route *route)
{
    free(route->as_path);
}

void vnl_bird_routes_done(struct vnl_bird_routes *routes)
{
    for (size_t i = 0; i < routes->n; i++)
        route_done(&routes->items[i]);
    free(routes->items);
    *routes = (struct vnl_bird_routes){ .items = NULL };
}

static int add_route(struct vnl_bird_routes *routes, size_t *room, const struct vnl_bird_route *route)
{
    if (routes->n == *room) {
        size_t more = *room ? 2 * *room : 64;
        struct vnl_bird_route *items = realloc(routes->items, more * sizeof(*items));

        if (!items)
            return -ENOMEM;
        routes->items = items;
        *room = more;
    }
    routes->items[routes->n] = *route;
    routes->items[routes->n].as_path = strdup("");
    return routes->items[routes->n++].as_path ? 0 : -ENOMEM;
}

/* "10.4.0.0/16  blackhole [vpn1 1795291025 from 10.4.255.4] * (100/?) [AS65020i]"; a further route of that prefix begins with blanks. */
static bool parse_head(const char *line, struct vnl_prefix *prefix, struct vnl_bird_route *ret)
{
    const char *bracket = strchr(line, '['), *close = bracket ? strchr(bracket, ']') : NULL;
    char text[VNL_PREFIX_STR];

    if (!close || sscanf(bracket + 1, "%15[^] ]", ret->session) != 1)
        return false;
    if (*line != ' ' && (sscanf(line, "%49s", text) != 1 || vnl_prefix_parse(text, prefix, NULL) < 0))
        return false;
    name_session(ret->session);
    ret->prefix = *prefix;
    ret->best = !strncmp(close, "] *", 3);
    return prefix->addr.family == AF_INET && strcmp(ret->session, "peers") != 0;
}

static int note_attribute(struct vnl_bird_route *route, const char *line)
{
    const char *text;

    if ((text = after(line, "Type: BGP")))
        route->learned = true;
    else if ((text = after(line, "BGP.next_hop:")))
        (void)vnl_addr_parse(text, &route->next_hop, NULL);
    else if ((text = after(line, "BGP.as_path:"))) {
        free(route->as_path);
        route->as_path = strdup(text);
        return route->as_path ? 0 : -ENOMEM;
    }
    return 0;
}

/* BIRD's own order is that of a hash table. */
static int cmp_routes(const void *a, const void *b)
{
    const struct vnl_bird_route *x = a, *y = b;
    int r = vnl_prefix_cmp(&x->prefix, &y->prefix);

    if (r == 0)
        r = (int)y->best - (int)x->best;
    return r ? r : strcmp(x->session, y->session);
}

int vnl_bird_routes_parse(const char *text, struct vnl_bird_routes *ret)
{
    struct vnl_prefix prefix = { .len = 0 };
    bool of_route = false;
    char line[4096];
    size_t room = 0;
    int r = 0;

    while (r == 0 && next_line(&text, line, sizeof(line))) {
        struct vnl_bird_route route = { .best = false };

        if (*line == '\t') {
            r = of_route ? note_attribute(&ret->items[ret->n - 1], line) : 0;
            continue;
        }
        of_route = parse_head(line, &prefix, &route);
        if (of_route)
            r = add_route(ret, &room, &route);
    }
    if (r < 0)
        vnl_bird_routes_done(ret);
    else if (ret->n)
        qsort(ret->items, ret->n, sizeof(*ret->items), cmp_routes);
    return r;
}

/* --- the log -------------------------------------------------------------------------------------- */

void vnl_bird_messages_count(const char *log, const char *session, uint64_t *sent, uint64_t *received)
{
    char line[256], name[32];

    while (next_line(&log, line, sizeof(line))) {
        const char *text = strstr(line, "<TRACE> ");

        if (!text || sscanf(text, "<TRACE> %31[^: ]: ", name) != 1)
            continue;
        name_session(name);
        if (strcmp(name, session) != 0)
            continue;
        text = strchr(text, ':');
        *sent += text && after(text, ": Sending ");
        *received += text && after(text, ": Got ");
    }
}
