/* SPDX-License-Identifier: MIT */
/* A control object in memory that children share, for tests of call results. */
#ifndef TESTS_UNIT_SHM_CALLS_H
#define TESTS_UNIT_SHM_CALLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>

#include "shm/atomic.h"
#include "shm/control.h"
#include "tests/support/keys.h"

struct calls {
    struct region region;
    struct control control;
};

static inline void calls_begin(struct calls *calls, uint32_t cells)
{
    const struct control_shape shape = {4, cells, 0};
    calls->region.size = control_size(shape);
    calls->region.s_base =
        mmap(NULL, calls->region.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(calls->region.s_base != MAP_FAILED);
    control_format(&calls->region, shape, 1);
    assert_int_equal(control_attach(&calls->region, shape, 1, &calls->control), SHM_OK);
}

static inline void calls_end(struct calls *calls)
{
    region_close(&calls->region);
}

/* The only cell of a host; there must be no second one. NULL: it has none. */
static inline struct call_cell *calls_cell(const struct calls *calls, uint64_t key, struct host_addr host)
{
    struct call_cell *found = NULL;
    for (uint32_t i = 0; i < calls->control.shape.call_cells; i++) {
        struct call_cell *s_cell = &calls->control.s_calls[i];
        if (load_relaxed(&s_cell->key) != route_key_word(numbered_key(key)) ||
            load_relaxed(&s_cell->host) != host_addr_word(host))
            continue;
        assert_null(found);
        found = s_cell;
    }
    return found;
}

/* Host number n; none is HOST_ADDR_NONE. */
static inline struct host_addr calls_host(uint32_t n)
{
    return (struct host_addr){n + 1, (uint16_t)(n + 1)};
}

#endif
