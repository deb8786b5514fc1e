/* SPDX-License-Identifier: MIT */
/*
 * Around system calls inside a call of the library. The thread is not cancelled there (deferred cancellation, as is
 * the default), or it would leave a lock or a mapping behind; and errno stays what it was, as a lookup may be in a
 * handler.
 */
#ifndef READER_UNCANCELLED_H
#define READER_UNCANCELLED_H

#include <errno.h>
#include <pthread.h>

struct uncancelled {
    int state, error;
};

static inline struct uncancelled uncancelled_begin(void)
{
    struct uncancelled before = {.error = errno};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before.state);
    return before;
}

static inline void uncancelled_end(struct uncancelled before)
{
    pthread_setcancelstate(before.state, NULL);
    errno = before.error;
}

#endif
