/* SPDX-License-Identifier: MIT */
#include "tools/reporter/report.h"

#include "proto/field.h"

/* Numbers of the fields. */
enum {
    REPORT_MODID = 1,
    REPORT_CMDID,
    REPORT_CALLER,
    REPORT_RESULT,
    REPORT_TIME,

    RESULT_IP = 1,
    RESULT_PORT,
    RESULT_SUCCESSES,
    RESULT_FAILURES,
    RESULT_OVERLOADED,
};

/* What a result says of a host; the address is 0 where there can be none. False: it does not decode. */
static bool read_result(struct field_cursor bytes, struct status *status)
{
    uint32_t ip = 0, port = 0;
    struct field field;
    status->successes = status->failures = 0;
    status->overloaded = false;
    while (field_next(&bytes, &field)) {
        if (field.type != FIELD_NUMBER)
            continue;
        switch (field.number) {
        case RESULT_IP:
            ip = (uint32_t)field.value;
            break;
        case RESULT_PORT:
            port = (uint32_t)field.value;
            break;
        case RESULT_SUCCESSES:
            status->successes = (uint32_t)field.value;
            break;
        case RESULT_FAILURES:
            status->failures = (uint32_t)field.value;
            break;
        case RESULT_OVERLOADED:
            status->overloaded = field.value != 0;
            break;
        default:
            break;
        }
    }
    bool possible = port >= 1 && port <= UINT16_MAX;
    status->host = (struct host_addr){possible ? htonl(ip) : 0, htons((uint16_t)port)};
    return !bytes.bad;
}

static bool is_result(const struct field *field)
{
    return field->number == REPORT_RESULT && field->type == FIELD_BYTES;
}

/* What all results of the report have in common. False: it does not decode, or a result does not. */
static bool read_head(struct field_cursor body, struct status *status)
{
    struct field field;
    while (field_next(&body, &field)) {
        if (is_result(&field) && !read_result(field.bytes, status))
            return false;
        if (field.type != FIELD_NUMBER)
            continue;
        switch (field.number) {
        case REPORT_MODID:
            status->route.modid = (uint32_t)field.value;
            break;
        case REPORT_CMDID:
            status->route.cmdid = (uint32_t)field.value;
            break;
        case REPORT_CALLER:
            status->caller = (uint32_t)field.value;
            break;
        case REPORT_TIME:
            status->time = (uint32_t)field.value;
            break;
        default:
            break;
        }
    }
    return !body.bad;
}

int report_decode(const uint8_t *body, size_t length, report_status_fn *each, void *arg, size_t *impossible)
{
    struct field_cursor cursor = {body, body + length, false};
    struct status status = {0};
    struct field field;
    if (!read_head(cursor, &status))
        return -1;
    *impossible = 0;
    while (field_next(&cursor, &field)) {
        if (!is_result(&field))
            continue;
        read_result(field.bytes, &status);
        if (status.host.address)
            each(arg, &status);
        else
            ++*impossible;
    }
    return 0;
}
