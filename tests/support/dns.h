/* SPDX-License-Identifier: MIT */
/* A running larshm-dns on a database of its own, and clients that speak the protocol with it over real sockets. */
#ifndef TESTS_SUPPORT_DNS_H
#define TESTS_SUPPORT_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include "lars.pb-c.h"
#include "proto/frame.h"
#include "tests/support/database_file.h"
#include "tests/support/eventually.h"
#include "tests/support/process.h"
#include "tools/dns/store.h"

enum {
    DNS_QUIET_MS = 400, /* a push would have come in this time */
    DNS_FEW_FILES = 64,
    DNS_OPTIONS_MAX = 8,
    DNS_SUBSCRIPTIONS = 1000, /* that the directory allows a connection */
};

struct dns {
    struct database_file file;
    struct store *store; /* to edit the database with */
    struct process process;
    in_port_t port;
};

/* For cmocka; *state is a struct dns. A directory with few files may have DNS_FEW_FILES open at a time. */
int dns_setup(void **state);
int dns_setup_few_files(void **state);
/* With the shell's words of its limit of open files, as in "-n 64", or NULL; and with options, the last NULL. */
int dns_setup_with(void **state, const char *files, char *const *options);

/* Fails unless the directory is still alive and stops cleanly. */
int dns_teardown(void **state);

/* Starts a directory on a database that is not this fixture's, with its log in a file; stops it, as the teardown does. */
void dns_start(struct dns *dns, const char *db, const char *log);
int dns_stop(struct dns *dns);

/* Adds `count` hosts with addresses from `ip` on, as one edit. */
void dns_add(const struct dns *dns, struct route_key key, uint32_t ip, size_t count);

struct dns_client {
    int fd;
    struct frame_stream input;
};

/* `receive_buffer` 0: the system's. */
struct dns_client dns_connect(const struct dns *dns, int receive_buffer);
/* From an address of loopback, in host order. */
struct dns_client dns_connect_from(const struct dns *dns, uint32_t source);
void dns_disconnect(struct dns_client *client);

/* Makes the frame of a request; returns its size. */
size_t dns_request(struct route_key key, uint8_t out[static 64]);
void dns_send(struct dns_client *client, const void *data, size_t size);
void dns_ask(struct dns_client *client, struct route_key key);
/* Likewise, and says how long a message it takes. */
void dns_ask_with(struct dns_client *client, struct route_key key, uint32_t max_frame);

/* False: nothing can be read for so long. */
bool dns_readable(struct dns_client *client, int timeout_ms);

/* The next answer; free it with lars__get_route_response__free_unpacked(). NULL: the connection is closed. */
Lars__GetRouteResponse *dns_receive(struct dns_client *client);

/* Receives an answer for the key and returns how many hosts it has; *first is the first one's address. */
size_t dns_receive_hosts(struct dns_client *client, struct route_key key, uint32_t *first);

#endif
