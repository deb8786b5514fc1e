/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/object_id.h"

enum {
    LEAST = 64,
    SIZE = 128,
};

/* An object of which only the first bytes are read. */
static const struct region region = {.size = SIZE};

static struct object_id new_id(void)
{
    struct object_id id;
    object_id_format(&id, ROUTES_MAGIC, &region, 7);
    return id;
}

static enum shm_status check(const struct object_id *id, enum layout_accepted accepted)
{
    return object_id_check(id, ROUTES_MAGIC, LEAST, &region, accepted);
}

static void a_new_object_is_accepted_with_the_size_and_generation_that_it_was_given(void **state)
{
    const struct object_id id = new_id();
    (void)state;
    assert_int_equal(id.size, SIZE);
    assert_int_equal(id.generation, 7);
    assert_int_equal(check(&id, LAYOUT_OWN), SHM_OK);
    assert_int_equal(check(&id, LAYOUT_ADOPTABLE), SHM_OK);
}

static void an_object_of_another_kind_is_refused(void **state)
{
    const struct object_id id = new_id();
    (void)state;
    assert_int_equal(object_id_check(&id, CONTROL_MAGIC, LEAST, &region, LAYOUT_ADOPTABLE), SHM_NOT_LARSHM);
}

static void only_who_adopts_accepts_the_layout_released_before(void **state)
{
    struct object_id id = new_id();
    (void)state;
    id.layout_version = LAYOUT_RELEASED;
    id.fingerprint = FINGERPRINT_RELEASED;
    assert_int_equal(check(&id, LAYOUT_OWN), SHM_LAYOUT);
    assert_int_equal(check(&id, LAYOUT_ADOPTABLE), SHM_OK);
}

static void a_hosts_object_is_of_the_released_layout_for_who_reads_and_who_adopts(void **state)
{
    struct object_id id;
    (void)state;
    object_id_format(&id, HOSTS_MAGIC, &region, 7);
    assert_int_equal(id.layout_version, LAYOUT_RELEASED);
    assert_int_equal(id.fingerprint, FINGERPRINT_RELEASED);
    assert_int_equal(object_id_check(&id, HOSTS_MAGIC, LEAST, &region, LAYOUT_OWN), SHM_OK);
    assert_int_equal(object_id_check(&id, HOSTS_MAGIC, LEAST, &region, LAYOUT_ADOPTABLE), SHM_OK);
    id.layout_version = LAYOUT_VERSION;
    id.fingerprint = layout_fingerprint();
    assert_int_equal(object_id_check(&id, HOSTS_MAGIC, LEAST, &region, LAYOUT_OWN), SHM_LAYOUT);
}

static void a_version_with_the_fingerprint_of_another_is_refused(void **state)
{
    struct object_id id = new_id();
    (void)state;
    id.fingerprint = FINGERPRINT_RELEASED;
    assert_int_equal(check(&id, LAYOUT_ADOPTABLE), SHM_LAYOUT);
    id = new_id();
    id.layout_version = LAYOUT_RELEASED;
    assert_int_equal(check(&id, LAYOUT_ADOPTABLE), SHM_LAYOUT);
    id.layout_version = LAYOUT_VERSION + 1;
    assert_int_equal(check(&id, LAYOUT_ADOPTABLE), SHM_LAYOUT);
}

static void an_object_that_claims_more_than_is_mapped_is_refused(void **state)
{
    struct object_id id = new_id();
    (void)state;
    id.size = SIZE + 1;
    assert_int_equal(check(&id, LAYOUT_OWN), SHM_SHORT);
}

static void a_region_without_room_for_what_is_read_next_is_refused(void **state)
{
    const struct object_id id = new_id();
    const struct region no_header = {.size = SIZE - 1}, no_id = {.size = sizeof(id) - 1};
    (void)state;
    assert_int_equal(object_id_check(&id, ROUTES_MAGIC, SIZE, &no_header, LAYOUT_OWN), SHM_SHORT);
    assert_int_equal(object_id_check(&id, CONTROL_MAGIC, 0, &no_id, LAYOUT_OWN), SHM_SHORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_object_is_accepted_with_the_size_and_generation_that_it_was_given),
        cmocka_unit_test(an_object_of_another_kind_is_refused),
        cmocka_unit_test(only_who_adopts_accepts_the_layout_released_before),
        cmocka_unit_test(a_hosts_object_is_of_the_released_layout_for_who_reads_and_who_adopts),
        cmocka_unit_test(a_version_with_the_fingerprint_of_another_is_refused),
        cmocka_unit_test(an_object_that_claims_more_than_is_mapped_is_refused),
        cmocka_unit_test(a_region_without_room_for_what_is_read_next_is_refused),
    };
    return cmocka_run_group_tests_name("unit/shm/object_id", tests, NULL, NULL);
}
