/* YAML trees: exact places, and refusals that say where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/yaml.h"

static struct vnl_yaml *tree_of(const char *text)
{
    struct vnl_yaml *root = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;

    if (vnl_yaml_parse("f.yaml", text, strlen(text), &root, &err) < 0) {
        vnl_err_print(stderr, err);
        fail();
    }
    return root;
}

static void assert_refused_n(const char *text, size_t size, int num, const char *expected)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    CLEANUP(vnl_str_free) char *printed = NULL;
    size_t printed_size = 0;
    FILE *out;

    assert_int_equal(vnl_yaml_parse("f.yaml", text, size, &root, &err), -num);
    out = open_memstream(&printed, &printed_size);
    assert_non_null(out);
    vnl_err_print(out, err);
    (void)fclose(out);
    assert_string_equal(printed, expected);
}

static void assert_refused(const char *text, const char *expected)
{
    assert_refused_n(text, strlen(text), EINVAL, expected);
}

static void assert_at(const struct vnl_src *src, int line, int col)
{
    assert_string_equal(src->file, "f.yaml");
    assert_int_equal(src->line, line);
    assert_int_equal(src->col, col);
}

static void every_node_knows_its_place(void **state)
{
    CLEANUP(vnl_yaml_free)
    struct vnl_yaml *root = tree_of("# comment\n"
                                    "name: \"lab\"\n"
                                    "vnets:\n"
                                    "  hüb: {space: [10.0.0.0/16, 'x'], n: 80}\n"
                                    "list:\n"
                                    "  - a\n"
                                    "  - b: c\n");
    const struct vnl_yaml *hub, *list;

    (void)state;
    assert_int_equal(root->type, VNL_YAML_MAP);
    assert_at(&root->src, 2, 1);
    assert_at(&root->kids[0]->src, 2, 7);
    assert_false(root->kids[0]->plain);
    assert_at(&root->kids[1]->src, 4, 3);
    hub = root->kids[1]->kids[0];
    assert_string_equal(hub->key, "hüb");
    assert_at(&hub->key_src, 4, 3);
    assert_at(&hub->src, 4, 8);
    assert_at(&hub->kids[0]->kids[1]->src, 4, 30); /* columns count characters, not bytes */
    assert_true(vnl_yaml_lookup(hub, "n")->plain);
    assert_string_equal(vnl_yaml_lookup(hub, "n")->text, "80");
    list = vnl_yaml_lookup(root, "list");
    assert_int_equal(list->type, VNL_YAML_SEQ);
    assert_int_equal(list->n_kids, 2);
    assert_at(&list->kids[1]->kids[0]->key_src, 7, 5);
    assert_null(vnl_yaml_lookup(root, "absent"));
}

static void empty_documents_are_empty_maps(void **state)
{
    static const char *const texts[] = { "",     "# only a comment\n", "---\n", "--- ~\n...\n",
                                         "null", "\xef\xbb\xbf" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        CLEANUP(vnl_yaml_free) struct vnl_yaml *root = tree_of(texts[i]);

        assert_int_equal(root->type, VNL_YAML_MAP);
        assert_int_equal(root->n_kids, 0);
    }
}

static void byte_order_mark_takes_no_column(void **state)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = tree_of("\xef\xbb\xbfname: x\n");

    (void)state;
    assert_string_equal(root->kids[0]->key, "name");
    assert_at(&root->kids[0]->key_src, 1, 1);
}

static void null_is_only_what_is_written_plain(void **state)
{
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = tree_of("[ ~, null, NULL, '', \"null\", 0, {} ]");

    (void)state;
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(vnl_yaml_is_null(root->kids[i]), i < 3);
}

static void duplicate_keys_name_the_first_place(void **state)
{
    (void)state;
    assert_refused("b: 1\na: {x: 1, y: 2, x: 3}\nb: 2\nb: 3\n",
                   "vnetlab: f.yaml:2:17: key 'x' is written twice, first at 2:5\n"
                   "vnetlab: f.yaml:3:1: key 'b' is written twice, first at 1:1\n"
                   "vnetlab: f.yaml:4:1: key 'b' is written twice, first at 1:1\n");
}

static void duplicate_keys_leave_a_tree_with_the_first(void **state)
{
    static const char text[] = "a: 1\nb: 2\na: 3\nc: 4\n";
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;

    (void)state;
    assert_int_equal(vnl_yaml_parse("f.yaml", text, strlen(text), &root, NULL), -EINVAL);
    assert_int_equal(root->n_kids, 3);
    assert_string_equal(vnl_yaml_lookup(root, "a")->text, "1");
    assert_string_equal(root->kids[2]->key, "c");
}

static void what_a_lab_file_does_not_need_is_refused(void **state)
{
    (void)state;
    assert_refused("a: &x 1\nb: *x\n", "vnetlab: f.yaml:2:4: YAML aliases ('*name') are not supported\n"
                                       "  hint: write the value out\n");
    assert_refused("*x : 1\n", "vnetlab: f.yaml:1:1: YAML aliases ('*name') are not supported\n"
                               "  hint: write the value out\n");
    assert_refused("a:\n  <<: {b: c}\n", "vnetlab: f.yaml:2:3: YAML merge keys ('<<') are not supported\n"
                                         "  hint: write the keys out\n");
    assert_refused("a: !!str 80\n", "vnetlab: f.yaml:1:4: YAML tags ('!something') are not supported\n"
                                    "  hint: leave it out; quotes make text of a number\n");
    assert_refused("[a]: 1\n", "vnetlab: f.yaml:1:1: a key must be a word, not a map or list\n"
                               "  hint: quote it when it is meant as text\n");
    assert_refused("a: 1\n---\nb: 1\n", "vnetlab: f.yaml:2:1: a second YAML document\n"
                                        "  hint: one file is one lab\n");
    assert_refused("a: \"x\\0y\"\n", "vnetlab: f.yaml:1:4: text with a NUL character\n");
}

static void syntax_mistakes_have_a_place_and_a_hint(void **state)
{
    (void)state;
    assert_refused(
        "a: [1, 2\nb: 3\n",
        "vnetlab: f.yaml:2:2: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence "
        "(line 1)\n  hint: a ',' is missing before this, or a '[' is not closed\n");
    assert_refused(
        "a:\n\tb: 1\n",
        "vnetlab: f.yaml:2:1: not valid YAML: found character that cannot start any token while scanning for "
        "the next token (line 2)\n  hint: indent with spaces, not tabs; quote text that starts with @, % or "
        "`\n");
    assert_refused("a: b: c\n",
                   "vnetlab: f.yaml:1:5: not valid YAML: mapping values are not allowed in this context\n"
                   "  hint: check the indentation; quote text that contains ': '\n");
    assert_refused("a: 1\n  b: \xff\n", "vnetlab: f.yaml:2:6: not valid YAML: invalid leading UTF-8 octet\n");
    assert_refused_n("a: \0b", 5, EINVAL,
                     "vnetlab: f.yaml:1:4: not valid YAML: control characters are not allowed\n");
}

static void nesting_is_bounded(void **state)
{
    char text[2 * VNL_YAML_DEPTH + 3];
    struct vnl_yaml *root = NULL;

    (void)state;
    for (int n = VNL_YAML_DEPTH; n <= VNL_YAML_DEPTH + 1; n++) {
        memset(text, '[', (size_t)n);
        memset(text + n, ']', (size_t)n);
        if (n == VNL_YAML_DEPTH)
            assert_int_equal(vnl_yaml_parse("f.yaml", text, 2 * (size_t)n, &root, NULL), 0);
        else
            assert_refused_n(text, 2 * (size_t)n, EINVAL,
                             "vnetlab: f.yaml:1:65: nested deeper than 64 levels\n");
        vnl_yaml_free(&root);
    }
}

static void size_and_number_of_values_are_bounded(void **state)
{
    CLEANUP(vnl_str_free) char *text = malloc(VNL_YAML_SIZE + 1);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', VNL_YAML_SIZE + 1);
    assert_refused_n(text, VNL_YAML_SIZE + 1, EFBIG, "vnetlab: 'f.yaml' is larger than 16 MiB\n");
    text[0] = '[';
    for (size_t i = 0; i <= VNL_YAML_NODES; i++)
        memcpy(text + 1 + 2 * i, "a,", 2);
    assert_refused_n(text, 2 * (size_t)VNL_YAML_NODES, EFBIG,
                     "vnetlab: f.yaml:1:2097152: more than 1048576 values in one file\n");
}

static void files_are_loaded_and_missing_ones_named(void **state)
{
    char path[] = "/tmp/vnetlab-test-yaml-XXXXXX";
    CLEANUP(vnl_fd_close) int fd = mkstemp(path);
    CLEANUP(vnl_yaml_free) struct vnl_yaml *root = NULL;
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    int r;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: 1\n", 5), 5);
    r = vnl_yaml_load(path, &root, &err);
    (void)unlink(path);
    assert_int_equal(r, 0);
    assert_string_equal(root->kids[0]->src.file, path);
    assert_int_equal(vnl_yaml_load("/nonexistent/lab.yaml", &root, &err), -ENOENT);
    assert_string_equal(err->msg, "cannot open '/nonexistent/lab.yaml': No such file or directory");
    assert_int_equal(vnl_yaml_load("/tmp", &root, &err), -EISDIR);
    assert_string_equal(err->msg, "cannot read '/tmp': Is a directory");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_knows_its_place),
        cmocka_unit_test(empty_documents_are_empty_maps),
        cmocka_unit_test(byte_order_mark_takes_no_column),
        cmocka_unit_test(null_is_only_what_is_written_plain),
        cmocka_unit_test(duplicate_keys_name_the_first_place),
        cmocka_unit_test(duplicate_keys_leave_a_tree_with_the_first),
        cmocka_unit_test(what_a_lab_file_does_not_need_is_refused),
        cmocka_unit_test(syntax_mistakes_have_a_place_and_a_hint),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(size_and_number_of_values_are_bounded),
        cmocka_unit_test(files_are_loaded_and_missing_ones_named),
    };

    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
