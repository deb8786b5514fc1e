/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/dns/edit_watch.h"

enum {
    LONG_MS = 60 * 1000, /* nothing here takes so long */
    QUIET_MS = 200,
};

struct fixture {
    uv_loop_t loop;
    uv_timer_t end;
    struct edit_watch watch;
    char directory[32], paths[2][64];
    unsigned looks, wanted; /* the loop ends with so many */
};

static void look(void *arg)
{
    struct fixture *fixture = arg;
    if (++fixture->looks == fixture->wanted)
        uv_stop(&fixture->loop);
}

static void write_to(const char *path)
{
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fputs("edit", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.directory = "/tmp/larshm.XXXXXX"};
    assert_non_null(mkdtemp(fixture.directory));
    for (int i = 0; i < 2; i++) {
        snprintf(fixture.paths[i], sizeof(fixture.paths[i]), "%s/%d", fixture.directory, i);
        write_to(fixture.paths[i]);
    }
    uv_loop_init(&fixture.loop);
    uv_timer_init(&fixture.loop, &fixture.end);
    edit_watch_init(&fixture.watch, &fixture.loop, look, &fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    uv_close((uv_handle_t *)&fixture->end, NULL);
    edit_watch_stop(&fixture->watch);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 2; i++)
        unlink(fixture->paths[i]);
    rmdir(fixture->directory);
    return uv_loop_close(&fixture->loop);
}

static void end(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Until it has looked so often, or the time is over. */
static unsigned looks(struct fixture *fixture, unsigned wanted, unsigned ms)
{
    fixture->looks = 0;
    fixture->wanted = wanted;
    uv_timer_start(&fixture->end, end, ms, 0);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    return fixture->looks;
}

static void a_write_is_noticed_and_looked_at_for_a_while(void **state)
{
    struct fixture *fixture = *state;
    edit_watch_file(&fixture->watch, fixture->paths[0]);
    write_to(fixture->paths[0]);
    assert_int_equal(looks(fixture, 10, LONG_MS), 10);
    write_to(fixture->paths[0]);
    assert_int_equal(looks(fixture, 10, LONG_MS), 10);
    looks(fixture, UINT32_MAX, QUIET_MS);
    assert_int_equal(looks(fixture, UINT32_MAX, QUIET_MS), 0);
}

static void only_the_last_file_is_watched(void **state)
{
    struct fixture *fixture = *state;
    edit_watch_file(&fixture->watch, fixture->paths[0]);
    edit_watch_file(&fixture->watch, fixture->paths[1]);
    write_to(fixture->paths[0]);
    assert_int_equal(looks(fixture, 1, QUIET_MS), 0);
    write_to(fixture->paths[1]);
    assert_int_equal(looks(fixture, 1, LONG_MS), 1);
}

static void a_file_that_is_missing_is_not_watched(void **state)
{
    struct fixture *fixture = *state;
    edit_watch_file(&fixture->watch, "/tmp/larshm.none/there");
    assert_false(edit_watch_active(&fixture->watch));
    edit_watch_file(&fixture->watch, fixture->paths[0]);
    assert_true(edit_watch_active(&fixture->watch));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_write_is_noticed_and_looked_at_for_a_while),
        TEST(only_the_last_file_is_watched),
        TEST(a_file_that_is_missing_is_not_watched),
    };
    return cmocka_run_group_tests_name("unit/dns/edit_watch", tests, NULL, NULL);
}
