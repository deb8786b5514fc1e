/* SPDX-License-Identifier: MIT */
/* What is known of a route and of its hosts. */
#include "module.h"

static PyStructSequence_Field fields[] = {
    {"code", "OK: it has hosts. NOEXIST: the directory has no such route. PENDING: it is not cached"},
    {"version", "grows with each change of the route's hosts"},
    {"age_ms", "since the directory last confirmed the hosts"},
    {"update_timeout_s", "it expires at this age, or up to 30 percent earlier"},
    {"hosts", "how many"},
    {"fetcher_silent_ms", "since the fetcher's last sign of life"},
    {"pulling", "bool: a request to the directory is under way"},
    {"expired", "bool: a lookup makes the fetcher refresh it"},
    {"fetcher_alive", "bool: its last sign of life is less than 3 seconds old"},
    {"connected", "bool: it was connected to the directory then, which answered"},
    {"can_ask", "bool: this process may request routes from the fetcher, and report"},
    {"cut_off",
     "OK, or why the fetcher's newer objects cannot be opened; cached routes are served as they were"},
    {"ejected", "hosts that are out of rotation, since calls to them have failed"},
    {"drained", "hosts that an operator has taken out of rotation"},
    {"spared", "1: a further host fails, and stays, since as many are ejected as may be"},
    {"snapshot_unix_ms",
     "Unix time of the snapshot that the hosts are from, or 0: the directory has confirmed them"},
    {NULL, NULL},
};

PyStructSequence_Desc route_info_desc = {
    .name = "larshm.RouteInfo",
    .doc =
        "What Cache.info() says. Names that end in _ms are milliseconds, in _s seconds. Later versions append\n"
        "members: use their names.",
    .fields = fields,
    .n_in_sequence = sizeof(fields) / sizeof(fields[0]) - 1,
};

static PyObject *info_new(struct state *state, int code, const larshm_route_info *info)
{
    PyObject *members[] = {
        PyLong_FromLong(code),
        PyLong_FromUnsignedLongLong(info->version),
        PyLong_FromUnsignedLongLong(info->age_ms),
        PyLong_FromUnsignedLong(info->update_timeout_s),
        PyLong_FromUnsignedLong(info->hosts),
        PyLong_FromUnsignedLongLong(info->fetcher_silent_ms),
        PyBool_FromLong(info->pulling),
        PyBool_FromLong(info->expired),
        PyBool_FromLong(info->fetcher_alive),
        PyBool_FromLong(info->connected),
        PyBool_FromLong(info->can_ask),
        PyLong_FromLong(info->cut_off),
        PyLong_FromUnsignedLong(info->ejected),
        PyLong_FromUnsignedLong(info->drained),
        PyLong_FromUnsignedLong(info->spared),
        PyLong_FromUnsignedLongLong(info->snapshot_unix_ms),
    };
    _Static_assert(sizeof(members) / sizeof(members[0]) + 1 == sizeof(fields) / sizeof(fields[0]),
                   "a member each");
    return sequence_new(state->route_info, members, sizeof(members) / sizeof(members[0]));
}

CACHE_METHOD(cache_info)
{
    struct cache *cache = (struct cache *)self;
    larshm_route_info info = {0};
    uint32_t modid, cmdid;
    if (!route_from("info", args, count, &modid, &cmdid))
        return NULL;
    larshm *h = cache_handle(cache);
    if (!h)
        return NULL;
    int code = larshm_info(h, modid, cmdid, &info);
    if (code != LARSHM_OK && code != LARSHM_NOEXIST && code != LARSHM_PENDING)
        return error_raise(cache->state, code);
    return info_new(cache->state, code, &info);
}

struct table {
    larshm_host *hosts;
    enum larshm_host_state *states;
    size_t count;
};

static bool table_make(struct table *table, size_t room)
{
    PyMem_Free(table->hosts);
    PyMem_Free(table->states);
    table->hosts = PyMem_Calloc(room, sizeof(*table->hosts));
    table->states = PyMem_Calloc(room, sizeof(*table->states));
    if (!table->hosts || !table->states)
        PyErr_NoMemory();
    return table->hosts && table->states;
}

/* A code of larshm.h, or -1 with an exception. */
static int table_read(struct table *table, larshm *h, uint32_t modid, uint32_t cmdid)
{
    for (size_t room = 16;; room = table->count) {
        if (!table_make(table, room))
            return -1;
        int code = larshm_get_route_states(h, modid, cmdid, table->hosts, table->states, room, &table->count);
        if (code != LARSHM_OK || table->count <= room)
            return code;
    }
}

static PyObject *table_list(const struct table *table, struct state *state)
{
    PyObject *list = PyList_New((Py_ssize_t)table->count);
    for (size_t i = 0; list && i < table->count; i++) {
        PyObject *host = host_new(state, &table->hosts[i]);
        PyObject *item = host ? Py_BuildValue("(Ni)", host, (int)table->states[i]) : NULL;
        if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0)
            Py_CLEAR(list);
    }
    return list;
}

CACHE_METHOD(cache_get_route)
{
    struct cache *cache = (struct cache *)self;
    struct table table = {0};
    uint32_t modid, cmdid;
    PyObject *list = NULL;
    if (!route_from("get_route", args, count, &modid, &cmdid))
        return NULL;
    larshm *h = cache_handle(cache);
    if (!h)
        return NULL;
    int code = table_read(&table, h, modid, cmdid);
    if (code == LARSHM_OK)
        list = table_list(&table, cache->state);
    else if (code > 0)
        error_raise(cache->state, code);
    PyMem_Free(table.hosts);
    PyMem_Free(table.states);
    return list;
}
