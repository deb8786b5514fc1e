/* SPDX-License-Identifier: MIT */
/* Which routes have changed. */
#include "module.h"

enum {
    MOST_LISTED =
        1 << 16 /* more than are remembered: a fetcher that is faster than this loop does not keep it going */
};

/* A code of larshm.h behind the routes that were added to the list, or -1 with an exception. */
static int list_changes(larshm *h, uint64_t *since, PyObject *list)
{
    for (int i = 0; i < MOST_LISTED; i++) {
        uint32_t modid, cmdid;
        int code = larshm_next_change(h, since, &modid, &cmdid);
        if (code != LARSHM_OK)
            return code;
        PyObject *route = Py_BuildValue("(kk)", (unsigned long)modid, (unsigned long)cmdid);
        int added = route ? PyList_Append(list, route) : -1;
        Py_XDECREF(route);
        if (added < 0)
            return -1;
    }
    return LARSHM_END;
}

CACHE_METHOD(cache_changes)
{
    struct cache *cache = (struct cache *)self;
    uint64_t since = 0;
    if (!arguments_are("changes", count, 0, 1) ||
        (count == 1 && !number64_from("since", args[0], UINT64_MAX, &since)))
        return NULL;
    PyObject *list = PyList_New(0);
    larshm *h = list ? cache_handle(cache) : NULL;
    int code = -1;
    if (h) {
        /* New objects may start the garbage collector, which runs Python code. */
        use_begin(cache);
        code = list_changes(h, &since, list);
        if (!use_end(cache))
            code = -1;
    }
    PyObject *result = NULL;
    if (code == LARSHM_END || code == LARSHM_OVERRUN)
        result = Py_BuildValue("(KO)", (unsigned long long)since, code == LARSHM_END ? list : Py_None);
    else if (code > 0)
        error_raise(cache->state, code);
    Py_XDECREF(list);
    return result;
}

PyObject *cache_fileno(PyObject *self, PyObject *Py_UNUSED(unused))
{
    struct cache *cache = (struct cache *)self;
    int fd;
    larshm *h = cache_handle(cache);
    if (!h)
        return NULL;
    int code = larshm_change_fd(h, &fd);
    return code == LARSHM_OK ? PyLong_FromLong(fd) : error_raise(cache->state, code);
}
