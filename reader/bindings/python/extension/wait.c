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

PyObject *cache_wait_route(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"modid", "cmdid", "timeout", NULL};
    struct cache *cache = (struct cache *)self;
    struct deadline deadline;
    PyObject *route[2], *timeout = Py_None;
    uint32_t modid, cmdid;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|O:wait_route", names, &route[0], &route[1],
                                     &timeout) ||
        !route_from("wait_route", route, 2, &modid, &cmdid) || !deadline_from(timeout, &deadline))
        return NULL;
    for (;;) {
        larshm *h = cache_handle(cache);
        if (!h)
            return NULL;
        int piece_ms = deadline_piece_ms(&deadline);
        int code;
        use_begin(cache);
        Py_BEGIN_ALLOW_THREADS;
        code = larshm_wait_route(h, modid, cmdid, piece_ms);
        Py_END_ALLOW_THREADS;
        if (!use_end(cache))
            return NULL;
        if (code == LARSHM_OK)
            Py_RETURN_NONE;
        if (code != LARSHM_TIMEOUT || piece_ms == 0)
            return error_raise(cache->state, code);
        if (PyErr_CheckSignals() < 0)
            return NULL;
    }
}
