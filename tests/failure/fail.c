/* SPDX-License-Identifier: MIT */
#include "tests/failure/fail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const fail_names[FAIL_CALL_COUNT] = {
#define X(call, error) #call,
    FAIL_CALLS(X)
#undef X
};

const int fail_errors[FAIL_CALL_COUNT] = {
#define X(call, error) error,
    FAIL_CALLS(X)
#undef X
};

static enum fail_call armed = FAIL_NOTHING;
static unsigned long left;
static bool happened, loud;

void fail_at(enum fail_call call, unsigned long n)
{
    armed = call;
    left = n;
    happened = false;
}

bool fail_end(void)
{
    armed = FAIL_NOTHING;
    return happened;
}

void fail_as_set(void)
{
    const char *setting = getenv("LARSHM_TEST_FAIL");
    const char *number = setting ? strchr(setting, ':') : NULL;
    for (int call = 0; number && call < FAIL_CALL_COUNT; call++)
        if (strlen(fail_names[call]) == (size_t)(number - setting) &&
            strncmp(fail_names[call], setting, (size_t)(number - setting)) == 0)
            fail_at((enum fail_call)call, strtoul(number + 1, NULL, 10));
    loud = true;
}

bool fail_now(enum fail_call call)
{
    static const char text[] = "failed on purpose\n";
    if (call != armed || --left > 0)
        return false;
    armed = FAIL_NOTHING;
    happened = true;
    if (loud && write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        abort();
    errno = fail_errors[call];
    return true;
}

/* WRAP(what it returns, its name, its parameters, its arguments, what a failure returns) */
#define WRAP(type, name, parameters, arguments, failure)                                                     \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        return fail_now(FAIL_##name) ? (failure) : __real_##name arguments;                                  \
    }

WRAP(void *, malloc, (size_t size), (size), NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAP(void *, realloc, (void *old, size_t size), (old, size), NULL)
WRAP(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), NULL)
WRAP(int, openat, (int directory, const char *path, int flags, mode_t mode), (directory, path, flags, mode),
     -1)
WRAP(int, posix_fallocate, (int fd, off_t offset, off_t size), (fd, offset, size), errno)
WRAP(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
     (at, size, protection, flags, fd, offset), MAP_FAILED)
WRAP(int, fchown, (int fd, uid_t owner, gid_t group), (fd, owner, group), -1)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
WRAP(ssize_t, getrandom, (void *out, size_t size, unsigned flags), (out, size, flags), -1)
WRAP(int, rename, (const char *from, const char *to), (from, to), -1)
