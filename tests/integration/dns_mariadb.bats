#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# larshm-dns on the command line with a MariaDB database; what its server does there is in dns_replica_test.c.

# shellcheck disable=SC2154 # mariadb.bash sets them

bats_require_minimum_version 1.5.0

load mariadb

# The tables as Lars' own script makes them, on a node of a cluster that counts from 2.
lars_tables() {
  sql "CREATE TABLE RouteData (id int(10) unsigned NOT NULL AUTO_INCREMENT, modid int(10) unsigned NOT NULL,
      cmdid int(10) unsigned NOT NULL, serverip int(10) unsigned NOT NULL, serverport int(10) unsigned NOT NULL,
      PRIMARY KEY (id));
    CREATE TABLE RouteVersion (id int(10) unsigned NOT NULL AUTO_INCREMENT, version int(10) unsigned NOT NULL,
      PRIMARY KEY (id));
    CREATE TABLE RouteChange (id int(10) unsigned NOT NULL AUTO_INCREMENT, modid int(10) unsigned NOT NULL,
      cmdid int(10) unsigned NOT NULL, version bigint(20) unsigned NOT NULL, PRIMARY KEY (id));
    INSERT INTO RouteVersion VALUES ($1, 7)"
}

@test "every command works on a MariaDB database as on a file" {
  dns schema
  dns route add 1 2 10.0.0.1:8080 200.0.0.1:65535
  [ "$(dns route list)" = "$(printf '1\t2\t10.0.0.1\t8080\n1\t2\t200.0.0.1\t65535')" ]
  run -0 dns route add 1 2 10.0.0.1:8080
  [[ "$output" == *"nothing changed"* ]]
  dns route set 1 2 10.0.0.9:9
  dns route set 3 4 10.0.0.1:1
  [ "$(dns route list --csv 1)" = "$(printf 'modid,cmdid,ip,port\n1,2,10.0.0.9,9')" ]
  [ "$(dns route log | cut -f 1,4-)" = "$(printf '%s\t%s\t%s\t%s\t%s\n' 1 1 2 - '10.0.0.1:8080 200.0.0.1:65535' \
    2 1 2 '10.0.0.1:8080 200.0.0.1:65535' 10.0.0.9:9 3 3 4 - 10.0.0.1:1)" ]
  run -1 dns route undo 1
  [[ "$output" == *"has changed since edit 1"* ]]
  dns route undo 2
  [ "$(dns route list 1 2 | wc -l)" -eq 2 ]
  dns route del 1 2 10.0.0.1:8080
  dns route del 1 2
  run -2 dns route del 1 2
  run -2 dns route list 1 2
  run -2 dns route undo 77
  printf '5,6,10.0.0.1,80\n5,6,10.0.0.2,80\n' | dns route import -
  printf '5,6,10.0.0.2,80\n5,6,10.0.0.3,80\n' >next.csv
  run -0 dns route import --replace next.csv
  [[ "$output" == *"0 routes and 1 host added, 1 host deleted, 1 route changed"* ]]
}

@test "an edit moves data, change and version together, and the version grows within a second and ahead of the clock" {
  dns schema
  before=$(date +%s)
  dns route add 1 2 10.0.0.1:1
  first=$(sql 'SELECT version FROM RouteVersion WHERE id = 1')
  [ "$first" -ge "$before" ]
  dns route add 1 2 10.0.0.2:1
  dns route add 4294967295 2 255.255.255.254:65535
  [ "$(sql 'SELECT version FROM RouteVersion WHERE id = 1')" -gt $((first + 1)) ]
  [ "$(sql 'SELECT count(DISTINCT version), max(version) FROM RouteChange')" = \
    "$(printf '3\t%s' "$(sql 'SELECT version FROM RouteVersion WHERE id = 1')")" ]
  sql 'UPDATE RouteVersion SET version = 4000000000'
  dns route add 1 2 10.0.0.3:1
  [ "$(sql 'SELECT version FROM RouteVersion WHERE id = 1')" = 4000000001 ]
}

@test "schema gives Lars' tables the index and the row with id 1, and leaves rows as they are" {
  lars_tables 2
  sql "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (1, 2, 167772161, 80), (1, 2, 167772161, 80)"
  expect_error "no row with id 1" dns route list
  run -0 dns schema
  [[ "$output" == *"made table RouteEdit"*"made the row of RouteVersion with id 1"*"made index RouteData_key"* ]]
  [[ "$output" != *"made table RouteData"* ]]
  [ "$(sql 'SELECT id, version FROM RouteVersion')" = "$(printf '1\t7')" ]
  [ "$(sql 'SELECT count(*) FROM RouteData')" = 2 ]
  run -0 dns schema
  [[ "$output" == *"has all that is needed"* ]]
  [ "$(dns route list)" = "$(printf '1\t2\t10.0.0.1\t80')" ]
  dns route del 1 2 10.0.0.1:80
  [ "$(sql 'SELECT count(*) FROM RouteData')" = 0 ]
}

@test "Lars' own tables are edited without an index, a log or the right to make them, which is said" {
  lars_tables 1
  as_root "REVOKE ALL ON $name.* FROM lars@localhost; GRANT SELECT, INSERT, UPDATE, DELETE ON $name.* TO lars@localhost"
  run -0 dns route add 1 2 10.0.0.1:80
  [[ "$output" == *"is not in 'route log'"*"CREATE command denied"* ]]
  [ "$(grep -c 'route log' <<<"$output")" -eq 1 ]
  run -0 dns route log
  [[ "$output" == *"no edits yet"* ]]
  seq 1 300 | sed 's/.*/&,1,10.0.0.1,80\n&,1,10.0.0.2,80/' | dns route import -
  seq 1 300 | sed 's/.*/&,1,10.0.0.2,80/' | dns route import --replace -
  [ "$(sql 'SELECT count(*) FROM RouteData')" = 301 ]
  [ "$(dns route list 300)" = "$(printf '300\t1\t10.0.0.2\t80')" ]
  expect_error "missing rights: CREATE command denied" dns schema
}

@test "what is wrong with the database is named, and what to do" {
  expect_error "'larshm-dns schema' makes the tables" dns route list
  as_root "DROP DATABASE $name"
  expect_error "has no database '$name'" dns route list
  as_root "CREATE DATABASE $name"
  sql 'CREATE TABLE RouteData (id int, name text)'
  expect_error "other columns than those of Lars" dns route list
  sql 'DROP TABLE RouteData'
  dns schema
  as_root "REVOKE ALL ON $name.* FROM lars@localhost; GRANT SELECT ON $name.* TO lars@localhost"
  dns route list
  expect_error "missing rights: " dns route add 1 2 10.0.0.1:80
  as_root "REVOKE SELECT ON $name.* FROM lars@localhost"
  expect_error "missing rights: " dns route list
  [[ "$output" == *"see MARIADB in larshm-dns(1); or is the name in --db wrong?"* ]]
  export MYSQL_PWD=wrong
  expect_error "the user or the password is wrong; the password is read from an options file" dns route list
  expect_error "cannot connect to 127.0.0.1:1: " "$BIN/larshm-dns" --db "mysql://lars@127.0.0.1:1/$name" route list
}

@test "a read-only server is named" {
  dns schema
  as_root 'SET GLOBAL read_only = ON'
  run -1 dns route add 1 2 10.0.0.1:80
  as_root 'SET GLOBAL read_only = OFF'
  [[ "$output" == *"is read-only"*"name the server that takes edits"* ]]
  dns route add 1 2 10.0.0.1:80
}

@test "the password comes from the environment or an options file, and a URL with one is refused" {
  dns schema
  expect_error "--db has a password in it" "$BIN/larshm-dns" --db "mysql://lars:secret@localhost/$name" route list
  unset MYSQL_PWD
  expect_error "the user or the password is wrong" dns route list
  printf '[client]\nuser=lars\npassword=secret\nsocket=%s\n' "$socket" >my.cnf
  "$BIN/larshm-dns" --db "mysql://localhost/$name?options-file=$PWD/my.cnf" route list
  HOME=$PWD
  mv my.cnf .my.cnf
  "$BIN/larshm-dns" --db "mysql://localhost/$name" route list
  expect_error "cannot read the options file" "$BIN/larshm-dns" --db "mysql://localhost/$name?options-file=none" route list
}

@test "the statements of README and of the manual make a database on which every command works" {
  statements=$(sed -n '/^ *CREATE DATABASE/,/^ *GRANT/s/^ *//p' "$SOURCE/README.md")
  sed -n '/^CREATE DATABASE/,/^GRANT/p' "$SOURCE/tools/dns/larshm-dns.1.scd" | tr -d "\\\\" | sed "s/'\.\.\.'/'PASSWORD'/" >manual
  [ "$statements" = "$(<manual)" ]
  as_root "DROP DATABASE $name; DROP USER lars@localhost"
  as_root "$(sed "s/lars_dns/$name/; s/\blars\b/lars@localhost/; s/PASSWORD/secret/" <<<"$statements")"
  dns schema
  seq 1 10001 | sed 's/.*/&,1,10.0.0.1,80/' | dns route import -
}

@test "a large undo shows on a terminal how far it is" {
  dns schema
  seq 1 11000 | sed 's/.*/&,1,10.0.0.1,80/' | dns route import -
  run -0 script -qec "$BIN/larshm-dns --db '$db' route undo 1" /dev/null
  [[ "$output" == *"11000 rows written"*"edit 1 undone by edit 2"* ]]
}

@test "localhost with a port is connected to by TCP, where no socket is named" {
  expect_error "cannot connect to localhost:1: " "$BIN/larshm-dns" --db "mysql://lars@localhost:1/$name" route list
  [[ "$output" == *"on 'localhost'"* && "$output" != *socket* ]]
  "$BIN/larshm-dns" --db "mysql://lars@localhost:1/$name?socket=$socket" schema
}

@test "a port where another program answers is named as such" {
  "$BIN/larshm-dns" --db routes.db serve --create --listen 127.0.0.1:0 >out 2>log 3>&- &
  server=$!
  until [ -s out ]; do sleep 0.02; done
  run -1 "$BIN/larshm-dns" --db "mysql://lars@$(sed 's/listening on //' out)/$name" route list
  kill "$server"
  wait "$server"
  [[ "$output" == *"does not answer as a MariaDB server: "*"the port that of another program?"* ]]
}

@test "an import without hosts says that it has none" {
  dns schema
  run -0 dns route import - </dev/null
  [[ "$output" == *"standard input has no lines with hosts: nothing was imported"* ]]
  run -0 dns route import - <<<'modid,cmdid,ip,port'
  [[ "$output" == *"no lines with hosts"* ]]
}

@test "an error between two rows is named" {
  dns schema
  seq 1 5 | sed 's/.*/&,1,10.0.0.1,80/' | dns route import -
  sql 'RENAME TABLE RouteData TO Kept; CREATE VIEW RouteData AS
    SELECT id, IF(id = 3, (SELECT modid UNION SELECT 0), modid) AS modid, cmdid, serverip, serverport FROM Kept'
  expect_error "Subquery returns more than 1 row" timeout 20 "$BIN/larshm-dns" --db "$db" serve --listen 127.0.0.1:0
}

@test "a server says that most routes are gone" {
  dns schema
  seq 1 200 | sed 's/.*/&,1,10.0.0.1,80/' | dns route import -
  "$BIN/larshm-dns" --db "$db" serve --listen 127.0.0.1:0 >out 2>log 3>&- &
  server=$!
  until [ -s out ]; do sleep 0.02; done
  sql 'DELETE FROM RouteData WHERE modid > 50; UPDATE RouteVersion SET version = version + 1'
  for _ in {1..400}; do
    if grep -q '150 of 200 routes are gone' log; then break; fi
    sleep 0.05
  done
  kill "$server"
  wait "$server"
  [ "$(grep -c '150 of 200 routes are gone' log)" = 1 ]
}

@test "the next host is taken where the first does not answer" {
  dns schema
  port=$(as_root 'SELECT @@port')
  [ -n "$port" ]
  "$BIN/larshm-dns" --db "mysql://lars@127.0.0.1:1,localhost/$name?socket=$socket" route add 1 2 10.0.0.1:80
}

@test "where no host can be used, what is wrong with each is named" {
  expect_error "cannot connect to 127.0.0.1:1: " "$BIN/larshm-dns" --db "mysql://lars@127.0.0.1:1,127.0.0.1:2/$name" route list
  [[ "$output" == *"; cannot connect to 127.0.0.1:2: "* ]]
}

@test "a URL without slashes is no file, and a file that TLS needs and is not there is named" {
  expect_error "write mysql://USER@HOST" "$BIN/larshm-dns" --db "mysql:lars@localhost/$name" route add 1 2 10.0.0.1:80
  [ ! -e "mysql:lars@localhost/$name" ]
  expect_error "cannot read the file of ssl-ca, none.pem: No such file" "$BIN/larshm-dns" --db "$db&ssl-ca=none.pem" route list
  expect_error "cannot read the file of ssl-key, none.pem: No such file" "$BIN/larshm-dns" --db "$db&ssl-key=none.pem" route list
}

@test "a server says what makes the tables, and once that an index is missing" {
  expect_error "--create makes files: 'larshm-dns schema' makes the tables" dns serve --create --listen 127.0.0.1:0
  lars_tables 1
  "$BIN/larshm-dns" --db "$db" serve --listen 127.0.0.1:0 >out 2>server.log 3>&- &
  server=$!
  until [ -s out ]; do sleep 0.02; done
  kill "$server"
  wait "$server"
  [ "$(grep -c "no index on (modid, cmdid)" server.log)" = 1 ]
  dns schema
  rm out
  "$BIN/larshm-dns" --db "$db" serve --listen 127.0.0.1:0 >out 2>server.log 3>&- &
  server=$!
  until [ -s out ]; do sleep 0.02; done
  kill "$server"
  wait "$server"
  [[ "$(<server.log)" != *index* ]]
}

@test "values that do not fit are named, and rows that are no hosts are not read" {
  dns schema
  sql 'INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (1, 2, 0, 80), (1, 2, 5, 0), (1, 2, 5, 70000)'
  run -0 dns route list
  [[ "$output" == *"no routes yet"* ]]
  sql 'UPDATE RouteVersion SET version = 4294967295'
  expect_error "the column of a table is too small for the value" dns route add 1 2 10.0.0.1:80
  [ "$(sql 'SELECT count(*) FROM RouteData WHERE serverip = 167772161')" = 0 ]
}

# The number of the connection that waits for a row.
waiting() {
  local id
  for ((i = 0; i < 200; i++)); do
    id=$(as_root "SELECT id FROM information_schema.PROCESSLIST WHERE user = 'lars' AND info LIKE '%FOR UPDATE'")
    if [ -n "$id" ]; then
      echo "$id"
      return
    fi
    sleep 0.05
  done
  return 1
}

@test "an edit whose connection is killed while it waits is made all the same" {
  dns schema
  sql 'BEGIN; SELECT * FROM RouteVersion FOR UPDATE; SELECT sleep(2)' &
  sleep 0.5
  dns route add 1 2 10.0.0.1:80 2>log &
  edit=$!
  as_root "KILL $(waiting)"
  wait "$edit"
  grep 'route 1 2: 1 host added' log
  wait
}

@test "an edit that waits longer for another editor than the server allows is made all the same" {
  dns schema
  sql 'BEGIN; SELECT * FROM RouteVersion FOR UPDATE; SELECT sleep(6)' &
  sleep 0.5
  run -0 dns route add 1 2 10.0.0.1:80
  [[ "$output" == *"route 1 2: 1 host added"* ]]
  wait
}

@test "of edits by many processes at once none is lost" {
  dns schema
  for editor in 1 2 3 4; do
    (for i in {1..15}; do dns route add "$editor" 1 "10.0.$editor.$i:80" 2>/dev/null; done) &
  done
  wait
  [ "$(dns route list | wc -l)" -eq 60 ]
  [ "$(sql 'SELECT count(DISTINCT version) FROM RouteChange')" -eq 60 ]
}

@test "a wrong line imports nothing" {
  dns schema
  expect_error "nothing was imported" dns route import - <<<$'1,2,10.0.0.1,80\n1,2,10.0.0.2,0'
  [ "$(sql 'SELECT count(*) FROM RouteData')" = 0 ]
}

# told VERSION: the fetcher has heard of it; each lookup of the expired route has it hear again.
told() {
  for _ in {1..400}; do
    "$BIN/larshm" -n "$instance" get 1 2 >/dev/null
    [ "$("$BIN/larshm" -n "$instance" -j servers | "$BUILD/tests/json" servers 0 version)" != "$1" ] || return 0
    sleep 0.05
  done
  "$BIN/larshm" -n "$instance" servers >&2
  return 1
}

@test "a server tells fetchers the version of the rows that it has, of announced edits and unannounced ones" {
  instance=maria-$$-$BATS_TEST_NUMBER
  export LARSHM_ADMIN_SOCKET=$BATS_TEST_TMPDIR/admin.sock
  dns schema
  dns route add 1 2 10.0.0.1:80
  "$BIN/larshm-dns" --db "$db" serve --listen 127.0.0.1:0 >out 2>server.log 3>&- &
  server=$!
  until [ -s out ]; do sleep 0.02; done
  printf '%s\n' "[dnsserver]" "servers = $(sed 's/listening on //' out)" "[reporter]" "ip =" "[loadbalance]" \
    "update_timeout = 1" "[fetcher]" "admin_socket = $LARSHM_ADMIN_SOCKET" "snapshot =" >conf
  "$BIN/larshm-fetcher" -n "$instance" -c conf 2>fetcher.log 3>&- &
  fetcher=$!
  "$BIN/larshm" -n "$instance" wait 1 2
  told "$(sql 'SELECT version FROM RouteVersion')"
  dns route add 1 2 10.0.0.2:80
  told "$(sql 'SELECT version FROM RouteVersion')"
  sql "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (1, 2, 167772163, 80)"
  sql "UPDATE RouteVersion SET version = version + 5"
  told "$(sql 'SELECT version FROM RouteVersion')"
  "$BIN/larshm" -n "$instance" get 1 2 | grep -q 10.0.0.3:80
  kill "$fetcher" "$server"
  wait "$fetcher" "$server" || true
  rm -f "/dev/shm/larshm.$instance" "/dev/shm/larshm.$instance".*
}

@test "the trigger of the manual keeps the version row" {
  lars_tables 1
  sql "INSERT INTO RouteData (modid, cmdid, serverip, serverport)
    SELECT 4294967295, 0, version, 1 FROM RouteVersion WHERE id = 1"
  sql "CREATE TRIGGER RouteVersion_row AFTER UPDATE ON RouteVersion FOR EACH ROW
    UPDATE RouteData SET serverip = NEW.version WHERE modid = 4294967295 AND cmdid = 0"
  dns schema
  dns route add 1 2 10.0.0.1:80
  [ "$(sql 'SELECT serverip FROM RouteData WHERE modid = 4294967295 AND cmdid = 0')" = \
    "$(sql 'SELECT version FROM RouteVersion WHERE id = 1')" ]
}
