/* SPDX-License-Identifier: MIT */
/*
 * An answer is a line of JSON, one more for each peer, and a last one with "end". It is made in parts of STEP peers, while
 * the peers are served: 10,000 of them neither keep the loop nor need memory at a time.
 */
#include "tools/dns/control.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/address.h"
#include "conf/admin_request.h"
#include "conf/admin_server.h"
#include "tools/dns/directory_peers.h"

enum {
    STEP = 256,
    CLIENTS_MAX = 8,
    MAINTAIN_MS = 1000,
};

struct control {
    uv_timer_t timer; /* its `data` is this */
    struct admin_server *server;
    struct directory *directory;
    char name[CONTROL_NAME_SIZE], listen[ADDRESS_TEXT_SIZE];
};

/* The rest of an answer. */
struct answer {
    struct directory_walk walk;
    json_t *(*describe)(struct answer *answer, struct client *client); /* a line, or NULL for none */
    json_t *(*end)(const struct answer *answer);
    struct route_key key;
    uint64_t subscribers, delivered;
};

static json_t *version_of(bool known, uint64_t version)
{
    return known ? json_integer((json_int_t)version) : json_null();
}

static uint64_t unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- peers ---- */

static json_t *describe_peer(struct answer *answer, struct client *client)
{
    struct peer_state peer = directory_peer(client);
    (void)answer;
    return json_pack("{s:s, s:I, s:I, s:o, s:I, s:I}", "address", peer.address, "since_unix_ms",
                     (json_int_t)(unix_ms() - peer.connected_ms), "routes", (json_int_t)peer.routes,
                     "data_version", version_of(peer.version_known, peer.version), "unacknowledged_bytes",
                     (json_int_t)peer.bytes, "answers_due", (json_int_t)peer.answers);
}

static json_t *end_peers(const struct answer *answer)
{
    (void)answer;
    return json_pack("{s:b}", "end", 1);
}

/* ---- route_status ---- */

static json_t *describe_lag(struct answer *answer, struct client *client)
{
    static const char *const waits_for[DELIVERIES] = {
        [DELIVERY_UNACKNOWLEDGED] = "acknowledgement",
        [DELIVERY_BLOCKED] = "earlier",
        [DELIVERY_DUE] = "directory",
        [DELIVERY_TOO_LONG] = "length",
    };
    enum delivery delivery;
    if (!directory_delivery(client, answer->key, &delivery))
        return NULL;
    answer->subscribers++;
    if (delivery == DELIVERED) {
        answer->delivered++;
        return NULL;
    }
    struct peer_state peer = directory_peer(client);
    return json_pack("{s:s, s:s, s:I}", "address", peer.address, "waits_for", waits_for[delivery],
                     "unacknowledged_bytes", (json_int_t)peer.bytes);
}

static json_t *end_status(const struct answer *answer)
{
    return json_pack("{s:b, s:I, s:I}", "end", 1, "subscribers", (json_int_t)answer->subscribers, "have_it",
                     (json_int_t)answer->delivered);
}

/* ---- answers ---- */

/* Writes the line and a line break. */
static void write_line(FILE *out, json_t *line)
{
    json_dumpf(line, out, JSON_COMPACT);
    json_decref(line);
    putc('\n', out);
}

static void drop(struct admin_rest *rest)
{
    struct answer *answer = rest->arg;
    directory_walk_end(&answer->walk);
    free(answer);
    rest->next = NULL;
}

/* A part without a peer to name is an empty line. */
static char *next(struct admin_rest *rest)
{
    struct answer *answer = rest->arg;
    struct client *client = NULL;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (int i = 0; i < STEP && (client = directory_walk_next(&answer->walk)); i++) {
        json_t *line = answer->describe(answer, client);
        if (line)
            write_line(out, line);
    }
    if (!client)
        write_line(out, answer->end(answer));
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    if (!client)
        drop(rest);
    if (size > 0)
        text[size - 1] = '\0';
    return text;
}

/* Begins an answer of many lines; `head` is its first one. Returns that. */
static char *begin(struct control *control, const struct answer *kind, json_t *head, struct admin_rest *rest)
{
    struct answer *answer = malloc(sizeof(*answer));
    char *text = NULL;
    if (answer && head)
        text = json_dumps(head, JSON_COMPACT);
    json_decref(head);
    if (!text) {
        free(answer);
        return NULL;
    }
    *answer = *kind;
    directory_walk_begin(control->directory, &answer->walk);
    *rest = (struct admin_rest){.next = next, .drop = drop, .arg = answer};
    return text;
}

static json_t *head(const struct control *control)
{
    uint64_t version = 0;
    bool known = directory_version(control->directory, &version);
    return json_pack("{s:i, s:b, s:s, s:o}", "version", ADMIN_VERSION, "ok", 1, "directory", control->listen,
                     "data_version", version_of(known, version));
}

static char *answer_peers(struct control *control, struct admin_rest *rest)
{
    const struct answer kind = {.describe = describe_peer, .end = end_peers};
    return begin(control, &kind, head(control), rest);
}

static char *answer_status(struct control *control, const struct admin_request *request,
                           struct admin_rest *rest, struct admin_error *error)
{
    const struct answer kind = {.describe = describe_lag,
                                .end = end_status,
                                .key = {.modid = request->modid, .cmdid = request->cmdid}};
    struct route_content content;
    char digest[17];
    const char *why;
    if (directory_read_now(control->directory, kind.key, &content, &why) != 0) {
        admin_refuse(error, "database", "%s", why);
        return NULL;
    }
    snprintf(digest, sizeof(digest), "%016" PRIx64, content.digest);
    json_t *first = head(control);
    json_t *more = json_pack("{s:I, s:s}", "hosts", (json_int_t)content.hosts, "digest", digest);
    if (first && more)
        json_object_update(first, more);
    json_decref(more);
    return begin(control, &kind, first, rest);
}

static char *execute(void *arg, const char *line, size_t length, struct admin_rest *rest)
{
    struct control *control = arg;
    struct admin_request request;
    struct admin_error error = {.code = ""};
    char *answer = NULL;
    if (admin_request_parse(line, length, &request, &error)) {
        if (strcmp(request.command, "peers") == 0 && !request.has_route)
            answer = answer_peers(control, rest);
        else if (strcmp(request.command, "route_status") == 0 && request.has_route && !request.has_host)
            answer = answer_status(control, &request, rest, &error);
        else
            admin_refuse(&error, "unknown_command",
                         "%s: only peers, and route_status with modid and cmdid, are known", request.command);
    }
    return error.code[0] ? admin_error_answer(&error) : answer;
}

/* ---- its life ---- */

void control_name(in_port_t port, char name[static CONTROL_NAME_SIZE])
{
    snprintf(name, CONTROL_NAME_SIZE, "dns.%u", (unsigned)port);
}

static void on_time(uv_timer_t *timer)
{
    struct control *control = timer->data;
    admin_server_maintain(control->server);
}

struct control *control_start(uv_loop_t *loop, struct directory *directory, const struct sockaddr_in *listen,
                              const char *path)
{
    struct control *control = calloc(1, sizeof(*control));
    const struct admin_service service = {
        .execute = execute,
        .arg = control,
        .peers_max = CLIENTS_MAX,
        .missing = "'larshm-dns peers' and 'larshm-dns route status' do not work",
        .remedy = "name another path with --socket, in a directory of this user",
    };
    if (!control)
        return NULL;
    control->directory = directory;
    control_name(ntohs(listen->sin_port), control->name);
    address_format(listen, control->listen);
    control->server = admin_server_start(loop, control->name, path, &service);
    if (!control->server) {
        free(control);
        return NULL;
    }
    uv_timer_init(loop, &control->timer);
    control->timer.data = control;
    uv_timer_start(&control->timer, on_time, MAINTAIN_MS, MAINTAIN_MS);
    return control;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void control_stop(struct control *control)
{
    if (!control)
        return;
    admin_server_stop(control->server);
    uv_close((uv_handle_t *)&control->timer, on_closed);
}
