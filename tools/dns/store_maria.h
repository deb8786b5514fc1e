/* SPDX-License-Identifier: MIT */
/* The store in a MariaDB or MySQL database, which many editors and directories share. */
#ifndef TOOLS_DNS_STORE_MARIA_H
#define TOOLS_DNS_STORE_MARIA_H

#include "tools/dns/store.h"

/* As store_open(); `url` is one of tools/common/maria_url.h. */
int store_maria_open(struct store **out, const char *url, char error[static STORE_ERROR_SIZE]);

#endif
