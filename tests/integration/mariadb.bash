# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154 # bats sets output
# A private MariaDB server for all tests of a file, and a database of its own for each.

setup_file() {
  "$SOURCE/tools/mariadb" start "$BATS_FILE_TMPDIR/server"
}

teardown_file() {
  "$SOURCE/tools/mariadb" stop "$BATS_FILE_TMPDIR/server"
}

# A database of its own for each test, and the user lars, who has the rights there that the file names, or all.
setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  socket=$BATS_FILE_TMPDIR/server/socket
  name=test$BATS_TEST_NUMBER
  as_root "DROP DATABASE IF EXISTS $name; CREATE DATABASE $name;
    CREATE OR REPLACE USER lars@localhost IDENTIFIED BY 'secret'; GRANT ${rights:-ALL} ON $name.* TO lars@localhost"
  export MYSQL_PWD=secret
  db="mysql://lars@localhost/$name?socket=$socket"
}

as_root() {
  MYSQL_PWD='' mariadb --no-defaults --socket="$socket" -N -B -u root -e "$1" "${2:-mysql}"
}

sql() {
  as_root "$1" "$name"
}

dns() {
  "$BIN/larshm-dns" --db "$db" "$@"
}

# expect_error WORD COMMAND...
expect_error() {
  run -1 "${@:2}"
  [[ "$output" == *"$1"* ]] || {
    echo "'$output' does not say '$1'" >&2
    return 1
  }
}
