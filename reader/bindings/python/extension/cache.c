/* SPDX-License-Identifier: MIT */
/* Type Cache: an open instance. */
#include <poll.h>

#include "module.h"

enum {
    OPEN_AGAIN_MS = 20, /* as larshm_open_wait() does */
    MOST_TRIED = 8      /* as larshm_get_host_except() takes */
};

larshm *cache_handle(struct cache *cache)
{
    if (!cache->closed)
        return cache->handle;
    PyErr_SetString(PyExc_ValueError, "the cache is closed");
    return NULL;
}

static void close_unused(struct cache *cache)
{
    if (cache->uses > 0)
        return;
    larshm_close(cache->handle);
    cache->handle = NULL;
}

void use_begin(struct cache *cache)
{
    cache->uses++;
}

bool use_end(struct cache *cache)
{
    cache->uses--;
    if (!cache->closed)
        return true;
    close_unused(cache);
    return cache_handle(cache) != NULL;
}

/* larshm_open_wait() would read the environment while other Python threads may change it: each attempt here keeps the
 * GIL, which changes of os.environ need. */
static int open_until(larshm **h, const char *instance, const struct deadline *deadline)
{
    for (;;) {
        int code = larshm_open(h, instance);
        int pause_ms = deadline_piece_ms(deadline);
        if (code != LARSHM_NO_OBJECT || pause_ms == 0)
            return code;
        Py_BEGIN_ALLOW_THREADS;
        poll(NULL, 0, pause_ms < OPEN_AGAIN_MS ? pause_ms : OPEN_AGAIN_MS);
        Py_END_ALLOW_THREADS;
        if (PyErr_CheckSignals() < 0)
            return LARSHM_SYSTEM_ERROR;
    }
}

/* A subclass has another module, or none. */
static PyObject *module_of(PyTypeObject *type)
{
    for (; type; type = (PyTypeObject *)PyType_GetSlot(type, Py_tp_base)) {
        PyObject *module = PyType_GetModule(type);
        if (module && PyModule_GetDef(module) == &module_def)
            return module;
        PyErr_Clear();
    }
    PyErr_SetString(PyExc_TypeError, "not a type of larshm");
    return NULL;
}

static PyObject *construct(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"instance", "timeout", NULL};
    const char *instance = NULL;
    PyObject *timeout = NULL;
    struct deadline deadline = {0};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|zO:Cache", names, &instance, &timeout) ||
        (timeout && !deadline_from(timeout, &deadline)))
        return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyObject *module = module_of(type);
    struct cache *cache = module ? (struct cache *)allocate(type, 0) : NULL;
    if (!cache)
        return NULL;
    cache->module = Py_NewRef(module);
    cache->state = PyModule_GetState(module);
    cache->closed = true;
    int code = open_until(&cache->handle, instance, &deadline);
    if (code == LARSHM_OK) {
        cache->closed = false;
        return (PyObject *)cache;
    }
    if (!PyErr_Occurred())
        error_raise(cache->state, code);
    Py_DECREF(cache);
    return NULL;
}

static void dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    struct cache *cache = (struct cache *)self;
    larshm_close(cache->handle);
    Py_XDECREF(cache->module);
    release(self);
    Py_DECREF(type);
}

static PyObject *close_cache(PyObject *self, PyObject *Py_UNUSED(unused))
{
    struct cache *cache = (struct cache *)self;
    cache->closed = true;
    close_unused(cache);
    Py_RETURN_NONE;
}

static PyObject *enter(PyObject *self, PyObject *Py_UNUSED(unused))
{
    return cache_handle((struct cache *)self) ? Py_NewRef(self) : NULL;
}

/* A subclass may close in its own way. */
static PyObject *leave(PyObject *self, PyObject *Py_UNUSED(unused))
{
    return PyObject_CallMethod(self, "close", NULL);
}

CACHE_METHOD(cache_get_host)
{
    struct cache *cache = (struct cache *)self;
    larshm_host host;
    uint32_t modid, cmdid;
    if (!route_from("get_host", args, count, &modid, &cmdid))
        return NULL;
    larshm *h = cache_handle(cache);
    if (!h)
        return NULL;
    int code = larshm_get_host(h, modid, cmdid, &host);
    return code == LARSHM_OK ? host_new(cache->state, &host) : error_raise(cache->state, code);
}

/* How many hosts the iterable has, one too many at most; -1 with an exception. */
static Py_ssize_t tried_from(struct state *state, PyObject *iterable,
                             larshm_host tried[static MOST_TRIED + 1])
{
    PyObject *iterator = PyObject_GetIter(iterable), *object;
    Py_ssize_t count = 0;
    if (!iterator)
        return -1;
    while (count <= MOST_TRIED && (object = PyIter_Next(iterator))) {
        const larshm_host *host = host_of(state, object);
        if (host)
            tried[count++] = *host;
        Py_DECREF(object);
        if (!host)
            break;
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : count;
}

CACHE_METHOD(cache_get_host_except)
{
    struct cache *cache = (struct cache *)self;
    larshm_host host, tried[MOST_TRIED + 1];
    uint32_t modid, cmdid;
    if (!arguments_are("get_host_except", count, 3, 3) ||
        !route_from("get_host_except", args, 2, &modid, &cmdid))
        return NULL;
    Py_ssize_t number = tried_from(cache->state, args[2], tried);
    larshm *h = number < 0 ? NULL : cache_handle(cache);
    if (!h)
        return NULL;
    int code = larshm_get_host_except(h, modid, cmdid, tried, (size_t)number, &host);
    return code == LARSHM_OK ? host_new(cache->state, &host) : error_raise(cache->state, code);
}

/* By hand, since it is called for each request. */
static bool report_duration(PyObject *const *args, Py_ssize_t count, PyObject *keywords, PyObject **duration)
{
    Py_ssize_t named = keywords ? PyTuple_Size(keywords) : 0;
    *duration = count + named == 3 ? args[2] : Py_None;
    if (!arguments_are("report", count + named, 2, 3))
        return false;
    if (named == 0 ||
        (count == 2 && PyUnicode_CompareWithASCIIString(PyTuple_GetItem(keywords, 0), "duration_ms") == 0))
        return true;
    PyErr_SetString(PyExc_TypeError, "report() takes host and retcode by position, and duration_ms");
    return false;
}

static bool retcode_from(PyObject *object, int *out)
{
    int overflow;
    long value = PyLong_AsLongAndOverflow(object, &overflow);
    if (value == -1 && !overflow && PyErr_Occurred())
        return false;
    if (overflow || value < INT32_MIN || value > INT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "retcode is out of range: it has 32 bits");
        return false;
    }
    *out = (int)value;
    return true;
}

PyObject *cache_report(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    struct cache *cache = (struct cache *)self;
    PyObject *duration;
    int retcode;
    uint32_t duration_ms = 0;
    if (!report_duration(args, count, keywords, &duration))
        return NULL;
    const larshm_host *host = host_of(cache->state, args[0]);
    if (!host || !retcode_from(args[1], &retcode) ||
        (duration != Py_None && !number_from("duration_ms", duration, UINT32_MAX, &duration_ms)))
        return NULL;
    larshm *h = cache_handle(cache);
    if (!h)
        return NULL;
    int code = duration == Py_None ? larshm_report(h, host, retcode)
                                   : larshm_report_timed(h, host, retcode, duration_ms);
    if (code != LARSHM_OK)
        return error_raise(cache->state, code);
    Py_RETURN_NONE;
}

static PyObject *get_closed(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((struct cache *)self)->closed);
}

static PyGetSetDef members[] = {
    {"closed", get_closed, NULL, "bool: close() was called", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define FAST(name) (PyCFunction)(void (*)(void)) name
static PyMethodDef methods[] = {
    {"get_host", FAST(cache_get_host), METH_FASTCALL,
     "get_host($self, modid, cmdid, /)\n--\n\n"
     "Picks a Host of the route, each in turn, without a system call. Keeps the GIL.\n\n"
     "Raises Pending at the first lookup of a route on this machine: the fetcher requests it, see wait_route().\n"
     "NoExist, Overload, Full, NoPermission, CutOff, Error: as their names say, see larshm_get_host(3)."},
    {"get_host_except", FAST(cache_get_host_except), METH_FASTCALL,
     "get_host_except($self, modid, cmdid, tried, /)\n--\n\n"
     "Picks a Host for another attempt: one that is not among the hosts in the iterable `tried`, 8 at most, or any\n"
     "in rotation if there is no other. Raises as get_host() does, and Error (BAD_ARGUMENT) for more than 8."},
    {"get_hosts", FAST(cache_get_hosts), METH_FASTCALL,
     "get_hosts($self, routes, /)\n--\n\n"
     "Picks a Host for each route of an iterable of pairs (modid, cmdid). Returns a list that has for each route its\n"
     "Host, or the Error that get_host() would raise."},
    {"get_host_batch", FAST(cache_get_host_batch), METH_FASTCALL,
     "get_host_batch($self, hosts, codes, /)\n--\n\n"
     "Picks a host for each record of the buffer `hosts`, in place, without a Python object for any. A record is 16\n"
     "bytes, C's struct larshm_host: modid and cmdid name the route (uint32, host byte order), the address (uint32) and\n"
     "the port (uint16), both in network byte order, are filled in; two bytes of padding. `codes` is a buffer of an\n"
     "int32 for each: OK, or what get_host() would raise. Returns how many are OK.\n\n"
     "Both are writable, contiguous and aligned to 4 bytes: an array.array, a bytearray, a memoryview of one, a ctypes\n"
     "array or a numpy array. Keeps the GIL, for about 10 ns a record."},
    {"wait_route", FAST(cache_wait_route), METH_VARARGS | METH_KEYWORDS,
     "wait_route($self, /, modid, cmdid, timeout=None)\n--\n\n"
     "Looks the route up, and waits until the directory has answered for it, for `timeout` seconds at most; None waits\n"
     "forever. Releases the GIL. Raises Timeout, NoExist, and what get_host() raises but Overload. Signal handlers run\n"
     "meanwhile. ValueError: another thread has closed the cache."},
    {"info", FAST(cache_info), METH_FASTCALL,
     "info($self, modid, cmdid, /)\n--\n\n"
     "The age of a route and the state of its fetcher: a RouteInfo. Requests nothing. Its code is OK, NOEXIST, or\n"
     "PENDING where the route is not cached: then only what is about the fetcher is set."},
    {"get_route", FAST(cache_get_route), METH_FASTCALL,
     "get_route($self, modid, cmdid, /)\n--\n\n"
     "All hosts of a route, as a list of pairs of a Host and its state: HOST_IN_ROTATION, HOST_EJECTED or HOST_DRAINED.\n"
     "Raises as get_host() does, but no Overload."},
    {"hosts", FAST(cache_hosts), METH_FASTCALL,
     "hosts($self, modid, cmdid, /)\n--\n\n"
     "All hosts of a route, as a list of HostInfo, with what the fetcher has recorded of them. Makes some system calls,\n"
     "and reads through the records of all hosts of the machine; get_route() does neither. Raises as that does."},
    {"routes", FAST(cache_routes), METH_FASTCALL,
     "routes($self, /)\n--\n\n"
     "An iterator over all routes (modid, cmdid) that are cached on this machine, also those that do not exist, in no\n"
     "particular order. Requests nothing. A route that comes later may be left out. Raises ValueError once the cache is\n"
     "closed; the instance stays mapped until the iterator has ended, or is gone."},
    {"changes", FAST(cache_changes), METH_FASTCALL,
     "changes($self, since=0, /)\n--\n\n"
     "What has changed: a pair of the position to go on from, for the next call, and a list of routes (modid, cmdid).\n"
     "None instead of the list: look at all routes, for `since` is 0, or more has changed than is remembered. A change is\n"
     "a first answer for a route, an answer with other hosts, or a host that leaves or enters the rotation. A route may be\n"
     "listed more than once."},
    {"wait_change", FAST(cache_wait_change), METH_VARARGS | METH_KEYWORDS,
     "wait_change($self, /, since, timeout=None)\n--\n\n"
     "Waits until something has changed behind the position `since`, which changes() has returned, for `timeout` seconds\n"
     "at most; None waits forever. False: nothing has. Releases the GIL. Signal handlers run meanwhile. ValueError:\n"
     "another thread has closed the cache."},
    {"fileno", cache_fileno, METH_NOARGS,
     "fileno($self, /)\n--\n\n"
     "A descriptor for select, selectors and event loops, which becomes readable when something has changed, or the fetcher\n"
     "has replaced its objects: then read its 8 bytes, and call changes(). Each call gives the same one,\n"
     "until the cache is closed: never close it. The first call starts a thread that sleeps until there is a change. In the\n"
     "child of a fork, call it again, for a descriptor of its own."},
    {"report", FAST(cache_report), METH_FASTCALL | METH_KEYWORDS,
     "report($self, host, retcode, /, duration_ms=None)\n--\n\n"
     "Reports the outcome of a call to the Host: retcode 0 is a success, all else a failure. `duration_ms` is how long\n"
     "it took, see slow_call_ms in larshm.conf(5). Makes no system call. Raises Full, NoPermission, CutOff, Error."},
    {"close", close_cache, METH_NOARGS,
     "close($self, /)\n--\n\n"
     "Closes the cache. Calls of other threads that wait raise ValueError within a moment, and so do later calls.\n"
     "Closing twice is fine."},
    {"__enter__", enter, METH_NOARGS, NULL},
    {"__exit__", leave, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Cache(instance=None, timeout=0.0)\n--\n\n"
     "An open instance: the routes that a fetcher of this machine keeps in shared memory. One for each process\n"
     "and instance is enough.\n\n"
     "Threads may share it, and one may close it while others are in calls. It works in children of fork(),\n"
     "which close it by themselves. Only wait_route(), wait_change() and the constructor wait."},
    {Py_tp_new, construct},
    {Py_tp_dealloc, dealloc},
    {Py_tp_getset, members},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec cache_spec = {
    .name = "larshm._larshm._Cache",
    .basicsize = sizeof(struct cache),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
