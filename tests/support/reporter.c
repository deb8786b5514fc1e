/* SPDX-License-Identifier: MIT */
#include "tests/support/reporter.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lars.pb-c.h"
#include "tools/bench/loopback.h"

static unsigned starts(const struct reporter_run *run)
{
    return process_said(&run->process, "listening on");
}

void reporter_restart(struct reporter_run *run)
{
    char *const argv[] = {LARSHM_REPORTER, "--db",     run->db ? run->db : run->file.path,
                          "serve",         "--create", "--listen",
                          "127.0.0.1:0",   NULL};
    unsigned start = starts(run) + 1;
    process_start(&run->process, run->file.log, argv);
    run->port = process_port(&run->process, start);
}

static struct reporter_run *start(char *db)
{
    struct reporter_run *run = calloc(1, sizeof(*run));
    assert_non_null(run);
    run->db = db;
    database_file_init(&run->file);
    snprintf(run->process.log, sizeof(run->process.log), "%s", run->file.log);
    reporter_restart(run);
    return run;
}

int reporter_setup(void **state)
{
    struct reporter_run *run = start(NULL);
    database_file_open(&run->file);
    *state = run;
    return 0;
}

int reporter_setup_on(void **state, char *db)
{
    *state = start(db);
    return 0;
}

int reporter_teardown(void **state)
{
    struct reporter_run *run = *state;
    int status = -1;
    if (run->file.sql)
        sqlite3_exec(run->file.sql, "ROLLBACK", NULL, NULL,
                     NULL); /* of a test that failed with a lock held */
    if (process_alive(&run->process)) {
        process_signal(&run->process, SIGTERM);
        status = process_wait(&run->process);
    }
    database_file_dispose(&run->file);
    free(run);
    return status == 0 ? 0 : -1;
}

size_t reporter_frame(int32_t modid, int32_t cmdid, const struct wire_result *results, size_t count,
                      uint8_t out[static FRAME_MAX])
{
    Lars__ReportStatusRequest report = LARS__REPORT_STATUS_REQUEST__INIT;
    Lars__HostCallResult *messages = calloc(count + 1, sizeof(*messages));
    Lars__HostCallResult **pointers = calloc(count + 1, sizeof(*pointers));
    assert_true(messages && pointers);
    for (size_t i = 0; i < count; i++) {
        lars__host_call_result__init(&messages[i]);
        messages[i].ip = results[i].ip;
        messages[i].port = results[i].port;
        messages[i].succ = results[i].succ;
        messages[i].err = results[i].err;
        messages[i].overload = results[i].overload;
        pointers[i] = &messages[i];
    }
    report.modid = modid;
    report.cmdid = cmdid;
    report.caller = REPORTER_CALLER;
    report.ts = REPORTER_TIME;
    report.n_results = count;
    report.results = pointers;
    size_t length = lars__report_status_request__get_packed_size(&report);
    assert_true(length <= FRAME_BODY_MAX);
    lars__report_status_request__pack(&report, out + FRAME_HEADER);
    frame_header(out, LARS__MESSAGE_ID__ID_ReportStatusRequest, (uint32_t)length);
    free(messages);
    free(pointers);
    return FRAME_HEADER + length;
}

int reporter_connect(const struct reporter_run *run)
{
    int fd = loopback_connect(SOCK_STREAM, run->port);
    assert_true(fd >= 0);
    return fd;
}

void reporter_send(int fd, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes += sent;
        size -= (size_t)sent;
    }
}

void reporter_report(int fd, int32_t modid, int32_t cmdid, struct wire_result result)
{
    uint8_t bytes[FRAME_MAX];
    reporter_send(fd, bytes, reporter_frame(modid, cmdid, &result, 1, bytes));
}
