/* SPDX-License-Identifier: MIT */
#include "fetcher/event_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "conf/log.h"
#include "conf/system_error.h"
#include "shm/layout.h"
#include "shm/region.h"

/* Of an object, or the lock. */
static const char *text_of_error(int error)
{
    return error == ENOSPC ? "no space left: free shared memory, or inodes, or lower [shm] max_bytes"
                           : system_error_text(error);
}

static void text_of_failure(const struct event *event, char out[static EVENT_TEXT_MAX])
{
    const char *object = event->object, *error = text_of_error(event->error), *directory = region_directory();
    switch (event->kind) {
    case EVENT_BAD_INSTANCE:
        snprintf(out, EVENT_TEXT_MAX,
                 "\"%s\" is not an instance name: use 1 to %d letters, digits, '-' or '_'", object,
                 INSTANCE_MAX);
        break;
    case EVENT_RUNNING:
        snprintf(out, EVENT_TEXT_MAX, "a fetcher for instance \"%s\" is already running (pid %" PRIu64 ")",
                 object, event->number[0]);
        break;
    case EVENT_LOCK_FAILED:
        snprintf(out, EVENT_TEXT_MAX, "cannot lock %s: %s", object, error);
        break;
    case EVENT_LOCK_UNSAFE:
        snprintf(out, EVENT_TEXT_MAX, "%s can be opened by other users: remove %s%s", object, directory,
                 object);
        break;
    case EVENT_LOCK_FOREIGN:
        snprintf(
            out, EVENT_TEXT_MAX,
            "%s belongs to another user, or is no regular object: run as its owner, choose another -n, or, if its "
            "fetcher is gone, remove %s%s",
            object, directory, object);
        break;
    case EVENT_LEFTOVERS:
        snprintf(
            out, EVENT_TEXT_MAX,
            "cannot remove %s.next or its like, leftovers of a dead fetcher (%s): remove them as their owner",
            object, error);
        break;
    case EVENT_OBJECT_FOREIGN:
        snprintf(out, EVENT_TEXT_MAX,
                 "%s belongs to another user or is no regular object: remove %s%s, or run as its owner",
                 object, directory, object);
        break;
    case EVENT_OBJECT_UNSAFE:
        snprintf(out, EVENT_TEXT_MAX, "%s can be written by others: remove %s%s", object, directory, object);
        break;
    case EVENT_OBJECT_FAILED:
        snprintf(out, EVENT_TEXT_MAX, "cannot open %s: %s", object, error);
        break;
    case EVENT_NOT_PUT_ASIDE:
        snprintf(out, EVENT_TEXT_MAX,
                 "%s is of another version of larshm, and cannot be put aside (%s): start that version's "
                 "fetcher, or remove %s%s",
                 object, error, region_directory(), object);
        break;
    case EVENT_HOSTS_FAILED:
        snprintf(out, EVENT_TEXT_MAX, "cannot create %s: %s", object, error);
        break;
    default:
        snprintf(out, EVENT_TEXT_MAX, "out of memory");
    }
}

static void text_of_lock(const struct event *event, char out[static EVENT_TEXT_MAX])
{
    const char *object = event->object;
    if (event->kind == EVENT_LOCK_RETAKEN)
        snprintf(out, EVENT_TEXT_MAX, "%s had been removed: locked again", object);
    else if (event->kind == EVENT_LOCK_LOST)
        snprintf(out, EVENT_TEXT_MAX, "%s was removed, and another fetcher holds it now (pid %" PRIu64 ")",
                 object, event->number[0]);
    else
        snprintf(out, EVENT_TEXT_MAX, "%s was removed, and cannot be locked again: %s", object,
                 text_of_error(event->error));
}

static void text_of_restored(const struct event *event, char out[static EVENT_TEXT_MAX])
{
    const uint64_t *number = event->number;
    time_t seconds = (time_t)(number[0] / 1000);
    struct tm parts;
    char date[32] = "?", left_out[96] = "";
    if (localtime_r(&seconds, &parts))
        strftime(date, sizeof(date), "%F %T", &parts);
    if (number[2])
        snprintf(left_out, sizeof(left_out), "; %" PRIu64 " more find no room: raise [shm] max_bytes",
                 number[2]);
    snprintf(out, EVENT_TEXT_MAX, "restored %" PRIu64 " route%s from the snapshot of %s%s", number[1],
             number[1] == 1 ? "" : "s", date, left_out);
}

void event_text(const struct event *event, char out[static EVENT_TEXT_MAX])
{
    const char *object = event->object, *error = text_of_error(event->error);
    const uint64_t *number = event->number;
    switch (event->kind) {
    case EVENT_ADOPTED:
        snprintf(out, EVENT_TEXT_MAX, "adopted %" PRIu64 " route%s of generation %" PRIu64 "%s", number[1],
                 number[1] == 1 ? "" : "s", number[0], number[2] ? "; damaged ones were left out" : "");
        break;
    case EVENT_RESTORED:
        text_of_restored(event, out);
        break;
    case EVENT_PUT_ASIDE:
        snprintf(out, EVENT_TEXT_MAX,
                 "%s was of another version of larshm (layout %" PRIu64 ", this is %d): put aside as "
                 "%s%s.other; to go back, stop this fetcher, move it back and start that version's",
                 object, number[0], LAYOUT_VERSION, region_directory(), object);
        break;
    case EVENT_REPLACED_DAMAGED:
        snprintf(out, EVENT_TEXT_MAX, "replaced %s, which was damaged", object);
        break;
    case EVENT_NO_SPACE:
        if (number[0] <= number[1]) {
            snprintf(out, EVENT_TEXT_MAX,
                     "no file can be created in %s, although it is not full: free inodes",
                     region_directory());
            break;
        }
        snprintf(out, EVENT_TEXT_MAX,
                 "shared memory is full: %" PRIu64 " KiB are needed and %" PRIu64
                 " KiB available in %s; free some, or lower [shm] max_bytes",
                 number[0] / 1024, number[1] / 1024, region_directory());
        break;
    case EVENT_MEMORY_LIMIT:
        snprintf(out, EVENT_TEXT_MAX,
                 "the control group's memory limit leaves %" PRIu64 " KiB, and a new object needs %" PRIu64
                 " KiB and some more: raise the limit (MemoryMax= of the unit), or lower [shm] max_bytes",
                 number[1] / 1024, number[0] / 1024);
        break;
    case EVENT_HELD:
        snprintf(
            out, EVENT_TEXT_MAX,
            "programs hold %" PRIu64 " replaced objects, %" PRIu64
            " KiB: the control object, and routes objects that would not grow, are not replaced until they let go; "
            "see larshm(1) for how to find them",
            number[0], number[1] / 1024);
        break;
    case EVENT_GENERATION_FAILED:
        snprintf(out, EVENT_TEXT_MAX, "cannot create a new generation of %s: %s", object, error);
        break;
    case EVENT_INSTALL_FAILED:
        snprintf(out, EVENT_TEXT_MAX, "cannot replace %s: %s", object, error);
        break;
    case EVENT_NOT_KEPT:
        snprintf(
            out, EVENT_TEXT_MAX,
            "cannot give the replaced %s a second name: %s; results in it are lost if this fetcher dies within a minute",
            object, error);
        break;
    case EVENT_OBJECTS_RECREATED:
        snprintf(out, EVENT_TEXT_MAX, "%s had been removed or replaced: recreated with its control object",
                 object);
        break;
    case EVENT_CONTROL_RECREATED:
        snprintf(out, EVENT_TEXT_MAX, "%s was truncated or overwritten by a client, or removed: recreated",
                 object);
        break;
    case EVENT_HOSTS_RECREATED:
        snprintf(out, EVENT_TEXT_MAX, "%s had been removed or replaced: recreated", object);
        break;
    case EVENT_HOSTS_NOT_RECREATED:
        snprintf(out, EVENT_TEXT_MAX, "%s had been removed or replaced, and cannot be recreated: %s", object,
                 error);
        break;
    case EVENT_LOCK_RETAKEN:
    case EVENT_LOCK_LOST:
    case EVENT_LOCK_GONE:
        text_of_lock(event, out);
        break;
    default:
        text_of_failure(event, out);
    }
}

static enum log_level level_of(enum event_kind kind)
{
    switch (kind) {
    case EVENT_ADOPTED:
    case EVENT_RESTORED:
    case EVENT_REPLACED_DAMAGED:
        return LOG_LEVEL_INFO;
    case EVENT_PUT_ASIDE:
    case EVENT_NO_SPACE:
    case EVENT_MEMORY_LIMIT:
    case EVENT_HELD:
    case EVENT_OBJECTS_RECREATED:
    case EVENT_CONTROL_RECREATED:
    case EVENT_LOCK_RETAKEN:
    case EVENT_HOSTS_RECREATED:
        return LOG_LEVEL_WARNING;
    default:
        return LOG_LEVEL_ERROR;
    }
}

void event_log_failure(const struct event *event)
{
    char text[EVENT_TEXT_MAX];
    event_text(event, text);
    log_line(LOG_LEVEL_ERROR, "%s", text);
}

void event_log(const struct event *event)
{
    static struct log_limit limits[EVENT_KINDS];
    char text[EVENT_TEXT_MAX];
    event_text(event, text);
    log_limited(&limits[event->kind], level_of(event->kind), "%s", text);
}

void event_log_all(struct writer *writer)
{
    struct event event;
    while (writer_next_event(writer, &event))
        event_log(&event);
}
