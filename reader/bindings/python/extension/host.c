/* SPDX-License-Identifier: MIT */
/* Type Host: a larshm_host, of which texts and tuples are made when they are read. */
#include <arpa/inet.h>
#include <string.h>

#include "module.h"

struct host {
    PyObject base;
    larshm_host host;
};

static const larshm_host *of(PyObject *self)
{
    return &((const struct host *)self)->host;
}

static PyObject *of_type(PyTypeObject *type, const larshm_host *host)
{
    struct host *self = PyObject_New(struct host, type);
    if (self)
        self->host = *host;
    return (PyObject *)self;
}

PyObject *host_new(struct state *state, const larshm_host *host)
{
    return of_type(state->host, host);
}

const larshm_host *host_of(struct state *state, PyObject *object)
{
    if (Py_IS_TYPE(object, state->host))
        return of(object);
    PyErr_Format(PyExc_TypeError, "a larshm.Host is needed, not %R", Py_TYPE(object));
    return NULL;
}

static PyObject *construct(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"modid", "cmdid", "addr", "port", NULL};
    PyObject *modid, *cmdid, *port;
    const char *addr;
    uint32_t port_number;
    larshm_host host = {0};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOsO:Host", names, &modid, &cmdid, &addr, &port) ||
        !number_from("modid", modid, UINT32_MAX, &host.modid) ||
        !number_from("cmdid", cmdid, UINT32_MAX, &host.cmdid) ||
        !number_from("port", port, UINT16_MAX, &port_number))
        return NULL;
    if (inet_pton(AF_INET, addr, &host.addr) != 1) {
        PyErr_Format(PyExc_ValueError, "addr is no IPv4 address like '10.0.0.1': '%s'", addr);
        return NULL;
    }
    host.port = htons((uint16_t)port_number);
    return of_type(type, &host);
}

static void dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* The text of the host, whose first *addr_length bytes are the address. */
static const char *text_of(const larshm_host *host, char text[static LARSHM_HOST_TEXT],
                           Py_ssize_t *addr_length)
{
    larshm_host_format(host, text, LARSHM_HOST_TEXT);
    *addr_length = strchr(text, ':') - text;
    return text;
}

static PyObject *get_modid(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLong(of(self)->modid);
}

static PyObject *get_cmdid(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLong(of(self)->cmdid);
}

static PyObject *get_port(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLong(ntohs(of(self)->port));
}

static PyObject *get_addr(PyObject *self, void *Py_UNUSED(closure))
{
    char text[LARSHM_HOST_TEXT];
    Py_ssize_t length;
    text_of(of(self), text, &length);
    return PyUnicode_FromStringAndSize(text, length);
}

static PyObject *get_address(PyObject *self, void *Py_UNUSED(closure))
{
    PyObject *addr = get_addr(self, NULL), *port = get_port(self, NULL);
    PyObject *address = addr && port ? PyTuple_Pack(2, addr, port) : NULL;
    Py_XDECREF(addr);
    Py_XDECREF(port);
    return address;
}

static PyObject *str(PyObject *self)
{
    char text[LARSHM_HOST_TEXT];
    Py_ssize_t addr_length;
    return PyUnicode_FromString(text_of(of(self), text, &addr_length));
}

static PyObject *repr(PyObject *self)
{
    const larshm_host *host = of(self);
    PyObject *addr = get_addr(self, NULL);
    PyObject *text = !addr ? NULL
                           : PyUnicode_FromFormat("Host(modid=%lu, cmdid=%lu, addr=%R, port=%u)",
                                                  (unsigned long)host->modid, (unsigned long)host->cmdid,
                                                  addr, (unsigned)ntohs(host->port));
    Py_XDECREF(addr);
    return text;
}

static PyObject *reduce(PyObject *self, PyObject *Py_UNUSED(unused))
{
    const larshm_host *host = of(self);
    char text[LARSHM_HOST_TEXT];
    Py_ssize_t length;
    text_of(host, text, &length);
    return Py_BuildValue("(O(kks#H))", Py_TYPE(self), (unsigned long)host->modid, (unsigned long)host->cmdid,
                         text, length, ntohs(host->port));
}

static Py_hash_t hash(PyObject *self)
{
    const larshm_host *host = of(self);
    uint64_t mixed = ((uint64_t)host->modid << 32 | host->cmdid) * UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 32 ^ ((uint64_t)host->addr << 16 | host->port)) * UINT64_C(0xBF58476D1CE4E5B9);
    Py_hash_t result = (Py_hash_t)(mixed ^ mixed >> 29);
    return result == -1 ? -2 : result; /* -1 is Python's error */
}

static PyObject *compare(PyObject *self, PyObject *other, int operation)
{
    if (!Py_IS_TYPE(other, Py_TYPE(self)) || (operation != Py_EQ && operation != Py_NE))
        return Py_NewRef(Py_NotImplemented);
    const larshm_host *a = of(self);
    const larshm_host *b = of(other);
    bool same = a->modid == b->modid && a->cmdid == b->cmdid && a->addr == b->addr && a->port == b->port;
    return PyBool_FromLong(same == (operation == Py_EQ));
}

static PyGetSetDef members[] = {
    {"modid", get_modid, NULL, "int: the route's modid", NULL},
    {"cmdid", get_cmdid, NULL, "int: the route's cmdid", NULL},
    {"addr", get_addr, NULL, "str: the IPv4 address, such as '10.0.0.1'", NULL},
    {"port", get_port, NULL, "int: the port, in host byte order", NULL},
    {"address", get_address, NULL, "(addr, port), as socket.connect() takes it", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, "For pickle and copy."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Host(modid, cmdid, addr, port)\n--\n\n"
     "A host of a route. Immutable, hashable, and independent of the cache that it is from: keep it, copy it,\n"
     "pickle it. str() of it is '10.0.0.1:80'. Ports are in host byte order."},
    {Py_tp_new, construct},
    {Py_tp_dealloc, dealloc},
    {Py_tp_getset, members},
    {Py_tp_methods, methods},
    {Py_tp_str, str},
    {Py_tp_repr, repr},
    {Py_tp_hash, hash},
    {Py_tp_richcompare, compare},
    {0, NULL},
};

PyType_Spec host_spec = {
    .name = "larshm.Host",
    .basicsize = sizeof(struct host),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
