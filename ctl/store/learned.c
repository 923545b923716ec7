/* The file is one JSON array, an object per route. It is written beside its place and renamed: who reads while it is written sees the old
 * one. The same routes give the same bytes, so a comparison of files says whether something changed. */
#include "vnetlab/learned.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/json_writer.h"
#include "vnetlab/paths.h"

static void route_done(struct vnl_learned_route *route)
{
    free(route->gateway);
    free(route->connection);
    free(route->as_path);
}

void vnl_learned_done(struct vnl_learned *learned)
{
    for (size_t i = 0; i < learned->n; i++)
        route_done(&learned->items[i]);
    free(learned->items);
    *learned = (struct vnl_learned){ 0 };
}

/* Room is a power of two: full whenever n is one. */
static int make_room(struct vnl_learned *learned)
{
    struct vnl_learned_route *items;

    if (learned->n & (learned->n - 1))
        return 0;
    items = reallocarray(learned->items, learned->n ? 2 * learned->n : 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    learned->items = items;
    return 0;
}

int vnl_learned_add(struct vnl_learned *learned, const char *gateway, const char *connection,
                    const struct vnl_prefix *prefix, const char *as_path)
{
    struct vnl_learned_route route = {
        .gateway = strdup(gateway),
        .connection = strdup(connection),
        .prefix = *prefix,
        .as_path = strdup(as_path),
    };

    if (!route.gateway || !route.connection || !route.as_path || make_room(learned) < 0) {
        route_done(&route);
        return -ENOMEM;
    }
    learned->items[learned->n++] = route;
    return 0;
}

/* --- read ----------------------------------------------------------------------------------------- */

/* 0 and NULL when there is no file. */
static int read_text(const char *path, char **ret, size_t *ret_size, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(vnl_str_free) char *text = NULL;
    struct stat st;
    size_t size = 0;
    ssize_t n = 1;

    *ret = NULL;
    *ret_size = 0;
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return vnl_fail(err, errno, "cannot read %s: %s", path, strerror(errno));
    text = malloc((size_t)st.st_size + 1);
    if (!text)
        return vnl_fail(err, ENOMEM, "%s", path);
    while (size < (size_t)st.st_size && n > 0) {
        n = read(fd, text + size, (size_t)st.st_size - size);
        if (n < 0)
            return vnl_fail(err, errno, "cannot read %s: %s", path, strerror(errno));
        size += (size_t)n;
    }
    *ret = TAKE_PTR(text);
    *ret_size = size;
    return 0;
}

static int read_field(const struct vnl_json *route, const char *key, size_t number, const char *path,
                      const char **ret, struct vnl_err **err)
{
    *ret = vnl_json_is_object(route) ? vnl_json_get_text(route, key) : NULL;
    return *ret ? 0 : vnl_fail(err, EBADMSG, "%s: route %zu has no %s", path, number, key);
}

static int read_route(const struct vnl_json *from, size_t number, const char *path,
                      struct vnl_learned *learned, struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    const char *gateway, *connection, *text, *as_path;
    struct vnl_prefix prefix;
    int r;

    if ((r = read_field(from, "gateway", number, path, &gateway, err)) < 0 ||
        (r = read_field(from, "connection", number, path, &connection, err)) < 0 ||
        (r = read_field(from, "prefix", number, path, &text, err)) < 0 ||
        (r = read_field(from, "asPath", number, path, &as_path, err)) < 0)
        return r;
    if (vnl_prefix_parse(text, &prefix, &why) < 0)
        return vnl_fail(err, EBADMSG, "%s: route %zu: %s", path, number, why->msg);
    if (vnl_learned_add(learned, gateway, connection, &prefix, as_path) < 0)
        return vnl_fail(err, ENOMEM, "%s", path);
    return 0;
}

static int parse(const char *path, const char *text, size_t size, struct vnl_json **ret, struct vnl_err **err)
{
    CLEANUP(vnl_err_free) struct vnl_err *why = NULL;
    int r = vnl_json_parse(text, size, ret, &why);

    if (r < 0)
        return vnl_fail(err, r == -ENOMEM ? ENOMEM : EBADMSG, "%s: %s", path, why->msg);
    return vnl_json_is_array(*ret) ? 0 : vnl_fail(err, EBADMSG, "%s: not a list of routes", path);
}

int vnl_learned_read(const char *lab, struct vnl_learned *ret, struct vnl_err **err)
{
    CLEANUP(vnl_learned_done) struct vnl_learned learned = { 0 };
    CLEANUP(vnl_json_free) struct vnl_json *routes = NULL;
    CLEANUP(vnl_str_free) char *path = NULL;
    CLEANUP(vnl_str_free) char *text = NULL;
    size_t size;
    int r = vnl_path_name_check(lab, err);

    if (r < 0)
        return r;
    if (!(path = vnl_run_path(lab, "learned")))
        return vnl_fail(err, ENOMEM, "routes learned in lab '%s'", lab);
    if ((r = read_text(path, &text, &size, err)) < 0 || !text)
        return r;
    r = parse(path, text, size, &routes, err);
    for (size_t i = 0; r == 0 && i < vnl_json_len(routes); i++)
        r = read_route(vnl_json_at(routes, i), i + 1, path, &learned, err);
    if (r < 0)
        return r;
    *ret = learned;
    learned = (struct vnl_learned){ 0 };
    return 0;
}

/* --- write ---------------------------------------------------------------------------------------- */

static int by_gateway(const void *a, const void *b)
{
    const struct vnl_learned_route *one = a, *other = b;
    int order = strcmp(one->gateway, other->gateway);

    if (!order)
        order = strcmp(one->connection, other->connection);
    if (!order)
        order = vnl_prefix_cmp(&one->prefix, &other->prefix);
    return order ? order : strcmp(one->as_path, other->as_path);
}

static void write_route(struct vnl_json_writer *out, const struct vnl_learned_route *route)
{
    char prefix[VNL_PREFIX_STR];

    vnl_json_write_open(out, NULL, '{');
    vnl_json_write_text(out, "gateway", route->gateway);
    vnl_json_write_text(out, "connection", route->connection);
    vnl_json_write_text(out, "prefix", vnl_prefix_format(&route->prefix, prefix));
    vnl_json_write_text(out, "asPath", route->as_path);
    vnl_json_write_close(out, '}');
}

static int write_text(const char *path, const char *text, size_t size)
{
    CLEANUP(vnl_fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, text + done, size - done);

        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int replace(const char *path, const struct vnl_json_writer *out, struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *fresh = NULL;
    int r;

    if (asprintf(&fresh, "%s.new", path) < 0) {
        fresh = NULL;
        return vnl_fail(err, ENOMEM, "%s", path);
    }
    r = write_text(fresh, out->text, out->size);
    if (r == 0 && rename(fresh, path) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlink(fresh);
        return vnl_fail(err, -r, "cannot write %s: %s", path, strerror(-r));
    }
    return 0;
}

/* No file is as good as one without routes. */
static int is_written(const char *path, const struct vnl_json_writer *out, bool is_empty, bool *ret,
                      struct vnl_err **err)
{
    CLEANUP(vnl_str_free) char *old = NULL;
    size_t size;
    int r = read_text(path, &old, &size, err);

    if (r == 0)
        *ret = old ? size == out->size && !memcmp(old, out->text, size) : is_empty;
    return r;
}

int vnl_learned_write(const char *lab, struct vnl_learned *learned, bool *ret_changed, struct vnl_err **err)
{
    CLEANUP(vnl_json_writer_done) struct vnl_json_writer out = { 0 };
    CLEANUP(vnl_str_free) char *path = NULL;
    bool same = false;
    int r = vnl_path_name_check(lab, err);

    if (r < 0)
        return r;
    if (learned->n)
        qsort(learned->items, learned->n, sizeof(*learned->items), by_gateway);
    vnl_json_write_open(&out, NULL, '[');
    for (size_t i = 0; i < learned->n; i++)
        write_route(&out, &learned->items[i]);
    vnl_json_write_close(&out, ']');
    if (out.failed || !(path = vnl_run_path(lab, "learned")))
        return vnl_fail(err, ENOMEM, "routes learned in lab '%s'", lab);
    if ((r = is_written(path, &out, !learned->n, &same, err)) < 0 ||
        (!same && (r = replace(path, &out, err)) < 0))
        return r;
    *ret_changed = !same;
    return 0;
}
