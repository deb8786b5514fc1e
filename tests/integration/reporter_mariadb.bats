#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# larshm-reporter on the command line with a MariaDB database; what its server stores there is in reporter_shared_test.c.

# shellcheck disable=SC2154 # mariadb.bash sets them

bats_require_minimum_version 1.5.0
load mariadb
export rights='SELECT, INSERT, UPDATE' # what the manual says

# The table as Lars' own script makes it.
lars_table() {
  sql "CREATE TABLE ServerCallStatus (modid int(11) NOT NULL, cmdid int(11) NOT NULL, ip int(10) unsigned NOT NULL,
    port int(10) unsigned NOT NULL, caller int(10) unsigned NOT NULL, succ_cnt int(11) NOT NULL, err_cnt int(11) NOT NULL,
    ts bigint(20) NOT NULL, overload char(1) NOT NULL, PRIMARY KEY (modid, cmdid, ip, port, caller))"
}

reporter() {
  timeout 60 "$BIN/larshm-reporter" --db "$db" "$@"
}

# serve [DATABASE]: a service, which is sent a result of route 1 2: 7 successes and 3 failures of 10.0.0.1:8080.
serve() {
  "$BIN/larshm-reporter" --db "${1:-$db}" serve --listen 127.0.0.1:0 >out 2>log 3>&- &
  server=$!
  until [ -s out ]; do sleep 0.02; done
  exec 5<>"/dev/tcp/127.0.0.1/$(sed 's/.*://' out)"
  printf '\x03\0\0\0\x17\0\0\0\x08\x01\x10\x02\x18\x81\x82\x80\x50\x22\x0C\x08\x81\x80\x80\x50\x10\x90\x3F\x18\x07\x20\x03' >&5
}

written() {
  for _ in {1..500}; do
    [ "$(sql 'SELECT count(*) FROM ServerCallStatus')" != "$1" ] || break
    sleep 0.02
  done
  exec 5>&-
  kill "$server"
  wait "$server"
  [ "$(sql 'SELECT count(*) FROM ServerCallStatus')" = "$1" ]
}

@test "results go to the table of Lars and are listed, with just the rights that the manual says" {
  lars_table
  run -0 reporter list
  [[ "$output" == *"no results yet"* ]]
  serve
  written 1
  run -0 reporter list 1 2
  [ "$output" = "$(printf '1\t2\t10.0.0.1:8080\t10.0.1.1\t7\t3\t30.0\tidle\t0')" ]
  run -2 reporter list 1 3
  sql "INSERT INTO ServerCallStatus VALUES (-1, -2147483648, 3355443201, 1, 0, 0, 0, 1700000000, '1'), (1, 1, 0, 1, 1, 1, 1, 1, '0'),
    (1, 1, 1, 70000, 1, 1, 1, 1, '0'), (1, 1, 1, 1, 1, -1, 1, 1, '0'), (1, 1, 1, 1, 2, 1, 1, -1, '0')"
  run -0 reporter list 4294967295 2147483648
  [ "$output" = "$(printf '4294967295\t2147483648\t200.0.0.1:1\t0.0.0.0\t0\t0\t-\toverloaded\t1700000000')" ]
  [ "$(reporter list | wc -l)" -eq 2 ]
}

@test "the table that larshm-dns makes is as good" {
  as_root "GRANT ALL ON $name.* TO lars@localhost"
  dns schema
  serve
  written 1
}

@test "ids are as they are in a table that has room for them" {
  lars_table
  sql "ALTER TABLE ServerCallStatus MODIFY modid int unsigned NOT NULL, MODIFY cmdid bigint NOT NULL"
  serve
  printf '\x03\0\0\0\x22\0\0\0\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01' >&5
  printf '\x22\x0A\x08\x81\x80\x80\x50\x10\x90\x3F\x18\x07' >&5
  written 2
  [ "$(sql 'SELECT cmdid FROM ServerCallStatus WHERE modid = 4294967295')" = 4294967295 ]
}

@test "what is wrong with the database is named before results are taken, and what to do" {
  expect_error "'larshm-dns schema' makes the tables" reporter serve
  expect_error "'larshm-dns schema' makes the tables" reporter list
  sql 'CREATE TABLE ServerCallStatus (id int, name text)'
  expect_error "other columns than those of Lars" reporter serve
  expect_error "other columns than those of Lars" reporter list
  sql 'DROP TABLE ServerCallStatus'
  lars_table
  sql 'ALTER TABLE ServerCallStatus DROP PRIMARY KEY, ADD PRIMARY KEY (modid, cmdid, ip, port)'
  expect_error "has not the key of Lars: run ALTER TABLE" reporter serve
  sql 'ALTER TABLE ServerCallStatus DROP PRIMARY KEY, ADD PRIMARY KEY (modid, cmdid, ip, port, caller)'
  as_root "REVOKE ALL ON $name.* FROM lars@localhost; GRANT SELECT ON $name.* TO lars@localhost"
  reporter list
  expect_error "missing rights: INSERT, UPDATE command denied" reporter serve --create
  [[ "$output" == *"--create makes files"*"see MARIADB in larshm-reporter(1)"* ]]
  as_root "DROP DATABASE $name; GRANT ALL ON *.* TO lars@localhost"
  expect_error "has no database '$name'" reporter serve
  export MYSQL_PWD=wrong
  expect_error "the user or the password is wrong; the password is read from an options file" reporter serve
  expect_error "cannot connect to 127.0.0.1:1: " "$BIN/larshm-reporter" --db "mysql://lars@127.0.0.1:1/$name" serve
  run -78 "$BIN/larshm-reporter" --db "mysql://lars:secret@localhost/$name" serve
  [[ "$output" == *"--db has a password in it"* ]]
}

@test "the next host is taken where the first does not answer" {
  lars_table
  serve "mysql://lars@127.0.0.1:1,localhost/$name?socket=$socket"
  written 1
}

@test "a password that is refused is said, also where the connection was lost before" {
  lars_table
  serve
  until [ "$(sql 'SELECT count(*) FROM ServerCallStatus')" = 1 ]; do sleep 0.02; done
  as_root "ALTER USER lars@localhost IDENTIFIED BY 'other'; KILL USER lars@localhost"
  printf '\x03\0\0\0\x17\0\0\0\x08\x03\x10\x02\x18\x81\x82\x80\x50\x22\x0C\x08\x81\x80\x80\x50\x10\x90\x3F\x18\x07\x20\x03' >&5
  for _ in {1..1000}; do
    ! grep -q "the user or the password is wrong" log || break
    sleep 0.02
  done
  [ "$(grep -c "the user or the password is wrong.*; trying again" log)" -eq 1 ]
  as_root "ALTER USER lars@localhost IDENTIFIED BY 'secret'"
  written 2
  grep -q "the database works again" log
}
