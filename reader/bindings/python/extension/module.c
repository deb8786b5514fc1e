/* SPDX-License-Identifier: MIT */
#include "module.h"

static const struct {
    const char *name;
    int value;
} numbers[] = {
    {"OK", LARSHM_OK},
    {"OVERLOAD", LARSHM_OVERLOAD},
    {"SYSTEM_ERROR", LARSHM_SYSTEM_ERROR},
    {"NOEXIST", LARSHM_NOEXIST},
    {"PENDING", LARSHM_PENDING},
    {"FULL", LARSHM_FULL},
    {"STALE", LARSHM_STALE},
    {"TIMEOUT", LARSHM_TIMEOUT},
    {"NO_OBJECT", LARSHM_NO_OBJECT},
    {"NO_PERMISSION", LARSHM_NO_PERMISSION},
    {"FOREIGN", LARSHM_FOREIGN},
    {"UNSAFE", LARSHM_UNSAFE},
    {"SHORT", LARSHM_SHORT},
    {"NOT_LARSHM", LARSHM_NOT_LARSHM},
    {"LAYOUT", LARSHM_LAYOUT},
    {"CORRUPT", LARSHM_CORRUPT},
    {"BAD_ARGUMENT", LARSHM_BAD_ARGUMENT},
    {"CUT_OFF", LARSHM_CUT_OFF},
    {"END", LARSHM_END},
    {"OVERRUN", LARSHM_OVERRUN},
    {"HOST_IN_ROTATION", LARSHM_HOST_IN_ROTATION},
    {"HOST_EJECTED", LARSHM_HOST_EJECTED},
    {"HOST_DRAINED", LARSHM_HOST_DRAINED},
    {"REASON_BIRTH", LARSHM_REASON_BIRTH},
    {"REASON_ERR_RATE", LARSHM_REASON_ERR_RATE},
    {"REASON_ERR_STREAK", LARSHM_REASON_ERR_STREAK},
    {"REASON_WINDOW", LARSHM_REASON_WINDOW},
    {"REASON_GOOD_WINDOW", LARSHM_REASON_GOOD_WINDOW},
    {"REASON_SUCC_RATE", LARSHM_REASON_SUCC_RATE},
    {"REASON_SUCC_STREAK", LARSHM_REASON_SUCC_STREAK},
    {"REASON_TIMEOUT", LARSHM_REASON_TIMEOUT},
    {"OVERRIDE_NONE", LARSHM_OVERRIDE_NONE},
    {"OVERRIDE_PINNED", LARSHM_OVERRIDE_PINNED},
    {"OVERRIDE_DRAINED", LARSHM_OVERRIDE_DRAINED},
};

/* Keeps the type, which may be NULL, with an exception. */
static bool keep_type(PyTypeObject **kept, PyObject *type)
{
    *kept = (PyTypeObject *)type;
    return type != NULL;
}

/* The types that the module names, and that of the iterator, which it does not. */
static bool types_add(PyObject *module, struct state *state)
{
    return keep_type(&state->host, PyType_FromModuleAndSpec(module, &host_spec, NULL)) &&
           PyModule_AddType(module, state->host) == 0 &&
           keep_type(&state->cache, PyType_FromModuleAndSpec(module, &cache_spec, NULL)) &&
           PyModule_AddType(module, state->cache) == 0 &&
           keep_type(&state->route_info, (PyObject *)PyStructSequence_NewType(&route_info_desc)) &&
           PyModule_AddType(module, state->route_info) == 0 &&
           keep_type(&state->host_info, (PyObject *)PyStructSequence_NewType(&host_info_desc)) &&
           PyModule_AddType(module, state->host_info) == 0 &&
           keep_type(&state->routes, PyType_FromModuleAndSpec(module, &routes_spec, NULL));
}

static int execute(PyObject *module)
{
    struct state *state = PyModule_GetState(module);
    if (!errors_add(module, state) || !types_add(module, state))
        return -1;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (PyModule_AddIntConstant(module, numbers[i].name, numbers[i].value) < 0)
            return -1;
    return PyModule_AddStringConstant(module, "__version__", larshm_version());
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    struct state *state = PyModule_GetState(module);
    Py_VISIT(state->error);
    for (size_t i = 0; i < sizeof(state->errors) / sizeof(state->errors[0]); i++)
        Py_VISIT(state->errors[i]);
    Py_VISIT(state->host);
    Py_VISIT(state->cache);
    Py_VISIT(state->routes);
    Py_VISIT(state->route_info);
    Py_VISIT(state->host_info);
    return 0;
}

static void release(void *module)
{
    struct state *state = PyModule_GetState(module);
    if (!state)
        return;
    Py_CLEAR(state->error);
    for (size_t i = 0; i < sizeof(state->errors) / sizeof(state->errors[0]); i++)
        Py_CLEAR(state->errors[i]);
    Py_CLEAR(state->host);
    Py_CLEAR(state->cache);
    Py_CLEAR(state->routes);
    Py_CLEAR(state->route_info);
    Py_CLEAR(state->host_info);
}

static PyObject *text_of(PyObject *Py_UNUSED(module), PyObject *code)
{
    int overflow;
    long value = PyLong_AsLongAndOverflow(code, &overflow);
    if (value == -1 && !overflow && PyErr_Occurred())
        return NULL;
    return PyUnicode_FromString(larshm_strerror(value < INT32_MIN || value > INT32_MAX ? -1 : (int)value));
}

static PyMethodDef functions[] = {
    {"strerror", text_of, METH_O,
     "strerror($module, code, /)\n--\n\nThe meaning of a code and what to do next."},
    {NULL, NULL, 0, NULL},
};

/* Slots of Python 3.12, which 3.11 refuses: interpreters with a GIL of their own may load the module. They share no objects of
 * it, and the library serves all threads. */
enum {
    MULTIPLE_INTERPRETERS = 3,
    PER_INTERPRETER_GIL = 2,
    SINCE = 0x030C0000
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
    {0, NULL}, /* for MULTIPLE_INTERPRETERS */
    {0, NULL},
};

PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,          .m_name = "larshm._larshm", .m_doc = "The C half of package larshm.",
    .m_size = sizeof(struct state), .m_methods = functions,     .m_slots = slots,
    .m_traverse = traverse,         .m_free = release,
};

PyMODINIT_FUNC PyInit__larshm(void);
PyMODINIT_FUNC PyInit__larshm(void)
{
    if (Py_Version >= SINCE)
        slots[1] = (PyModuleDef_Slot){MULTIPLE_INTERPRETERS, (void *)PER_INTERPRETER_GIL};
    return PyModuleDef_Init(&module_def);
}
