/* SPDX-License-Identifier: MIT */
#include "conf/scan.h"

#include <string.h>

#include "conf/suggest.h"

/* Part of the text; not terminated. */
struct piece {
    const char *at;
    size_t length;
};

struct scanner {
    struct complaints *to;
    FILE *clean;
    const char *section; /* the one that the line belongs to, or NULL */
    bool ignored;        /* where there is none: it has been said why */
    unsigned line;
    struct scan *found;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static bool starts_comment(char c)
{
    return c == '#' || c == ';';
}

static struct piece trim(struct piece piece)
{
    while (piece.length && is_blank(piece.at[0])) {
        piece.at++;
        piece.length--;
    }
    while (piece.length && is_blank(piece.at[piece.length - 1]))
        piece.length--;
    return piece;
}

static struct piece before(struct piece piece, const char *end)
{
    return trim((struct piece){piece.at, (size_t)(end - piece.at)});
}

static struct piece after(struct piece piece, const char *end)
{
    return trim((struct piece){end + 1, piece.length - (size_t)(end + 1 - piece.at)});
}

static int refuse_section(const struct scanner *scanner, struct piece name)
{
    const char *names[KEY_COUNT];
    char hint[512];
    suggest(name.at, name.length, names, keys_sections(names), hint, sizeof(hint));
    return complain(scanner->to, scanner->line, "unknown section [%s]: %s",
                    excerpt(name.at, name.length).text, hint);
}

static int refuse_key(const struct scanner *scanner, struct piece name)
{
    const char *names[KEY_COUNT];
    char hint[512];
    const struct key *elsewhere = keys_find(NULL, name.at, name.length);
    if (elsewhere)
        snprintf(hint, sizeof(hint), "it belongs to [%s]", elsewhere->section);
    else
        suggest(name.at, name.length, names, keys_names(scanner->section, names), hint, sizeof(hint));
    return complain(scanner->to, scanner->line, "unknown key \"%s\" in [%s]: %s",
                    excerpt(name.at, name.length).text, scanner->section, hint);
}

static int scan_section(struct scanner *scanner, struct piece line)
{
    const char *end = memchr(line.at, ']', line.length);
    struct piece rest = end ? after(line, end) : (struct piece){0};
    scanner->section = NULL;
    scanner->ignored = true;
    if (!end || (rest.length && !starts_comment(rest.at[0])))
        return complain(scanner->to, scanner->line,
                        "a section must be written as [name] on a line of its own");
    struct piece name = after(before(line, end), line.at);
    const char *section = keys_section(name.at, name.length);
    if (!section)
        return refuse_section(scanner, name);
    scanner->section = section;
    fprintf(scanner->clean, "[%s]\n", section);
    return 0;
}

/* iniparser would take "a" for the value of both `key = "a` and `key = "a" b`; from 4.2 on also for that of "\a". */
static int check_quotes(const struct scanner *scanner, struct piece value)
{
    if (value.length == 0 || (value.at[0] != '"' && value.at[0] != '\''))
        return 0;
    const char *end = memchr(value.at + 1, value.at[0], value.length - 1);
    if (!end)
        return complain(scanner->to, scanner->line, "the value's closing quote is missing");
    if (memchr(value.at, '\\', (size_t)(end - value.at)))
        return complain(scanner->to, scanner->line,
                        "a backslash within quotes, which no value has: remove it");
    struct piece rest = after(value, end);
    if (rest.length && !starts_comment(rest.at[0]))
        return complain(scanner->to, scanner->line, "only a comment may follow the value's closing quote");
    return 0;
}

static int scan_key(struct scanner *scanner, struct piece line, const char *equals)
{
    struct piece name = before(line, equals), value = after(line, equals);
    if (!scanner->section) {
        if (!scanner->ignored)
            complain(scanner->to, scanner->line,
                     "key \"%s\" stands before any section: put a line such as [%s] above it",
                     excerpt(name.at, name.length).text, keys[0].section);
        scanner->ignored = true;
        return -1;
    }
    const struct key *key = keys_find(scanner->section, name.at, name.length);
    if (!key)
        return refuse_key(scanner, name);
    unsigned *set = &scanner->found->lines[key - keys];
    if (*set)
        return complain(scanner->to, scanner->line, "%s.%s is already set on line %u: keep one of the two",
                        key->section, key->name, *set);
    *set = scanner->line;
    scanner->found->wrong[key - keys] = true;
    if (line.at[line.length - 1] == '\\')
        return complain(scanner->to, scanner->line,
                        "a line cannot be continued: remove the backslash at its end");
    if (check_quotes(scanner, value) != 0)
        return -1;
    scanner->found->wrong[key - keys] = false;
    fprintf(scanner->clean, "%s=%.*s\n", key->name, (int)value.length, value.at);
    return 0;
}

static int scan_line(struct scanner *scanner, struct piece line)
{
    const char *equals;
    if (memchr(line.at, '\0', line.length))
        return complain(scanner->to, scanner->line, "a NUL byte: the file must be plain text");
    if (line.length > SCAN_LINE_MAX)
        return complain(scanner->to, scanner->line, "longer than %d bytes: shorten the line", SCAN_LINE_MAX);
    line = trim(line);
    if (memchr(line.at, '\r', line.length))
        return complain(scanner->to, scanner->line,
                        "a carriage return inside the line: lines must end in LF or CRLF");
    if (line.length == 0 || starts_comment(line.at[0]))
        return 0;
    if (line.at[0] == '[')
        return scan_section(scanner, line);
    if ((equals = memchr(line.at, '=', line.length)))
        return scan_key(scanner, line, equals);
    return complain(scanner->to, scanner->line, "\"%s\" is no [section], key = value or # comment",
                    excerpt(line.at, line.length).text);
}

int scan_text(const char *text, size_t size, FILE *clean, struct scan *out, struct complaints *to)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* UTF-8 byte order mark */
    const size_t mark_size = sizeof(mark) - 1;
    struct scanner scanner = {.to = to, .clean = clean, .found = out};
    int result = 0;
    *out = (struct scan){0};
    if (size >= mark_size && memcmp(text, mark, mark_size) == 0) {
        text += mark_size;
        size -= mark_size;
    }
    if (size == 0)
        return complain(to, 0, "is empty: to run on defaults, start without -c");
    while (size) {
        const char *newline = memchr(text, '\n', size);
        size_t length = newline ? (size_t)(newline - text) : size;
        scanner.line++;
        if (scan_line(&scanner, (struct piece){text, length}) != 0)
            result = -1;
        size_t taken = newline ? length + 1 : length;
        text += taken;
        size -= taken;
    }
    return result;
}
