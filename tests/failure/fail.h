/* SPDX-License-Identifier: MIT */
/*
 * Failures on demand. The linker leads the calls listed here, from every object file of ours in the program, through
 * this file, where the n-th of a kind since fail_at() fails as the system would have it fail.
 */
#ifndef TESTS_FAILURE_FAIL_H
#define TESTS_FAILURE_FAIL_H

#include <stdbool.h>

/* X(call, errno): CMakeLists.txt wraps the same ones. The last three fail on sockets, in programs that sockets.c is
 * linked into. */
#define FAIL_CALLS(X)                                                                                        \
    X(malloc, ENOMEM)                                                                                        \
    X(calloc, ENOMEM)                                                                                        \
    X(realloc, ENOMEM)                                                                                       \
    X(aligned_alloc, ENOMEM)                                                                                 \
    X(openat, EMFILE)                                                                                        \
    X(posix_fallocate, ENOSPC)                                                                               \
    X(mmap, ENOMEM)                                                                                          \
    X(fchown, EIO)                                                                                           \
    X(fchmod, EIO)                                                                                           \
    X(getrandom, EIO)                                                                                        \
    X(rename, ENOSPC)                                                                                        \
    X(connect, ENETUNREACH)                                                                                  \
    X(read, ECONNRESET)                                                                                      \
    X(write, EPIPE)

enum fail_call {
#define X(call, error) FAIL_##call,
    FAIL_CALLS(X)
#undef X
    FAIL_CALL_COUNT,
    FAIL_NOTHING = FAIL_CALL_COUNT
};

extern const char *const fail_names[FAIL_CALL_COUNT];
extern const int fail_errors[FAIL_CALL_COUNT];

/* From now on: the n-th call (1, 2, ...) of this kind fails, once. */
void fail_at(enum fail_call call, unsigned long n);

/* No more failures. True if there was one since fail_at(). */
bool fail_end(void);

/* For those that make calls fail: true, with errno set, if this is the one. */
bool fail_now(enum fail_call call);

/* Reads the environment: LARSHM_TEST_FAIL=call:n, so that a whole program can be made to fail. A failure is then
 * logged to stderr as "failed on purpose". */
void fail_as_set(void);

#endif
