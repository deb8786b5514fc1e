/* SPDX-License-Identifier: MIT */
#include "tools/common/maria_url.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/number.h"

static const char *const schemes[] = {"mysql://", "mariadb://"};

static const char *after_scheme(const char *db)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (strncasecmp(db, schemes[i], strlen(schemes[i])) == 0)
            return db + strlen(schemes[i]);
    return NULL;
}

/* With or without the slashes: who writes it means no file of that name. */
bool maria_url_is(const char *db)
{
    return strncasecmp(db, "mysql:", strlen("mysql:")) == 0 ||
           strncasecmp(db, "mariadb:", strlen("mariadb:")) == 0;
}

static __attribute__((format(printf, 2, 3))) int wrong(char error[static STORE_ERROR_SIZE],
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, STORE_ERROR_SIZE, format, arguments);
    va_end(arguments);
    return -1;
}

/* In place. False: a % without two hexadecimal digits behind it, or a NUL. */
static bool decode(char *text)
{
    char *out = text;
    for (; *text; text++, out++) {
        *out = *text;
        if (*text != '%')
            continue;
        if (!isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]))
            return false;
        const char digits[] = {text[1], text[2], '\0'};
        *out = (char)strtoul(digits, NULL, 16);
        if (!*out)
            return false;
        text += 2;
    }
    *out = '\0';
    return true;
}

/* Cuts the text at the first of `stops`. Returns what is behind it, or NULL when none is there. */
static char *cut(char *text, const char *stops)
{
    char *stop = strpbrk(text, stops);
    if (!stop)
        return NULL;
    *stop = '\0';
    return stop + 1;
}

static int wrong_password(char error[static STORE_ERROR_SIZE])
{
    return wrong(
        error,
        "--db has a password in it, which other users of this machine can see: put it into an options file "
        "([client] password=..., in ~/.my.cnf or with ?options-file=PATH), or into the environment "
        "variable MYSQL_PWD");
}

static int read_user(struct maria_url *url, char *user, char error[static STORE_ERROR_SIZE])
{
    if (strchr(user, ':'))
        return wrong_password(error);
    if (!decode(user))
        return wrong(error, "--db: '%s' is no name of a user: %%XX stands for a character", user);
    url->user = *user ? user : NULL;
    return 0;
}

static int read_host(struct maria_url *url, char *text, char error[static STORE_ERROR_SIZE])
{
    struct maria_host host = {.name = text};
    char *port = NULL;
    uint32_t number = 0;
    if (*text == '[') { /* an IPv6 address */
        char *end = cut(++text, "]");
        host.name = text;
        if (!end || (*end && *end != ':'))
            return wrong(error, "--db: '[%s' is no address: write [ADDRESS]:PORT", text);
        port = *end ? end + 1 : NULL;
    } else {
        port = cut(text, ":");
    }
    if (port && !number_parse(port, 1, UINT16_MAX, &number))
        return wrong(error, "--db: port '%s' is not a decimal number from 1 to 65535", port);
    if (url->host_count == MARIA_HOSTS_MAX)
        return wrong(error, "--db names more than %d hosts", MARIA_HOSTS_MAX);
    host.port = number;
    url->hosts[url->host_count++] = host;
    return 0;
}

static int read_option(struct maria_url *url, char *name, char error[static STORE_ERROR_SIZE])
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {
        {"socket", &url->socket},
        {"options-file", &url->options_file},
        {"options-group", &url->options_group},
        {"ssl-ca", &url->ssl_ca},
        {"ssl-cert", &url->ssl_cert},
        {"ssl-key", &url->ssl_key},
    };
    char *value = cut(name, "=");
    if (strcmp(name, "password") == 0)
        return wrong_password(error);
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        if (strcmp(name, options[i].name) != 0)
            continue;
        if (!value || !*value || !decode(value))
            return wrong(error, "--db: option '%s' has no value, or a wrong one: %%XX stands for a character",
                         name);
        *options[i].value = value;
        return 0;
    }
    return wrong(
        error,
        "--db: unknown option '%s': they are socket, options-file, options-group, ssl-ca, ssl-cert and "
        "ssl-key; others have their place in an options file",
        name);
}

static int read_options(struct maria_url *url, char *options, char error[static STORE_ERROR_SIZE])
{
    while (options) {
        char *next = cut(options, "&");
        if (read_option(url, options, error) != 0)
            return -1;
        options = next;
    }
    return 0;
}

int maria_url_parse(struct maria_url *url, const char *text, char error[static STORE_ERROR_SIZE])
{
    *url = (struct maria_url){0};
    if (!after_scheme(text))
        return wrong(error,
                     "--db '%s' is no database: write " MARIA_URL_FORM ", or ./%s for a file of that name",
                     text, text);
    url->text = strdup(after_scheme(text));
    if (!url->text)
        return wrong(error, "out of memory");
    char *place = url->text, *options = cut(place, "?"), *database = cut(place, "/");
    char *at = strrchr(place, '@');
    if (at) {
        *at = '\0';
        if (read_user(url, place, error) != 0)
            return -1;
        place = at + 1;
    }
    while (place) {
        char *next = cut(place, ",");
        if (read_host(url, place, error) != 0)
            return -1;
        place = next;
    }
    if (!database || !*database || !decode(database))
        return wrong(error, "--db names no database: write " MARIA_URL_FORM);
    url->database = database;
    if (read_options(url, options, error) != 0)
        return -1;
    if (!*url->hosts[0].name && !url->socket)
        return wrong(error, "--db names no host: write " MARIA_URL_FORM ", or ?socket=PATH");
    return 0;
}

void maria_url_free(struct maria_url *url)
{
    free(url->text);
}
