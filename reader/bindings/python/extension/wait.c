/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <math.h>
#include <time.h>

#include "module.h"

enum {
    /* So long at most does a KeyboardInterrupt, or another thread's close(), wait. */
    PIECE_MS = 50
};

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool deadline_from(PyObject *seconds, struct deadline *out)
{
    out->end_ms = -1;
    if (seconds == Py_None)
        return true;
    double value = PyFloat_AsDouble(seconds);
    if (PyErr_Occurred())
        return false;
    double ms = ceil(value * 1000);
    if (isnan(value) || value < 0) {
        PyErr_SetString(PyExc_ValueError, "timeout must be None, to wait forever, or seconds from 0");
        return false;
    }
    if (ms > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "timeout is too large: give None to wait forever");
        return false;
    }
    out->end_ms = now_ms() + (long long)ms;
    return true;
}

int deadline_piece_ms(const struct deadline *deadline)
{
    long long left = deadline->end_ms < 0 ? PIECE_MS : deadline->end_ms - now_ms();
    return left < 0 ? 0 : left < PIECE_MS ? (int)left : PIECE_MS;
}

/* What is waited for. */
struct wait {
    int (*call)(larshm *h, const struct wait *wait, int timeout_ms);
    uint32_t modid, cmdid;
    uint64_t since;
};

static int wait_route(larshm *h, const struct wait *wait, int timeout_ms)
{
    return larshm_wait_route(h, wait->modid, wait->cmdid, timeout_ms);
}

static int wait_change(larshm *h, const struct wait *wait, int timeout_ms)
{
    uint64_t since = wait->since;
    return larshm_wait_change(h, &since, timeout_ms);
}

/* The code of the call, or -1 with an exception. */
static int wait_until(struct cache *cache, const struct wait *wait, const struct deadline *deadline)
{
    for (;;) {
        larshm *h = cache_handle(cache);
        if (!h)
            return -1;
        int piece_ms = deadline_piece_ms(deadline);
        int code;
        use_begin(cache);
        Py_BEGIN_ALLOW_THREADS;
        code = wait->call(h, wait, piece_ms);
        Py_END_ALLOW_THREADS;
        if (!use_end(cache))
            return -1;
        if (code != LARSHM_TIMEOUT || piece_ms == 0)
            return code;
        if (PyErr_CheckSignals() < 0)
            return -1;
    }
}

PyObject *cache_wait_route(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"modid", "cmdid", "timeout", NULL};
    struct cache *cache = (struct cache *)self;
    struct wait wait = {.call = wait_route};
    struct deadline deadline;
    PyObject *route[2], *timeout = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|O:wait_route", names, &route[0], &route[1],
                                     &timeout) ||
        !route_from("wait_route", route, 2, &wait.modid, &wait.cmdid) || !deadline_from(timeout, &deadline))
        return NULL;
    int code = wait_until(cache, &wait, &deadline);
    if (code > 0)
        error_raise(cache->state, code);
    return code == LARSHM_OK ? Py_NewRef(Py_None) : NULL;
}

PyObject *cache_wait_change(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"since", "timeout", NULL};
    struct cache *cache = (struct cache *)self;
    struct wait wait = {.call = wait_change};
    struct deadline deadline;
    PyObject *since, *timeout = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O:wait_change", names, &since, &timeout) ||
        !number64_from("since", since, UINT64_MAX, &wait.since) || !deadline_from(timeout, &deadline))
        return NULL;
    int code = wait_until(cache, &wait, &deadline);
    if (code == LARSHM_OK || code == LARSHM_TIMEOUT)
        return PyBool_FromLong(code == LARSHM_OK);
    return code > 0 ? error_raise(cache->state, code) : NULL;
}
