/* SPDX-License-Identifier: MIT */
/*
 * Module larshm._larshm: the C half of the Python package. It uses the stable ABI of Python 3.11, the first that has
 * buffers, so one build serves all later versions.
 *
 * The lock of the interpreter (GIL) protects all that is here. Only calls that wait release it, see use_begin().
 */
#ifndef PYTHON_MODULE_H
#define PYTHON_MODULE_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdbool.h>

#include "larshm/larshm.h"

/* What an interpreter has of this module. It lives as long as the module does: it is not cleared before. */
struct state {
    PyObject *error;
    PyObject *errors[LARSHM_OVERRUN + 1]; /* by code; NULL: error */
    PyTypeObject *host;
    PyTypeObject *cache;
    PyTypeObject *routes; /* the iterator */
    PyTypeObject *route_info;
    PyTypeObject *host_info;
};

extern PyModuleDef module_def;
extern PyType_Spec cache_spec;
extern PyType_Spec host_spec;
extern PyType_Spec routes_spec;
extern PyStructSequence_Desc route_info_desc;
extern PyStructSequence_Desc host_info_desc;

/* An open instance. */
struct cache {
    PyObject base;
    larshm *handle;   /* NULL after the last use of a closed one */
    PyObject *module; /* keeps the state */
    struct state *state;
    unsigned uses; /* see use_begin() */
    bool closed;
};

/* The handle, or NULL with ValueError if the cache is closed. Any Python code, and the garbage collector runs some, may close
 * the cache: it must not run before the handle is used, but between use_begin() and use_end(). */
larshm *cache_handle(struct cache *cache);

/* Around what uses the handle while other Python code may run: it may close the cache, and the last use closes the handle.
 * use_end() is false, with ValueError, if it has. */
void use_begin(struct cache *cache);
bool use_end(struct cache *cache);

/* Methods of Cache. */
#define CACHE_METHOD(name) PyObject *name(PyObject *self, PyObject *const *args, Py_ssize_t count)
CACHE_METHOD(cache_get_host);
CACHE_METHOD(cache_get_host_except);
CACHE_METHOD(cache_get_hosts);
CACHE_METHOD(cache_get_host_batch);
CACHE_METHOD(cache_info);
CACHE_METHOD(cache_get_route);
CACHE_METHOD(cache_routes);
CACHE_METHOD(cache_hosts);
CACHE_METHOD(cache_changes);
PyObject *cache_wait_route(PyObject *self, PyObject *args, PyObject *keywords);
PyObject *cache_wait_change(PyObject *self, PyObject *args, PyObject *keywords);
PyObject *cache_fileno(PyObject *self, PyObject *unused);
PyObject *cache_report(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords);

/* host.c */
PyObject *host_new(struct state *state, const larshm_host *host);
/* The host that the object is, or NULL with TypeError. */
const larshm_host *host_of(struct state *state, PyObject *object);

/* sequence.c: a struct sequence of the members, each of which is taken, or NULL with an exception. A NULL among them has one. */
PyObject *sequence_new(PyTypeObject *type, PyObject **members, size_t count);

/* error.c: all types of errors, as attributes of the module; false with an exception. */
bool errors_add(PyObject *module, struct state *state);
PyObject *error_new(struct state *state, int code);
/* Raises what stands for the code, and returns NULL. */
PyObject *error_raise(struct state *state, int code);

/* argument.c: each is false with an exception. */
bool arguments_are(const char *function, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most);
bool number_from(const char *name, PyObject *object, uint32_t most, uint32_t *out);
bool number64_from(const char *name, PyObject *object, uint64_t most, uint64_t *out);
bool route_from(const char *function, PyObject *const *args, Py_ssize_t count, uint32_t *modid,
                uint32_t *cmdid);

/* wait.c: a wait of at most some seconds, in pieces between which Python handles signals. */
struct deadline {
    long long end_ms; /* by CLOCK_MONOTONIC; -1: none */
};
bool deadline_from(PyObject *seconds, struct deadline *out);
/* How long the next piece is, 0 at the deadline. */
int deadline_piece_ms(const struct deadline *deadline);

#endif
