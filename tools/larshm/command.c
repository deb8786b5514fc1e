/* SPDX-License-Identifier: MIT */
#include "tools/larshm/command.h"

#include <stdlib.h>

#include "conf/number.h"
#include "shm/names.h"
#include "tools/common/parse.h"

/* To getopt a word like -1 is an option: defined as one, its error says what to write instead. */
enum {
    DIGIT = OPTION_HIDDEN | OPTION_ARG_OPTIONAL
};

static struct common given;

static const struct argp_option options[] = {
    {"instance", 'n', "INSTANCE", 0, "the instance to use: $LARSHM_INSTANCE, or \"default\", if not given",
     -2},
    {"json", 'j', NULL, 0, "print JSON; it carries \"version\":1, and members are only ever added", -2},
    {NULL, '0', "", DIGIT, NULL, 0},
    {NULL, '1', "", DIGIT, NULL, 0},
    {NULL, '2', "", DIGIT, NULL, 0},
    {NULL, '3', "", DIGIT, NULL, 0},
    {NULL, '4', "", DIGIT, NULL, 0},
    {NULL, '5', "", DIGIT, NULL, 0},
    {NULL, '6', "", DIGIT, NULL, 0},
    {NULL, '7', "", DIGIT, NULL, 0},
    {NULL, '8', "", DIGIT, NULL, 0},
    {NULL, '9', "", DIGIT, NULL, 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    switch (key) {
    case 'n':
        given.instance = arg;
        return 0;
    case 'j':
        given.json = true;
        return 0;
    default:
        if (key < '0' || key > '9')
            return ARGP_ERR_UNKNOWN;
        argp_error(state,
                   "'-%c%s' is negative: ids are unsigned, so that int32 -2 is 4294967294; "
                   "a negative RETCODE goes behind \"--\"",
                   key, arg ? arg : "");
        return 0;
    }
}

static const struct argp argp = {options, parse_option, NULL, NULL, NULL, NULL, NULL};

struct common *common_defaults(void)
{
    given = (struct common){.instance = instance_or_default(NULL)};
    return &given;
}

const struct argp_child common_children[] = {{&argp, 0, NULL, 0}, {0}};

uint32_t take_number(const struct argp_state *state, const char *name, const char *text, uint32_t least,
                     uint32_t most)
{
    uint32_t number = least;
    if (!number_parse(text, least, most, &number))
        argp_error(state, "%s '%s' is not a decimal number from %u to %u", name, text, least, most);
    return number;
}

void take_route_key(const struct argp_state *state, const char *word, struct route_key *out)
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

struct host_addr take_host(const struct argp_state *state, const char *text)
{
    struct host_addr host = HOST_ADDR_NONE;
    if (!parse_host(text, &host))
        argp_error(state, "host '%s' is not " PARSE_HOST_ALLOWED, text);
    return host;
}
