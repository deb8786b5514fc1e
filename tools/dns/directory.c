/* SPDX-License-Identifier: MIT */
#include "tools/dns/directory_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/log.h"
#include "conf/number.h"
#include "tools/dns/message.h"

enum {
    TICK_MS = 50,
    CLEAN_TICKS = 20, /* once a second */
    FOLLOW_TICKS = 20,
    SWEEP_TICKS = 200,      /* once in ten seconds */
    SWEEP_SLICES = 100,     /* a sweep is spread over this many ticks ... */
    SWEEP_SLICE_MIN = 1000, /* ... unless it is short */
    READ_MAX = 256,         /* routes read at once, see store_begin_reading() */
    FILL_MAX = 4096,        /* routes read for one subscriber before the next */
};

_Static_assert((int)RESPONSE_MAX + (int)ANSWER_VERSION_MAX <= (int)SERVER_BODY_MAX,
               "an answer fits into the output");

static int follow_store(struct directory *directory);

/* Of a database that is not there, or not well, follow_store() says what is wrong. */
static int check_store(struct directory *directory, int rc)
{
    if (rc < 0 && !directory->store_failed && !directory->follow_log.trouble[0] &&
        follow_store(directory) == 0) {
        log_line(LOG_LEVEL_WARNING, "%s; trying again", store_error(directory->store));
        directory->store_failed = true;
    }
    if (rc >= 0 && directory->store_failed) {
        log_line(LOG_LEVEL_INFO, "the database works again");
        directory->store_failed = false;
    }
    return rc;
}

/* It reads nothing yet, so that it works does not say that the database does. */
static bool begin_reading(struct directory *directory)
{
    int rc = store_begin_reading(directory->store);
    return rc >= 0 || check_store(directory, rc) >= 0;
}

uint64_t directory_digest(const struct host_addr *hosts, size_t count)
{
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15) + count;
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ host_addr_word(hosts[i])) * UINT64_C(0xd6e8feb86659fd93);
        hash ^= hash >> 32;
    }
    return hash;
}

int directory_read(struct directory *directory, struct route *route)
{
    if (check_store(directory, store_read(directory->store, route->key, directory->hosts, HOSTS_MAX + 1,
                                          &directory->host_count)) < 0)
        return -1;
    uint64_t now = directory_digest(directory->hosts, directory->host_count);
    if (now != route->digest) {
        route->digest = now;
        route->unsent_logged = false;
        route_owe_all(route);
    }
    return 0;
}

/* A route is sent whole or not at all: the peer keeps what it has. */
static void log_unsent(const struct client *client, struct route *route, uint32_t length)
{
    if (route->unsent_logged)
        return;
    route->unsent_logged = true;
    if (length == 0)
        log_line(
            LOG_LEVEL_WARNING,
            "route %" PRIu32 " %" PRIu32
            " is not sent, and requests for it are not answered: it has more than %d hosts; split it, or "
            "remove some",
            route->key.modid, route->key.cmdid, HOSTS_MAX);
    else
        log_line(
            LOG_LEVEL_WARNING,
            "route %" PRIu32 " %" PRIu32 " is not sent to %s: its message of %" PRIu32
            " bytes is longer than the peer says it takes; larshm-fetcher 0.2 takes [fetcher] max_frame, "
            "for others see --long-frames",
            route->key.modid, route->key.cmdid, peer_name(client->peer), length);
}

/* False: the peer does not take it. */
static bool send_route(struct client *client, uint8_t *body, struct route *route)
{
    struct directory *directory = client->directory;
    uint32_t length = 0;
    if (directory->host_count <= HOSTS_MAX)
        length = message_encode_response(route->key, directory->hosts, directory->host_count, body);
    if (length == 0 || length > client->max_body) {
        log_unsent(client, route, length);
        return false;
    }
    uint64_t version;
    if (length + ANSWER_VERSION_MAX <= client->max_body && store_version(directory->store, &version))
        length += message_encode_version(version, body + length);
    peer_commit(client->peer, MESSAGE_GET_ROUTE_RESPONSE, length);
    directory->answers++;
    return true;
}

/* Reads the first route that the subscriber is owed. False: there is none, or it stays owed. */
static bool fill_one(struct client *client)
{
    struct subscription *owed = STAILQ_FIRST(&client->subscriber.owed);
    uint8_t *body;
    if (!owed || !(body = peer_reserve(client->peer)))
        return false;
    struct route *route = owed->route;
    if (directory_read(client->directory, route) != 0)
        return false; /* the next tick tries again */
    subscriber_settle_first(&client->subscriber);
    bool is_new = owed->sent != route->digest || owed->too_long;
    if (owed->requested || is_new)
        owed->too_long = !send_route(client, body, route);
    if (is_new)
        owed->end = peer_position(client->peer);
    owed->requested = false;
    owed->sent = route->digest;
    return true;
}

/* Where the program is busy it finds out late that a peer has left, and would answer what it had requested. */
static bool fill_some(struct client *client)
{
    struct directory *directory = client->directory;
    bool more = true;
    if (STAILQ_EMPTY(&client->subscriber.owed) || peer_has_left(client->peer) || !begin_reading(directory))
        return false;
    for (int i = 0; i < READ_MAX && more; i++)
        more = fill_one(client);
    store_end_reading(directory->store);
    return more;
}

/* The peer has been given all of this version. */
static void expect_receipt(struct client *client)
{
    uint64_t version;
    uint32_t position = peer_position(client->peer);
    if (client->receipt.awaiting)
        receipt_update(&client->receipt, position, peer_backlog(client->peer));
    if (store_version(client->directory->store, &version))
        receipt_await(&client->receipt, version, position);
}

static void on_fill(void *arg)
{
    struct client *client = arg;
    uint32_t before = peer_position(client->peer);
    for (int i = 0; i < FILL_MAX / READ_MAX && fill_some(client); i++)
        ;
    if (STAILQ_EMPTY(&client->subscriber.owed) && peer_position(client->peer) != before)
        expect_receipt(client);
}

static const char *on_frame(void *arg, const struct frame *frame)
{
    struct client *client = arg;
    struct directory *directory = client->directory;
    struct route_key key;
    uint32_t max_frame;
    if (frame->id != MESSAGE_GET_ROUTE_REQUEST) {
        directory->skipped++;
        return NULL;
    }
    if (message_decode_request(frame->body, frame->length, &key, &max_frame) != 0)
        return "a GetRouteRequest that does not decode";
    if (max_frame > client->max_body)
        client->max_body = max_frame;
    struct subscription *subscription = subscribe(&directory->routes, &client->subscriber, key);
    if (!subscription)
        return "out of memory";
    if (client->subscriber.by_key.count > directory->max_subscriptions)
        return directory->too_many;
    directory->requests++;
    subscription->requested = true;
    subscription_owe(subscription);
    return NULL;
}

static void *on_open(void *arg, struct peer *peer)
{
    struct directory *directory = arg;
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    client->directory = directory;
    client->peer = peer;
    client->opened = uv_now(directory->timer.loop);
    client->max_body = directory->long_frames ? RESPONSE_MAX : FRAME_BODY_MAX;
    subscriber_init(&client->subscriber);
    LIST_INSERT_HEAD(&directory->clients, client, link);
    directory->connections++;
    return client;
}

static void on_close(void *arg)
{
    struct client *client = arg;
    unsubscribe_all(&client->directory->routes, &client->subscriber);
    directory_walk_around(client);
    LIST_REMOVE(client, link);
    free(client);
}

static void on_changed(void *arg, struct route_key key)
{
    struct directory *directory = arg;
    struct route *route = routes_find(&directory->routes, key);
    if (route)
        route_owe_all(route);
}

static bool sweep_one(struct directory *directory)
{
    struct route *route = TAILQ_FIRST(&directory->routes.all);
    if (!directory->sweep_left || !route || directory_read(directory, route) != 0)
        return false;
    directory->sweep_left--;
    TAILQ_REMOVE(&directory->routes.all, route, link);
    TAILQ_INSERT_TAIL(&directory->routes.all, route, link);
    return true;
}

/* Reads some routes again, to find changes that RouteChange does not name. */
static void sweep(struct directory *directory)
{
    size_t slice = directory->routes.by_key.count / SWEEP_SLICES;
    if (slice < SWEEP_SLICE_MIN)
        slice = SWEEP_SLICE_MIN;
    bool more = directory->sweep_left;
    while (slice > 0 && more && begin_reading(directory)) {
        for (int i = 0; i < READ_MAX && slice > 0 && more; i++, slice--)
            more = sweep_one(directory);
        store_end_reading(directory->store);
    }
}

static void sweep_all(struct directory *directory)
{
    directory->unswept = false;
    directory->sweep_left = directory->routes.by_key.count;
}

/* Subscribers get what differs between the old content and the new one. */
static void log_new_content(struct directory *directory, const char *how)
{
    struct store_size size;
    if (check_store(directory, store_measure(directory->store, &size)) == 0)
        log_line(LOG_LEVEL_WARNING,
                 "the database was %s: it has %" PRIu64 " route%s with %" PRIu64 " host%s now", how,
                 size.routes, number_plural(size.routes), size.hosts, number_plural(size.hosts));
    sweep_all(directory);
}

static void watch_edits(struct directory *directory)
{
    char path[STORE_PATH_SIZE];
    store_edited_path(directory->store, path);
    edit_watch_file(&directory->edits, path);
}

static int follow_store(struct directory *directory)
{
    int rc = store_follow(directory->store);
    follow_log(&directory->follow_log, rc, store_error(directory->store));
    if (rc > 0) {
        watch_edits(directory);
        log_new_content(directory, "replaced");
    }
    return rc;
}

static void poll_store(struct directory *directory)
{
    int rc = check_store(directory, store_poll(directory->store, on_changed, directory));
    directory->unswept |= rc > 0;
    if (rc > 1)
        log_new_content(directory, "set back to an older version");
}

static void follow_changes(struct directory *directory)
{
    poll_store(directory);
    if (directory->ticks % CLEAN_TICKS == 0)
        check_store(directory, store_clean(directory->store));
    if (directory->ticks % SWEEP_TICKS == 0 && directory->unswept)
        sweep_all(directory);
    sweep(directory);
}

void directory_wake_owed(struct directory *directory)
{
    struct client *client = LIST_FIRST(&directory->clients), *next;
    for (; client; client = next) {
        next = LIST_NEXT(client, link);
        if (!STAILQ_EMPTY(&client->subscriber.owed))
            peer_wake(client->peer);
    }
}

void directory_poll(struct directory *directory)
{
    if (directory->follow_log.trouble[0])
        return;
    poll_store(directory);
    directory_wake_owed(directory);
}

static void on_edit(void *arg)
{
    directory_poll(arg);
}

/* By the store's thread. */
static void wake_loop(void *arg)
{
    struct directory *directory = arg;
    uv_async_send(&directory->wake);
}

static void on_wake(uv_async_t *wake)
{
    struct directory *directory = wake->data;
    poll_store(directory);
    directory_wake_owed(directory);
}

static void on_tick(uv_timer_t *timer)
{
    struct directory *directory = timer->data;
    if (directory->ticks % FOLLOW_TICKS == 0) {
        follow_store(directory);
        if (!edit_watch_active(&directory->edits))
            watch_edits(directory);
    }
    if (!directory->follow_log.trouble[0])
        follow_changes(directory);
    directory->ticks++;
    directory_wake_owed(directory);
}

static void on_closed(uv_handle_t *wake)
{
    free(wake->data);
}

/* Frees the directory when that fails. */
static int watch_store(struct directory *directory, uv_loop_t *loop)
{
    int rc = uv_async_init(loop, &directory->wake, on_wake);
    if (rc != 0) {
        free(directory);
        return rc;
    }
    directory->wake.data = directory;
    rc = -store_watch(directory->store, wake_loop, directory);
    if (rc != 0)
        uv_close((uv_handle_t *)&directory->wake, on_closed);
    return rc;
}

int directory_start(struct directory **out, uv_loop_t *loop, struct store *store, size_t max_subscriptions,
                    bool long_frames)
{
    int rc;
    struct directory *directory = calloc(1, sizeof(*directory));
    if (!directory)
        return UV_ENOMEM;
    directory->store = store;
    directory->max_subscriptions = max_subscriptions;
    directory->long_frames = long_frames;
    snprintf(directory->too_many, sizeof(directory->too_many),
             "more than %zu subscription%s, see --max-subscriptions", max_subscriptions,
             number_plural(max_subscriptions));
    routes_init(&directory->routes);
    LIST_INIT(&directory->clients);
    LIST_INIT(&directory->walks);
    if ((rc = watch_store(directory, loop)) != 0)
        return rc;
    uv_timer_init(loop, &directory->timer);
    directory->timer.data = directory;
    uv_timer_start(&directory->timer, on_tick, 0, TICK_MS);
    edit_watch_init(&directory->edits, loop, on_edit, directory);
    *out = directory;
    return 0;
}

struct server_handler directory_handler(struct directory *directory)
{
    return (struct server_handler){
        .open = on_open, .frame = on_frame, .fill = on_fill, .close = on_close, .arg = directory};
}

void directory_stop(struct directory *directory)
{
    store_unwatch(directory->store);
    uv_close((uv_handle_t *)&directory->wake, NULL);
    uv_close((uv_handle_t *)&directory->timer, NULL);
    edit_watch_stop(&directory->edits);
}

void directory_log_totals(const struct directory *directory)
{
    log_line(LOG_LEVEL_INFO,
             "stopped after %" PRIu64 " connection%s, %" PRIu64 " request%s, %" PRIu64 " answer%s; "
             "%" PRIu64 " unknown message%s skipped",
             directory->connections, number_plural(directory->connections), directory->requests,
             number_plural(directory->requests), directory->answers, number_plural(directory->answers),
             directory->skipped, number_plural(directory->skipped));
}

void directory_free(struct directory *directory)
{
    if (!directory)
        return;
    routes_free(&directory->routes);
    free(directory);
}
