/* SPDX-License-Identifier: MIT */
/*
 * The servers that a connection may lead to: which one is in use, which one comes next, and what became of each.
 *
 * They stand in an order that is drawn from an identity of this machine and the instance, for each server by its name
 * alone: so a fleet begins evenly spread, the machines of a server that fails spread over all others, and a server that is
 * added or removed moves only those machines that it has to. After a failure the next one is tried, after the last the
 * first. A server with several addresses is one: each time it is tried again, it is by the next of them.
 */
#ifndef FETCHER_SERVERS_H
#define FETCHER_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/values.h"
#include "fetcher/patience.h"

enum {
    SERVER_ERROR_SIZE = 96,
    SERVERS_PATIENT_MS = 60000,
};

struct server {
    struct config_peer peer;
    unsigned failed; /* attempts and connections in a row, since it answered: which of its addresses is next */
    uint64_t connects, failures, answers;
    char error[SERVER_ERROR_SIZE]; /* of its last failure; "": none, or it has answered since */
    bool told_now, told; /* it has told its version on this connection; on this one or the one before */
    uint64_t version;
};

struct servers {
    struct server list[CONFIG_SERVERS_MAX]; /* in the order of the draw */
    unsigned count;
    unsigned at;            /* the one in use, or to be tried next */
    unsigned failed;        /* attempts and connections in a row, since any of them answered */
    unsigned changes;       /* after failures, each less than SERVERS_PATIENT_MS after the one before */
    uint64_t patient_until; /* tick; see servers_patience() */
    uint64_t return_at;     /* tick; 0: it is at the first one, or the time is not drawn yet */
};

/* Of this machine, as far as it has a machine id and a name, and of the instance. */
uint64_t servers_identity(const char *instance);

/* Begins with the first of the draw, or goes over to another list, of at least one. What is known of servers that stay is
 * kept. False: the one that was in use has gone, and the first of the draw is next. */
bool servers_set(struct servers *servers, const struct config_servers *list, uint64_t identity);

bool servers_same(const struct config_peer *a, const struct config_peer *b);

const struct config_peer *servers_peer(const struct servers *servers);

/* Which of its addresses is to be tried. */
unsigned servers_address(const struct servers *servers);

/* An attempt, or a connection, has ended: the next one is to be tried. Returns for backoff_ms() how many times all of them
 * have been tried without a connection; the last time need not be over. */
unsigned servers_failed(struct servers *servers, const char *why);

/* On an operator's word, or where the server in use is another one: as if none had failed. */
void servers_retry(struct servers *servers);

/* What was found of one of them, if it is there, without an attempt to connect. */
void servers_unusable(struct servers *servers, const struct config_peer *peer, const char *why);

void servers_connected(struct servers *servers);
void servers_answered(struct servers *servers, uint64_t now);

/* The server in use has told how new its routes are. */
void servers_told(struct servers *servers, uint64_t version);

/* Of those that have told their version when they were tried last, uses the newest, which becomes *version. False: it is in
 * use already. */
bool servers_use_newest(struct servers *servers, uint64_t *version);

/* How many times all of them have failed in a row. */
unsigned servers_rounds(const struct servers *servers);

/* With the server in use. Where others are there that have not failed since any has answered, it is better to try them
 * than to wait. Less so for a while after a change, and no more after the second: where all are slow, fetchers that go from
 * one to the other make them slower. */
enum patience servers_patience(const struct servers *servers, uint64_t now);

/* On a connection that is up: time to go back to the first of the draw, a random time after it was left, from half of
 * `after_ms` to all of it. 0: never. */
bool servers_return_due(struct servers *servers, uint64_t after_ms, uint64_t now);
void servers_return(struct servers *servers);

#endif
