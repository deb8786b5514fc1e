/* SPDX-License-Identifier: MIT */
#include "reader/silence.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "reader/mapping.h"
#include "shm/clock.h"
#include "tests/support/instance.h"

static bool no_boot_time;

/* In place of libc's: without this clock, ticks of two processes are not compared. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (no_boot_time && clock == CLOCK_BOOTTIME) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_clock_gettime, clock, now);
}

static struct mapping *map(const struct instance *instance)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    struct mapping *mapping = NULL;
    int directory;
    assert_int_equal(region_directory_open(SHM_DIRECTORY, &directory), SHM_OK);
    assert_int_equal(mapping_open(&instance->names, directory, &self, &mapping), LARSHM_OK);
    close(directory);
    return mapping;
}

static void silence_is_the_age_of_the_tick(void **state)
{
    struct instance *instance = *state;
    struct mapping *mapping = map(instance);
    instance_heartbeat(instance, clock_tick() - 10000);
    assert_in_range(silence_ms(mapping), 10000, 70000);
    instance_heartbeat(instance, clock_tick() + 10000);
    assert_int_equal(silence_ms(mapping), 0);
    mapping_close(mapping);
}

static void silence_by_a_foreign_clock_begins_with_the_first_look(void **state)
{
    struct instance *instance = *state;
    struct mapping *mapping = map(instance);
    no_boot_time = true;
    static const int64_t ahead[] = {-100000000, 100000000};
    for (unsigned i = 0; i < 2; i++) {
        instance_heartbeat(instance, clock_tick() + (uint64_t)ahead[i]);
        uint64_t first = silence_ms(mapping);
        assert_true(first < 60000);
        usleep(20000);
        assert_true(silence_ms(mapping) >= first + 19);
    }
    no_boot_time = false;
    mapping_close(mapping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(silence_is_the_age_of_the_tick, instance_setup, instance_teardown),
        cmocka_unit_test_setup_teardown(silence_by_a_foreign_clock_begins_with_the_first_look, instance_setup,
                                        instance_teardown),
    };
    return cmocka_run_group_tests_name("unit/reader/silence", tests, NULL, NULL);
}
