/* SPDX-License-Identifier: MIT */
/* The subcommands of larshm, one file each, and what their command lines have in common. */
#ifndef TOOLS_LARSHM_COMMAND_H
#define TOOLS_LARSHM_COMMAND_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/host_addr.h"

/* Options of every command, before its name or after it. */
struct common {
    const char *instance;
    bool json;
    bool findings; /* why a command failed is a finding, too, see health.c */
    bool plugin;   /* and is said to a monitoring system, see plugin.h */
};

/* argv[0] is the whole command, as in "larshm get". Returns the program's exit code, see say.h. */
typedef int command_fn(struct common *common, int argc, char **argv);

command_fn command_bench, command_check, command_dump, command_forget, command_get, command_health,
    command_host, command_import_lars, command_list, command_metrics, command_qps, command_refresh,
    command_reload, command_report, command_route, command_servers, command_show, command_simulate,
    command_stats, command_top, command_wait, command_watch;

/* The parser of these options, a child of every other one. It writes to what common_defaults() returned. */
extern const struct argp_child common_children[];
struct common *common_defaults(void);

/* Takes a number, or ends the program with a message about `name` that says what is allowed. */
uint32_t take_number(const struct argp_state *state, const char *name, const char *text, uint32_t least,
                     uint32_t most);

/* Takes the words MODID CMDID, one at each ARGP_KEY_ARG. At ARGP_KEY_END, `word` NULL, it checks that both came. */
void take_route_key(const struct argp_state *state, const char *word, struct route_key *out);

/* Takes IP:PORT, or ends the program with a message that says what is allowed. */
struct host_addr take_host(const struct argp_state *state, const char *text);

#endif
