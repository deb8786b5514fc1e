/* SPDX-License-Identifier: MIT */
#include "tools/dns/edit_watch.h"

enum {
    AGAIN_MS = 1,
    LOOKS = 30, /* after the last write: an edit may wait for the disk before it ends */
};

static void look_again(uv_timer_t *timer)
{
    struct edit_watch *watch = timer->data;
    if (--watch->left == 0)
        uv_timer_stop(timer);
    watch->look(watch->arg);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct edit_watch *watch = event->data;
    (void)name;
    (void)events;
    (void)status;
    watch->left = LOOKS;
    if (!uv_is_active((uv_handle_t *)&watch->again))
        uv_timer_start(&watch->again, look_again, 0, AGAIN_MS);
}

void edit_watch_init(struct edit_watch *watch, uv_loop_t *loop, edit_watch_look *look, void *arg)
{
    *watch = (struct edit_watch){.look = look, .arg = arg};
    uv_fs_event_init(loop, &watch->event); /* cannot fail */
    uv_timer_init(loop, &watch->again);
    watch->event.data = watch->again.data = watch;
}

void edit_watch_file(struct edit_watch *watch, const char *path)
{
    uv_fs_event_stop(&watch->event);
    uv_fs_event_start(&watch->event, on_event, path, 0);
}

bool edit_watch_active(const struct edit_watch *watch)
{
    return uv_is_active((const uv_handle_t *)&watch->event);
}

void edit_watch_stop(struct edit_watch *watch)
{
    uv_close((uv_handle_t *)&watch->event, NULL);
    uv_close((uv_handle_t *)&watch->again, NULL);
}
