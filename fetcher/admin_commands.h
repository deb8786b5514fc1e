/* SPDX-License-Identifier: MIT */
/* Operators' commands over the admin socket: one table, in admin_commands.c. */
#ifndef FETCHER_ADMIN_COMMANDS_H
#define FETCHER_ADMIN_COMMANDS_H

#include "conf/admin_request.h"
#include "conf/admin_server.h"
#include "fetcher/balance.h"
#include "fetcher/refresh.h"
#include "fetcher/servers.h"
#include "shm/writer/writer.h"

/* What the commands work on. */
struct admin_targets {
    const struct writer *writer;
    struct balance *balance;
    struct refresh *refresh;
    const struct servers *servers;
    const char *config_path; /* NULL: none */
    /* Reads the configuration again, if there is one. True: it is in use; `text` names keys that need a restart, or is "".
     * False: `text` says why it is not, and nothing has changed. */
    bool (*reload)(void *context, char text[static ADMIN_TEXT_SIZE]);
    void *context; /* of reload() */
};

enum {
    ADMIN_PEERS_MAX = 100,
    FORGET_MS = 2000, /* until maintenance has begun a generation, and that is there */
};

/* What an admin server does with the commands. `targets` must outlive it. */
struct admin_service admin_service(const struct admin_targets *targets);

#endif
