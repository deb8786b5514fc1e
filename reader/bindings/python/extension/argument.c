/* SPDX-License-Identifier: MIT */
#include "module.h"

bool arguments_are(const char *function, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most)
{
    if (count >= least && count <= most)
        return true;
    if (least == most)
        PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments, not %zd", function, least, count);
    else
        PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd arguments, not %zd", function, least, most,
                     count);
    return false;
}

/* An int, or what is one by __index__(). */
static unsigned long long number(PyObject *object)
{
    if (PyLong_CheckExact(object))
        return PyLong_AsUnsignedLongLong(object);
    PyObject *index = PyNumber_Index(object);
    if (!index)
        return (unsigned long long)-1;
    unsigned long long value = PyLong_AsUnsignedLongLong(index);
    Py_DECREF(index);
    return value;
}

bool number64_from(const char *name, PyObject *object, uint64_t most, uint64_t *out)
{
    unsigned long long value = number(object);
    bool failed = value == (unsigned long long)-1 && PyErr_Occurred();
    if (!failed && value <= most) {
        *out = value;
        return true;
    }
    if (!failed || PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_OverflowError, "%s is out of range: 0 to %llu", name, (unsigned long long)most);
    }
    return false;
}

bool number_from(const char *name, PyObject *object, uint32_t most, uint32_t *out)
{
    uint64_t value;
    if (!number64_from(name, object, most, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool route_from(const char *function, PyObject *const *args, Py_ssize_t count, uint32_t *modid,
                uint32_t *cmdid)
{
    return (count == 2 || arguments_are(function, count, 2, 2)) &&
           number_from("modid", args[0], UINT32_MAX, modid) &&
           number_from("cmdid", args[1], UINT32_MAX, cmdid);
}
