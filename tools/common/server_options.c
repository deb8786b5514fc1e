/* SPDX-License-Identifier: MIT */
#include "tools/common/server_options.h"

#include <stdlib.h>

#include "conf/number.h"
#include "tools/common/parse.h"

enum {
    OPTION_ALLOW = 512,
    OPTION_MAX_PER_ADDRESS,
    OPTION_IDLE_TIMEOUT,
    OPTION_FRAME_TIMEOUT,
};

static const struct argp_option options[] = {
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
    struct server_limits *limits = state->input;
    switch (key) {
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

const struct argp server_argp = {options, parse_option, NULL, NULL, NULL, NULL, NULL};

void server_limits_free(struct server_limits *limits)
{
    free(limits->allowed);
}
