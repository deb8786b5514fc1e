/* SPDX-License-Identifier: MIT */
/* From the fetcher before to this one: records, verdicts, and how far results are read. */
#include <stdio.h>
#include <stdlib.h>

#include "fetcher/balance_internal.h"
#include "fetcher/health.h"
#include "shm/clock.h"
#include "shm/table.h"

enum {
    LOOKS_PER_TEND = 4096 /* at records, for routes that are gone */
};

/* Verdicts in the tables that came from the fetcher before are those of the ledger, whatever is in there. */
static void set_verdicts(void *context, uint64_t key)
{
    struct balance *balance = context;
    if (!writer_any_out(balance->writer, key))
        return;
    uint32_t count = writer_hosts(balance->writer, key, balance->hosts);
    const uint64_t *verdict = balance_verdict(balance, key, balance->hosts, count);
    for (uint32_t at = 0; at < count; at++)
        writer_set_verdict(balance->writer, key, at, verdict && verdict[at / 32] & verdict_out(at),
                           verdict && verdict[at / 32] & verdict_unprobed(at));
}

/* A route that is gone has no hosts any more: its own record is the last. */
static void remove_if_gone(struct balance *balance, uint32_t number)
{
    uint64_t key, host;
    if (ledger_is(balance->ledger, number, &key, &host) && host == 0 &&
        ledger_next(balance->ledger, number) == LEDGER_NONE &&
        writer_state(balance->writer, key) == ROUTE_UNKNOWN)
        ledger_remove(balance->ledger, number);
}

/* Goes on where the fetcher before this one stopped; routes that are gone are forgotten. */
static void resume(struct balance *balance)
{
    uint64_t key, host;
    for (uint32_t number = 0; number < ledger_used(balance->ledger); number++) {
        if (!ledger_is(balance->ledger, number, &key, &host))
            continue;
        struct host_entry *entry = ledger_entry(balance->ledger, number);
        writer_resume_calls(balance->writer, entry->generation, key, entry->cell, entry->counts,
                            entry->extra);
        if (host == 0)
            continue;
        if (entry->standing.since == 0) /* it died between adding the record and filling it in */
            health_birth(&entry->standing, balance->config, balance->now);
        balance_publish_verdict(balance, number);
        deadlines_place(&balance->deadlines, number, &entry->standing);
    }
    for (uint32_t number = 0; number < ledger_used(balance->ledger); number++)
        if (ledger_is(balance->ledger, number, &key, &host) && host == 0) {
            balance_finish_absorbing(balance, number);
            balance_table_changed(balance, key);
            remove_if_gone(balance, number);
        }
    writer_each_key(balance->writer, set_verdicts, balance);
    balance_gauge_overloaded(balance);
}

struct balance *balance_new(struct writer *writer, const char *instance, const struct config *config,
                            char note[static WRITER_NOTE_MAX])
{
    struct balance *balance = calloc(1, sizeof(*balance));
    if (!balance) {
        snprintf(note, WRITER_NOTE_MAX, "out of memory");
        return NULL;
    }
    balance->writer = writer;
    balance->config = config;
    balance->now = clock_tick();
    if (ledger_open(&balance->ledger, instance, config->shm.max_bytes, note) != SHM_OK) {
        balance_delete(balance);
        return NULL;
    }
    uint32_t used = ledger_used(balance->ledger);
    if (!deadlines_reserve(&balance->deadlines, used) || !untold_reserve(&balance->untold, used)) {
        snprintf(note, WRITER_NOTE_MAX, "out of memory");
        balance_delete(balance);
        return NULL;
    }
    resume(balance);
    writer_on_calls(writer, balance_report_came, balance);
    /* Nobody else knows the control object of the fetcher before: should this one die, what is in there is lost. */
    balance_take(balance, UINT32_MAX);
    return balance;
}

void balance_tend(struct balance *balance)
{
    char note[WRITER_NOTE_MAX];
    uint32_t used = ledger_used(balance->ledger);
    for (uint32_t looks = 0; looks < used && looks < LOOKS_PER_TEND; looks++) {
        balance->tended = balance->tended + 1 < used ? balance->tended + 1 : 0;
        remove_if_gone(balance, balance->tended);
    }
    ledger_tend(balance->ledger, note);
    if (note[0])
        log_limited(&balance->note_limit, LOG_LEVEL_WARNING, "%s", note);
}

void balance_delete(struct balance *balance)
{
    if (!balance)
        return;
    ledger_close(balance->ledger);
    deadlines_free(&balance->deadlines);
    untold_free(&balance->untold);
    free(balance);
}
