/* SPDX-License-Identifier: MIT */
#include "tools/dns/command.h"

#include "conf/log.h"
#include "tools/common/parse.h"

struct store *command_open_store(const char *db, enum store_mode mode)
{
    char error[STORE_ERROR_SIZE];
    struct store *store = NULL;
    if (command_has_db(db) && store_open(&store, db, mode, error) != 0)
        log_line(LOG_LEVEL_ERROR, "%s", error);
    return store;
}

bool command_read_host(const char *text, struct host_addr *host)
{
    if (parse_host(text, host))
        return true;
    log_line(LOG_LEVEL_ERROR, "host '%s' is not " PARSE_HOST_ALLOWED, text);
    return false;
}
