#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# MariaDB's C client: a query that fails while its rows are being fetched leaves no error at its prepared statement.
#
# Expected: mysql_stmt_fetch() returns 1 for an error, and mysql_stmt_errno() and mysql_stmt_error() then say which, as
# after each other mysql_stmt_ function that fails.
#
# Seen with libmariadb 10.11.18 (Debian 12) and 11.8.9 (Debian 13), a server of 10.11.18: rows are fetched as they come
# (no mysql_stmt_store_result()), and the server meets an error behind the fourth row. mysql_stmt_fetch() returns 1;
# mysql_stmt_errno() is 0 and mysql_stmt_error() is empty. The error is at the connection: mysql_errno() is 1242. Of
# the same query mysql_stmt_store_result() sets both.
#
# Why it matters: a loop that ends when mysql_stmt_fetch() is not 0 and then looks at mysql_stmt_errno(), takes the
# first part of a table for all of it, and one that prints mysql_stmt_error() prints nothing. Large tables are fetched
# this way, and a killed query, a time limit or a lost node ends them between two rows. Look at the value that
# mysql_stmt_fetch() returned, and, where the statement has no error, at the connection's.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "cannot be shown here: $*" >&2; exit 77; }
changed() { echo "CHANGED: $*" >&2; exit 1; }

# fetch SUITE PACKAGE=VERSION...: unpacks these packages into $dir/SUITE, from the mirror that apt uses here.
fetch() {
  local suite=$1 apt=$dir/apt.$1 keys=/usr/share/keyrings/debian-archive-keyring.gpg mirror options deb
  shift
  command -v apt-get >/dev/null || cannot "no apt-get"
  mirror=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 'Origin: Debian' 'Label: Debian')
  mirror=${mirror%%$'\n'*}
  [ -n "$mirror" ] || cannot "apt knows no Debian mirror"
  mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial "$apt"/debs "$dir/$suite"
  echo "deb [signed-by=$keys] $mirror $suite main" >"$apt/sources"
  : >"$apt/status"
  options=(-qq -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache"
    -o Dir::Etc::sourcelist="$apt/sources" -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=)
  apt-get "${options[@]}" update >"$apt/log" 2>&1 || cannot "$(tail -n 1 "$apt/log")"
  (cd "$apt/debs" && apt-get "${options[@]}" download "$@") >"$apt/log" 2>&1 || cannot "$(tail -n 1 "$apt/log")"
  for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$dir/$suite"; done
}

command -v cc >/dev/null || cannot "no C compiler"
old=1:10.11.18-0+deb12u1 new=1:11.8.9+ds-0+deb13u1
fetch bookworm mariadb-server-core=$old libmariadb-dev=$old libmariadb3=$old libc6 libstdc++6 libgcc-s1 libssl3 libaio1 \
  libpcre2-8-0 liblz4-1 libzstd1 zlib1g liblzma5 libsystemd0 libcap2 libgcrypt20 libgpg-error0 libnuma1 liburing2 \
  libcrypt1
fetch trixie libmariadb3=$new libc6 libssl3t64 libzstd1 zlib1g libgcc-s1

# in_suite SUITE PROGRAM ARGUMENT...: with that suite's libraries, and its C library
in_suite() {
  local root=$dir/$1
  shift
  set -- "$(echo "$root"/usr/lib*/ld-linux-*.so.* "$root"/lib*/ld-linux-*.so.* | tr ' ' '\n' | grep -v '\*' | head -n 1)" \
    --library-path "$(printf '%s:' "$root"/usr/lib/*-linux-gnu "$root"/lib/*-linux-gnu)" "$@"
  exec "$@"
}

mkdir "$dir/data"
as=() server=$dir/bookworm/usr/sbin/mariadbd
[ "$(id -u)" -ne 0 ] || as=(--user=root)
options=(--no-defaults "${as[@]}" --datadir="$dir/data" --lc-messages-dir="$dir/bookworm/usr/share/mysql"
  --plugin-dir="$dir/bookworm/usr/lib/mysql/plugin" --innodb-log-file-size=8M --innodb-buffer-pool-size=16M)
printf '%s;\n' "CREATE DATABASE d" "CREATE TABLE d.route (id INT PRIMARY KEY, host INT)" \
  "INSERT INTO d.route VALUES (1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (6, 1)" >"$dir/tables.sql"
(in_suite bookworm "$server" "${options[@]}" --bootstrap) <"$dir/tables.sql" >"$dir/log" 2>&1 ||
  cannot "the data directory cannot be made: $(tail -n 1 "$dir/log")"
(in_suite bookworm "$server" "${options[@]}" --socket="$dir/socket" --skip-networking --skip-grant-tables) \
  >"$dir/log" 2>&1 &
trap 'kill -KILL $! 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
for _ in {1..150}; do
  [ ! -S "$dir/socket" ] || break
  sleep 0.2
done
[ -S "$dir/socket" ] || cannot "the server does not start: $(tail -n 1 "$dir/log")"

cat >"$dir/rows.c" <<'C'
#include <mysql.h>
#include <stdio.h>
#include <string.h>

/* The host of the fifth route is in two rows of the list, where one may be. */
static const char query[] =
    "SELECT (SELECT x FROM (SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 2) AS list WHERE x = host) "
    "FROM route ORDER BY id";

int main(int argc, char **argv)
{
    MYSQL *connection = mysql_init(NULL);
    MYSQL_STMT *statement;
    long long host;
    my_bool null;
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &host, .is_null = &null};
    int rows = 0, result;

    (void)argc;
    if (!mysql_real_connect(connection, NULL, "root", NULL, "d", 0, argv[1], 0))
        return fprintf(stderr, "%s\n", mysql_error(connection)), 1;
    statement = mysql_stmt_init(connection);
    if (mysql_stmt_prepare(statement, query, sizeof(query) - 1) != 0 || mysql_stmt_execute(statement) != 0 ||
        mysql_stmt_bind_result(statement, &bind) != 0)
        return fprintf(stderr, "%s\n", mysql_stmt_error(statement)), 1;
    if (strcmp(argv[2], "stored") == 0) {
        result = mysql_stmt_store_result(statement) != 0;
    } else {
        while ((result = mysql_stmt_fetch(statement)) == 0)
            rows++;
    }
    printf("%d rows, then %d: statement %u, connection %u (client %s)\n", rows, result, mysql_stmt_errno(statement),
           mysql_errno(connection), mysql_get_client_info());
    mysql_stmt_close(statement);
    mysql_close(connection);
    return 0;
}
C
cc -o "$dir/rows" "$dir/rows.c" -I"$dir/bookworm/usr/include/mariadb" -L"$(echo "$dir"/bookworm/usr/lib/*-linux-gnu)" \
  -l:libmariadb.so.3
for suite in bookworm trixie; do
  fetched=$( (in_suite $suite "$dir/rows" "$dir/socket" fetched)) stored=$( (in_suite $suite "$dir/rows" "$dir/socket" stored))
  echo "$suite, rows fetched as they come: $fetched"
  echo "$suite, rows stored first:         $stored"
  [[ "$fetched" = "4 rows, then 1: statement 0, connection 1242 "* ]] || changed "rows fetched as they come"
  [[ "$stored" = "0 rows, then 1: statement 1242, connection 1242 "* ]] || changed "rows stored first"
done
