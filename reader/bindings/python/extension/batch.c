/* SPDX-License-Identifier: MIT */
/* Lookups of many routes in one call: from an iterable, and on buffers. */
#include <ctype.h>
#include <string.h>

#include "module.h"

struct batch {
    larshm_host *hosts;
    int *codes;
    size_t count, room;
};

static void batch_free(struct batch *batch)
{
    PyMem_Free(batch->hosts);
    PyMem_Free(batch->codes);
}

static bool batch_grow(struct batch *batch, size_t room)
{
    larshm_host *hosts = PyMem_Realloc(batch->hosts, room * sizeof(*hosts));
    if (hosts)
        batch->hosts = hosts;
    int *codes = hosts ? PyMem_Realloc(batch->codes, room * sizeof(*codes)) : NULL;
    if (!codes) {
        PyErr_NoMemory();
        return false;
    }
    batch->codes = codes;
    batch->room = room;
    return true;
}

/* `item` is any sequence of modid and cmdid. */
static bool batch_add(struct batch *batch, PyObject *item)
{
    larshm_host host = {0};
    PyObject *pair = PyTuple_CheckExact(item) ? Py_NewRef(item) : PySequence_Tuple(item);
    bool is_pair = pair && PyTuple_Size(pair) == 2;
    if (pair && !is_pair)
        PyErr_SetString(PyExc_ValueError, "a route is a pair (modid, cmdid)");
    bool added = is_pair && number_from("modid", PyTuple_GetItem(pair, 0), UINT32_MAX, &host.modid) &&
                 number_from("cmdid", PyTuple_GetItem(pair, 1), UINT32_MAX, &host.cmdid) &&
                 (batch->count < batch->room || batch_grow(batch, batch->room * 2));
    if (added)
        batch->hosts[batch->count++] = host;
    Py_XDECREF(pair);
    return added;
}

static bool batch_from(struct batch *batch, PyObject *iterable)
{
    PyObject *iterator = PyObject_GetIter(iterable), *item;
    if (!iterator)
        return false;
    bool good = batch_grow(batch, 64);
    while (good && (item = PyIter_Next(iterator))) {
        good = batch_add(batch, item);
        Py_DECREF(item);
    }
    Py_DECREF(iterator);
    return good && !PyErr_Occurred();
}

static PyObject *batch_list(const struct batch *batch, struct state *state)
{
    PyObject *list = PyList_New((Py_ssize_t)batch->count);
    for (size_t i = 0; list && i < batch->count; i++) {
        PyObject *item = batch->codes[i] == LARSHM_OK ? host_new(state, &batch->hosts[i])
                                                      : error_new(state, batch->codes[i]);
        if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0)
            Py_CLEAR(list);
    }
    return list;
}

CACHE_METHOD(cache_get_hosts)
{
    struct cache *cache = (struct cache *)self;
    struct batch batch = {0};
    PyObject *list = NULL;
    if (arguments_are("get_hosts", count, 1, 1) && batch_from(&batch, args[0])) {
        larshm *h = cache_handle(cache);
        if (h) {
            larshm_get_host_batch(h, batch.hosts, batch.codes, batch.count);
            list = batch_list(&batch, cache->state);
        }
    }
    batch_free(&batch);
    return list;
}

/* Whether a letter of struct's formats after byte order `order` is of this machine's order. */
static bool is_native(char order)
{
    const uint16_t probe = 1;
    bool little = *(const unsigned char *)&probe == 1;
    return order == '@' || order == '=' || order == (little ? '<' : '>');
}

/* A record in the words of struct and PEP 3118, with names and byte orders or without: "T{I:modid:I:cmdid:>I:addr:>H:port:2x}"
 */
static bool is_record(const char *format)
{
    static const char letters[] = "IIIH";
    size_t found = 0;
    char order = '@';
    for (const char *at = format; *at; at++) {
        char letter = *at == 'L' ? 'I' : *at;
        if (letter == ':') {
            at = strchr(at + 1, ':');
            if (!at)
                return false;
        } else if (strchr("@=<>!", letter)) {
            order = letter;
        } else if (found < 4 && letter == letters[found]) {
            if (found++ < 2 && !is_native(order))
                return false;
        } else if (!strchr("T{}x", letter) && !isdigit((unsigned char)letter)) {
            return false;
        }
    }
    return found == 4;
}

/* A number by one of the letters, in this machine's order. */
static bool is_number(const char *format, const char *letters)
{
    char order = strchr("@=<>!", format[0]) ? *format++ : '@';
    return format[0] && !format[1] && strchr(letters, format[0]) && is_native(order);
}

static bool is_hosts(const Py_buffer *view)
{
    const char *format = view->format ? view->format : "B";
    return view->itemsize == 1   ? is_number(format, "Bbc")
           : view->itemsize == 4 ? is_number(format, "IL")
                                 : view->itemsize == sizeof(larshm_host) && is_record(format);
}

static bool is_codes(const Py_buffer *view)
{
    return view->itemsize == sizeof(int) && view->format && is_number(view->format, "il");
}

static bool buffer_fits(const Py_buffer *view, const char *name, bool is_right, size_t record,
                        const char *form)
{
    if (!is_right)
        PyErr_Format(PyExc_TypeError, "%s must be a buffer of %s", name, form);
    else if (view->len > 0 && (uintptr_t)view->buf % sizeof(uint32_t) != 0)
        PyErr_Format(PyExc_ValueError, "%s is not aligned to 4 bytes", name);
    else if ((size_t)view->len % record != 0)
        PyErr_Format(PyExc_ValueError, "%s has %zd bytes, no multiple of %zu", name, view->len, record);
    else
        return true;
    return false;
}

static bool buffers_fit(const Py_buffer *hosts, const Py_buffer *codes)
{
    const char *hosts_at = hosts->buf, *codes_at = codes->buf;
    if (!buffer_fits(hosts, "hosts", is_hosts(hosts), sizeof(larshm_host),
                     "bytes, of uint32, or of records of 16 bytes") ||
        !buffer_fits(codes, "codes", is_codes(codes), sizeof(int), "int32"))
        return false;
    if (hosts->len / (Py_ssize_t)sizeof(larshm_host) != codes->len / (Py_ssize_t)sizeof(int))
        PyErr_Format(PyExc_ValueError, "hosts has %zd records, and codes %zd",
                     hosts->len / (Py_ssize_t)sizeof(larshm_host), codes->len / (Py_ssize_t)sizeof(int));
    else if (hosts_at < codes_at + codes->len && codes_at < hosts_at + hosts->len)
        PyErr_SetString(PyExc_ValueError, "hosts and codes overlap");
    else
        return true;
    return false;
}

CACHE_METHOD(cache_get_host_batch)
{
    enum {
        WRITABLE = PyBUF_ND | PyBUF_WRITABLE | PyBUF_FORMAT
    };
    Py_buffer hosts, codes;
    PyObject *found = NULL;
    if (!arguments_are("get_host_batch", count, 2, 2) || PyObject_GetBuffer(args[0], &hosts, WRITABLE) < 0)
        return NULL;
    if (PyObject_GetBuffer(args[1], &codes, WRITABLE) == 0) {
        /* The buffers of classes in Python are Python code: last of all, see whether it has closed the cache. */
        larshm *h = buffers_fit(&hosts, &codes) ? cache_handle((struct cache *)self) : NULL;
        if (h)
            found = PyLong_FromSize_t(
                larshm_get_host_batch(h, hosts.buf, codes.buf, (size_t)hosts.len / sizeof(larshm_host)));
        PyBuffer_Release(&codes);
    }
    PyBuffer_Release(&hosts);
    return found;
}
