/* SPDX-License-Identifier: MIT */
#include "fetcher/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/log.h"
#include "conf/system_error.h"
#include "fetcher/backoff.h"
#include "fetcher/name_lookup.h"
#include "fetcher/tcp.h"
#include "shm/clock.h"

enum {
    OUT_MAX = 65536,  /* bytes queued while a write is under way */
    READ_MAX = 65536, /* bytes read from the socket at a time */
    HURRY_MS = 2000,  /* half of it or more passes between two attempts that programs cause */
    TIMED = 1 << 20,  /* bytes of a frame that must come within frame_timeout_ms, unless it ends before */
};

/* One attempt. Outlives its place in the connection until libuv has closed it. */
struct link {
    uv_tcp_t tcp;
    uv_connect_t connect;
    struct connection *connection; /* NULL: abandoned */
};

struct write_job {
    uv_write_t request;
    size_t size;
    uint8_t bytes[OUT_MAX];
};

struct connection {
    uv_loop_t *loop;
    uv_timer_t timer;           /* connect time-out, or backoff */
    uv_timer_t frame_timer;     /* a frame that has begun must go on */
    struct name_lookup *lookup; /* NULL: none is under way */
    bool stopping;
    unsigned handles; /* that libuv still knows */
    struct servers *servers;
    struct config_peer target;    /* the server of the attempt under way, or of the connection */
    struct config_peer looked_up; /* whose name is being looked up */
    const struct config *timing;
    const struct connection_role *role;
    void *context;
    enum connection_state state;
    uint64_t again_from; /* tick: nothing but the backoff makes another attempt before */
    char address[CONNECTION_ADDRESS_SIZE];
    struct link *link;
    struct frame_stream in;
    size_t timed; /* bytes since frame_timer was started */
    struct log_limit up_limit, lost_limit;
    uint8_t input[READ_MAX];
    struct write_job job;   /* at most one is under way */
    uint64_t writing_since; /* tick; 0: none is */
    uint8_t out[OUT_MAX];
    size_t out_size;
};

static void attempt(struct connection *connection);

static void set_state(struct connection *connection, enum connection_state state)
{
    connection->state = state;
    if (connection->role->state)
        connection->role->state(connection->context, state);
}

static void link_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void abandon_link(struct connection *connection)
{
    struct link *link = connection->link;
    if (!link)
        return;
    connection->link = NULL;
    link->connection = NULL;
    uv_close((uv_handle_t *)&link->tcp, link_closed);
}

static void backoff_over(uv_timer_t *timer)
{
    attempt(timer->data);
}

/* Forgets the connection, or the attempt. */
static void leave(struct connection *connection)
{
    abandon_link(connection);
    frame_stream_free(&connection->in);
    connection->out_size = 0;
    uv_timer_stop(&connection->timer);
    uv_timer_stop(&connection->frame_timer);
}

static void log_lost(struct connection *connection, const char *why, uint64_t delay)
{
    struct log_limit *limit = &connection->lost_limit;
    const struct config_peer *peer = servers_peer(connection->servers);
    uint64_t next = limit->next;
    char other[CONFIG_HOST_SIZE + 8] = "again";
    if (!servers_same(peer, &connection->target))
        snprintf(other, sizeof(other), "%s:%u", peer->ip, peer->port);
    log_limited(limit, LOG_LEVEL_WARNING, "%s %s:%u: %s; trying %s in %.1f s", connection->role->peer,
                connection->target.ip, connection->target.port, why, other, (double)delay / 1000);
    if (limit->next != next)
        limit->next += connection->role->quiet_ms;
}

static void notify_down(struct connection *connection)
{
    if (connection->role->down)
        connection->role->down(connection->context);
}

/* The connection, or the attempt, has ended. */
static void lost(struct connection *connection, const char *why)
{
    bool was_up = connection->state == CONNECTION_UP;
    leave(connection);
    uint64_t delay =
        backoff_ms(connection->timing->fetcher.reconnect_min_ms, connection->timing->fetcher.reconnect_max_ms,
                   servers_failed(connection->servers, why));
    log_lost(connection, why, delay);
    set_state(connection, CONNECTION_WAITING);
    uv_timer_start(&connection->timer, backoff_over, delay, 0);
    if (was_up)
        notify_down(connection);
}

void connection_drop(struct connection *connection, const char *why)
{
    if (connection->link)
        lost(connection, why);
}

void connection_redirect(struct connection *connection)
{
    bool was_up = connection->state == CONNECTION_UP;
    leave(connection);
    servers_retry(connection->servers);
    if (was_up)
        notify_down(connection);
    attempt(connection);
}

static void frame_overdue(uv_timer_t *timer)
{
    lost(timer->data, "timed out in the middle of a frame");
}

static void take_frames(struct connection *connection)
{
    struct frame frame;
    enum frame_result result;
    bool progress = false;
    connection->in.max = (uint32_t)connection->timing->fetcher.max_frame;
    while ((result = frame_stream_next(&connection->in, &frame)) == FRAME_OK || result == FRAME_LONG) {
        progress = true;
        if (result == FRAME_OK)
            connection->role->frame(connection->context, &frame);
        else
            connection->role->long_frame(connection->context, &frame);
    }
    if (result == FRAME_INVALID) {
        connection->role->bad_frame(connection->context);
        lost(connection, "a frame's length is negative");
        return;
    }
    if (!frame_stream_in_frame(&connection->in)) {
        uv_timer_stop(&connection->frame_timer);
    } else if (progress || connection->timed >= TIMED ||
               !uv_is_active((uv_handle_t *)&connection->frame_timer)) {
        connection->timed = 0;
        uv_timer_start(&connection->frame_timer, frame_overdue, connection->timing->fetcher.frame_timeout_ms,
                       0);
    }
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct link *link = handle->data;
    (void)suggested;
    *buffer =
        link->connection ? uv_buf_init((char *)link->connection->input, READ_MAX) : uv_buf_init(NULL, 0);
}

static void bytes_came(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct link *link = stream->data;
    struct connection *connection = link->connection;
    if (!connection || size == 0)
        return;
    if (size < 0) {
        lost(connection, size == UV_EOF ? "connection closed by peer" : uv_strerror((int)size));
        return;
    }
    if (!connection->role->frame)
        return;
    connection->timed += (size_t)size;
    connection->role->bytes(connection->context);
    if (frame_stream_append(&connection->in, buffer->base, (size_t)size) != 0)
        lost(connection, "out of memory");
    else
        take_frames(connection);
    connection->role->taken(connection->context);
}

/* Of a name, which of its addresses it is. */
static void name_address(struct connection *connection, const uv_tcp_t *tcp)
{
    const struct config_peer *target = &connection->target;
    char *out = connection->address, ip[INET6_ADDRSTRLEN];
    if (!tcp || !tcp_peer_ip(tcp, ip) || strcmp(ip, target->ip) == 0)
        snprintf(out, CONNECTION_ADDRESS_SIZE, "%s:%u", target->ip, target->port);
    else
        snprintf(out, CONNECTION_ADDRESS_SIZE, "%s:%u (%s)", target->ip, target->port, ip);
}

static void connected(uv_connect_t *request, int status)
{
    struct link *link = request->data;
    struct connection *connection = link->connection;
    if (!connection)
        return;
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&link->tcp, give_buffer, bytes_came);
    if (status != 0) {
        lost(connection, uv_strerror(status));
        return;
    }
    uv_tcp_nodelay(&link->tcp, 1);
    tcp_watch(&link->tcp,
              connection->timing->fetcher.probe_interval_ms + connection->timing->fetcher.request_timeout_ms);
    uv_timer_stop(&connection->timer);
    servers_connected(connection->servers);
    name_address(connection, &link->tcp);
    log_limited(&connection->up_limit, LOG_LEVEL_INFO, "connected to %s %s", connection->role->peer,
                connection->address);
    set_state(connection, CONNECTION_UP);
    if (connection->role->up)
        connection->role->up(connection->context);
}

static void attempt_overdue(uv_timer_t *timer)
{
    struct connection *connection = timer->data;
    lost(connection, connection->lookup ? "name lookup timed out" : "connecting timed out");
}

static const char *error_text(int status)
{
    return status == UV_EMFILE || status == UV_ENFILE ? system_error_text(-status) : uv_strerror(status);
}

static void connect_to(struct connection *connection, const struct sockaddr *address)
{
    struct link *link = calloc(1, sizeof(*link));
    if (!link) {
        lost(connection, "out of memory");
        return;
    }
    int status = uv_tcp_init(connection->loop, &link->tcp);
    if (status != 0) {
        free(link);
        lost(connection, error_text(status));
        return;
    }
    link->tcp.data = link->connect.data = link;
    link->connection = connection;
    connection->link = link;
    status = uv_tcp_connect(&link->connect, &link->tcp, address, connected);
    if (status != 0)
        lost(connection, error_text(status));
}

static void handle_closed(uv_handle_t *handle);

static void check_address(struct connection *connection, const char *error, const struct addrinfo *list)
{
    if (error)
        log_line(LOG_LEVEL_WARNING, "%s %s: %s; staying connected", connection->role->peer,
                 connection->target.ip, error);
    else if (!tcp_leads_to(list, &connection->link->tcp)) {
        log_line(LOG_LEVEL_INFO, "%s %s has another address: connecting again", connection->role->peer,
                 connection->target.ip);
        connection_redirect(connection);
    }
}

static void look_up(struct connection *connection);

static void looked_up(void *context, const char *error, struct addrinfo *list)
{
    struct connection *connection = context;
    connection->lookup = NULL;
    if (connection->state == CONNECTION_CONNECTING &&
        !servers_same(&connection->looked_up, &connection->target))
        look_up(connection); /* the result is for an attempt that was given up */
    else if (connection->state == CONNECTION_CONNECTING && error)
        lost(connection, error);
    else if (connection->state == CONNECTION_CONNECTING)
        connect_to(connection, tcp_address(list, servers_address(connection->servers)));
    else if (connection->state == CONNECTION_UP)
        check_address(connection, error, list);
    if (list)
        freeaddrinfo(list);
}

static void look_up(struct connection *connection)
{
    connection->looked_up = connection->target;
    name_lookup_start(&connection->lookup, connection->loop, &connection->target, looked_up, connection);
}

/* Where another server is left to be tried, no longer than a request may take. */
static uint64_t time_to_connect(const struct connection *connection)
{
    uint64_t most = connection->timing->fetcher.connect_timeout_ms,
             request = connection->timing->fetcher.request_timeout_ms;
    bool hurry = servers_patience(connection->servers, clock_tick()) == PATIENCE_SHORT;
    return request < most && hurry ? request : most;
}

/* The name is looked up at each attempt: the directory may have moved. A look-up that was given up may still run; its
 * result is used if the name is the same, or starts another one. */
static void attempt(struct connection *connection)
{
    connection->target = *servers_peer(connection->servers);
    connection->again_from = clock_tick() + backoff_ms(HURRY_MS, HURRY_MS, 1);
    name_address(connection, NULL);
    set_state(connection, CONNECTION_CONNECTING);
    uv_timer_start(&connection->timer, attempt_overdue, time_to_connect(connection), 0);
    if (!connection->lookup)
        look_up(connection);
}

void connection_look_up_again(struct connection *connection)
{
    if (connection->state == CONNECTION_WAITING)
        connection_redirect(connection);
    else if (connection->state == CONNECTION_UP && !connection->lookup)
        look_up(connection);
}

void connection_hurry(struct connection *connection)
{
    uint64_t now = clock_tick(), delay = connection->again_from > now ? connection->again_from - now : 0;
    if (connection->state == CONNECTION_WAITING && delay < uv_timer_get_due_in(&connection->timer))
        uv_timer_start(&connection->timer, backoff_over, delay, 0);
}

struct connection *connection_new(uv_loop_t *loop, struct servers *servers, const struct config *timing,
                                  const struct connection_role *role, void *context)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    connection->loop = loop;
    connection->servers = servers;
    connection->timing = timing;
    connection->role = role;
    connection->context = context;
    uv_timer_init(loop, &connection->timer); /* cannot fail */
    uv_timer_init(loop, &connection->frame_timer);
    connection->timer.data = connection->frame_timer.data = connection;
    return connection;
}

void connection_start(struct connection *connection)
{
    attempt(connection);
}

size_t connection_room(const struct connection *connection)
{
    return connection->state == CONNECTION_UP ? OUT_MAX - connection->out_size : 0;
}

void connection_send(struct connection *connection, const void *bytes, size_t size)
{
    memcpy(connection->out + connection->out_size, bytes, size);
    connection->out_size += size;
}

static void written(uv_write_t *request, int status)
{
    struct connection *connection = request->data;
    const struct link *link = request->handle->data;
    connection->writing_since = 0;
    if (connection->stopping)
        handle_closed((uv_handle_t *)&connection->timer);
    else if (status == 0)
        connection_flush(connection);
    else if (link->connection) /* the bytes are lost, and with them answers */
        lost(connection, uv_strerror(status));
}

void connection_flush(struct connection *connection)
{
    struct write_job *job = &connection->job;
    if (connection->writing_since || connection->out_size == 0 || connection->state != CONNECTION_UP)
        return;
    memcpy(job->bytes, connection->out, connection->out_size);
    job->size = connection->out_size;
    job->request.data = connection;
    connection->out_size = 0;
    uv_buf_t buffer = uv_buf_init((char *)job->bytes, (unsigned)job->size);
    int status = uv_write(&job->request, (uv_stream_t *)&connection->link->tcp, &buffer, 1, written);
    if (status == 0)
        connection->writing_since = clock_tick();
    else
        lost(connection, uv_strerror(status));
}

uint64_t connection_writing_since(const struct connection *connection)
{
    return connection->writing_since;
}

void connection_proved(struct connection *connection)
{
    servers_answered(connection->servers, clock_tick());
}

enum patience connection_patience(const struct connection *connection)
{
    return servers_patience(connection->servers, clock_tick());
}

struct servers *connection_servers(const struct connection *connection)
{
    return connection->servers;
}

const char *connection_address(const struct connection *connection)
{
    return connection->address;
}

uint32_t connection_own_ip(const struct connection *connection)
{
    return connection->link ? tcp_own_ip(&connection->link->tcp) : 0;
}

/* Frees the memory when libuv has no timer or request of it left. */
static void handle_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    if (--connection->handles == 0) {
        frame_stream_free(&connection->in);
        free(connection);
    }
}

void connection_stop(struct connection *connection)
{
    if (!connection)
        return;
    connection->stopping = true;
    connection->handles = 2U + (connection->writing_since != 0);
    abandon_link(connection);
    name_lookup_abandon(connection->lookup);
    uv_close((uv_handle_t *)&connection->timer, handle_closed);
    uv_close((uv_handle_t *)&connection->frame_timer, handle_closed);
}
