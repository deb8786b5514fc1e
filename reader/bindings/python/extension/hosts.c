/* SPDX-License-Identifier: MIT */
/* The hosts of a route with the fetcher's records of them. */
#include "module.h"

enum {
    ATTEMPTS = 3 /* a process that was stopped for seconds between two hosts begins again */
};

static PyStructSequence_Field fields[] = {
    {"host", "Host"},
    {"state", "HOST_IN_ROTATION, HOST_EJECTED or HOST_DRAINED"},
    {"share",
     "of its even share of picks, in eighths: 8 is all of it, less that it has come back a moment ago"},
    {"known",
     "bool: what follows is from the fetcher's record; else there is none, or this user may not read it"},
    {"reason", "one of the REASON_ numbers: why it was ejected, or is in rotation"},
    {"override", "one of the OVERRIDE_ numbers: what an operator has decided of it"},
    {"value", "of the reason; rates are parts of 10,000"},
    {"limit", "of the reason"},
    {"window_successes", "results reported since the window began"},
    {"window_failures", "results reported since the window began"},
    {"ejections", "in a row, with this one; 0: it is not ejected"},
    {"successes", "results reported by all programs of the machine, ever"},
    {"failures", "results reported by all programs of the machine, ever"},
    {"reason_age_ms", "since it was ejected, or came back, for this reason"},
    {"ejected_left_ms", "until the ejection ends, at the latest; 0: it is not ejected"},
    {NULL, NULL},
};

PyStructSequence_Desc host_info_desc = {
    .name = "larshm.HostInfo",
    .doc = "What Cache.hosts() says of a host. Later versions append members: use their names.",
    .fields = fields,
    .n_in_sequence = sizeof(fields) / sizeof(fields[0]) - 1,
};

static PyObject *host_info_new(struct state *state, const larshm_host_info *info)
{
    PyObject *members[] = {
        host_new(state, &info->host),
        PyLong_FromUnsignedLong(info->state),
        PyLong_FromUnsignedLong(info->share),
        PyBool_FromLong(info->known),
        PyLong_FromUnsignedLong(info->reason),
        PyLong_FromUnsignedLong(info->override),
        PyLong_FromUnsignedLong(info->value),
        PyLong_FromUnsignedLong(info->limit),
        PyLong_FromUnsignedLong(info->window_successes),
        PyLong_FromUnsignedLong(info->window_failures),
        PyLong_FromUnsignedLong(info->ejections),
        PyLong_FromUnsignedLongLong(info->successes),
        PyLong_FromUnsignedLongLong(info->failures),
        PyLong_FromUnsignedLongLong(info->reason_age_ms),
        PyLong_FromUnsignedLongLong(info->ejected_left_ms),
    };
    _Static_assert(sizeof(members) / sizeof(members[0]) + 1 == sizeof(fields) / sizeof(fields[0]),
                   "a member each");
    return sequence_new(state->host_info, members, sizeof(members) / sizeof(members[0]));
}

/* A code of larshm.h, or -1 with an exception. */
static int add_hosts(struct state *state, larshm_hosts *hosts, PyObject *list)
{
    for (;;) {
        larshm_host_info info;
        int code = larshm_hosts_next(hosts, &info);
        if (code != LARSHM_OK)
            return code;
        PyObject *item = host_info_new(state, &info);
        int added = item ? PyList_Append(list, item) : -1;
        Py_XDECREF(item);
        if (added < 0)
            return -1;
    }
}

/* Python code may run while objects are made, and close the cache: until the list ends, it is a use. */
static int list_hosts(struct cache *cache, uint32_t modid, uint32_t cmdid, PyObject *list)
{
    larshm_hosts hosts;
    larshm *h = cache_handle(cache);
    if (!h)
        return -1;
    int code = larshm_hosts_begin(h, modid, cmdid, &hosts);
    if (code != LARSHM_OK)
        return code;
    use_begin(cache);
    code = add_hosts(cache->state, &hosts, list);
    larshm_hosts_end(h, &hosts);
    return use_end(cache) ? code : -1;
}

CACHE_METHOD(cache_hosts)
{
    struct cache *cache = (struct cache *)self;
    uint32_t modid, cmdid;
    int code = LARSHM_STALE;
    PyObject *list = NULL;
    if (!route_from("hosts", args, count, &modid, &cmdid))
        return NULL;
    for (int i = 0; code == LARSHM_STALE && i < ATTEMPTS; i++) {
        Py_XDECREF(list);
        list = PyList_New(0);
        code = list ? list_hosts(cache, modid, cmdid, list) : -1;
    }
    if (code == LARSHM_END)
        return list;
    Py_XDECREF(list);
    return code > 0 ? error_raise(cache->state, code) : NULL;
}
