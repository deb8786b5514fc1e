/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>

#include "conf/value.h"
#include "tests/support/scratch_conf.h"

static void fields_have_the_size_that_their_type_says(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        [KEY_INTEGER] = sizeof(uint32_t),
        [KEY_PORT] = sizeof(uint16_t),
        [KEY_SIZE] = sizeof(uint64_t),
        [KEY_REAL] = sizeof(double),
        [KEY_HOST] = CONFIG_HOST_SIZE,
        [KEY_GROUP] = CONFIG_GROUP_SIZE,
        [KEY_LEVEL] = sizeof(uint32_t),
        [KEY_RULES] = sizeof(uint32_t),
        [KEY_PATH] = CONFIG_PATH_SIZE,
        [KEY_ADDRESS] = sizeof(uint32_t),
        [KEY_SERVERS] = sizeof(struct config_servers),
    };
    size_t end = 0;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        assert_int_equal(keys[i].size, sizes[keys[i].type]);
        assert_true(keys[i].offset >= end);
        end = keys[i].offset + keys[i].size;
        assert_true(keys[i].type != KEY_INTEGER || keys[i].max <= UINT32_MAX);
        assert_true(keys[i].type != KEY_PORT || keys[i].max <= UINT16_MAX);
    }
    assert_true(end <= sizeof(struct config));
}

static void every_key_is_found_by_its_name_in_any_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        assert_ptr_equal(keys_find(keys[i].section, keys[i].name, strlen(keys[i].name)), &keys[i]);
        assert_null(keys_find(keys[i].section, keys[i].name, strlen(keys[i].name) - 1));
    }
    assert_ptr_equal(keys_find("shm", "GROUP", 5), &keys[KEY_COUNT - 1]);
    assert_string_equal(keys_section("SHM", 3), "shm");
    assert_null(keys_section("shmx", 4));
}

static void write_key(const struct key *key, const char *value)
{
    char text[512];
    /* The partners of keys that are compared get out of the way. */
    const char *partner = "";
    if (strcmp(key->name, "reconnect_min_ms") == 0)
        partner = "reconnect_max_ms = 3600000\n";
    else if (strcmp(key->name, "reconnect_max_ms") == 0)
        partner = "reconnect_min_ms = 1\n";
    else if (strcmp(key->name, "resubscribe_per_second") == 0)
        partner = "requests_per_second = 10000000\n";
    else if (strcmp(key->name, "requests_per_second") == 0)
        partner = "resubscribe_per_second = 1\n";
    int length = snprintf(text, sizeof(text), "[%s]\n%s = %s\n%s", key->section, key->name, value, partner);
    scratch_write(text, (size_t)length);
}

static double number(const struct key *key, const struct config *config)
{
    const void *field = (const char *)config + key->offset;
    switch (key->type) {
    case KEY_PORT:
        return *(const uint16_t *)field;
    case KEY_SIZE:
        return (double)*(const uint64_t *)field;
    case KEY_REAL:
        return *(const double *)field;
    default:
        return *(const uint32_t *)field;
    }
}

static void expect_kept(const struct key *key, const char *value)
{
    struct config config;
    write_key(key, value);
    scratch_expect_loaded(&config);
    assert_true(number(key, &config) == strtod(value, NULL));
}

static void expect_refused(const struct key *key, const char *value)
{
    char allowed[VALUE_ALLOWED_SIZE], expected[512];
    value_allowed(key, allowed);
    snprintf(expected, sizeof(expected), ":2: %s.%s is \"%s\": allowed is %s", key->section, key->name, value,
             allowed);
    write_key(key, value);
    scratch_expect_refused(scratch_path, expected);
}

static void ends_of_every_range_are_kept_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct key *key = &keys[i];
        char text[64];
        if (key->max == 0)
            continue; /* no number */
        snprintf(text, sizeof(text), "%" PRIu64, key->min);
        expect_kept(key, text);
        snprintf(text, sizeof(text), "%" PRIu64, key->max);
        expect_kept(key, text);
        snprintf(text, sizeof(text), "%" PRIu64, key->max + 1);
        expect_refused(key, text);
        if (key->type == KEY_REAL) {
            snprintf(text, sizeof(text), "%" PRIu64 ".000000001", key->max);
            expect_refused(key, text);
        }
        snprintf(text, sizeof(text), "%" PRId64, (int64_t)key->min - 1);
        expect_refused(key, text);
        snprintf(text, sizeof(text), "%" PRIu64, key->max + (UINT64_C(1) << 32));
        expect_refused(key, text);
        expect_refused(key, "18446744073709551616");
        expect_refused(key, "");
        expect_refused(key, "1x");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_the_size_that_their_type_says),
        cmocka_unit_test(every_key_is_found_by_its_name_in_any_case),
        cmocka_unit_test(ends_of_every_range_are_kept_exactly),
    };
    return cmocka_run_group_tests_name("unit/conf/keys", tests, scratch_setup, scratch_teardown);
}
