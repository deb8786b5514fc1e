/* SPDX-License-Identifier: MIT */
#include "tools/common/server_options.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/address.h"
#include "conf/number.h"
#include "tools/common/parse.h"

enum {
    OPTION_CREATE = 512, /* no letter: it is for once */
    OPTION_ALLOW,
    OPTION_MAX_PER_ADDRESS,
    OPTION_IDLE_TIMEOUT,
    OPTION_FRAME_TIMEOUT,
};

static const struct argp_option described[] = {
    {"create", OPTION_CREATE, NULL, 0, "make the database when it is missing", 0},
    {"listen", 'l', "IP:PORT", 0, "where to accept connections", 0},
    {"allow", OPTION_ALLOW, "NETWORK", 0,
     "accept connections from this network only, as in 10.0.0.0/8; repeat it for more (default: from everywhere)",
     0},
    {"max-per-address", OPTION_MAX_PER_ADDRESS, "NUMBER", 0,
     "connections from one address (default: seven eighths of those that the limit of open files allows)", 0},
    {"idle-timeout", OPTION_IDLE_TIMEOUT, "SECONDS", 0,
     "close a connection that has never sent a message for so long (default 600; 0: never)", 0},
    {"frame-timeout", OPTION_FRAME_TIMEOUT, "SECONDS", 0,
     "close a connection that does not finish a message for so long (default 30; 0: never)", 0},
    {0},
};

static void allow(struct server_limits *limits, const char *text, struct argp_state *state)
{
    struct network network;
    if (!network_parse(text, &network))
        argp_error(state, "--allow '%s' is not " NETWORK_ALLOWED, text);
    struct network *networks = reallocarray(limits->allowed, limits->allowed_count + 1, sizeof(*networks));
    if (!networks)
        argp_failure(state, EXIT_FAILURE, 0, "out of memory");
    limits->allowed = networks;
    networks[limits->allowed_count++] = network;
}

static void read_number(const char *name, const char *text, uint32_t min, uint32_t *out,
                        struct argp_state *state)
{
    if (!number_parse(text, min, UINT32_MAX, out))
        argp_error(state, "%s '%s' is not a decimal number from %u to 4294967295", name, text, (unsigned)min);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct server_options *options = state->input;
    struct server_limits *limits = &options->limits;
    switch (key) {
    case OPTION_CREATE:
        options->mode = STORE_CREATE;
        return 0;
    case 'l':
        if (!address_parse(arg, &options->listen))
            argp_error(state, "--listen '%s' is not " PARSE_ADDRESS_ALLOWED, arg);
        return 0;
    case OPTION_ALLOW:
        allow(limits, arg, state);
        return 0;
    case OPTION_MAX_PER_ADDRESS:
        read_number("--max-per-address", arg, 1, &limits->per_address, state);
        return 0;
    case OPTION_IDLE_TIMEOUT:
        read_number("--idle-timeout", arg, 0, &limits->idle_seconds, state);
        return 0;
    case OPTION_FRAME_TIMEOUT:
        read_number("--frame-timeout", arg, 0, &limits->frame_seconds, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* As argp wants it: `text`, or another one that it frees. */
static char *name_default(int key, const char *text, void *input)
{
    const struct server_options *options = input;
    char *named;
    if (key != 'l' || !options || asprintf(&named, "%s (default %s)", text, options->listen_default) < 0)
        return (char *)text;
    return named;
}

const struct argp server_argp = {described, parse_option, NULL, NULL, NULL, name_default, NULL};

void server_options_init(struct server_options *options, const char *listen_default)
{
    *options = (struct server_options){
        .listen_default = listen_default,
        .mode = STORE_EXISTING,
        .limits = {.idle_seconds = 600, .frame_seconds = 30},
    };
    address_parse(listen_default, &options->listen);
}

void server_options_free(struct server_options *options)
{
    free(options->limits.allowed);
}
