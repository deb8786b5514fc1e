/* SPDX-License-Identifier: MIT */
#include "fetcher/options.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/name.h"
#include "conf/number.h"
#include "shm/names.h"

enum {
    OPTION_DNS = 256,
    OPTION_CHECK,
    OPTION_PRINT
};

const char *argp_program_version = "larshm-fetcher " LARSHM_VERSION;

static const struct argp_option described[] = {
    {"config", 'c', "FILE", 0, "Configuration, see larshm.conf(5). Without it: the defaults", 0},
    {"instance", 'n', "INSTANCE", 0,
     "Name of the instance to serve; clients open the same. Without it: $LARSHM_INSTANCE, or \"default\"", 0},
    {"dns", OPTION_DNS, "HOST:PORT", 0, "The directory, instead of [dnsserver] in the configuration", 0},
    {"check-config", OPTION_CHECK, "FILE", 0, "Print \"ok\", or all that is wrong with FILE, and end", 0},
    {"print-config", OPTION_PRINT, NULL, 0,
     "Print a configuration that sets every key as -c FILE does, and end", 0},
    {0},
};

static const char about[] =
    "Keeps the routes of a Lars directory in shared memory, where programs on this "
    "machine look them up without a "
    "system call."
    "\v"
    "Stays in the foreground and logs to stderr. SIGTERM and SIGINT end it; the "
    "routes stay and are served, and the next fetcher adopts them. SIGHUP reloads "
    "the configuration.\n\n"
    "Examples:\n"
    "  larshm-fetcher --dns 10.0.0.5:7778        serve instance \"default\"\n"
    "  larshm-fetcher -c /etc/larshm.conf        as a service does\n"
    "  larshm-fetcher --check-config my.conf     before a reload\n\n"
    "Exit status: 0 ended by a signal; 1 could not start, or had to give up; 78 the configuration or the "
    "command line is wrong. Of --check-config: 1 something is wrong with FILE.\n"
    "See also: larshm(1), larshm.conf(5).";

/* HOST:PORT; the last colon counts. */
static int parse_peer(const char *text, struct config_peer *out)
{
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (length == 0 || length >= sizeof(out->ip))
        return -1;
    uint32_t port;
    if (!number_parse(colon + 1, 1, UINT16_MAX, &port))
        return -1;
    memcpy(out->ip, text, length);
    out->ip[length] = '\0';
    if (!name_is_host(out->ip))
        return -1;
    out->port = (uint16_t)port;
    return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct options *out = state->input;
    switch (key) {
    case 'c':
        out->config_path = argument;
        return 0;
    case 'n':
        out->instance = argument;
        return 0;
    case OPTION_DNS:
        if (parse_peer(argument, &out->dns) != 0)
            argp_error(state,
                       "--dns %s: want HOST:PORT, a host name or IPv4 address and a port from 1 to 65535",
                       argument);
        return 0;
    case OPTION_CHECK:
        out->check_path = argument;
        return 0;
    case OPTION_PRINT:
        out->print_config = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_parse(int argc, char **argv, struct options *out)
{
    static const struct argp parser = {.options = described, .parser = parse_option, .doc = about};
    *out = (struct options){.instance = instance_or_default(NULL)};
    argp_err_exit_status = EX_CONFIG;
    argp_parse(&parser, argc, argv, 0, NULL, out);
}
