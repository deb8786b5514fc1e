/* SPDX-License-Identifier: MIT */
/* Operators' commands over the admin socket: one table, in admin_commands.c. */
#ifndef FETCHER_ADMIN_COMMANDS_H
#define FETCHER_ADMIN_COMMANDS_H

#include "fetcher/admin_request.h"
#include "fetcher/balance.h"
#include "fetcher/refresh.h"
#include "fetcher/servers.h"

/* What the commands work on. */
struct admin_targets {
    struct balance *balance;
    struct refresh *refresh;
    const struct servers *servers;
    const char *config_path; /* NULL: none */
    /* Reads the configuration again, if there is one. True: it is in use; `text` names keys that need a restart, or is "".
     * False: `text` says why it is not, and nothing has changed. */
    bool (*reload)(void *context, char text[static ADMIN_TEXT_SIZE]);
    void *context; /* of reload() */
};

/* Carries out the request in `line`. Returns the answer, JSON without line breaks, to be freed; NULL: no memory. */
char *admin_execute(const struct admin_targets *targets, const char *line, size_t length);

/* The answer to a request that is not carried out. */
char *admin_error_answer(const struct admin_error *error);

#endif
