/* SPDX-License-Identifier: MIT */
#include "conf/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/complaint.h"
#include "conf/file.h"
#include "conf/ini.h"
#include "conf/keys.h"
#include "conf/scan.h"
#include "conf/value.h"

static void *field(struct config *config, const struct key *key)
{
    return (char *)config + key->offset;
}

static const void *const_field(const struct config *config, const struct key *key)
{
    return (const char *)config + key->offset;
}

static int set(struct config *config, const struct key *key, const char *text, unsigned line,
               struct complaints *to)
{
    if (value_parse(key, text, field(config, key)) == 0)
        return 0;
    char allowed[VALUE_ALLOWED_SIZE];
    const char *entry, *fault;
    size_t length = value_wrong_entry(key, text, &entry, &fault);
    value_allowed(key, allowed);
    if (entry && length == 0)
        return complain(to, line, "%s.%s is \"%s\", which has an empty entry: allowed is %s", key->section,
                        key->name, excerpt(text, strlen(text)).text, allowed);
    if (entry)
        return complain(to, line, "%s.%s is \"%s\", where \"%s\" %s: allowed is %s", key->section, key->name,
                        excerpt(text, strlen(text)).text, excerpt(entry, length).text, fault, allowed);
    return complain(to, line, "%s.%s is \"%s\": allowed is %s", key->section, key->name,
                    excerpt(text, strlen(text)).text, allowed);
}

static int set_defaults(struct config *config)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (value_parse(&keys[i], keys[i].initial, field(config, &keys[i])) != 0)
            return -1;
    return 0;
}

/* Sets the keys that are in the scanned file. */
static void set_found(struct config *config, struct scan *scan, const struct ini *ini, struct complaints *to)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (!scan->lines[i] || scan->wrong[i])
            continue;
        const char *text = ini_get(ini, &keys[i]);
        int result = text ? set(config, &keys[i], text, scan->lines[i], to)
                          : complain(to, scan->lines[i], "%s.%s cannot be understood: write it as %s = %s",
                                     keys[i].section, keys[i].name, keys[i].name, keys[i].initial);
        scan->wrong[i] = result != 0;
    }
}

/* Refuses two keys of [fetcher] that contradict each other. */
static void check_order(const struct config *config, const char *smaller, const char *larger,
                        const struct scan *scan, struct complaints *to)
{
    const struct key *low = keys_find("fetcher", smaller, strlen(smaller));
    const struct key *high = keys_find("fetcher", larger, strlen(larger));
    char low_text[VALUE_SIZE], high_text[VALUE_SIZE];
    uint32_t low_value = *(const uint32_t *)const_field(config, low);
    uint32_t high_value = *(const uint32_t *)const_field(config, high);
    if (scan->wrong[low - keys] || scan->wrong[high - keys] || low_value <= high_value)
        return;
    unsigned low_line = scan->lines[low - keys], high_line = scan->lines[high - keys];
    value_format(low, const_field(config, low), low_text);
    value_format(high, const_field(config, high), high_text);
    complain(to, low_line > high_line ? low_line : high_line,
             "%s.%s = %s%s is more than %s = %s%s: lower the one or raise the other", low->section, smaller,
             low_text, low_line ? "" : " (the default)", larger, high_text,
             high_line ? "" : " (the default)");
}

/* `servers` stands for `ip` and `port`. */
static void check_servers(const struct config *config, const struct scan *scan, struct complaints *to)
{
    const unsigned servers = scan->lines[keys_find("dnsserver", "servers", 7) - keys];
    const struct key *ip = keys_find("dnsserver", "ip", 2), *port = keys_find("dnsserver", "port", 4);
    const struct key *other = scan->lines[ip - keys] ? ip : port;
    const unsigned line = scan->lines[other - keys];
    if (config->servers.count == 0 || line == 0)
        return;
    complain(to, line > servers ? line : servers,
             "dnsserver.servers and dnsserver.%s are both set, on lines %u and %u: keep servers, or ip "
             "and port",
             other->name, servers, line);
}

static int set_from_text(struct config *config, const char *text, size_t size, struct ini *ini,
                         struct scan *scan, struct complaints *to)
{
    if (ini_open(ini) != 0)
        return complain(to, 0, "cannot be copied to memory: %s", strerror(errno));
    scan_text(text, size, ini->text, scan, to);
    if (ini_parse(ini) != 0)
        return complain(to, 0, "cannot be parsed: is memory short, or /proc not mounted?");
    set_found(config, scan, ini, to);
    check_servers(config, scan, to);
    check_order(config, "reconnect_min_ms", "reconnect_max_ms", scan, to);
    check_order(config, "resubscribe_per_second", "requests_per_second", scan, to);
    return to->count ? -1 : 0;
}

static int set_from_file(struct config *config, struct scan *scan, struct complaints *to)
{
    char *text;
    size_t size;
    struct ini ini = {0};
    if (file_read(&text, &size, to) != 0)
        return -1;
    int result = set_from_text(config, text, size, &ini, scan, to);
    ini_close(&ini);
    free(text);
    return result;
}

int config_load(const char *path, struct config *out, struct scan *where, struct complaints *to)
{
    struct config config = {0};
    if (set_defaults(&config) != 0)
        return -1;
    if (path) {
        *where = (struct scan){0};
        to->path = path;
        to->count = 0;
        if (set_from_file(&config, where, to) != 0)
            return -1;
    }
    *out = config;
    return 0;
}

static void print_value(FILE *out, const char *name, const char *text)
{
    /* Such a path stands in quotes in a file, of a kind that it has not itself. */
    const char *quote = strpbrk(text, "#;") ? strchr(text, '"') ? "'" : "\"" : "";
    fprintf(out, "%s =%s%s%s%s\n", name, *text ? " " : "", quote, text, quote);
}

void config_print(FILE *out, const struct config *config)
{
    const struct key *ip = keys_find("dnsserver", "ip", 2), *port = keys_find("dnsserver", "port", 4);
    const char *section = NULL;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        char text[VALUE_SIZE];
        if (keys[i].section != section)
            fprintf(out, "%s[%s]\n", section ? "\n" : "", keys[i].section);
        section = keys[i].section;
        if (config->servers.count > 0 && (&keys[i] == ip || &keys[i] == port))
            continue; /* a file that has both is refused */
        value_format(&keys[i], const_field(config, &keys[i]), text);
        print_value(out, keys[i].name, text);
    }
}

size_t config_reload(struct config *running, const struct config *loaded, char *restart, size_t restart_size)
{
    size_t count = 0, used = 0;
    if (restart_size)
        restart[0] = '\0';
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct key *key = &keys[i];
        if (key->reloadable) {
            memcpy(field(running, key), const_field(loaded, key), key->size);
        } else if (memcmp(field(running, key), const_field(loaded, key), key->size) != 0) {
            if (used < restart_size)
                used += (size_t)snprintf(restart + used, restart_size - used, "%s%s.%s", count ? ", " : "",
                                         key->section, key->name);
            count++;
        }
    }
    return count;
}
