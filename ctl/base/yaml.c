/* libyaml's events become a tree by recursive descent, one call per node; depth is bounded, so the stack is
 * too.
 *
 * Aliases are refused, not followed: a lab file does not need them, and without them a document's tree cannot
 * be larger than its text ("billion laughs"). Mistakes that leave the tree whole (duplicate keys, tags) are
 * collected and the parse goes on; any other mistake ends it, as libyaml does at the first syntax error. */
#include "vnetlab/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <yaml.h>

#include "vnetlab/base.h"

struct builder {
    yaml_parser_t parser;
    const char *name;
    const char *text;
    size_t n_nodes;
    struct vnl_err *mistakes;
};

/* What libyaml says, and what a person can do about it. */
static const struct {
    const char *problem, *hint;
} syntax_hints[] = {
    { "found character that cannot start any token",
      "indent with spaces, not tabs; quote text that starts with @, % or `" },
    { "mapping values are not allowed in this context",
      "check the indentation; quote text that contains ': '" },
    { "did not find expected key", "check the indentation of this line" },
    { "did not find expected '-' indicator", "check the indentation of this line" },
    { "did not find expected ',' or '}'", "a ',' is missing before this, or a '{' is not closed" },
    { "did not find expected ',' or ']'", "a ',' is missing before this, or a '[' is not closed" },
    { "could not find expected ':'", "write 'key: value', with a space behind the colon" },
    { "found unexpected end of stream", "a quote or bracket is not closed" },
};

static const char *const type_str[] = {
    [VNL_YAML_SCALAR] = "scalar",
    [VNL_YAML_MAP] = "map",
    [VNL_YAML_SEQ] = "list",
};
static_assert(ARRAY_SIZE(type_str) == VNL_YAML_TYPE_MAX, "name every node type");

const char *vnl_yaml_type_str(enum vnl_yaml_type type)
{
    return type_str[type];
}

static struct vnl_src src_of(const struct builder *b, const yaml_mark_t *mark)
{
    return (struct vnl_src){ .file = b->name, .line = (int)mark->line + 1, .col = (int)mark->column + 1 };
}

static int mistake(struct builder *b, const yaml_mark_t *mark, const char *hint, const char *msg)
{
    struct vnl_src src = src_of(b, mark);

    return vnl_fail_at(&b->mistakes, EINVAL, NULL, &src, NULL, hint, "%s", msg);
}

/* libyaml's reader knows a byte offset only. */
static struct vnl_src src_of_offset(const struct builder *b, size_t offset)
{
    struct vnl_src src = { .file = b->name, .line = 1, .col = 1 };

    for (size_t i = 0; i < offset; i++) {
        if (b->text[i] == '\n') {
            src.line++;
            src.col = 1;
        } else if (((unsigned char)b->text[i] & 0xc0) != 0x80) { /* not the rest of a UTF-8 character */
            src.col++;
        }
    }
    return src;
}

static int syntax_mistake(struct builder *b)
{
    const char *problem = b->parser.problem ? b->parser.problem : "unknown mistake", *hint = NULL;
    bool reader = b->parser.error == YAML_READER_ERROR;
    struct vnl_src src =
        reader ? src_of_offset(b, b->parser.problem_offset) : src_of(b, &b->parser.problem_mark);

    if (b->parser.error == YAML_MEMORY_ERROR)
        return vnl_fail(&b->mistakes, ENOMEM, "YAML of '%s'", b->name);
    for (size_t i = 0; i < ARRAY_SIZE(syntax_hints); i++) {
        if (strcmp(problem, syntax_hints[i].problem) == 0)
            hint = syntax_hints[i].hint;
    }
    if (b->parser.context)
        return vnl_fail_at(&b->mistakes, EINVAL, NULL, &src, NULL, hint, "not valid YAML: %s %s (line %zu)",
                           problem, b->parser.context, b->parser.context_mark.line + 1);
    return vnl_fail_at(&b->mistakes, EINVAL, NULL, &src, NULL, hint, "not valid YAML: %s", problem);
}

static int next_event(struct builder *b, yaml_event_t *ret)
{
    return yaml_parser_parse(&b->parser, ret) ? 0 : syntax_mistake(b);
}

static int add_kid(struct vnl_yaml *parent, struct vnl_yaml **kid)
{
    size_t n = parent->n_kids;

    if ((n & (n - 1)) == 0) { /* full at each power of two */
        struct vnl_yaml **kids = realloc(parent->kids, (n ? n * 2 : 1) * sizeof(struct vnl_yaml *));

        if (!kids)
            return -ENOMEM;
        parent->kids = kids;
    }
    parent->kids[parent->n_kids++] = TAKE_PTR(*kid);
    return 0;
}

static int new_node(struct builder *b, enum vnl_yaml_type type, const yaml_event_t *event,
                    struct vnl_yaml **ret)
{
    struct vnl_src src = src_of(b, &event->start_mark);
    struct vnl_yaml *node;

    if (b->n_nodes++ >= VNL_YAML_NODES)
        return vnl_fail_at(&b->mistakes, EFBIG, NULL, &src, NULL, NULL, "more than %u values in one file",
                           VNL_YAML_NODES);
    node = calloc(1, sizeof(*node));
    if (!node)
        return vnl_fail(&b->mistakes, ENOMEM, "YAML of '%s'", b->name);
    node->type = type;
    node->src = src;
    *ret = node;
    return 0;
}

static int copy_scalar(struct builder *b, const yaml_event_t *event, char **ret)
{
    const char *value = (const char *)event->data.scalar.value;

    if (strlen(value) != event->data.scalar.length)
        return mistake(b, &event->start_mark, NULL, "text with a NUL character");
    *ret = strdup(value);
    return *ret ? 0 : vnl_fail(&b->mistakes, ENOMEM, "YAML of '%s'", b->name);
}

static void refuse_tag(struct builder *b, const yaml_event_t *event, const yaml_char_t *tag)
{
    if (tag)
        (void)mistake(b, &event->start_mark, "leave it out; quotes make text of a number",
                      "YAML tags ('!something') are not supported");
}

static int build_node(struct builder *b, const yaml_event_t *event, unsigned depth, struct vnl_yaml **ret);

static int build_scalar(struct builder *b, const yaml_event_t *event, struct vnl_yaml **ret)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *node = NULL;
    int r = new_node(b, VNL_YAML_SCALAR, event, &node);

    if (r < 0)
        return r;
    r = copy_scalar(b, event, &node->text);
    if (r < 0)
        return r;
    refuse_tag(b, event, event->data.scalar.tag);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    *ret = TAKE_PTR(node);
    return 0;
}

static int build_seq(struct builder *b, const yaml_event_t *event, unsigned depth, struct vnl_yaml **ret)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *seq = NULL;
    int r = new_node(b, VNL_YAML_SEQ, event, &seq);

    if (r < 0)
        return r;
    refuse_tag(b, event, event->data.sequence_start.tag);
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t item = { 0 };
        CLEANUP(vnl_yaml_free) struct vnl_yaml *kid = NULL;

        r = next_event(b, &item);
        if (r < 0)
            return r;
        if (item.type == YAML_SEQUENCE_END_EVENT)
            break;
        r = build_node(b, &item, depth + 1, &kid);
        if (r < 0)
            return r;
        if (add_kid(seq, &kid) < 0)
            return vnl_fail(&b->mistakes, ENOMEM, "YAML of '%s'", b->name);
    }
    *ret = TAKE_PTR(seq);
    return 0;
}

static int check_key(struct builder *b, const yaml_event_t *event)
{
    if (event->type == YAML_ALIAS_EVENT)
        return 0; /* build_node() refuses it */
    if (event->type != YAML_SCALAR_EVENT)
        return mistake(b, &event->start_mark, "quote it when it is meant as text",
                       "a key must be a word, not a map or list");
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        strcmp((const char *)event->data.scalar.value, "<<") == 0)
        return mistake(b, &event->start_mark, "write the keys out",
                       "YAML merge keys ('<<') are not supported");
    refuse_tag(b, event, event->data.scalar.tag);
    return 0;
}

/* One `key: value`; *ret stays NULL at the end of the map. */
static int build_entry(struct builder *b, unsigned depth, struct vnl_yaml **ret)
{
    CLEANUP(yaml_event_delete) yaml_event_t key = { 0 };
    CLEANUP(yaml_event_delete) yaml_event_t value = { 0 };
    CLEANUP(vnl_str_free) char *text = NULL;
    struct vnl_yaml *kid = NULL;
    int r = next_event(b, &key);

    if (r < 0 || key.type == YAML_MAPPING_END_EVENT)
        return r;
    r = check_key(b, &key);
    if (r < 0)
        return r;
    if (key.type == YAML_ALIAS_EVENT)
        return build_node(b, &key, depth, ret);
    r = copy_scalar(b, &key, &text);
    if (r < 0)
        return r;
    r = next_event(b, &value);
    if (r < 0)
        return r;
    r = build_node(b, &value, depth, &kid);
    if (r < 0)
        return r;
    kid->key = TAKE_PTR(text);
    kid->key_src = src_of(b, &key.start_mark);
    *ret = kid;
    return 0;
}

static int cmp_keys(const void *a, const void *b)
{
    const struct vnl_yaml *x = *(struct vnl_yaml *const *)a, *y = *(struct vnl_yaml *const *)b;
    int order = strcmp(x->key, y->key);

    if (order)
        return order;
    if (x->key_src.line != y->key_src.line)
        return x->key_src.line < y->key_src.line ? -1 : 1;
    return (x->key_src.col > y->key_src.col) - (x->key_src.col < y->key_src.col);
}

static void refuse_duplicate(struct builder *b, const struct vnl_yaml *first, const struct vnl_yaml *second)
{
    (void)vnl_fail_at(&b->mistakes, EINVAL, NULL, &second->key_src, NULL, NULL,
                      "key '%s' is written twice, first at %d:%d", second->key, first->key_src.line,
                      first->key_src.col);
}

/* Drops the kids that were marked as repeated: their key is gone. */
static void drop_unnamed(struct vnl_yaml *map)
{
    size_t kept = 0;

    for (size_t i = 0; i < map->n_kids; i++) {
        if (map->kids[i]->key)
            map->kids[kept++] = map->kids[i];
        else
            vnl_yaml_free(&map->kids[i]);
    }
    map->n_kids = kept;
}

/* Sorted, because a map of 60 000 VMs must not take minutes. */
static int refuse_duplicates(struct builder *b, struct vnl_yaml *map)
{
    struct vnl_yaml **sorted, *first;
    bool found = false;

    if (map->n_kids < 2)
        return 0;
    sorted = calloc(map->n_kids, sizeof(*sorted));
    if (!sorted)
        return vnl_fail(&b->mistakes, ENOMEM, "YAML of '%s'", b->name);
    memcpy(sorted, map->kids, map->n_kids * sizeof(*sorted));
    qsort(sorted, map->n_kids, sizeof(*sorted), cmp_keys);
    first = sorted[0];
    for (size_t i = 1; i < map->n_kids; i++) {
        if (strcmp(first->key, sorted[i]->key) != 0) {
            first = sorted[i];
            continue;
        }
        refuse_duplicate(b, first, sorted[i]);
        vnl_str_free(&sorted[i]->key);
        found = true;
    }
    free(sorted);
    if (found)
        drop_unnamed(map);
    return 0;
}

static int build_map(struct builder *b, const yaml_event_t *event, unsigned depth, struct vnl_yaml **ret)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *map = NULL;
    int r = new_node(b, VNL_YAML_MAP, event, &map);

    if (r < 0)
        return r;
    refuse_tag(b, event, event->data.mapping_start.tag);
    for (;;) {
        CLEANUP(vnl_yaml_free) struct vnl_yaml *kid = NULL;

        r = build_entry(b, depth + 1, &kid);
        if (r < 0)
            return r;
        if (!kid)
            break;
        if (add_kid(map, &kid) < 0)
            return vnl_fail(&b->mistakes, ENOMEM, "YAML of '%s'", b->name);
    }
    r = refuse_duplicates(b, map);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(map);
    return 0;
}

static int build_node(struct builder *b, const yaml_event_t *event, unsigned depth, struct vnl_yaml **ret)
{
    struct vnl_src src = src_of(b, &event->start_mark);

    if (depth > VNL_YAML_DEPTH)
        return vnl_fail_at(&b->mistakes, EINVAL, NULL, &src, NULL, NULL, "nested deeper than %d levels",
                           VNL_YAML_DEPTH);
    if (event->type == YAML_SCALAR_EVENT)
        return build_scalar(b, event, ret);
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return build_seq(b, event, depth, ret);
    if (event->type == YAML_MAPPING_START_EVENT)
        return build_map(b, event, depth, ret);
    return mistake(b, &event->start_mark, "write the value out", "YAML aliases ('*name') are not supported");
}

/* Reads one event and throws it away; says whether it is of the type. */
static int skip_event(struct builder *b, yaml_event_type_t type, bool *ret_same)
{
    CLEANUP(yaml_event_delete) yaml_event_t event = { 0 };
    int r = next_event(b, &event);

    *ret_same = r == 0 && event.type == type;
    if (r == 0 && event.type == YAML_DOCUMENT_START_EVENT && type == YAML_STREAM_END_EVENT)
        return mistake(b, &event.start_mark, "one file is one lab", "a second YAML document");
    return r;
}

static int build_root(struct builder *b, struct vnl_yaml **ret)
{
    CLEANUP(yaml_event_delete) yaml_event_t event = { 0 };
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;
    int r = next_event(b, &event);

    if (r < 0)
        return r;
    if (event.type == YAML_STREAM_END_EVENT)
        return new_node(b, VNL_YAML_MAP, &event, ret);
    yaml_event_delete(&event);
    r = next_event(b, &event);
    if (r < 0)
        return r;
    r = build_node(b, &event, 1, &root);
    if (r < 0)
        return r;
    if (vnl_yaml_is_null(root)) {
        root->type = VNL_YAML_MAP;
        vnl_str_free(&root->text);
    }
    *ret = TAKE_PTR(root);
    return 0;
}

static int build_document(struct builder *b, struct vnl_yaml **ret)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;
    bool same;
    int r = skip_event(b, YAML_STREAM_START_EVENT, &same);

    if (r < 0)
        return r;
    r = build_root(b, &root);
    if (r < 0)
        return r;
    /* After an empty stream libyaml gives empty events for ever, so both reads are harmless. */
    r = skip_event(b, YAML_DOCUMENT_END_EVENT, &same);
    if (r == 0 && same)
        r = skip_event(b, YAML_STREAM_END_EVENT, &same);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(root);
    return b->mistakes ? -b->mistakes->num : 0;
}

static void hand_over(struct vnl_err **err, struct vnl_err **mistakes)
{
    vnl_err_sort(mistakes);
    if (err)
        vnl_err_append(err, mistakes);
    vnl_err_free(mistakes);
}

int vnl_yaml_parse(const char *name, const char *text, size_t size, struct vnl_yaml **ret,
                   struct vnl_err **err)
{
    struct builder b = { .name = name, .text = text };
    int r;

    if (size > VNL_YAML_SIZE)
        return vnl_fail(err, EFBIG, "'%s' is larger than %u MiB", name, VNL_YAML_SIZE >> 20);
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* libyaml would count it as a column */
        b.text = text + 3;
        size -= 3;
    }
    if (!yaml_parser_initialize(&b.parser))
        return vnl_fail(err, ENOMEM, "YAML of '%s'", name);
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)(size ? b.text : ""), size);
    r = build_document(&b, ret);
    yaml_parser_delete(&b.parser);
    hand_over(err, &b.mistakes);
    return r;
}

static int read_all(int fd, char *buf, size_t room, size_t *ret)
{
    size_t size = 0;

    while (size < room) {
        ssize_t n = read(fd, buf + size, room - size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        size += (size_t)n;
    }
    *ret = size;
    return 0;
}

int vnl_yaml_load(const char *path, struct vnl_yaml **ret, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(vnl_str_free) char *buf = NULL;
    size_t size = 0;
    int r;

    if (fd < 0)
        return vnl_fail(err, errno, "cannot open '%s': %s", path, strerror(errno));
    buf = malloc(
        VNL_YAML_SIZE +
        1); /* one more than allowed, so that the parser sees it is too much; untouched pages are free */
    if (!buf)
        return vnl_fail(err, ENOMEM, "reading '%s'", path);
    r = read_all(fd, buf, VNL_YAML_SIZE + 1, &size);
    if (r < 0)
        return vnl_fail(err, -r, "cannot read '%s': %s", path, strerror(-r));
    return vnl_yaml_parse(path, buf, size, ret, err);
}

struct vnl_yaml *vnl_yaml_lookup(const struct vnl_yaml *map, const char *key)
{
    for (size_t i = 0; map->type == VNL_YAML_MAP && i < map->n_kids; i++) {
        if (strcmp(map->kids[i]->key, key) == 0)
            return map->kids[i];
    }
    return NULL;
}

bool vnl_yaml_is_null(const struct vnl_yaml *node)
{
    return node->type == VNL_YAML_SCALAR && node->plain &&
           (!*node->text || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0);
}

void vnl_yaml_free(struct vnl_yaml **node)
{
    if (!*node)
        return;
    for (size_t i = 0; i < (*node)->n_kids; i++)
        vnl_yaml_free(&(*node)->kids[i]);
    free((*node)->kids);
    free((*node)->key);
    free((*node)->text);
    free(*node);
    *node = NULL;
}
