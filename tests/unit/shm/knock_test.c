/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/knock.h"

enum {
    LONG_MS = 60 * 1000 /* nothing here takes so long */
};

static void *wait_for_knock(void *context)
{
    return knock_wait(context, LONG_MS) ? context : NULL;
}

static void a_knock_wakes_the_fetcher_whatever_the_word_was(void **state)
{
    static _Atomic uint32_t word;
    pthread_t thread;
    void *woken;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_knock, &word), 0);
    usleep(20 * 1000); /* it sleeps by now, most likely */
    word = 7;          /* by a client that wakes no thread */
    knock(&word);
    pthread_join(thread, &woken);
    assert_non_null(woken);
}

static void a_knock_before_the_wait_is_not_slept_through_and_is_taken_once(void **state)
{
    static _Atomic uint32_t word;
    uint64_t begun = clock_tick();
    (void)state;
    assert_false(knock_take(&word));
    knock(&word);
    assert_true(knock_wait(&word, LONG_MS));
    assert_true(clock_tick() - begun < LONG_MS);
    assert_true(knock_take(&word));
    assert_false(knock_take(&word));
}

static void a_wait_without_a_knock_ends(void **state)
{
    static _Atomic uint32_t word;
    (void)state;
    assert_false(knock_wait(&word, 30));
}

static void g8_a_word_that_was_unmapped_ends_the_wait_at_once(void **state)
{
    _Atomic uint32_t *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t begun = clock_tick();
    (void)state;
    assert_ptr_not_equal(word, MAP_FAILED);
    munmap(word, 4096);
    assert_true(knock_wait(word, LONG_MS));
    assert_true(clock_tick() - begun < LONG_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_knock_wakes_the_fetcher_whatever_the_word_was),
        cmocka_unit_test(a_knock_before_the_wait_is_not_slept_through_and_is_taken_once),
        cmocka_unit_test(a_wait_without_a_knock_ends),
        cmocka_unit_test(g8_a_word_that_was_unmapped_ends_the_wait_at_once),
    };
    return cmocka_run_group_tests_name("unit/shm/knock", tests, NULL, NULL);
}
