/* SPDX-License-Identifier: MIT */
#include "tools/bench/library.h"

const struct library own_library = {
    .open = larshm_open,
    .close = larshm_close,
    .get_host = larshm_get_host,
    .get_host_batch = larshm_get_host_batch,
    .route_begin = larshm_route_begin_sized,
    .route_end = larshm_route_end,
    .report = larshm_report,
    .info = larshm_info_sized,
};
