/* SPDX-License-Identifier: MIT */
/*
 * Shared memory that is full: at the start, when more is needed, and because of another program. For root: each test
 * mounts a small /dev/shm that only it and its children see.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/fixture.h"
#include "tests/support/object_path.h"

enum {
    INODES = 100,
    BIG_ROUTE = 5000, /* hosts; nine of them are more than the first arena holds */
};

#define SHM "/dev/shm"

/* This process and its children see a shared memory of their own, which is so small. */
static void mount_small_shm(const char *size)
{
    char options[64];
    snprintf(options, sizeof(options), "mode=1777,size=%s", size);
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("small", SHM, "tmpfs", 0, options) != 0) {
        print_message("mount namespaces are for root, on machines that allow them\n");
        skip();
    }
}

static void resize_shm(const char *size)
{
    char options[64];
    snprintf(options, sizeof(options), "size=%s", size);
    assert_int_equal(mount("small", SHM, "tmpfs", MS_REMOUNT, options), 0);
}

static int unmount_small_shm(void **state)
{
    fixture_teardown(state);
    umount2(SHM, MNT_DETACH);
    return 0;
}

/* Takes what is left, to the last page. */
static void fill_shm(void)
{
    static const char page[4096] = "full";
    int fd = open(SHM "/filler", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, page, sizeof(page)) == (ssize_t)sizeof(page))
        continue;
    close(fd);
}

static void start_in_full_memory_says_how_much_is_needed_and_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct object_names *names = &fixture->fetcher.names;
    mount_small_shm("128k");
    fetcher_configure(&fixture->fetcher);
    fetcher_launch(&fixture->fetcher);
    assert_int_equal(process_wait(&fixture->fetcher.process), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "shared memory is full: "), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "504 KiB are needed and 128 KiB available"), 1);
    assert_false(object_exists(names->routes) || object_exists(names->control) ||
                 object_exists(names->next_routes) || object_exists(names->next_control));
    resize_shm("400k"); /* for either of the two objects, not for both */
    fetcher_launch(&fixture->fetcher);
    assert_int_equal(process_wait(&fixture->fetcher.process), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "504 KiB are needed and 400 KiB available"), 1);
    resize_shm("1m");
    fetcher_launch(&fixture->fetcher);
    eventually(process_said(&fixture->fetcher.process, "serving instance") == 1);
}

/* Takes what is left of the files that there may be. */
static void use_inodes_up(bool used)
{
    char path[64];
    for (int i = 0; i < INODES; i++) {
        snprintf(path, sizeof(path), SHM "/inode-%d", i);
        int fd = used ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : unlink(path);
        if (used && fd >= 0)
            close(fd);
    }
}

static void start_without_inodes_says_so_and_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct object_names *names = &fixture->fetcher.names;
    mount_small_shm("1m,nr_inodes=3");
    fetcher_configure(&fixture->fetcher);
    fetcher_launch(&fixture->fetcher);
    assert_int_equal(process_wait(&fixture->fetcher.process), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "although it is not full: free inodes"), 1);
    assert_false(object_exists(names->routes) || object_exists(names->control) ||
                 object_exists(names->next_routes) || object_exists(names->next_control));
    resize_shm("1m,nr_inodes=100");
    fetcher_launch(&fixture->fetcher);
    eventually(process_said(&fixture->fetcher.process, "serving instance") == 1);
}

static void answer_big_route(struct fixture *fixture, uint32_t cmdid)
{
    static struct wire_host hosts[BIG_ROUTE];
    for (int i = 0; i < BIG_ROUTE; i++)
        hosts[i] = wire_host(i, 80);
    directory_answer(&fixture->directory, 2, cmdid, hosts, BIG_ROUTE);
}

static void ask_and_answer(struct fixture *fixture, uint32_t cmdid)
{
    struct route_key key;
    fixture_lookup(fixture, 2, cmdid);
    if (directory_takes(&fixture->directory, 10, &key))
        answer_big_route(fixture, key.cmdid);
}

/* Looks big routes up until one has no room; returns its cmdid. */
static uint32_t learn_big_routes(struct fixture *fixture)
{
    for (uint32_t cmdid = 0; cmdid < 20; cmdid++) {
        fixture_lookup_until_asked(fixture, 2, cmdid);
        answer_big_route(fixture, cmdid);
        eventually(fixture_info(fixture, 2, cmdid).hosts == BIG_ROUTE ||
                   fetcher_counter(&fixture->fetcher, COUNTER_refused_full) > 0);
        if (fixture_info(fixture, 2, cmdid).hosts != BIG_ROUTE)
            return cmdid;
    }
    fail_msg("all of it had room");
    return 0;
}

static void growth_in_full_memory_keeps_the_generation_and_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    const struct object_names *names = &fixture->fetcher.names;
    mount_small_shm("1344k");
    fixture_connect_with_good_route(fixture);
    uint64_t generation = fetcher_generation(&fixture->fetcher);
    fill_shm();

    uint32_t refused = learn_big_routes(fixture);
    eventually(process_said(&fixture->fetcher.process, "shared memory is full: ") > 0);
    assert_int_equal(fetcher_generation(&fixture->fetcher), generation);
    assert_false(object_exists(names->next_routes) || object_exists(names->next_control));
    assert_int_equal(fixture_lookup(fixture, 2, refused), LARSHM_FULL);
    assert_true(fixture_serves_good_route(fixture));
    for (uint32_t cmdid = 0; cmdid < refused; cmdid++)
        assert_int_equal(fixture_lookup(fixture, 2, cmdid), LARSHM_OK);

    assert_int_equal(unlink(SHM "/filler"), 0);
    eventually((ask_and_answer(fixture, refused), fixture_info(fixture, 2, refused).hosts == BIG_ROUTE));
    assert_true(fetcher_generation(&fixture->fetcher) > generation);
    assert_true(fixture_serves_good_route(fixture));
}

static void growth_without_inodes_keeps_the_generation_and_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    const struct object_names *names = &fixture->fetcher.names;
    mount_small_shm("4m,nr_inodes=100");
    fixture_connect_with_good_route(fixture);
    uint64_t generation = fetcher_generation(&fixture->fetcher);
    use_inodes_up(true);

    uint32_t refused = learn_big_routes(fixture);
    eventually(process_said(&fixture->fetcher.process, "although it is not full: free inodes") > 0);
    assert_int_equal(fetcher_generation(&fixture->fetcher), generation);
    assert_false(object_exists(names->next_routes) || object_exists(names->next_control));
    assert_true(fixture_serves_good_route(fixture));
    for (uint32_t cmdid = 0; cmdid < refused; cmdid++)
        assert_int_equal(fixture_lookup(fixture, 2, cmdid), LARSHM_OK);

    use_inodes_up(false);
    eventually((ask_and_answer(fixture, refused), fixture_info(fixture, 2, refused).hosts == BIG_ROUTE));
    assert_true(fetcher_generation(&fixture->fetcher) > generation);
    assert_true(fixture_serves_good_route(fixture));
    use_inodes_up(true);
    fetcher_stop(&fixture->fetcher);
    assert_true(fixture_serves_good_route(fixture));
}

/* What was promised was allocated: no process gets SIGBUS, the fetcher neither. */
static void memory_filled_by_another_program_disturbs_no_reader_and_no_publish(void **state)
{
    struct fixture *fixture = *state;
    mount_small_shm("1m");
    fixture_connect_with_good_route(fixture);
    fill_shm();
    for (uint32_t cmdid = 0; cmdid < 200; cmdid++) {
        fixture_learn(fixture, 1, cmdid, 20, 80);
        assert_true(fixture_serves_good_route(fixture));
    }
    for (uint32_t cmdid = 0; cmdid < 200; cmdid++)
        assert_true(fixture_serves(fixture, 1, cmdid, 20, 80));
    assert_true(process_alive(&fixture->fetcher.process));
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_generations), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(start_in_full_memory_says_how_much_is_needed_and_leaves_nothing,
                                        fixture_setup, unmount_small_shm),
        cmocka_unit_test_setup_teardown(start_without_inodes_says_so_and_leaves_nothing, fixture_setup,
                                        unmount_small_shm),
        cmocka_unit_test_setup_teardown(growth_without_inodes_keeps_the_generation_and_is_tried_again,
                                        fixture_setup, unmount_small_shm),
        cmocka_unit_test_setup_teardown(growth_in_full_memory_keeps_the_generation_and_is_tried_again,
                                        fixture_setup, unmount_small_shm),
        cmocka_unit_test_setup_teardown(memory_filled_by_another_program_disturbs_no_reader_and_no_publish,
                                        fixture_setup, unmount_small_shm),
    };
    return cmocka_run_group_tests_name("integration/full", tests, NULL, NULL);
}
