/* SPDX-License-Identifier: MIT */
#include "tools/bridge/options.h"

#include <argp.h>
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/number.h"
#include "shm/names.h"

enum {
    OPTION_LISTEN = 256,
    OPTION_PORTS
};

const char *argp_program_version = "larshm-bridge " LARSHM_VERSION;

static const struct argp_option described[] = {
    {"instance", 'n', "INSTANCE", 0,
     "The instance to answer from. Without it: $LARSHM_INSTANCE, or \"default\"", 0},
    {"listen", OPTION_LISTEN, "IP", 0, "The address to listen on. Without it: 127.0.0.1", 0},
    {"ports", OPTION_PORTS, "PORT,PORT,PORT", 0,
     "The ports to listen on, one to three. Without it: 8888,8889,8890, where Lars clients ask. 0: the "
     "kernel chooses one",
     0},
    {0},
};

static const char about[] =
    "Answers programs that use the Lars API, over UDP as a Lars agent does, from the routes that "
    "larshm-fetcher keeps in shared memory."
    "\v"
    "Prints 'listening on udp IP:PORT' for each port, stays in the foreground and logs to stderr. SIGTERM and "
    "SIGINT end it. It may be started before the fetcher. The protocol has no authentication: listen where "
    "only your own programs can send.\n\n"
    "Examples:\n"
    "  larshm-bridge                               in place of a Lars agent\n"
    "  larshm-bridge -n staging --ports 9888,9889,9890\n"
    "  larshm-bridge --ports 0,0,0                 beside one, to try it\n\n"
    "Exit status: 0 ended by a signal; 1 a port that is in use, or another failure; 78 wrong usage.\n"
    "See also: larshm-fetcher(8), larshm(1).";

/* PORT,PORT,PORT; a number twice could not be listened on twice. */
static bool parse_ports(const char *text, struct options *out)
{
    struct options parsed = *out;
    parsed.port_count = 0;
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char word[sizeof("65535")];
        uint32_t port;
        size_t length = strcspn(at, ",");
        if (parsed.port_count == PORTS_MAX || length >= sizeof(word))
            return false;
        memcpy(word, at, length);
        word[length] = '\0';
        if (!number_parse(word, 0, UINT16_MAX, &port))
            return false;
        for (size_t i = 0; i < parsed.port_count; i++)
            if (port && parsed.ports[i] == port)
                return false;
        parsed.ports[parsed.port_count++] = (in_port_t)port;
    }
    *out = parsed;
    return true;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct options *out = state->input;
    switch (key) {
    case 'n':
        out->instance = argument;
        return 0;
    case OPTION_LISTEN:
        if (inet_pton(AF_INET, argument, &out->listen) != 1)
            argp_error(state, "--listen %s: want a dotted IPv4 address of this machine", argument);
        return 0;
    case OPTION_PORTS:
        if (!parse_ports(argument, out))
            argp_error(state,
                       "--ports %s: want one to three different ports, from 0 to 65535, with commas between",
                       argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_parse(int argc, char **argv, struct options *out)
{
    static const struct argp parser = {.options = described, .parser = parse_option, .doc = about};
    *out = (struct options){
        .instance = instance_or_default(NULL),
        .listen = {htonl(INADDR_LOOPBACK)},
        .ports = {8888, 8889, 8890},
        .port_count = PORTS_MAX,
    };
    argp_err_exit_status = EX_CONFIG;
    argp_parse(&parser, argc, argv, 0, NULL, out);
}
