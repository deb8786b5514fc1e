/* SPDX-License-Identifier: MIT */
/* What larshm_open() takes for an instance, and what it refuses. */
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/object_path.h"

/* The instance cannot be opened, for this reason, and the output stays as it was. */
static void expect_refused(const struct instance *instance, int code)
{
    larshm *h = (larshm *)(uintptr_t)1;
    assert_int_equal(larshm_open(&h, instance->name), code);
    assert_true(h == (larshm *)(uintptr_t)1);
}

static void a_missing_routes_object_has_its_own_code(void **state)
{
    struct instance *instance = *state;
    shm_unlink(instance->names.routes);
    expect_refused(instance, LARSHM_NO_OBJECT);
}

static void an_object_of_a_stranger_is_refused(void **state)
{
    struct instance *instance = *state;
    if (geteuid() != 0) {
        print_message("skipped: only root can give an object away\n");
        skip();
    }
    assert_int_equal(chown(object_path(instance->names.routes), 65534, (gid_t)-1), 0);
    expect_refused(instance, LARSHM_FOREIGN);
}

static void an_object_that_others_can_write_is_refused(void **state)
{
    static const mode_t modes[] = {0646, 0664, 0666};
    struct instance *instance = *state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(chmod(object_path(instance->names.routes), modes[i]), 0);
        expect_refused(instance, LARSHM_UNSAFE);
    }
}

static void what_is_no_regular_object_is_refused_at_once(void **state)
{
    struct instance *instance = *state;
    const char *path = object_path(instance->names.routes);
    alarm(20); /* opening a pipe without a writer must not wait */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    expect_refused(instance, LARSHM_FOREIGN);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    expect_refused(instance, LARSHM_FOREIGN);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    expect_refused(instance, LARSHM_FOREIGN);
    assert_int_equal(rmdir(path), 0);
    alarm(0);
}

static void a_truncated_object_is_refused(void **state)
{
    static const off_t sizes[] = {HEADER_BYTES + 64, HEADER_BYTES, 100, 31, 0};
    struct instance *instance = *state;
    instance_stop(instance); /* it would not survive what its own user does here */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(truncate(object_path(instance->names.routes), sizes[i]), 0);
        expect_refused(instance, LARSHM_SHORT);
    }
}

/* Changes one word of the header, or refuses to be anything else than expected. */
static void damage_word(const struct instance *instance, size_t offset, uint64_t value, size_t size, int code)
{
    int fd = shm_open(instance->names.routes, O_RDWR, 0);
    uint64_t old = 0;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &old, size, (off_t)offset), size);
    assert_int_equal(pwrite(fd, &value, size, (off_t)offset), size);
    expect_refused(instance, code);
    assert_int_equal(pwrite(fd, &old, size, (off_t)offset), size);
    close(fd);
}

static void headers_of_something_else_are_refused_each_for_its_reason(void **state)
{
    struct instance *instance = *state;
    damage_word(instance, offsetof(struct object_id, magic), 0, 8, LARSHM_NOT_LARSHM);
    damage_word(instance, offsetof(struct object_id, magic), CONTROL_MAGIC, 8, LARSHM_NOT_LARSHM);
    damage_word(instance, offsetof(struct object_id, layout_version), LAYOUT_VERSION + 1, 4, LARSHM_LAYOUT);
    damage_word(instance, offsetof(struct object_id, layout_version), 0, 4, LARSHM_LAYOUT);
    damage_word(instance, offsetof(struct object_id, fingerprint), 1, 4, LARSHM_LAYOUT);
    damage_word(instance, offsetof(struct object_id, size), UINT64_MAX, 8, LARSHM_SHORT);
    damage_word(instance, offsetof(struct object_id, size), 0, 8, LARSHM_CORRUPT);
    static const uint32_t counts[] = {0, 1, 257, UINT32_C(1) << 26, UINT32_C(1) << 31, UINT32_MAX};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        damage_word(instance, offsetof(struct routes_header, bucket_count), counts[i], 4, LARSHM_CORRUPT);
        damage_word(instance, offsetof(struct routes_header, arena_units), counts[i], 4, LARSHM_CORRUPT);
    }
    static const uint64_t offsets[] = {0, 4095, 8192, UINT64_MAX, UINT64_MAX - 4095};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
        damage_word(instance, offsetof(struct routes_header, index_offset), offsets[i], 8, LARSHM_CORRUPT);
        damage_word(instance, offsetof(struct routes_header, arena_offset), offsets[i], 8, LARSHM_CORRUPT);
    }
    larshm *h;
    h = client_open(instance);
    larshm_close(h);
}

/* Whatever is wrong with control, lookups work; and nothing is demanded through an object that cannot be trusted. */
static void a_damaged_control_object_only_stops_demand(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, 15);
    instance_stop(instance);
    for (int kind = 0; kind < 6; kind++) {
        const char *path = object_path(instance->names.control);
        switch (kind) {
        case 0:
            assert_int_equal(chmod(path, 0666), 0);
            break;
        case 1:
            assert_int_equal(chmod(path, 0660), 0);
            assert_int_equal(truncate(path, HEADER_BYTES + 10), 0);
            break;
        case 2:
            assert_int_equal(truncate(path, 0), 0);
            break;
        case 3:
            assert_int_equal(truncate(path, 1 << 20), 0);
            break;
        case 4:
            assert_int_equal(unlink(path), 0);
            break;
        case 5:
            assert_int_equal(symlink("/dev/null", path), 0);
            break;
        }
        larshm *h;
        larshm_host host;
        larshm_route_info info;
        h = client_open(instance);
        assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
        /* Only an object that may not be trusted is a matter of permission. */
        assert_int_equal(larshm_get_host(h, 0, 2, &host),
                         kind == 0 || kind == 5 ? LARSHM_NO_PERMISSION : LARSHM_PENDING);
        assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
        assert_false(info.can_ask);
        larshm_close(h);
    }
}

static void names_that_are_no_instance_are_refused(void **state)
{
    static const char *const bad[] = {"",         "a.b",       "a/b",
                                      "../x",     "x.control", "a b",
                                      "\xc3\xa4", "a\n",       "123456789012345678901234567890123",
                                      "a%s",      "a*"};
    larshm *h = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(larshm_open(&h, bad[i]), LARSHM_BAD_ARGUMENT);
    assert_int_equal(larshm_open(&h, "12345678901234567890123456789012"), LARSHM_NO_OBJECT);
    assert_int_equal(larshm_open(&h, "A-z_0"), LARSHM_NO_OBJECT);
    assert_null(h);
}

static void the_environment_names_the_instance(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    setenv("LARSHM_INSTANCE", instance->name, 1);
    assert_int_equal(larshm_open(&h, NULL), LARSHM_OK);
    larshm_close(h);
    h = NULL;
    assert_int_equal(larshm_open(&h, "no-such-instance"), LARSHM_NO_OBJECT);
    setenv("LARSHM_INSTANCE", "no/instance", 1);
    assert_int_equal(larshm_open(&h, NULL), LARSHM_BAD_ARGUMENT);
    unsetenv("LARSHM_INSTANCE");
    assert_null(h);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    larshm_close(NULL);
}

static void a_closed_handle_leaves_no_mapping(void **state)
{
    struct instance *instance = *state;
    for (int i = 0; i < 100; i++) {
        larshm *h;
        h = client_open(instance);
        larshm_close(h);
    }
    assert_int_equal(instance_reader_mappings(instance), 0);
}

static uint32_t account_lookups;

/* The account database may be a network service: a lookup has no business with it. */
int getpwnam_r(const char *name, struct passwd *entry, char *text, size_t size, struct passwd **found)
{
    (void)name, (void)entry, (void)text, (void)size;
    account_lookups++;
    *found = NULL;
    return 0;
}

static void switching_generations_asks_no_account_database(void **state)
{
    struct instance *instance = *state;
    larshm *h = NULL;
    larshm_host host;
    instance_put(instance, 1, 1, 4, 15);
    h = client_open(instance);
    uint32_t at_open = account_lookups;
    instance_renew(instance);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    assert_int_equal(account_lookups, at_open);
    larshm_close(h);
}

/* Makes every call while a cancellation of this thread is pending. The thread ends without one: AddressSanitizer takes the
 * stack that is unwound by it for one in use. */
static void *call_while_cancelled(void *instance_of_test)
{
    struct instance *instance = instance_of_test;
    larshm *h = NULL;
    larshm_host hosts[4];
    larshm_view view = {0};
    larshm_route_info info = {0};
    size_t count;
    int enabled, codes[1];
    pthread_cancel(pthread_self());
    larshm_open(&h, instance->name);
    larshm_get_host(h, 0, 1, hosts);
    larshm_report(h, hosts, 0);
    larshm_get_host_batch(h, hosts, codes, 1);
    larshm_get_route(h, 0, 1, hosts, 4, &count);
    larshm_route_begin(h, 0, 1, &view);
    larshm_route_end(h, &view);
    larshm_wait_route(h, 7, 7, 1);
    larshm_info(h, 0, 1, &info);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &enabled);
    instance_renew(instance);
    pthread_setcancelstate(enabled, NULL);
    larshm_get_host(h, 0, 1, hosts); /* switches */
    larshm_close(h);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &enabled);
    return instance;
}

static void g1_no_call_is_a_cancellation_point(void **state)
{
    struct instance *instance = *state;
    pthread_t thread;
    void *result;
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(pthread_create(&thread, NULL, call_while_cancelled, instance), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_true(result == instance);
    assert_int_equal(instance_reader_mappings(instance), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_missing_routes_object_has_its_own_code),
        TEST(an_object_of_a_stranger_is_refused),
        TEST(an_object_that_others_can_write_is_refused),
        TEST(what_is_no_regular_object_is_refused_at_once),
        TEST(a_truncated_object_is_refused),
        TEST(headers_of_something_else_are_refused_each_for_its_reason),
        TEST(a_damaged_control_object_only_stops_demand),
        TEST(names_that_are_no_instance_are_refused),
        TEST(the_environment_names_the_instance),
        TEST(closing_nothing_is_fine),
        TEST(a_closed_handle_leaves_no_mapping),
        TEST(switching_generations_asks_no_account_database),
        TEST(g1_no_call_is_a_cancellation_point),
    };
    return cmocka_run_group_tests_name("unit/reader/handle", tests, NULL, NULL);
}
