/* SPDX-License-Identifier: MIT */
/* What a figure says of its samples, its peer and its target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/bench/figure.h"

static struct figure *add(void **state, const struct figure *like)
{
    struct figure *figure = figures_add(*state, like);
    assert_non_null(figure);
    return figure;
}

static void sample(struct figure *figure, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        figure_sample(figure, values[i]);
}

static int setup(void **state)
{
    static struct figures figures;
    *state = &figures;
    return 0;
}

static int teardown(void **state)
{
    figures_free(*state);
    return 0;
}

static void test_median_is_the_middle_and_one_bad_round_does_not_move_it(void **state)
{
    struct figure *figure = add(state, &(struct figure){.name = "a"});
    sample(figure, (double[]){5, 1e9, 3, 4, 6}, 5);
    assert_true(figure->median == 5 && figure->min == 3 && figure->max == 1e9);
    figure_sample(figure, 4);
    assert_true(figure->median == 4.5);
}

static void test_samples_beyond_the_last_round_are_ignored(void **state)
{
    struct figure *figure = add(state, &(struct figure){.name = "a"});
    for (int i = 0; i < ROUNDS_MAX; i++)
        figure_sample(figure, 2);
    figure_sample(figure, 1);
    assert_int_equal(figure->samples, ROUNDS_MAX);
    assert_true(figure->min == 2);
}

static void test_ratio_is_to_the_peer_that_is_named(void **state)
{
    struct figure *peer = add(state, &(struct figure){.name = "peer"});
    struct figure *figure = add(state, &(struct figure){.name = "a", .peer = peer});
    assert_true(figure_ratio(figure) == 0);
    figure_sample(figure, 7);
    assert_true(figure_ratio(figure) == 0);
    figure_sample(peer, 14);
    assert_true(figure_ratio(figure) == 0.5);
    assert_true(figure_ratio(peer) == 0);
}

static void test_ratio_is_the_median_of_those_of_the_rounds(void **state)
{
    struct figure *peer = add(state, &(struct figure){.name = "peer"});
    struct figure *figure = add(state, &(struct figure){.name = "a", .peer = peer});
    sample(peer, (double[]){10, 10, 20}, 3);
    sample(figure, (double[]){5, 30, 10}, 3);
    assert_true(figure_ratio(figure) == 0.5);
    figure_sample(figure, 10);
    assert_true(figure_ratio(figure) == 1);
}

static void test_spread_is_that_of_the_middle_half_over_the_median(void **state)
{
    struct figure *figure = add(state, &(struct figure){.name = "a"});
    assert_true(figure_spread(figure) == 0);
    figure_sample(figure, 8);
    assert_true(figure_spread(figure) == 0);
    sample(figure, (double[]){1e9, 10, 12, 0}, 4);
    assert_true(figure_spread(figure) == 0.4);
    figure_reset(figure);
    assert_true(figure_spread(figure) == 0 && figure->samples == 0 && figure->median == 0);
}

static void test_target_is_met_at_its_bound_and_not_without_samples(void **state)
{
    struct figure *peer = add(state, &(struct figure){.name = "peer"});
    struct figure *less = add(state, &(struct figure){.peer = peer, .target = {.at_most = 0.5}});
    struct figure *more = add(state, &(struct figure){.peer = peer, .target = {.at_least = 2}});
    assert_true(figure_has_target(less) && figure_has_target(more) && !figure_has_target(peer));
    assert_false(figure_meets_target(less) || figure_meets_target(more));
    sample(peer, (double[]){10}, 1);
    sample(less, (double[]){5}, 1);
    sample(more, (double[]){20}, 1);
    assert_true(figure_meets_target(less) && figure_meets_target(more));
    sample(less, (double[]){5.1, 5.1}, 2);
    sample(more, (double[]){19, 19}, 2);
    assert_false(figure_meets_target(less) || figure_meets_target(more));
}

static void test_target_without_a_peer_is_about_the_median_itself(void **state)
{
    struct figure *time = add(state, &(struct figure){.target = {.at_most = 200}});
    assert_true(figure_has_target(time));
    assert_false(figure_meets_target(time));
    sample(time, (double[]){200, 100, 900}, 3);
    assert_true(figure_meets_target(time));
    sample(time, (double[]){900, 900}, 2);
    assert_false(figure_meets_target(time));
    struct figure *nothing = add(state, &(struct figure){.target = {.at_most = 2}});
    assert_false(figure_meets_target(nothing));
    sample(nothing, (double[]){0}, 1);
    assert_true(figure_meets_target(nothing));
}

static void test_target_of_none_fails_for_a_single_one_in_any_round(void **state)
{
    struct figure *failures = add(state, &(struct figure){.target = {.none = true}});
    assert_true(figure_has_target(failures));
    assert_false(figure_meets_target(failures));
    sample(failures, (double[]){0, 0, 0}, 3);
    assert_true(figure_meets_target(failures));
    figure_sample(failures, 1);
    assert_true(failures->median == 0);
    assert_false(figure_meets_target(failures));
}

static void test_parameters_are_told_in_order_and_never_beyond_the_label(void **state)
{
    char text[LABEL_MAX];
    struct figure *figure = add(state, &(struct figure){.parameters = {{"routes", 1000}, {"hosts", 4}}});
    figure_parameters(figure, text);
    assert_string_equal(text, "routes=1000 hosts=4");
    figure_parameters(add(state, &(struct figure){.name = "none"}), text);
    assert_string_equal(text, "");
    const char *name = "a name that is much too long for any label";
    figure = add(state, &(struct figure){.parameters = {{name, 1}, {name, 2}, {name, UINT64_MAX}}});
    figure_parameters(figure, text);
    assert_memory_equal(text, name, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_median_is_the_middle_and_one_bad_round_does_not_move_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_samples_beyond_the_last_round_are_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ratio_is_to_the_peer_that_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ratio_is_the_median_of_those_of_the_rounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spread_is_that_of_the_middle_half_over_the_median, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_target_is_met_at_its_bound_and_not_without_samples, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_target_without_a_peer_is_about_the_median_itself, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_target_of_none_fails_for_a_single_one_in_any_round, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_parameters_are_told_in_order_and_never_beyond_the_label, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
