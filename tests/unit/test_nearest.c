/* Did you mean: the nearest of some names by spelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../harness/labs.h"

static const char *nearest(const char *word)
{
    static const char *const names[] = {
        "addressSpace", "subnets", "hub", "Hub2", "peerings", "vm-1", "vm-2"
    };

    return vnl_nearest(word, names, ARRAY_SIZE(names));
}

static void nearest_finds_the_word_that_was_meant(void **state)
{
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        { "adressSpace", "addressSpace" },   /* a letter missing */
        { "addresssSpace", "addressSpace" }, /* one too many */
        { "addressSpice", "addressSpace" },  /* one wrong */
        { "adderssSpace", "addressSpace" },  /* two swapped */
        { "ADDRESSSPACE", "addressSpace" },  /* case */
        { "subnet", "subnets" },
        { "hbu", "hub" },
        { "hb", "hub" },
        { "vm1", "vm-1" },
        { "vm-3", "vm-1" }, /* equally near: the first */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(nearest(cases[i].word), cases[i].nearest);
}

static void nearest_is_null_when_more_than_a_third_differs(void **state)
{
    (void)state;
    assert_null(nearest("routeTables"));
    assert_null(nearest("h"));
    assert_null(nearest("address"));
    assert_null(nearest(""));
}

static void same_word_in_another_case_wins_over_a_near_one(void **state)
{
    static const char *const names[] = { "VNET-11", "vnet-1x", "VNet-1" };

    (void)state;
    assert_string_equal(vnl_nearest("vnet-1", names, ARRAY_SIZE(names)), "VNet-1");
}

static void nearest_bears_words_of_any_length(void **state)
{
    char word[5000];
    const char *names[] = { "hub", word };

    (void)state;
    memset(word, 'x', sizeof(word));
    word[sizeof(word) - 1] = '\0';
    assert_ptr_equal(vnl_nearest(word, names, 2), word);
    assert_null(vnl_nearest(word, names, 1));
    assert_null(vnl_nearest("hub", NULL, 0));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_finds_the_word_that_was_meant),
        cmocka_unit_test(nearest_is_null_when_more_than_a_third_differs),
        cmocka_unit_test(same_word_in_another_case_wins_over_a_near_one),
        cmocka_unit_test(nearest_bears_words_of_any_length),
    };

    return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
