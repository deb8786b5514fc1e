/* SPDX-License-Identifier: MIT */
#include "tools/bridge/source.h"

#include <errno.h>

#include "conf/log.h"
#include "conf/system_error.h"
#include "shm/atomic.h"

int source_open(struct source *source)
{
    larshm *routes;
    int code = larshm_open(&routes, source->instance);
    if (code == LARSHM_OK) {
        store_release(&source->routes, routes); /* pairs with the acquire in source_routes() */
        log_line(LOG_LEVEL_INFO, "instance \"%s\" is open", source->instance);
    } else if (code != load_relaxed(&source->code)) {
        log_line(LOG_LEVEL_WARNING, "instance \"%s\": %s", source->instance,
                 code == LARSHM_SYSTEM_ERROR ? system_error_text(errno) : larshm_strerror(code));
    }
    store_relaxed(&source->code, code);
    return code;
}

void source_close(struct source *source)
{
    larshm_close(load_relaxed(&source->routes));
}

int source_routes(struct source *source, larshm **out)
{
    *out = load_acquire(&source->routes);
    return *out ? LARSHM_OK : load_relaxed(&source->code);
}
