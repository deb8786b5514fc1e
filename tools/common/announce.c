/* SPDX-License-Identifier: MIT */
#include "tools/common/announce.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "conf/address.h"
#include "conf/log.h"
#include "conf/system_error.h"

/* Not by printf(): what stays in its buffer would make the program fail at its end. */
void announce_name(const char *protocol, const char *name)
{
    if (dprintf(STDOUT_FILENO, "listening on %s%s\n", protocol, name) < 0)
        log_line(LOG_LEVEL_WARNING, "listening on %s%s, and cannot write that to stdout: %s", protocol, name,
                 system_error_text(errno));
}

void announce(const char *protocol, const struct sockaddr_in *address)
{
    char name[ADDRESS_TEXT_SIZE];
    address_format(address, name);
    announce_name(protocol, name);
}
