/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/larshm/metrics_counters.h"

/* Those that are samples of other families: memory and limits. */
static bool is_elsewhere(enum shm_counter counter)
{
    return counter == COUNTER_units_live || counter == COUNTER_units_retired ||
           counter == COUNTER_rate_reached || counter == COUNTER_directory_reached ||
           counter == COUNTER_replaced_reached || counter == COUNTER_cells_reached ||
           counter == COUNTER_replaced_bytes;
}

static void every_counter_is_a_metric(void **state)
{
    (void)state;
    for (int i = 0; i < COUNTER_COUNT; i++)
        if ((counter_metrics[i].name == NULL) != is_elsewhere((enum shm_counter)i))
            fail_msg("counter %s is not printed by larshm metrics: add it to metrics_counters.c",
                     shm_counter_texts[i].name);
}

static void names_say_what_only_grows(void **state)
{
    (void)state;
    for (int i = 0; i < COUNTER_COUNT; i++) {
        const char *name = counter_metrics[i].name;
        if (!name)
            continue;
        const char *total = strstr(name, "_total");
        assert_int_equal(total && strcmp(total, "_total") == 0, counter_metrics[i].type == FAMILY_COUNTER);
        for (int j = 0; j < i; j++)
            assert_false(counter_metrics[j].name && strcmp(counter_metrics[j].name, name) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_is_a_metric),
        cmocka_unit_test(names_say_what_only_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
