/* SPDX-License-Identifier: MIT */
#include "fetcher/window.h"

#include "fetcher/requests.h"

static const double step_up = 1.0 / 8, step_down = 1.0 / 2;

void window_init(struct window *window)
{
    window->size = WINDOW_FIRST;
}

void window_answered(struct window *window, uint32_t outstanding, bool slow)
{
    if (slow)
        window->size -= window->size > WINDOW_LEAST + step_down ? step_down : 0;
    else if (outstanding > window->size / 2 && window->size < REQUESTS_MAX)
        window->size += step_up;
}
