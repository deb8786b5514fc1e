/* SPDX-License-Identifier: MIT */
#include "tools/larshm/lars_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "conf/complaint.h"
#include "conf/file.h"
#include "conf/scan.h"

/* Part of the text. */
struct piece {
    char *at;
    size_t length;
};

/* Without what the scan of conf/ takes for no part of a line either. */
static struct piece trimmed(const struct lars_line *line)
{
    static const char mark[] = "\xEF\xBB\xBF", blank[] = " \t\r\v\f";
    struct piece piece = {line->text, line->length};
    if (piece.length >= strlen(mark) && memcmp(piece.at, mark, strlen(mark)) == 0)
        piece = (struct piece){piece.at + strlen(mark), piece.length - strlen(mark)};
    while (piece.length && memchr(blank, piece.at[0], strlen(blank)))
        piece = (struct piece){piece.at + 1, piece.length - 1};
    while (piece.length && memchr(blank, piece.at[piece.length - 1], strlen(blank)))
        piece.length--;
    return piece;
}

static bool begins_section(const struct lars_line *line)
{
    struct piece piece = trimmed(line);
    return piece.length && piece.at[0] == '[';
}

static void blank_out(struct lars_line *line, enum lars_line_kind kind)
{
    line->kind = kind;
    memset(line->text, ' ', line->length);
}

/* Leaves a line out, and with a section all that belongs to it. */
static int leave_out(struct lars_file *file, size_t at, const char *mistake)
{
    struct lars_line *line = &file->lines[at];
    bool section = begins_section(line);
    line->mistake = strdup(mistake);
    blank_out(line, LARS_LINE_MISTAKE);
    file->mistake_count++;
    for (at++; section && at < file->line_count && !begins_section(&file->lines[at]); at++)
        if (trimmed(&file->lines[at]).length)
            blank_out(&file->lines[at], LARS_LINE_SKIPPED);
    return line->mistake ? 0 : -1;
}

/* A line that is left out stays as an empty one: as blanks it might be too long still. */
static bool write_lines(int fd, const struct lars_file *file)
{
    static char newline[] = "\n";
    for (size_t i = 0; i < file->line_count; i++) {
        const struct lars_line *line = &file->lines[i];
        const bool left_out = line->kind == LARS_LINE_MISTAKE || line->kind == LARS_LINE_SKIPPED;
        const struct iovec parts[] = {{line->text, left_out ? 0 : line->length}, {newline, 1}};
        if (writev(fd, parts, 2) != (ssize_t)(parts[0].iov_len + 1))
            return false;
    }
    return true;
}

/* What the fetcher says of the text as it is now: as config_load(). */
static int load(struct lars_file *file, struct complaints *to)
{
    struct scan scan;
    char copy[64];
    int fd = memfd_create("lars.conf", MFD_CLOEXEC), code = -1;
    *to = (struct complaints){.path = copy};
    snprintf(copy, sizeof(copy), "/proc/self/fd/%d", fd);
    if (fd >= 0 && write_lines(fd, file))
        code = config_load(copy, &file->config, &scan, to);
    else
        complain(to, 0, "cannot be copied to memory: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    to->path = NULL; /* it ends here */
    return code;
}

/* Leaves out what was complained of. -1: that is not a matter of lines, or of too many. */
static int leave_out_all(struct lars_file *file, const struct complaints *from, struct complaints *to)
{
    const size_t before = file->mistake_count;
    for (size_t i = 0; i < from->count && i < COMPLAINTS_MAX; i++) {
        const struct complaint *complaint = &from->list[i];
        if (complaint->line == 0 || complaint->line > file->line_count)
            return complain(to, 0, "%s", complaint->text);
        struct lars_line *line = &file->lines[complaint->line - 1];
        if (line->kind == LARS_LINE_SKIPPED)
            continue;
        if (line->mistake || file->mistake_count == LARS_FILE_MISTAKES_MAX)
            return complain(to, 0, "has more than %d mistakes: is it a lars_lb_agent.conf?",
                            LARS_FILE_MISTAKES_MAX);
        if (leave_out(file, complaint->line - 1, complaint->text) != 0)
            return complain(to, 0, "out of memory");
    }
    return file->mistake_count > before ? 0 : complain(to, 0, "cannot be understood");
}

static int split(struct lars_file *file, struct complaints *to)
{
    file->lines = calloc(LARS_FILE_LINES_MAX, sizeof(*file->lines));
    if (!file->lines)
        return complain(to, 0, "out of memory");
    for (char *at = file->text, *end = file->text + file->size; at < end; file->line_count++) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        if (file->line_count == LARS_FILE_LINES_MAX)
            return complain(to, 0, "has more than %d lines: is it a lars_lb_agent.conf?",
                            LARS_FILE_LINES_MAX);
        struct lars_line *line = &file->lines[file->line_count];
        line->text = at;
        line->length = (size_t)((newline ? newline : end) - at);
        at += line->length + 1;
    }
    return 0;
}

/* Of a text without mistakes. */
static void name_keys(struct lars_file *file)
{
    const char *section = NULL;
    for (size_t i = 0; i < file->line_count; i++) {
        struct lars_line *line = &file->lines[i];
        struct piece piece = trimmed(line);
        if (line->kind != LARS_LINE_EMPTY || !piece.length || piece.at[0] == '#' || piece.at[0] == ';')
            continue;
        char end = piece.at[0] == '[' ? ']' : '=';
        char *mark = memchr(piece.at, end, piece.length);
        struct lars_line name = {.text = piece.at + (end == ']'),
                                 .length = mark ? (size_t)(mark - piece.at) - (end == ']') : 0};
        struct piece word = trimmed(&name);
        if (end == ']')
            line->section = section = keys_section(word.at, word.length);
        else if (section)
            line->key = keys_find(section, word.at, word.length);
        line->kind = line->section ? LARS_LINE_SECTION : line->key ? LARS_LINE_KEY : LARS_LINE_EMPTY;
    }
}

/* `found` is for what is wrong with lines, `to` for why nothing can be said of the file. */
static int read_lines(struct lars_file *file, struct complaints *found, struct complaints *to)
{
    int code = file_read(&file->text, &file->size, to);
    if (code == 0)
        code = split(file, to);
    while (code == 0 && load(file, found) != 0)
        code = leave_out_all(file, found, to);
    if (code == 0)
        name_keys(file);
    return code;
}

int lars_file_read(const char *path, struct lars_file *out, char *error, size_t size)
{
    struct complaints *found = malloc(sizeof(*found)), *to = calloc(1, sizeof(*to));
    struct lars_file file = {0};
    int code = -1;
    snprintf(error, size, "out of memory");
    if (found && to) {
        to->path = path;
        code = read_lines(&file, found, to);
        complaint_line(to, 0, error, size);
    }
    free(found);
    free(to);
    if (code != 0)
        lars_file_free(&file);
    *out = file;
    return code;
}

void lars_file_free(struct lars_file *file)
{
    for (size_t i = 0; i < file->line_count; i++)
        free(file->lines[i].mistake);
    free(file->lines);
    free(file->text);
    *file = (struct lars_file){0};
}
