/* SPDX-License-Identifier: MIT */
#include "tools/dns/control_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/admin_request.h"
#include "conf/log.h"
#include "conf/name.h"
#include "conf/number.h"
#include "tools/common/admin_client.h"
#include "tools/dns/control.h"

enum {
    TIMEOUT_S = 10,
    PORT_DEFAULT = 7778,
    OPTION_SOCKET = 1024,
};

/* ---- options ---- */

static const struct argp_option described[] = {
    {"json", 'j', NULL, 0, "print JSON; it carries \"version\":1, and members are only ever added", 0},
    {"port", 'p', "PORT", 0, "the directory on this machine that listens at this port (default 7778)", 0},
    {"socket", OPTION_SOCKET, "PATH", 0, "the directory whose 'serve' was given this --socket", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct control_options *options = state->input;
    switch (key) {
    case 'j':
        options->json = true;
        return 0;
    case 'p':
        if (!number_parse(arg, 1, UINT16_MAX, &options->port))
            argp_error(state, "--port '%s' is not a decimal number from 1 to 65535", arg);
        return 0;
    case OPTION_SOCKET:
        if (!*arg || !name_is_socket(arg))
            argp_error(state, "--socket '%s' is not " NAME_SOCKET_ALLOWED, arg);
        options->socket = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp control_argp = {described, parse_option, NULL, NULL, NULL, NULL, NULL};

void control_options_init(struct control_options *options)
{
    *options = (struct control_options){.port = PORT_DEFAULT, .socket = ""};
}

/* ---- the connection ---- */

static int fail_unreached(int error, const char *tried)
{
    switch (error) {
    case EACCES:
    case EPERM:
        log_line(
            LOG_LEVEL_ERROR,
            "no permission to speak to the directory at %s: only root and the user of 'larshm-dns serve' may, "
            "run this as one of them",
            tried);
        break;
    case ENOENT:
    case ECONNREFUSED:
        log_line(
            LOG_LEVEL_ERROR,
            "no directory listens at %s: is 'larshm-dns serve' running there? --port names its port, and "
            "--socket the path that it was given",
            tried);
        break;
    case EAGAIN:
        log_line(LOG_LEVEL_ERROR, "the directory at %s has not answered within %d s: is it stopped?", tried,
                 TIMEOUT_S);
        break;
    case ECONNRESET:
        log_line(LOG_LEVEL_ERROR,
                 "the directory at %s has closed the connection before the end of its answer: has it ended?",
                 tried);
        break;
    default:
        log_line(LOG_LEVEL_ERROR, "%s: %s", tried, strerror(error));
    }
    return EXIT_NO_DIRECTORY;
}

/* Frees the request. Returns 0, or an errno. A directory that refuses the connection answers all the same. */
static int send_request(int fd, json_t *request)
{
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!text)
        return ENOMEM;
    size_t length = strlen(text);
    text[length] = '\n'; /* in place of its end */
    ssize_t sent = send(fd, text, length + 1, MSG_NOSIGNAL);
    int error = sent < 0 ? errno : 0;
    free(text);
    if (error != 0)
        return error == EPIPE ? 0 : error;
    return sent == (ssize_t)length + 1 ? 0 : EAGAIN;
}

/* Takes a line, which is freed. Returns 0, or an errno; EPROTO: it is none. */
static int take(struct control_answer *answer, json_t *line)
{
    if (!json_is_object(line)) {
        json_decref(line);
        return EPROTO;
    }
    if (!answer->head)
        answer->head = line;
    else if (json_object_get(line, "end"))
        answer->end = line;
    else if (json_array_append_new(answer->lines, line) != 0)
        return ENOMEM;
    return 0;
}

static bool is_refusal(const struct control_answer *answer)
{
    return answer->head && !json_is_true(json_object_get(answer->head, "ok"));
}

static int receive(FILE *in, struct control_answer *answer)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = 0;
    int error = 0;
    errno = 0;
    while (error == 0 && !answer->end && !is_refusal(answer) && (length = getline(&line, &size, in)) >= 0)
        if (length > 1)
            error = take(answer, json_loadb(line, (size_t)length, JSON_REJECT_DUPLICATES, NULL));
    free(line);
    return error ? error : length > 0 ? 0 : errno ? errno : ECONNRESET;
}

static int exchange(int fd, json_t *request, struct control_answer *answer)
{
    int error = send_request(fd, request);
    if (error != 0) {
        close(fd);
        return error;
    }
    FILE *in = fdopen(fd, "r");
    if (!in) {
        close(fd);
        return ENOMEM;
    }
    error = receive(in, answer);
    fclose(in);
    return error;
}

int control_ask(const struct control_options *options, json_t *request, struct control_answer *answer)
{
    char name[CONTROL_NAME_SIZE], tried[ADMIN_TRIED_SIZE];
    *answer = (struct control_answer){.lines = json_array()};
    control_name((in_port_t)options->port, name);
    int fd = admin_client_connect(options->socket, name, TIMEOUT_S, tried), error;
    if (fd < 0) {
        json_decref(request);
        error = -fd;
    } else
        error = exchange(fd, request, answer);
    if (error == 0 && !is_refusal(answer))
        return EXIT_SUCCESS;
    int exit_code = EXIT_FAILURE;
    if (error == ENOMEM)
        log_line(LOG_LEVEL_ERROR, "out of memory");
    else if (error == EPROTO)
        log_line(LOG_LEVEL_ERROR,
                 "the answer at %s makes no sense: is the directory of the same version as this program?",
                 tried);
    else if (error != 0)
        exit_code = fail_unreached(error, tried);
    else
        log_line(LOG_LEVEL_ERROR, "the directory refuses: %s", control_string(answer->head, "error"));
    control_answer_free(answer);
    return exit_code;
}

void control_answer_free(struct control_answer *answer)
{
    json_decref(answer->head);
    json_decref(answer->lines);
    json_decref(answer->end);
    *answer = (struct control_answer){.head = NULL};
}

/* ---- what it says ---- */

const char *control_string(const json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));
    return text ? text : "";
}

uint64_t control_number(const json_t *line, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(line, name));
    return number > 0 ? (uint64_t)number : 0;
}

int control_print(json_t *document)
{
    if (!document) {
        log_line(LOG_LEVEL_ERROR, "out of memory");
        return EXIT_FAILURE;
    }
    json_dumpf(document, stdout, JSON_INDENT(2));
    json_decref(document);
    putchar('\n');
    return EXIT_SUCCESS;
}
