/* SPDX-License-Identifier: MIT */
/* The iterator over all routes. While it is open it is a use of its cache. */
#include "module.h"

struct routes {
    PyObject base;
    struct cache *cache; /* NULL: it has ended */
    larshm_routes all;
};

/* False, with ValueError, if the cache was closed meanwhile. */
static bool end(struct routes *routes)
{
    struct cache *cache = routes->cache;
    if (!cache)
        return true;
    routes->cache = NULL;
    larshm_routes_end(cache->handle, &routes->all);
    bool open = use_end(cache);
    Py_DECREF(cache);
    return open;
}

CACHE_METHOD(cache_routes)
{
    (void)args;
    struct cache *cache = (struct cache *)self;
    if (!arguments_are("routes", count, 0, 0))
        return NULL;
    larshm *h = cache_handle(cache);
    allocfunc allocate = (allocfunc)PyType_GetSlot(cache->state->routes, Py_tp_alloc);
    struct routes *routes = h ? (struct routes *)allocate(cache->state->routes, 0) : NULL;
    if (!routes)
        return NULL;
    /* The allocation may have run the garbage collector, and that Python code. */
    h = cache_handle(cache);
    int code = h ? larshm_routes_begin(h, &routes->all) : LARSHM_OK;
    if (h && code == LARSHM_OK) {
        use_begin(cache);
        routes->cache = (struct cache *)Py_NewRef(self);
        return (PyObject *)routes;
    }
    if (h)
        error_raise(cache->state, code);
    Py_DECREF(routes);
    return NULL;
}

static PyObject *next(PyObject *self)
{
    struct routes *routes = (struct routes *)self;
    uint32_t modid, cmdid;
    if (!routes->cache)
        return NULL;
    if (!routes->cache->closed && larshm_routes_next(&routes->all, &modid, &cmdid) == LARSHM_OK)
        return Py_BuildValue("(kk)", (unsigned long)modid, (unsigned long)cmdid);
    end(routes);
    return NULL;
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct routes *)self)->cache);
    return 0;
}

static int clear(PyObject *self)
{
    if (!end((struct routes *)self))
        PyErr_Clear();
    return 0;
}

static void dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject *type_of_error, *error, *traceback;
    PyErr_Fetch(&type_of_error, &error, &traceback);
    PyObject_GC_UnTrack(self);
    clear(self);
    PyErr_Restore(type_of_error, error, traceback);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "The routes of a cache, see Cache.routes()."},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, next},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {0, NULL},
};

PyType_Spec routes_spec = {
    .name = "larshm._larshm.Routes",
    .basicsize = sizeof(struct routes),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
