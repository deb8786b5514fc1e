/* SPDX-License-Identifier: MIT */
#include "tools/dns/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "conf/log.h"
#include "tools/common/maria_url.h"
#include "tools/common/parse.h"

struct store *command_open_store(const char *db, enum store_mode mode)
{
    char error[STORE_ERROR_SIZE];
    struct store *store = NULL;
    if (!command_has_db(db))
        return NULL;
    bool made = mode == STORE_CREATE && !maria_url_is(db) && access(db, F_OK) != 0;
    if (store_open(&store, db, mode, error) != 0)
        log_line(LOG_LEVEL_ERROR, "%s", error);
    else if (made)
        log_line(LOG_LEVEL_INFO, "made the file %s", db);
    return store;
}

void command_warn_unlogged(const struct store *store)
{
    const char *reason = store_unlogged(store);
    if (reason)
        log_line(LOG_LEVEL_WARNING, "the edit is not in 'route log', and 'route undo' cannot undo it: %s",
                 reason);
}

/* Of what store_make() returned. */
static int say_made(const struct store *store, int rc, const struct store_edit *done)
{
    if (rc != 0)
        log_line(LOG_LEVEL_ERROR, "%s", store_error(store));
    else if (done->keys > 0)
        command_warn_unlogged(store);
    return rc;
}

int command_make(struct store *store, store_make_fn *make, void *arg, struct store_edit *done)
{
    return say_made(store, store_make(store, make, arg, done), done);
}

int command_make_large(struct store *store, store_make_fn *make, void *arg, const struct store_large *how,
                       struct store_edit *done)
{
    return say_made(store, store_make_large(store, make, arg, how, done), done);
}

void command_show_written(uint64_t rows)
{
    fprintf(stderr, "\r\033[K%" PRIu64 " rows written", rows);
}

void command_hide_written(void)
{
    fputs("\r\033[K", stderr);
}

bool command_read_host(const char *text, struct host_addr *host)
{
    if (parse_host(text, host))
        return true;
    log_line(LOG_LEVEL_ERROR, "host '%s' is not " PARSE_HOST_ALLOWED, text);
    return false;
}
