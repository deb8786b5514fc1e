/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetcher/event_log.h"

static void expect(struct event event, const char *text)
{
    char found[EVENT_TEXT_MAX];
    event_text(&event, found);
    assert_string_equal(found, text);
}

static void failures_name_the_remedy(void **state)
{
    (void)state;
    expect((struct event){.kind = EVENT_RUNNING, .object = "default", .number = {77}},
           "a fetcher for instance \"default\" is already running (pid 77)");
    expect((struct event){.kind = EVENT_BAD_INSTANCE, .object = "a.b"},
           "\"a.b\" is not an instance name: use 1 to 32 letters, digits, '-' or '_'");
    expect(
        (struct event){.kind = EVENT_OBJECT_FOREIGN, .object = "/larshm.x"},
        "/larshm.x belongs to another user or is no regular object: remove /dev/shm/larshm.x, or run as its owner");
    expect(
        (struct event){.kind = EVENT_NO_SPACE, .number = {4096, 1024}},
        "shared memory is full: 4 KiB are needed and 1 KiB available in /dev/shm; free some, or lower [shm] "
        "max_bytes");
    expect(
        (struct event){.kind = EVENT_LOCK_FAILED, .object = "/larshm.x.lock", .error = EMFILE},
        "cannot lock /larshm.x.lock: RLIMIT_NOFILE is reached: raise it, with `ulimit -n` or LimitNOFILE= of the unit");
    expect(
        (struct event){.kind = EVENT_GENERATION_FAILED, .object = "/larshm.x", .error = EFBIG},
        "cannot create a new generation of /larshm.x: larger than RLIMIT_FSIZE allows: raise it, with `ulimit -f` or "
        "LimitFSIZE= of the unit");
    expect(
        (struct event){.kind = EVENT_HOSTS_FAILED, .object = "/larshm.x.hosts", .error = ENOSPC},
        "cannot create /larshm.x.hosts: no space left: free shared memory, or inodes, or lower [shm] max_bytes");
    expect((struct event){.kind = EVENT_NO_SPACE, .number = {4096, 8192}},
           "no file can be created in /dev/shm, although it is not full: free inodes");
    expect(
        (struct event){.kind = EVENT_LOCK_FOREIGN, .object = "/larshm.x.lock"},
        "/larshm.x.lock belongs to another user, or is no regular object: run as its owner, choose another -n, or, "
        "if its fetcher is gone, remove /dev/shm/larshm.x.lock");
}

static void adoption_says_how_many_routes_came_along(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    expect((struct event){.kind = EVENT_RESTORED, .number = {UINT64_C(1795969842000), 1, 0}},
           "restored 1 route from the snapshot of 2026-11-29 16:30:42");
    expect(
        (struct event){.kind = EVENT_RESTORED, .number = {0, 2, 3}},
        "restored 2 routes from the snapshot of 1970-01-01 00:00:00; 3 more find no room: raise [shm] max_bytes");
    expect((struct event){.kind = EVENT_ADOPTED, .number = {5, 1, 0}}, "adopted 1 route of generation 5");
    expect((struct event){.kind = EVENT_ADOPTED, .number = {5, 2, 3}},
           "adopted 2 routes of generation 5; damaged ones were left out");
}

static void every_kind_has_a_text_of_its_own(void **state)
{
    (void)state;
    static char texts[EVENT_KINDS][EVENT_TEXT_MAX];
    for (int kind = EVENT_NO_MEMORY; kind < EVENT_KINDS; kind++) {
        const struct event event = {.kind = (enum event_kind)kind, .object = "/larshm.x"};
        event_text(&event, texts[kind]);
        assert_true(strlen(texts[kind]) > 0);
        for (int other = EVENT_NO_MEMORY; other < kind; other++)
            assert_string_not_equal(texts[kind], texts[other]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_name_the_remedy),
        cmocka_unit_test(adoption_says_how_many_routes_came_along),
        cmocka_unit_test(every_kind_has_a_text_of_its_own),
    };
    return cmocka_run_group_tests_name("unit/fetcher/event_log", tests, NULL, NULL);
}
