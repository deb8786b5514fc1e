/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/larshm/exposition.h"

static char *text;
static size_t length;

static void assert_text(FILE *out, const char *expected)
{
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void a_family_has_its_help_and_type(void **state)
{
    (void)state;
    FILE *out = open_memstream(&text, &length);
    exposition_family(out, "a_total", FAMILY_COUNTER, "what it is");
    assert_text(out, "# HELP a_total what it is\n# TYPE a_total counter\n");
}

static void whatever_a_label_has_in_it_stays_in_its_quotes(void **state)
{
    (void)state;
    FILE *out = open_memstream(&text, &length);
    exposition_sample(out, "a", 1, "x", "q\"\\ \n\t\x1b}", "y", "", NULL);
    exposition_sample(out, "b", 2, NULL);
    assert_text(out, "a{x=\"q\\\"\\\\ \\n}\",y=\"\"} 1\nb 2\n");
}

static void numbers_are_whole_as_long_as_they_can_be(void **state)
{
    (void)state;
    FILE *out = open_memstream(&text, &length);
    exposition_sample(out, "a", 123456789012345, NULL);
    exposition_sample(out, "a", 0.25, NULL);
    exposition_sample(out, "a", 1796007204.867, NULL);
    exposition_sample(out, "a", (double)UINT64_MAX, NULL);
    assert_text(out, "a 123456789012345\na 0.25\na 1796007204.867\na 1.84467440737096e+19\n");
}

static void buckets_add_up_and_end_with_all(void **state)
{
    (void)state;
    static const uint64_t counts[] = {2, 0, 3};
    static const uint32_t bounds[] = {100, 2500};
    const struct exposition_histogram histogram = {counts, bounds, 3, 1e-6, 0.5};
    FILE *out = open_memstream(&text, &length);
    exposition_histogram(out, "h", "one", &histogram);
    assert_text(out, "h_bucket{larshm_instance=\"one\",le=\"0.0001\"} 2\n"
                     "h_bucket{larshm_instance=\"one\",le=\"0.0025\"} 2\n"
                     "h_bucket{larshm_instance=\"one\",le=\"+Inf\"} 5\n"
                     "h_sum{larshm_instance=\"one\"} 0.5\n"
                     "h_count{larshm_instance=\"one\"} 5\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_has_its_help_and_type),
        cmocka_unit_test(whatever_a_label_has_in_it_stays_in_its_quotes),
        cmocka_unit_test(numbers_are_whole_as_long_as_they_can_be),
        cmocka_unit_test(buckets_add_up_and_end_with_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
