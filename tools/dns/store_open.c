/* SPDX-License-Identifier: MIT */
#include "tools/common/maria_url.h"
#include "tools/dns/store_maria.h"
#include "tools/dns/store_sqlite.h"

int store_open(struct store **out, const char *db, enum store_mode mode, char error[static STORE_ERROR_SIZE])
{
    return maria_url_is(db) ? store_maria_open(out, db, error) : store_sqlite_open(out, db, mode, error);
}
