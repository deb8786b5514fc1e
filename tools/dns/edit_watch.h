/* SPDX-License-Identifier: MIT */
/*
 * Notices writes to a file within a millisecond or two, and costs nothing while there are none. It is a hint: the kernel
 * may have no watch left, and the file may be replaced; so who uses it looks now and then all the same.
 */
#ifndef TOOLS_DNS_EDIT_WATCH_H
#define TOOLS_DNS_EDIT_WATCH_H

#include <stdbool.h>
#include <uv.h>

/* The first write to the file is not the end of an edit: `look` is called for a while, each millisecond. */
typedef void edit_watch_look(void *arg);

struct edit_watch {
    uv_fs_event_t event;
    uv_timer_t again;
    unsigned left; /* calls */
    edit_watch_look *look;
    void *arg;
};

/* `look` must not stop the watch. */
void edit_watch_init(struct edit_watch *watch, uv_loop_t *loop, edit_watch_look *look, void *arg);

/* Watches this file and no other from now on. */
void edit_watch_file(struct edit_watch *watch, const char *path);

/* False: none is watched. */
bool edit_watch_active(const struct edit_watch *watch);

/* The loop closes it; the memory stays until then. */
void edit_watch_stop(struct edit_watch *watch);

#endif
