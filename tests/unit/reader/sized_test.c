/* SPDX-License-Identifier: MIT */
/* Programs whose larshm.h has shorter or longer structs than the library: 0.1, and versions to come. */

/* In programs built with 0.1 these are the library's functions, which have the same names. */
#define larshm_route_begin inline_route_begin
#define larshm_info        inline_info
#include <larshm/larshm.h>
#undef larshm_route_begin
#undef larshm_info

#include "tests/support/instance.h"

#include <string.h>

enum {
    ROOM = 256,
    UNTOUCHED = 0xa5
};

/* What programs built with 0.1 are linked to, and the sizes that their structs have. */
extern int larshm_route_begin(larshm *h, uint32_t modid, uint32_t cmdid, void *view);
extern int larshm_info(larshm *h, uint32_t modid, uint32_t cmdid, void *info);
static const size_t view_of_0_1 = offsetof(larshm_view, private_ref) + sizeof(uint64_t);
static const size_t info_of_0_1_size = offsetof(larshm_route_info, can_ask) + 1 + 3;
static const size_t host_of_0_2_size = offsetof(larshm_host_info, ejected_left_ms) + sizeof(uint64_t);

/* A caller's struct, with memory behind it that is not the library's to write. */
union memory {
    unsigned char byte[ROOM];
    larshm_view view;
    larshm_route_info info;
    larshm_host_info host;
};

static void forget(union memory *memory)
{
    memset(memory->byte, UNTOUCHED, ROOM);
}

/* Bytes `from` to `to` all have the value. */
static void expect(const union memory *memory, size_t from, size_t to, unsigned char value)
{
    for (size_t i = from; i < to; i++)
        assert_int_equal(memory->byte[i], value);
}

static larshm *open_with_route(struct instance *instance)
{
    larshm *h;
    assert_int_equal(larshm_open(&h, instance->name), LARSHM_OK);
    instance_put(instance, 1, 1, 3, 15);
    return h;
}

static void a_longer_struct_gets_0_where_the_library_knows_nothing(void **state)
{
    larshm *h = open_with_route(*state);
    union memory memory;
    const size_t longer = sizeof(larshm_view) + 24;
    forget(&memory);
    assert_int_equal(larshm_route_begin_sized(h, 0, 1, &memory.view, longer), LARSHM_OK);
    assert_int_equal(memory.view.count, 3);
    expect(&memory, sizeof(larshm_view), longer, 0);
    assert_int_equal(larshm_route_end(h, &memory.view), LARSHM_OK);
    expect(&memory, longer, ROOM, UNTOUCHED);

    forget(&memory);
    assert_int_equal(larshm_info_sized(h, 0, 1, &memory.info, ROOM - 1), LARSHM_OK);
    assert_int_equal(memory.info.hosts, 3);
    expect(&memory, sizeof(larshm_route_info), ROOM - 1, 0);
    expect(&memory, ROOM - 1, ROOM, UNTOUCHED);

    larshm_hosts hosts;
    forget(&memory);
    assert_int_equal(larshm_hosts_begin(h, 0, 1, &hosts), LARSHM_OK);
    assert_int_equal(larshm_hosts_next_sized(&hosts, &memory.host, ROOM - 1), LARSHM_OK);
    assert_int_equal(memory.host.share, 8);
    expect(&memory, sizeof(larshm_host_info), ROOM - 1, 0);
    expect(&memory, ROOM - 1, ROOM, UNTOUCHED);
    larshm_hosts_end(h, &hosts);
    larshm_close(h);
}

static void a_program_of_0_1_gets_what_it_has_room_for(void **state)
{
    larshm *h = open_with_route(*state);
    union memory memory;
    forget(&memory);
    assert_int_equal(larshm_route_begin(h, 0, 1, &memory), LARSHM_OK);
    assert_int_equal(memory.view.count, 3);
    expect(&memory, view_of_0_1, ROOM, UNTOUCHED);
    assert_int_equal(larshm_route_end(h, &memory.view), LARSHM_OK);
    expect(&memory, 0, view_of_0_1, 0);
    expect(&memory, view_of_0_1, ROOM, UNTOUCHED);

    forget(&memory);
    assert_int_equal(larshm_info(h, 0, 1, &memory), LARSHM_OK);
    assert_int_equal(memory.info.hosts, 3);
    expect(&memory, info_of_0_1_size, ROOM, UNTOUCHED);
    larshm_close(h);
}

static void a_struct_shorter_than_any_version_has_is_refused(void **state)
{
    larshm *h = open_with_route(*state);
    union memory memory;
    forget(&memory);
    assert_int_equal(larshm_route_begin_sized(h, 0, 1, &memory.view, view_of_0_1 - 1), LARSHM_BAD_ARGUMENT);
    assert_int_equal(larshm_info_sized(h, 0, 1, &memory.info, info_of_0_1_size - 1), LARSHM_BAD_ARGUMENT);
    larshm_hosts hosts;
    assert_int_equal(larshm_hosts_begin(h, 0, 1, &hosts), LARSHM_OK);
    assert_int_equal(larshm_hosts_next_sized(&hosts, &memory.host, host_of_0_2_size - 1),
                     LARSHM_BAD_ARGUMENT);
    expect(&memory, 0, ROOM, UNTOUCHED);
    assert_int_equal(larshm_hosts_next_sized(&hosts, &memory.host, host_of_0_2_size), LARSHM_OK);
    larshm_hosts_end(h, &hosts);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_longer_struct_gets_0_where_the_library_knows_nothing),
        TEST(a_program_of_0_1_gets_what_it_has_room_for),
        TEST(a_struct_shorter_than_any_version_has_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
