/* SPDX-License-Identifier: MIT */
#include "module.h"

PyObject *sequence_new(PyTypeObject *type, PyObject **members, size_t count)
{
    PyObject *result = PyStructSequence_New(type);
    bool whole = result != NULL;
    for (size_t i = 0; i < count; i++) {
        whole = whole && members[i];
        if (result)
            PyStructSequence_SetItem(result, (Py_ssize_t)i, members[i]);
        else
            Py_XDECREF(members[i]);
    }
    if (!whole)
        Py_CLEAR(result);
    return result;
}
