/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/writer/sigbus.h"

enum {
    SIZE = 4 * 4096
};

/* A region whose object any user could truncate. */
static struct region shared(int *fd)
{
    *fd = memfd_create("larshm-test", MFD_CLOEXEC);
    assert_true(*fd >= 0);
    assert_int_equal(ftruncate(*fd, SIZE), 0);
    struct region region = {.size = SIZE};
    region.s_base = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    assert_true(region.s_base != MAP_FAILED);
    return region;
}

static void g8_a_truncated_object_reads_as_zero_and_is_reported(void **state)
{
    int fd, other_fd;
    struct region region = shared(&fd), other = shared(&other_fd);
    _Atomic uint64_t *s_words = region.s_base;
    (void)state;
    assert_int_equal(sigbus_install(), 0);
    sigbus_protect(&region);
    sigbus_protect(&other);
    store_relaxed(&s_words[0], 7);
    assert_false(sigbus_hit(&region));
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(load_relaxed(&s_words[SIZE / 8 - 1]), 0);
    assert_int_equal(load_relaxed(&s_words[0]), 0);
    store_relaxed(&s_words[0], 8);
    assert_int_equal(load_relaxed(&s_words[0]), 8);
    assert_true(sigbus_hit(&region));
    assert_false(sigbus_hit(&other));
    sigbus_unprotect(&region);
    assert_false(sigbus_hit(&region));
    sigbus_unprotect(&other);
    region_close(&region);
    region_close(&other);
    close(fd);
    close(other_fd);
}

static void a_region_that_found_no_place_is_just_not_protected(void **state)
{
    struct region regions[SIGBUS_REGIONS_MAX + 1];
    int fds[SIGBUS_REGIONS_MAX + 1];
    (void)state;
    for (int i = 0; i <= SIGBUS_REGIONS_MAX; i++) {
        regions[i] = shared(&fds[i]);
        sigbus_protect(&regions[i]);
    }
    for (int i = 0; i <= SIGBUS_REGIONS_MAX; i++) {
        assert_false(sigbus_hit(&regions[i]));
        sigbus_unprotect(&regions[i]);
        region_close(&regions[i]);
        close(fds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g8_a_truncated_object_reads_as_zero_and_is_reported),
        cmocka_unit_test(a_region_that_found_no_place_is_just_not_protected),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/sigbus", tests, NULL, NULL);
}
