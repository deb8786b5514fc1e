/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/settings.h"

static void settings_are_read_as_they_were_published(void **state)
{
    (void)state;
    struct published_settings published = {0};
    const struct settings settings = {.update_timeout_s = 1,
                                      .poll_interval_ms = 2,
                                      .grace_ms = 3,
                                      .probe_num = 4,
                                      .slow_call_ms = 5,
                                      .max_overload_timeout_s = UINT32_MAX};
    settings_publish(&published, &settings);
    const struct settings read = settings_read(&published);
    assert_memory_equal(&read, &settings, sizeof(read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read_as_they_were_published),
    };
    return cmocka_run_group_tests_name("unit/shm/settings", tests, NULL, NULL);
}
