/* SPDX-License-Identifier: MIT */
#include "fetcher/window.h"

#include "fetcher/requests.h"

static const double step_up = 1.0 / 8, step_down = 1.0 / 2;

void window_init(struct window *window)
{
    *window = (struct window){.size = WINDOW_FIRST, .least_ms = UINT64_MAX};
}

void window_answered(struct window *window, uint32_t outstanding, uint64_t took_ms, uint64_t slow_ms)
{
    double size = window->size;
    if (outstanding > window->peak)
        window->peak = outstanding;
    if (took_ms < window->least_ms)
        window->least_ms = took_ms;
    if (took_ms > window->least_ms + slow_ms)
        size -= step_down;
    else if (outstanding > size / 2)
        size += step_up;
    if (outstanding == 1) {
        size *= window->peak > size / 2 ? 2 : 1;
        window->peak = 0;
    }
    window->size = size < WINDOW_LEAST ? WINDOW_LEAST : size > REQUESTS_MAX ? REQUESTS_MAX : size;
}
