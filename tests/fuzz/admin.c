/* SPDX-License-Identifier: MIT */
/*
 * Any line is a request with usable values, or is refused with a code and a printable text. Input: the line, in memory
 * that is exactly as long.
 */
#include <arpa/inet.h>
#include <string.h>

#include "conf/admin_request.h"
#include "tests/fuzz/fuzz.h"

static void check_refused(const struct admin_error *error)
{
    DEMAND(error->code[0] && memchr(error->code, '\0', sizeof(error->code)));
    DEMAND(error->text[0] && memchr(error->text, '\0', sizeof(error->text)));
    for (const char *c = error->text; *c; c++)
        DEMAND(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct admin_request request;
    struct admin_error error;
    if (!admin_request_parse((const char *)data, size, &request, &error)) {
        check_refused(&error);
        return 0;
    }
    DEMAND(memchr(request.command, '\0', sizeof(request.command)));
    DEMAND(request.has_route || (!request.has_host && request.modid == 0 && request.cmdid == 0));
    DEMAND(!request.has_host || (request.host.sin_addr.s_addr && request.host.sin_port));
    return 0;
}
