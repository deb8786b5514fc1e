/* SPDX-License-Identifier: MIT */
#include "conf/value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/log.h"
#include "conf/name.h"
#include "conf/number.h"
#include "conf/values.h"

static const char *const levels[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static const char *const rules[] = {
    [RULES_LARSHM] = "larshm",
    [RULES_LARS] = "lars",
};

enum {
    REAL_PLACES = 9,         /* decimals of a real */
    REAL_SCALE = 1000000000, /* 10 to the power of REAL_PLACES */
};

static const char digits[] = "0123456789";

/* As number_scan(), but a number does not begin with a 0 that says nothing. */
static const char *parse_digits(const char *text, uint64_t *out)
{
    return text[0] == '0' && strchr(digits, text[1]) && text[1] ? NULL : number_scan(text, out);
}

static int parse_whole(const struct key *key, const char *text, uint64_t *out)
{
    uint64_t number;
    const char *rest = parse_digits(text, &number);
    if (!rest || *rest || number < key->min || number > key->max)
        return -1;
    *out = number;
    return 0;
}

static unsigned suffix_shift(char suffix)
{
    switch (suffix) {
    case 'K':
    case 'k':
        return 10;
    case 'M':
    case 'm':
        return 20;
    case 'G':
    case 'g':
        return 30;
    default:
        return 0;
    }
}

static int parse_size(const struct key *key, const char *text, uint64_t *out)
{
    uint64_t number;
    const char *rest = parse_digits(text, &number);
    if (!rest)
        return -1;
    unsigned shift = suffix_shift(*rest);
    if (rest[shift ? 1 : 0] || number > UINT64_MAX >> shift)
        return -1;
    number <<= shift;
    if (number < key->min || number > key->max)
        return -1;
    *out = number;
    return 0;
}

/* Not strtod(): that follows the locale, and takes exponents, hexadecimal and "nan". */
static int parse_real(const struct key *key, const char *text, double *out)
{
    uint64_t whole;
    const char *rest = parse_digits(text, &whole);
    if (!rest || whole > key->max)
        return -1;
    size_t places = 0;
    if (*rest == '.') {
        rest++;
        places = strspn(rest, digits);
        if (places == 0)
            return -1;
    }
    if (rest[places] || places > REAL_PLACES)
        return -1;
    uint64_t scaled = whole;
    for (size_t i = 0; i < REAL_PLACES; i++)
        scaled = scaled * 10 + (i < places ? (uint64_t)(rest[i] - '0') : 0);
    if (scaled < key->min * REAL_SCALE || scaled > key->max * REAL_SCALE)
        return -1;
    *out = (double)scaled / REAL_SCALE;
    return 0;
}

/* 0.0.0.0 is no machine's, and "" what stands for none. */
static int parse_ipv4(const char *text, uint32_t *out)
{
    struct in_addr address = {0};
    if (*text && (inet_pton(AF_INET, text, &address) != 1 || address.s_addr == INADDR_ANY))
        return -1;
    *out = ntohl(address.s_addr);
    return 0;
}

static void format_ipv4(uint32_t number, char *out, size_t size)
{
    const struct in_addr address = {htonl(number)};
    out[0] = '\0';
    if (number)
        inet_ntop(AF_INET, &address, out, (socklen_t)size);
}

/* The port is behind the last colon, if there is one. */
static int parse_server(const char *text, size_t length, struct config_peer *out)
{
    char host[CONFIG_HOST_SIZE + sizeof(":65535")];
    uint64_t port = CONFIG_SERVERS_PORT;
    if (length >= sizeof(host))
        return -1;
    memcpy(host, text, length);
    host[length] = '\0';
    char *colon = strrchr(host, ':');
    if (colon)
        *colon = '\0';
    const char *rest = colon ? parse_digits(colon + 1, &port) : "";
    if (!name_is_host(host) || !rest || *rest || port < 1 || port > UINT16_MAX)
        return -1;
    strcpy(out->ip, host);
    out->port = (uint16_t)port;
    return 0;
}

static bool has_server(const struct config_servers *servers, const struct config_peer *peer)
{
    for (uint32_t i = 0; i < servers->count; i++)
        if (servers->list[i].port == peer->port && strcasecmp(servers->list[i].ip, peer->ip) == 0)
            return true;
    return false;
}

/* The entry that is wrong, if one is: *wrong begins at it, NULL otherwise, and *fault says what is. */
static int read_servers(const char *text, struct config_servers *out, const char **wrong, const char **fault)
{
    struct config_servers servers = {0};
    bool more = *text != '\0';
    while (more) {
        struct config_peer peer = {0};
        text += strspn(text, " \t");
        size_t length = strcspn(text, " \t,");
        *wrong = text;
        *fault = parse_server(text, length, &peer) != 0 ? "is wrong"
                 : has_server(&servers, &peer)          ? "is named twice"
                 : servers.count == CONFIG_SERVERS_MAX  ? "is one too many"
                                                        : NULL;
        if (*fault)
            return -1;
        servers.list[servers.count++] = peer;
        text += length;
        text += strspn(text, " \t");
        more = *text == ',';
        text += more;
    }
    *wrong = text;
    *fault = "has no comma before it";
    if (*text)
        return -1;
    *wrong = NULL;
    *out = servers;
    return 0;
}

static void format_servers(const struct config_servers *servers, char out[static VALUE_SIZE])
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < servers->count; i++)
        used += (size_t)snprintf(out + used, VALUE_SIZE - used, "%s%s:%u", i ? ", " : "", servers->list[i].ip,
                                 servers->list[i].port);
}

/* Fills the field to its end, so that equal values are equal bytes. */
static void store_text(const struct key *key, const char *text, void *field)
{
    size_t length = strlen(text);
    memset(field, 0, key->size);
    memcpy(field, text, length);
}

/* The words that are the values 0, 1, ... of a key. Returns how many; 0: the type has none. */
static uint32_t words_of(const struct key *key, const char *const **words)
{
    switch (key->type) {
    case KEY_LEVEL:
        *words = levels;
        return sizeof(levels) / sizeof(*levels);
    case KEY_RULES:
        *words = rules;
        return sizeof(rules) / sizeof(*rules);
    default:
        return 0;
    }
}

static int parse_word(const struct key *key, const char *text, uint32_t *out)
{
    const char *const *words;
    for (uint32_t i = 0, count = words_of(key, &words); i < count; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return 0;
        }
    return -1;
}

int value_parse(const struct key *key, const char *text, void *field)
{
    const char *wrong, *fault;
    uint64_t number;
    switch (key->type) {
    case KEY_INTEGER:
        if (parse_whole(key, text, &number) != 0)
            return -1;
        *(uint32_t *)field = (uint32_t)number;
        return 0;
    case KEY_PORT:
        if (parse_whole(key, text, &number) != 0)
            return -1;
        *(uint16_t *)field = (uint16_t)number;
        return 0;
    case KEY_SIZE:
        return parse_size(key, text, field);
    case KEY_REAL:
        return parse_real(key, text, field);
    case KEY_HOST:
        if (!name_is_host(text) && (*text || key->min))
            return -1;
        store_text(key, text, field);
        return 0;
    case KEY_SERVERS:
        return read_servers(text, field, &wrong, &fault);
    case KEY_GROUP:
        if (!name_is_group(text))
            return -1;
        store_text(key, text, field);
        return 0;
    case KEY_PATH:
        if (!name_is_socket(text))
            return -1;
        store_text(key, text, field);
        return 0;
    case KEY_ADDRESS:
        return parse_ipv4(text, field);
    case KEY_LEVEL:
    case KEY_RULES:
        return parse_word(key, text, field);
    }
    return -1;
}

static void format_size(uint64_t bytes, char *out, size_t size)
{
    static const char suffixes[] = "GMK";
    for (const char *suffix = suffixes; *suffix; suffix++) {
        unsigned shift = suffix_shift(*suffix);
        if (bytes && bytes % (UINT64_C(1) << shift) == 0) {
            snprintf(out, size, "%" PRIu64 "%c", bytes >> shift, *suffix);
            return;
        }
    }
    snprintf(out, size, "%" PRIu64, bytes);
}

static void format_real(double real, char *out, size_t size)
{
    uint64_t scaled = (uint64_t)(real * REAL_SCALE + 0.5);
    if (scaled % REAL_SCALE == 0) {
        snprintf(out, size, "%" PRIu64, scaled / REAL_SCALE);
        return;
    }
    int places = REAL_PLACES;
    uint64_t decimals = scaled % REAL_SCALE;
    for (; decimals % 10 == 0; decimals /= 10)
        places--;
    snprintf(out, size, "%" PRIu64 ".%0*" PRIu64, scaled / REAL_SCALE, places, decimals);
}

void value_format(const struct key *key, const void *field, char out[static VALUE_SIZE])
{
    const char *const *words;
    switch (key->type) {
    case KEY_INTEGER:
        snprintf(out, VALUE_SIZE, "%" PRIu32, *(const uint32_t *)field);
        break;
    case KEY_PORT:
        snprintf(out, VALUE_SIZE, "%" PRIu16, *(const uint16_t *)field);
        break;
    case KEY_SIZE:
        format_size(*(const uint64_t *)field, out, VALUE_SIZE);
        break;
    case KEY_REAL:
        format_real(*(const double *)field, out, VALUE_SIZE);
        break;
    case KEY_HOST:
    case KEY_GROUP:
    case KEY_PATH:
        snprintf(out, VALUE_SIZE, "%s", (const char *)field);
        break;
    case KEY_SERVERS:
        format_servers(field, out);
        break;
    case KEY_ADDRESS:
        format_ipv4(*(const uint32_t *)field, out, VALUE_SIZE);
        break;
    case KEY_LEVEL:
    case KEY_RULES:
        words_of(key, &words);
        snprintf(out, VALUE_SIZE, "%s", words[*(const uint32_t *)field]);
        break;
    }
}

size_t value_wrong_entry(const struct key *key, const char *text, const char **entry, const char **fault)
{
    struct config_servers servers;
    *entry = NULL;
    if (key->type != KEY_SERVERS || read_servers(text, &servers, entry, fault) == 0)
        return 0;
    return strcspn(*entry, " \t,");
}

void value_allowed(const struct key *key, char out[static VALUE_ALLOWED_SIZE])
{
    const size_t size = VALUE_ALLOWED_SIZE;
    char min[32], max[32];
    const char *const *words;
    switch (key->type) {
    case KEY_INTEGER:
    case KEY_PORT:
        snprintf(out, size, "a whole number from %" PRIu64 " to %" PRIu64 "%s%s%s", key->min, key->max,
                 *key->unit ? " (" : "", key->unit, *key->unit ? ")" : "");
        break;
    case KEY_SIZE:
        format_size(key->min, min, sizeof(min));
        format_size(key->max, max, sizeof(max));
        snprintf(out, size, "a size from %s to %s (bytes, or a number with suffix K, M or G)", min, max);
        break;
    case KEY_REAL:
        snprintf(out, size, "a number from %" PRIu64 " to %" PRIu64 " with at most %d decimals", key->min,
                 key->max, REAL_PLACES);
        break;
    case KEY_HOST:
        snprintf(out, size,
                 key->min ? "a host name or an IPv4 address" : "a host name, an IPv4 address, or nothing");
        break;
    case KEY_SERVERS:
        snprintf(out, size, "at most %d different HOST[:PORT] with commas between them, or nothing",
                 CONFIG_SERVERS_MAX);
        break;
    case KEY_GROUP:
        snprintf(out, size, "a group name, or nothing");
        break;
    case KEY_PATH:
        snprintf(out, size, "an absolute path of at most %d characters, or nothing", CONFIG_PATH_SIZE - 1);
        break;
    case KEY_ADDRESS:
        snprintf(out, size, "an IPv4 address, or nothing");
        break;
    case KEY_LEVEL:
    case KEY_RULES:
        snprintf(out, size, "one of ");
        for (uint32_t i = 0, count = words_of(key, &words); i < count; i++)
            snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? ", " : "", words[i]);
        break;
    }
}
