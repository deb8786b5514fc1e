/* SPDX-License-Identifier: MIT */
/* route add, route set and route del: one edit of one route. */
#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>

#include "conf/log.h"
#include "conf/number.h"
#include "tools/common/parse.h"
#include "tools/dns/command.h"

#define EMPTY_HOLD "30" /* as in larshm.conf */

static const char add_doc[] =
    "Adds hosts to a route, which begins to exist with its first host."
    "\v"
    "A host that is in the route already is left as it is. Running directories push the change.\n"
    "\n"
    "Example:\n"
    "  larshm-dns --db routes.db route add 1 2 10.0.0.1:8080 10.0.0.2:8080";

static const char set_doc[] =
    "Sets the hosts of a route: it has these then and no others."
    "\v"
    "Running directories push the change at once; the route is never seen without hosts, or with some of them.\n"
    "\n"
    "Example:\n"
    "  larshm-dns --db routes.db route set 1 2 10.0.0.3:8080 10.0.0.4:8080";

static const char del_doc[] =
    "Deletes hosts from a route, or the whole route when no host is named."
    "\v"
    "A route whose last host is deleted does not exist any more. Fetchers that have cached it go on serving its hosts "
    "for their empty_hold, see larshm.conf(5), or until `larshm route accept`. Exit code 2: there is no such route.\n"
    "\n"
    "Examples:\n"
    "  larshm-dns --db routes.db route del 1 2 10.0.0.1:8080\n"
    "  larshm-dns --db routes.db route del 1 2";

/* The words after the command, counted. */
struct words {
    char **argv;
    int count, min;
};

static error_t parse_word(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    struct words *words = state->input;
    switch (key) {
    case ARGP_KEY_ARGS:
        words->argv = state->argv + state->next;
        words->count = state->argc - state->next;
        return 0;
    case ARGP_KEY_END:
        if (words->count < words->min)
            argp_error(state, "arguments are missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp add_argp = {NULL, parse_word, "MODID CMDID IP:PORT...", add_doc, NULL, NULL, NULL};
static const struct argp set_argp = {NULL, parse_word, "MODID CMDID IP:PORT...", set_doc, NULL, NULL, NULL};
static const struct argp del_argp = {NULL, parse_word, "MODID CMDID [IP:PORT...]", del_doc, NULL, NULL, NULL};

struct edit;
typedef int change_fn(struct store *store, const struct edit *edit); /* returns -1 when it fails */

struct edit {
    struct route_key key;
    struct host_addr *hosts;
    int count;
    change_fn *change;
    size_t existed; /* 0: there was no such route before */
};

/* Everything is read before the database is touched. The hosts are the caller's to free. */
static int read_edit(const struct words *words, struct edit *edit)
{
    struct edit read = {.count = words->count - 2};
    if (!command_read_id("MODID", words->argv[0], &read.key.modid) ||
        !command_read_id("CMDID", words->argv[1], &read.key.cmdid))
        return -1;
    read.hosts = calloc((size_t)read.count + 1, sizeof(*read.hosts));
    if (!read.hosts) {
        log_line(LOG_LEVEL_ERROR, "out of memory");
        return -1;
    }
    for (int i = 0; i < read.count; i++) {
        if (!command_read_host(words->argv[i + 2], &read.hosts[i])) {
            free(read.hosts);
            return -1;
        }
    }
    *edit = read;
    return 0;
}

static int add_hosts(struct store *store, const struct edit *edit)
{
    for (int i = 0; i < edit->count; i++)
        if (store_add(store, edit->key, edit->hosts[i]) < 0)
            return -1;
    return 0;
}

static int set_hosts(struct store *store, const struct edit *edit)
{
    int deleted;
    return store_set(store, edit->key, edit->hosts, (size_t)edit->count, &deleted);
}

static int delete_hosts(struct store *store, const struct edit *edit)
{
    if (edit->count == 0)
        return store_delete(store, edit->key, NULL);
    for (int i = 0; i < edit->count; i++)
        if (store_delete(store, edit->key, &edit->hosts[i]) < 0)
            return -1;
    return 0;
}

static int make(struct store *store, void *arg)
{
    struct edit *edit = arg;
    struct host_addr first;
    if (store_read(store, edit->key, &first, 1, &edit->existed) != 0)
        return -1;
    return edit->change(store, edit) < 0 ? -1 : 0;
}

/* Says when a route that was emptied is gone from the machines, too. */
static void say_when_seen(struct store *store, struct route_key key)
{
    struct host_addr first;
    size_t left;
    if (store_read(store, key, &first, 1, &left) == 0 && left == 0)
        log_line(
            LOG_LEVEL_INFO,
            "machines that have the route serve its hosts for the empty_hold of their fetcher, " EMPTY_HOLD
            " s by default; `larshm route accept %" PRIu32 " %" PRIu32 "` there ends that",
            key.modid, key.cmdid);
}

static int edit_route(const char *db, enum store_mode mode, struct edit *edit, const char *verb)
{
    struct store *store = command_open_store(db, mode);
    if (!store)
        return EXIT_FAILURE;
    int exit_code = EXIT_SUCCESS;
    struct store_edit done;
    if (command_make(store, make, edit, &done) != 0) {
        exit_code = EXIT_FAILURE;
    } else if (mode == STORE_EXISTING && !edit->existed) {
        log_line(LOG_LEVEL_ERROR, "no route %" PRIu32 " %" PRIu32 ": see 'route list'", edit->key.modid,
                 edit->key.cmdid);
        exit_code = EXIT_NO_ROUTE;
    } else if (done.keys == 0) {
        log_line(LOG_LEVEL_INFO, "nothing changed in route %" PRIu32 " %" PRIu32, edit->key.modid,
                 edit->key.cmdid);
    } else {
        uint64_t changed = done.added + done.deleted;
        log_line(LOG_LEVEL_INFO, "route %" PRIu32 " %" PRIu32 ": %" PRIu64 " host%s %s, version %" PRIu64,
                 edit->key.modid, edit->key.cmdid, changed, number_plural(changed), verb, done.version);
        say_when_seen(store, edit->key);
    }
    store_close(store);
    return exit_code;
}

/* What no host and no route can be is refused where it is entered. */
static bool can_be(const struct edit *edit)
{
    const char *reason = route_key_is_none(edit->key) ? PARSE_KEY_RESERVED : NULL;
    for (int i = 0; i < edit->count; i++)
        if (edit->hosts[i].address == INADDR_BROADCAST)
            reason = PARSE_IP_BROADCAST;
    if (reason)
        log_line(LOG_LEVEL_ERROR, "%s", reason);
    return !reason;
}

static int put_hosts(const char *db, const struct argp *argp, int argc, char **argv, change_fn *change,
                     const char *verb)
{
    struct words words = {.min = 3};
    struct edit edit;
    if (argp_parse(argp, argc, argv, 0, NULL, &words) != 0 || read_edit(&words, &edit) != 0)
        return EXIT_FAILURE;
    edit.change = change;
    int exit_code = can_be(&edit) ? edit_route(db, STORE_CREATE, &edit, verb) : EXIT_FAILURE;
    free(edit.hosts);
    return exit_code;
}

int command_route_add(const char *db, int argc, char **argv)
{
    return put_hosts(db, &add_argp, argc, argv, add_hosts, "added");
}

int command_route_set(const char *db, int argc, char **argv)
{
    return put_hosts(db, &set_argp, argc, argv, set_hosts, "added or deleted");
}

/* The reserved key and any address are fine here: another program may have added them. */
int command_route_del(const char *db, int argc, char **argv)
{
    struct words words = {.min = 2};
    struct edit edit;
    if (argp_parse(&del_argp, argc, argv, 0, NULL, &words) != 0 || read_edit(&words, &edit) != 0)
        return EXIT_FAILURE;
    edit.change = delete_hosts;
    int exit_code = edit_route(db, STORE_EXISTING, &edit, "deleted");
    free(edit.hosts);
    return exit_code;
}
