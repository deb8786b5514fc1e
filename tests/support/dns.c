/* SPDX-License-Identifier: MIT */
#include "tests/support/dns.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/loopback.h"

static void start_server(struct dns *dns, const char *db, const char *log, const char *files,
                         char *const *options)
{
    char subscriptions[16];
    snprintf(subscriptions, sizeof(subscriptions), "%d", DNS_SUBSCRIPTIONS);
    char *argv[32] = {"/bin/sh",
                      "-c",
                      files ? "ulimit $0 && exec \"$@\"" : "exec \"$@\"",
                      files ? (char *)files : "sh",
                      LARSHM_DNS,
                      "--db",
                      (char *)db,
                      "serve",
                      "--create",
                      "--listen",
                      "127.0.0.1:0",
                      "--max-subscriptions",
                      subscriptions};
    size_t count = 0;
    while (argv[count])
        count++;
    for (size_t i = 0; options && options[i]; i++) {
        assert_true(i < DNS_OPTIONS_MAX);
        argv[count++] = options[i];
    }
    process_start(&dns->process, log, argv);
    dns->port = process_port(&dns->process, 1);
}

int dns_setup_with(void **state, const char *files, char *const *options)
{
    char error[STORE_ERROR_SIZE];
    struct dns *dns = calloc(1, sizeof(*dns));
    assert_non_null(dns);
    database_file_init(&dns->file);
    start_server(dns, dns->file.path, dns->file.log, files, options);
    assert_int_equal(store_open(&dns->store, dns->file.path, STORE_EXISTING, error), 0);
    database_file_open(&dns->file);
    *state = dns;
    return 0;
}

int dns_setup(void **state)
{
    return dns_setup_with(state, NULL, NULL);
}

int dns_setup_few_files(void **state)
{
    char files[16];
    snprintf(files, sizeof(files), "-n %d", DNS_FEW_FILES);
    return dns_setup_with(state, files, NULL);
}

void dns_start(struct dns *dns, const char *db, const char *log)
{
    *dns = (struct dns){0};
    start_server(dns, db, log, NULL, NULL);
}

int dns_stop(struct dns *dns)
{
    if (!process_alive(&dns->process))
        return -1;
    process_signal(&dns->process, SIGTERM);
    return process_wait(&dns->process) == 0 ? 0 : -1;
}

int dns_teardown(void **state)
{
    struct dns *dns = *state;
    int rc = dns_stop(dns);
    store_close(dns->store);
    database_file_dispose(&dns->file);
    free(dns);
    return rc;
}

void dns_add(const struct dns *dns, struct route_key key, uint32_t ip, size_t count)
{
    struct store_edit edit;
    assert_int_equal(store_begin(dns->store), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(store_add(dns->store, key, (struct host_addr){htonl(ip + (uint32_t)i), htons(8080)}),
                         1);
    assert_int_equal(store_commit(dns->store, &edit), 0);
}

static struct dns_client connect_from(const struct dns *dns, uint32_t source, int receive_buffer)
{
    struct dns_client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = {htonl(source)}};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(dns->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_true(client.fd >= 0);
    if (source != INADDR_LOOPBACK)
        assert_int_equal(bind(client.fd, (struct sockaddr *)&from, sizeof(from)), 0);
    if (receive_buffer)
        assert_int_equal(
            setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer)), 0);
    assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return client;
}

struct dns_client dns_connect(const struct dns *dns, int receive_buffer)
{
    return connect_from(dns, INADDR_LOOPBACK, receive_buffer);
}

struct dns_client dns_connect_from(const struct dns *dns, uint32_t source)
{
    return connect_from(dns, source, 0);
}

void dns_disconnect(struct dns_client *client)
{
    frame_stream_free(&client->input);
    close(client->fd);
}

static size_t request(struct route_key key, uint32_t max_frame, uint8_t out[static 64])
{
    Lars__GetRouteRequest message = LARS__GET_ROUTE_REQUEST__INIT;
    message.max_frame = max_frame;
    message.modid = (int32_t)key.modid;
    message.cmdid = (int32_t)key.cmdid;
    size_t length = lars__get_route_request__pack(&message, out + FRAME_HEADER);
    frame_header(out, LARS__MESSAGE_ID__ID_GetRouteRequest, (uint32_t)length);
    return FRAME_HEADER + length;
}

size_t dns_request(struct route_key key, uint8_t out[static 64])
{
    return request(key, 0, out);
}

void dns_send(struct dns_client *client, const void *data, size_t size)
{
    assert_int_equal(send(client->fd, data, size, MSG_NOSIGNAL), size);
}

void dns_ask(struct dns_client *client, struct route_key key)
{
    uint8_t bytes[64];
    dns_send(client, bytes, dns_request(key, bytes));
}

void dns_ask_with(struct dns_client *client, struct route_key key, uint32_t max_frame)
{
    uint8_t bytes[64];
    dns_send(client, bytes, request(key, max_frame, bytes));
}

bool dns_readable(struct dns_client *client, int timeout_ms)
{
    return loopback_readable(client->fd, timeout_ms);
}

Lars__GetRouteResponse *dns_receive(struct dns_client *client)
{
    struct frame frame;
    while (frame_stream_next(&client->input, &frame) != FRAME_OK) {
        if (!dns_readable(client, EVENTUALLY_MS))
            fail_msg("no answer");
        if (loopback_receive(client->fd, &client->input) <= 0)
            return NULL;
    }
    assert_int_equal(frame.id, LARS__MESSAGE_ID__ID_GetRouteResponse);
    Lars__GetRouteResponse *response = lars__get_route_response__unpack(NULL, frame.length, frame.body);
    assert_non_null(response);
    return response;
}

size_t dns_receive_hosts(struct dns_client *client, struct route_key key, uint32_t *first)
{
    Lars__GetRouteResponse *response = dns_receive(client);
    assert_non_null(response);
    assert_int_equal((uint32_t)response->modid, key.modid);
    assert_int_equal((uint32_t)response->cmdid, key.cmdid);
    size_t count = response->n_host;
    if (count && first)
        *first = (uint32_t)response->host[0]->ip;
    lars__get_route_response__free_unpacked(response, NULL);
    return count;
}
