/* SPDX-License-Identifier: MIT */
/* What RouteEdit says of an edit: hosts as a text, and who it was. */
#ifndef TOOLS_DNS_LOG_TEXT_H
#define TOOLS_DNS_LOG_TEXT_H

#include "tools/dns/edit.h"

enum {
    LOG_USER_SIZE = 64,
};

/* IP:PORT with spaces between them, for the caller to free. NULL: memory ran out. */
char *log_text(const struct hosts *hosts);

/* Hosts from such a text, for the caller to free; what is no host, another program wrote, and is left out. False: memory ran
 * out. */
bool log_text_parse(const char *text, struct hosts *out);

/* Who edits. Root that another user became by sudo is that user. */
void log_text_user(char name[static LOG_USER_SIZE]);

#endif
