/* SPDX-License-Identifier: MIT */
/* The command "refresh": its answer comes when that of the directory has. */
#ifndef FETCHER_ADMIN_REFRESH_H
#define FETCHER_ADMIN_REFRESH_H

#include "conf/admin_request.h"
#include "conf/admin_server.h"
#include "fetcher/refresh.h"

/* True: `rest` is set, and the answer comes later. */
bool admin_refresh(struct refresh *refresh, struct route_key key, struct admin_rest *rest,
                   struct admin_error *error);

#endif
