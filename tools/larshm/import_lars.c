/* SPDX-License-Identifier: MIT */
/* `larshm import-lars`: what the configuration file of a Lars agent means here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/number.h"
#include "conf/value.h"
#include "tools/larshm/command.h"
#include "tools/larshm/json.h"
#include "tools/larshm/lars_file.h"
#include "tools/larshm/say.h"

static const char doc[] =
    "Explains line by line what a lars_lb_agent.conf means to larshm-fetcher, which reads it as it is: the value, "
    "whether it is the default, and what is different here. Then the keys of Lars that are not in the file, and what "
    "may be added.\v"
    "FILE is only read. A file with mistakes is explained as well, with all of them named, and the exit code is 1; "
    "files of other programs of Lars are recognised.\n\n"
    "Examples:\n"
    "  larshm import-lars /usr/local/lars/conf/lars_lb_agent.conf\n"
    "  larshm import-lars agent.conf && sudo cp agent.conf /etc/larshm.conf\n"
    "  larshm -j import-lars agent.conf | jq '.lines[] | select(.mistake).line'\n\n" EXIT_CODES_DOC;

/* The keys that an agent of Lars has, and what is different here. */
static const struct {
    const char *section, *name, *here;
} lars_keys[] = {
    {"reporter", "ip", "Results go there once in report_interval, failures at once; Lars sends each call's."},
    {"reporter", "port", NULL},
    {"dnsserver", "ip", "A directory that was away is found again; Lars' agent gives up."},
    {"dnsserver", "port", NULL},
    {"loadbalance", "probe_num",
     "Without rules = lars it has no effect: eject_probe_interval is in its place."},
    {"loadbalance", "init_succ_cnt", NULL},
    {"loadbalance", "init_err_cnt", NULL},
    {"loadbalance", "err_rate",
     "Without rules = lars at most max_ejected of a route's hosts are out at a time."},
    {"loadbalance", "succ_rate", "Without rules = lars it has no effect: recover_successes is in its place."},
    {"loadbalance", "contin_err_limit", NULL},
    {"loadbalance", "contin_succ_limit",
     "Without rules = lars it has no effect: recover_successes is in its place."},
    {"loadbalance", "window_err_rate", "Without rules = lars a window needs window_min_calls calls."},
    {"loadbalance", "idle_timeout", "It also runs while no program calls the host."},
    {"loadbalance", "overload_timeout", "Without rules = lars it grows with each further ejection in a row."},
    {"loadbalance", "update_timeout", NULL},
};

/* Words of files that other programs of Lars have. */
static const struct {
    const char *word, *file;
} others[] = {
    {"[repoter]", "lars_reporter.conf, of Lars' report service"},
    {"[mysql]", "lars_reporter.conf or lars_dns.conf, of Lars' services: see larshm-lars(7)"},
    {"[reactor]", "lars_reporter.conf or lars_dns.conf, of Lars' services: see larshm-lars(7)"},
    {"\"appname\"", "app.conf, of Lars' web pages"},
};

static const char additions[] =
    "Lines that may be added, see larshm.conf(5):\n"
    "  [reporter]     report_interval = 30    for a fleet: results once in half a minute\n"
    "  [dnsserver]    servers = HOST, HOST    in place of ip and port: several directories\n"
    "  [loadbalance]  rules = lars            hosts judged and picked as by Lars' agent\n"
    "  [fetcher]      snapshot =              no file from which routes come back after a reboot\n"
    "  [shm]          max_bytes = 1G          room for more routes\n"
    "  [shm]          group = NAME            whose members may request routes and report\n";

enum {
    LARS_KEYS = sizeof(lars_keys) / sizeof(*lars_keys),
    OTHERS = sizeof(others) / sizeof(*others),
};

static const struct key *lars_key(size_t at)
{
    return keys_find(lars_keys[at].section, lars_keys[at].name, strlen(lars_keys[at].name));
}

/* LARS_KEYS: it is none of Lars. */
static size_t lars_number(const struct key *key)
{
    size_t at = 0;
    while (at < LARS_KEYS && lars_key(at) != key)
        at++;
    return at;
}

static void format_value(const struct config *config, const struct key *key, char out[static VALUE_SIZE])
{
    value_format(key, (const char *)config + key->offset, out);
}

static bool in_file(const struct lars_file *file, const struct key *key)
{
    for (size_t i = 0; i < file->line_count; i++)
        if (file->lines[i].key == key)
            return true;
    return false;
}

/* The file that this seems to be; NULL: that of an agent. */
static const char *other_file(const struct lars_file *file)
{
    for (size_t at = 0; at < OTHERS; at++)
        for (size_t i = 0; i < file->line_count; i++)
            if (file->lines[i].mistake && strstr(file->lines[i].mistake, others[at].word))
                return others[at].file;
    return NULL;
}

static void print_key(const struct lars_file *file, const struct key *key)
{
    char value[VALUE_SIZE];
    size_t at = lars_number(key);
    format_value(&file->config, key, value);
    printf("%s.%s = %s%s\n      %s\n", key->section, key->name, value,
           strcmp(value, key->initial) == 0 ? ", the default" : "", key->description);
    if (at == LARS_KEYS)
        puts("      A key of larshm, which Lars does not have.");
    else if (lars_keys[at].here)
        printf("      %s\n", lars_keys[at].here);
    if (strcmp(value, key->initial) != 0)
        printf("      The default is %s.\n", *key->initial ? key->initial : "none");
}

static void print_lines(const struct lars_file *file)
{
    for (size_t i = 0; i < file->line_count; i++) {
        const struct lars_line *line = &file->lines[i];
        if (line->kind == LARS_LINE_EMPTY)
            continue;
        printf("%4zu  ", i + 1);
        if (line->kind == LARS_LINE_SECTION)
            printf("[%s]\n", line->section);
        else if (line->kind == LARS_LINE_KEY)
            print_key(file, line->key);
        else
            printf("%s%s\n", line->mistake ? "MISTAKE: " : "belongs to that section",
                   line->mistake ? line->mistake : "");
    }
}

static void print_missing(const struct lars_file *file)
{
    const char *title = "\nNot in the file; an agent of Lars takes the same:\n";
    for (size_t at = 0; at < LARS_KEYS; at++) {
        const struct key *key = lars_key(at);
        if (in_file(file, key))
            continue;
        char value[VALUE_SIZE];
        format_value(&file->config, key, value);
        printf("%s  %s.%s = %s\n", title, key->section, key->name, value);
        title = "";
    }
}

static int print_text(const struct lars_file *file, const char *path)
{
    const char *other = other_file(file);
    printf("%s, line by line:\n", path);
    print_lines(file);
    if (file->mistake_count) {
        fflush(stdout);
        say("%s cannot be used as it is: %zu mistake%s, see above", path, file->mistake_count,
            number_plural(file->mistake_count));
        if (other)
            say("it seems to be %s; the agent's file is lars_lb_agent.conf", other);
        return EXIT_USAGE;
    }
    print_missing(file);
    printf("\n%s\n%s can be used as it is: larshm-fetcher -c %s\n", additions, path, path);
    return EXIT_SUCCESS;
}

static json_t *json_text(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *json_key(const struct lars_file *file, const struct key *key)
{
    char name[128], value[VALUE_SIZE];
    size_t at = lars_number(key);
    snprintf(name, sizeof(name), "%s.%s", key->section, key->name);
    format_value(&file->config, key, value);
    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:o}", "key", name, "value", value, "default", key->initial,
                     "of_lars", at < LARS_KEYS, "meaning", key->description, "here",
                     json_text(at < LARS_KEYS ? lars_keys[at].here : NULL));
}

static json_t *json_line(const struct lars_file *file, size_t at)
{
    const struct lars_line *line = &file->lines[at];
    json_t *out = line->kind == LARS_LINE_KEY       ? json_key(file, line->key)
                  : line->kind == LARS_LINE_SECTION ? json_pack("{s:s}", "section", line->section)
                  : line->kind == LARS_LINE_MISTAKE ? json_pack("{s:s}", "mistake", line->mistake)
                                                    : json_pack("{s:b}", "skipped", true);
    json_object_set_new(out, "line", json_integer((json_int_t)at + 1));
    return out;
}

static int print_json(const struct lars_file *file, const char *path)
{
    json_t *lines = json_array(), *missing = json_array();
    for (size_t i = 0; i < file->line_count; i++)
        if (file->lines[i].kind != LARS_LINE_EMPTY)
            json_array_append_new(lines, json_line(file, i));
    for (size_t at = 0; at < LARS_KEYS; at++)
        if (!in_file(file, lars_key(at)))
            json_array_append_new(missing, json_key(file, lars_key(at)));
    int code = file->mistake_count ? EXIT_USAGE : EXIT_SUCCESS;
    int printed = json_print(json_pack("{s:i, s:s, s:b, s:i, s:I, s:o, s:o, s:o}", "version", JSON_VERSION,
                                       "file", path, "ok", code == EXIT_SUCCESS, "exit_code", code,
                                       "mistakes", (json_int_t)file->mistake_count, "seems_to_be",
                                       json_text(other_file(file)), "lines", lines, "missing", missing));
    return printed == EXIT_SUCCESS ? code : printed;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const char **path = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*path)
            argp_error(state, "unexpected argument '%s': one FILE at a time", arg);
        *path = arg;
        return 0;
    case ARGP_KEY_END:
        if (!*path)
            argp_error(state, "FILE is missing: the agent's lars_lb_agent.conf");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {NULL, parse, "FILE", doc, common_children, NULL, NULL};

int command_import_lars(struct common *common, int argc, char **argv)
{
    const char *path = NULL;
    char error[1024];
    struct lars_file file;
    if (argp_parse(&argp, argc, argv, 0, NULL, &path) != 0)
        return EXIT_USAGE;
    if (lars_file_read(path, &file, error, sizeof(error)) != 0) {
        say("%s", error);
        return EXIT_USAGE;
    }
    int code = common->json ? print_json(&file, path) : print_text(&file, path);
    lars_file_free(&file);
    return code;
}
