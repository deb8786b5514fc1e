/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "module.h"

/* What programs handle in ways of their own. All other codes are Error itself. */
static const struct {
    const char *name;
    int code;
    const char *doc;
} kinds[] = {
    {"Overload", LARSHM_OVERLOAD, "Every host of the route is ejected or drained."},
    {"NoExist", LARSHM_NOEXIST, "The directory says that there is no such route."},
    {"Pending", LARSHM_PENDING,
     "First lookup on this machine: requested, not cached yet. Try again, or wait_route()."},
    {"Full", LARSHM_FULL, "Not cached, and a limit keeps new routes, or hosts in reports, out."},
    {"Timeout", LARSHM_TIMEOUT, "Timed out. It is a TimeoutError, too."},
    {"NoObject", LARSHM_NO_OBJECT, "No fetcher has run for this instance."},
    {"NoPermission", LARSHM_NO_PERMISSION, "This user may not read, request or report."},
    {"CutOff", LARSHM_CUT_OFF, "The fetcher's newer objects cannot be opened: Cache.info() says why."},
};

static PyObject *kind_new(const struct state *state, const char *name, const char *doc, int code)
{
    PyObject *type = NULL;
    PyObject *full_name = PyUnicode_FromFormat("larshm.%s", name);
    const char *text = full_name ? PyUnicode_AsUTF8AndSize(full_name, NULL) : NULL;
    PyObject *bases = code == LARSHM_TIMEOUT ? PyTuple_Pack(2, state->error, PyExc_TimeoutError)
                                             : PyTuple_Pack(1, state->error);
    PyObject *members = Py_BuildValue("{s:i}", "code", code);
    if (text && bases && members)
        type = PyErr_NewExceptionWithDoc(text, doc, bases, members);
    Py_XDECREF(members);
    Py_XDECREF(bases);
    Py_XDECREF(full_name);
    return type;
}

bool errors_add(PyObject *module, struct state *state)
{
    state->error = PyErr_NewExceptionWithDoc(
        "larshm.Error",
        "What the library returned was not OK. `code` is one of the numbers of this module, such as larshm.PENDING;\n"
        "later versions may add codes. The text says what to do. With code SYSTEM_ERROR, `errno` is the system's reason.",
        NULL, NULL);
    if (!state->error || PyModule_AddObjectRef(module, "Error", state->error) < 0)
        return false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        PyObject *type = kind_new(state, kinds[i].name, kinds[i].doc, kinds[i].code);
        if (!type)
            return false;
        state->errors[kinds[i].code] = type;
        if (PyModule_AddObjectRef(module, kinds[i].name, type) < 0)
            return false;
    }
    return true;
}

static bool set_number(PyObject *object, const char *name, int number)
{
    PyObject *value = PyLong_FromLong(number);
    bool set = value && PyObject_SetAttrString(object, name, value) == 0;
    Py_XDECREF(value);
    return set;
}

PyObject *error_new(struct state *state, int code)
{
    int reason = errno;
    bool known = code >= 0 && code < (int)(sizeof(state->errors) / sizeof(state->errors[0]));
    PyObject *type = known && state->errors[code] ? state->errors[code] : state->error;
    PyObject *text = code == LARSHM_SYSTEM_ERROR
                         ? PyUnicode_FromFormat("the system refused: %s", strerror(reason))
                         : PyUnicode_FromString(larshm_strerror(code));
    PyObject *error = text ? PyObject_CallFunctionObjArgs(type, text, NULL) : NULL;
    Py_XDECREF(text);
    if (error && (!set_number(error, "code", code) ||
                  (code == LARSHM_SYSTEM_ERROR && !set_number(error, "errno", reason)))) {
        Py_DECREF(error);
        return NULL;
    }
    return error;
}

PyObject *error_raise(struct state *state, int code)
{
    PyObject *error = error_new(state, code);
    if (error) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return NULL;
}
