#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Large imports into a MariaDB database: made in a table beside RouteData that takes its place.

# shellcheck disable=SC2154 # mariadb.bash sets them

bats_require_minimum_version 1.5.0
load mariadb

# lines ROUTES PORT: four hosts each
lines() {
  seq 0 $(($1 * 4 - 1)) | awk -v port="$2" '{ print int($1 / 4) ",7," $1 + 1 "," port }'
}

# What RouteData has: port and number of hosts.
content() {
  sql 'SELECT serverport, count(*) FROM RouteData GROUP BY serverport'
}

tables() {
  sql "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = database() AND TABLE_NAME LIKE 'RouteData\_%'"
}

@test "readers see all of a large import or nothing, and editors beside it wait for no more than a part and lose nothing" {
  dns schema
  run -0 "$BUILD/tests/dns_stall" 0 40000 "$db"
  echo "$output"
  [ "$(tables)" = 0 ]
}

@test "a large import is in the log, is announced, and is undone as a whole" {
  dns schema
  dns route add 1 7 10.0.0.1:80
  lines 3000 80 | dns route import --replace -
  [ "$(content)" = "$(printf '80\t12000')" ]
  [ "$(sql 'SELECT count(*) FROM RouteChange')" = 3001 ]
  [ "$(sql 'SELECT max(version) FROM RouteChange')" -le "$(sql 'SELECT version FROM RouteVersion')" ]
  [ "$(dns route log 1 7 | cut -f 1,6-)" = \
    "$(printf '1\t-\t10.0.0.1:80\n2\t10.0.0.1:80\t0.0.0.5:80 0.0.0.6:80 0.0.0.7:80 0.0.0.8:80')" ]
  dns route add 1 7 10.0.0.2:80
  expect_error "route 1 7 has changed since edit 2" dns route undo 2
  [ "$(content)" = "$(printf '80\t12001')" ]
  run -0 dns route undo --force 2
  [[ "$output" == *"edit 2 undone by edit 4: 3000 routes changed"* ]]
  [ "$(dns route list)" = "$(printf '1\t7\t10.0.0.1\t80')" ]
}

@test "columns that others have added, also hidden and computed ones, rows that are no hosts, comments and ids stay" {
  dns schema
  comment="it's ours, $(printf 'ä%.0s' {1..2000})"
  sql "ALTER TABLE RouteData ADD note VARCHAR(20) DEFAULT 'none', ADD \`its ow\`\`ner\` VARCHAR(20) INVISIBLE DEFAULT 'us',
    ADD address VARCHAR(15) AS (inet_ntoa(serverip)) VIRTUAL, COMMENT = '${comment/\'/\'\'}'"
  sql "INSERT INTO RouteData (id, modid, cmdid, serverip, serverport, note, \`its ow\`\`ner\`)
    VALUES (5, 9999999, 1, 3232235777, 80, 'kept', 'we'), (6, 9999999, 2, 0, 0, 'no host', 'they')"
  lines 3000 81 | dns route import -
  [ "$(sql "SELECT id, note, \`its ow\`\`ner\`, address FROM RouteData WHERE modid = 9999999")" = \
    "$(printf '5\tkept\twe\t192.168.1.1\n6\tno host\tthey\t0.0.0.0')" ]
  [ "$(sql "SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = database()
    AND TABLE_NAME = 'RouteData'")" = "$comment" ]
  [ "$(sql "SELECT count(*) FROM RouteData WHERE note = 'none'")" = 12000 ]
}

@test "a large import goes on where the host's name is long, and clears away what one that died there has left" {
  unshare -Uru true 2>/dev/null || skip "this machine has no user namespaces"
  dns schema
  lines 3000 80 >file.csv
  host=$(printf 'h%.0s' {1..64})
  sql "CREATE TABLE RouteData_next LIKE RouteData; ALTER TABLE RouteData_next
    COMMENT = 'larshm-dns: import by process 4194305 on $host since 1234567890'"
  # shellcheck disable=SC2016 # the inner shell's
  unshare -Uru sh -c 'echo "$0" >/proc/sys/kernel/hostname && exec "$@"' "$host" \
    "$BIN/larshm-dns" --db "$db" route import file.csv
  [ "$(content)" = "$(printf '80\t12000')" ]
  [ "$(tables)" = 0 ]
}

@test "an import that is killed leaves all of it or nothing, and the next one clears away what it left" {
  dns schema
  lines 2200 80 | dns route import -
  port=80
  for i in 1 2; do
    lines 2200 $((80 + i)) >file.csv
    dns route import --replace file.csv 2>/dev/null &
    import=$!
    until [ "$(tables)" -gt 0 ] || ! kill -0 "$import" 2>/dev/null; do sleep 0.02; done
    sleep "0.$((i * 3 - 2))"
    kill -9 "$import" 2>/dev/null || true
    wait "$import" || true
    until [ "$(as_root "SELECT count(*) FROM information_schema.PROCESSLIST WHERE user = 'lars'")" = 0 ]; do
      sleep 0.02
    done
    now=$(sql 'SELECT DISTINCT serverport FROM RouteData')
    [ "$now" = "$port" ] || [ "$now" = $((80 + i)) ]
    [ "$(content)" = "$(printf '%s\t8800' "$now")" ]
    port=$now
    sql 'DROP TABLE IF EXISTS RouteData_old'
  done
  lines 2200 99 | dns route import --replace -
  [ "$(content)" = "$(printf '99\t8800')" ]
  [ "$(tables)" = 0 ]
}

@test "an import beside another one, and after one that died at its end, is refused and says what to do" {
  dns schema
  lines 3000 80 >file.csv
  sql "CREATE TABLE RouteData_next LIKE RouteData"
  expect_error "another import is at work; if it has died, DROP TABLE RouteData_next; nothing was imported" \
    dns route import file.csv
  sql "ALTER TABLE RouteData_next COMMENT = 'larshm-dns: import by process 7 on elsewhere since 1'"
  expect_error "(larshm-dns: import by process 7 on elsewhere since 1)" dns route import file.csv
  sql "RENAME TABLE RouteData_next TO RouteData_old"
  expect_error "DROP TABLE RouteData_old when you need it no more" dns route import file.csv
  [ "$(tables)" = 1 ]
  lines 300 80 | dns route import -
}

@test "where RouteData may not be replaced, a large import says why, and --one-transaction does without" {
  dns schema
  lines 3000 80 >file.csv
  sql "CREATE TRIGGER others BEFORE INSERT ON RouteData FOR EACH ROW SET @seen = 1"
  expect_error "has triggers that would be lost; --one-transaction does without" dns route import file.csv
  sql "DROP TRIGGER others; CREATE TABLE Child (id INT UNSIGNED, FOREIGN KEY (id) REFERENCES RouteData (id))"
  expect_error "has foreign keys that would be lost" dns route import file.csv
  sql "DROP TABLE Child"
  as_root "REVOKE ALL ON $name.* FROM lars@localhost; GRANT SELECT, INSERT, UPDATE, DELETE ON $name.* TO lars@localhost"
  expect_error "CREATE command denied" dns route import file.csv
  as_root "GRANT CREATE ON $name.* TO lars@localhost"
  expect_error "GRANT CREATE, ALTER, DROP on the database; --one-transaction does without" dns route import file.csv
  [ -z "$(content)" ]
  sql "ALTER TABLE RouteData ADD SYSTEM VERSIONING"
  expect_error "has a history of its rows that would be lost" dns route import file.csv
  dns route import --one-transaction file.csv
  [ "$(content)" = "$(printf '80\t12000')" ]
}

@test "a transaction that has RouteData open holds the switch up, and no reader or editor" {
  dns schema
  dns route add 9999999 1 10.0.0.1:80
  sql 'BEGIN; SELECT count(*) FROM RouteData; SELECT sleep(2); SELECT count(*) FROM RouteData' >seen &
  until [ "$(as_root "SELECT count(*) FROM information_schema.PROCESSLIST WHERE info LIKE 'SELECT sleep%'")" = 1 ]; do
    sleep 0.05
  done
  lines 3000 80 | dns route import - &
  import=$!
  until [ "$(sql "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'RouteData_next'")" = 1 ]; do
    sleep 0.05
  done
  dns route add 9999999 1 10.0.0.2:80
  kill -0 "$import"
  wait "$import"
  wait
  [ "$(tr '\n' ' ' <seen)" = "1 0 1 " ]
  [ "$(content)" = "$(printf '80\t12002')" ]
}
