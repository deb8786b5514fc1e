/* SPDX-License-Identifier: MIT */
#include "shm/counters.h"

const struct shm_counter_text shm_counter_texts[COUNTER_COUNT] = {
#define X(name, description) {#name, description},
    SHM_COUNTERS(X)
#undef X
};
