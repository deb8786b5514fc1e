/* SPDX-License-Identifier: MIT */
#include "tools/larshm/command.h"

static const struct argp_option options[] = {
    {"instance", 'n', "INSTANCE", 0,
     "the instance to look at: $LARSHM_INSTANCE, or \"default\", if not given", -2},
    {"json", 'j', NULL, 0, "print JSON; it carries \"version\":1, and members are only ever added", -2},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct common *common = state->input;
    switch (key) {
    case 'n':
        common->instance = arg;
        return 0;
    case 'j':
        common->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse_option, NULL, NULL, NULL, NULL, NULL};

const struct argp_child common_children[] = {{&argp, 0, NULL, 0}, {0}};

uint32_t take_number(const struct argp_state *state, const char *name, const char *text, uint32_t least,
                     uint32_t most)
{
    uint64_t value = 0;
    const char *at = text;
    while (*at >= '0' && *at <= '9' && value <= most)
        value = value * 10 + (uint64_t)(*at++ - '0');
    if (at == text || *at || value < least || value > most)
        argp_error(state, "%s '%s' is not a decimal number from %u to %u", name, text, least, most);
    return (uint32_t)value;
}

void take_route_name(const struct argp_state *state, const char *word, struct route_name *out)
{
    if (!word && state->arg_num < 2)
        argp_error(state, "MODID and CMDID are missing");
    else if (!word)
        return;
    else if (state->arg_num == 0)
        out->modid = take_number(state, "MODID", word, 0, UINT32_MAX);
    else if (state->arg_num == 1)
        out->cmdid = take_number(state, "CMDID", word, 0, UINT32_MAX);
    else
        argp_error(state, "too many arguments: MODID and CMDID are all");
}
