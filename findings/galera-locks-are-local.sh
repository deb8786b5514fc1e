#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# MariaDB Galera cluster: a locking read waits for nothing that another node is doing.
#
# Expected: ids of an AUTO_INCREMENT column may be committed out of order, as in any database. The usual remedies are
# a locking read (it waits until the rows in its range are committed) and, in a cluster, wsrep_sync_wait (the node
# first applies what was committed before). And FOR UPDATE SKIP LOCKED hands a row to one client at a time.
#
# Seen with MariaDB 10.11.18 and Galera 26.4.23 (Debian 12), three nodes:
# - Node 1 inserts a row in a transaction that stays open, node 2 inserts one with a larger id. On node 1 a SELECT ...
# LOCK IN SHARE MODE over the table waits for the open row. On node 3 the same SELECT, with wsrep_sync_wait=15,
# returns at once, without it. After the commit the row stands below the reader's last id: WHERE id > last never
# finds it.
# - Two nodes hand out the same row under FOR UPDATE SKIP LOCKED. The client that locked it first loses: the other's
# commit breaks its lock, and its next statement reports a deadlock (1213) though no client waited for another.
#
# Why it matters: something that follows a table by its ids, or takes jobs from it, and was right on one server loses
# rows or does a job twice on a cluster, with both remedies in place. Read changes by commit order (a binary log with
# GTIDs), or read everything again; send writers and locking readers to one node.
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

mariadb=1:10.11.18-0+deb12u1
fetch bookworm galera-4=26.4.23-0+deb12u1 mariadb-server-core=$mariadb mariadb-client-core=$mariadb \
  libmariadb3=$mariadb libc6 libstdc++6 libgcc-s1 libssl3 libaio1 libpcre2-8-0 liblz4-1 libzstd1 zlib1g liblzma5 \
  libsystemd0 libcap2 libgcrypt20 libgpg-error0 libnuma1 liburing2 libcrypt1 libedit2 libbsd0 libmd0 libtinfo6 \
  libncurses6
root=$dir/bookworm
libs=$(echo "$root"/lib/*-linux-gnu):$(echo "$root"/usr/lib/*-linux-gnu)
loader=$(echo "$root"/lib*/ld-linux-*.so.*)
port=$((20000 + RANDOM % 10000 * 3))
pids=()
stop() {
  [ ${#pids[@]} -eq 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || :
  touch "$dir"/go.{1,2} # a session that still waits runs into its end
  wait 2>/dev/null
  rm -rf "$dir"
}
trap stop EXIT

server() { # NODE OPTION...
  local node=$1
  shift
  [ "$(id -u)" -ne 0 ] || set -- --user=root "$@"
  exec "$loader" --library-path "$libs" "$root/usr/sbin/mariadbd" --no-defaults --datadir="$dir/$node" \
    --lc-messages-dir="$root/usr/share/mysql" --plugin-dir="$root/usr/lib/mysql/plugin" --innodb-log-file-size=8M \
    --innodb-buffer-pool-size=16M "$@"
}

member() { # NODE ADDRESSES: a cluster member, on the loopback interface and a Unix socket
  local at=127.0.0.1:$((port + $1)) ist=127.0.0.1:$((port + 10 + $1))
  PATH=$dir/sst:$PATH server "$1" --socket="$dir/$1.sock" --skip-networking --skip-grant-tables --binlog-format=ROW \
    --innodb-autoinc-lock-mode=2 --innodb-flush-log-at-trx-commit=0 --wsrep-on=1 \
    --wsrep-provider="$root/usr/lib/galera/libgalera_smm.so" --wsrep-cluster-address="gcomm://$2" \
    --wsrep-node-address="$at" --wsrep-node-incoming-address=127.0.0.1:0 --wsrep-sst-method=none_needed \
    --wsrep-provider-options="base_port=${at#*:};base_host=127.0.0.1;gmcast.listen_addr=tcp://$at;ist.recv_addr=$ist"
}

start() { # NODE ADDRESSES: starts it and waits until it has joined
  member "$@" >"$dir/$1.log" 2>&1 </dev/null &
  pids+=($!)
  for _ in {1..150}; do
    [ "$(sql "$1" -e "SHOW STATUS LIKE 'wsrep_local_state_comment'" 2>/dev/null | cut -f 2)" != Synced ] || return 0
    sleep 0.2
  done
  cannot "node $1 does not join: $(grep -m 1 ERROR "$dir/$1.log")"
}

sql() { # NODE OPTION...
  local node=$1
  shift
  timeout 60 "$loader" --library-path "$libs" "$root/usr/bin/mariadb" --no-defaults -u root -S "$dir/$node.sock" \
    -N -B -n "$@"
}

# All nodes begin with one copy of the data and its position in the cluster's history, so no state has to be copied when
# they join: the stand-in for a transfer script only passes the position on.
mkdir "$dir/1" "$dir/sst"
cat >"$dir/sst/wsrep_sst_none_needed" <<'SST'
#!/bin/sh
state=${0%/*}/state
while [ $# -gt 0 ]; do
  case $1 in --role) role=$2 ;; --gtid) gtid=$2 ;; esac
  shift
done
if [ "$role" = joiner ]; then
  rm -f "$state"
  echo "ready 127.0.0.1:1/none"
  until [ -s "$state" ]; do sleep 0.1; done
  cat "$state"
else
  echo "$gtid" >"$state.new"
  mv "$state.new" "$state"
  echo "done $gtid"
fi
SST
chmod +x "$dir/sst/wsrep_sst_none_needed"
(
  echo "CREATE DATABASE mysql;"
  echo "USE mysql;"
  cat "$root/usr/share/mysql/mysql_system_tables.sql"
) >"$dir/tables.sql"
(server 1 --bootstrap) <"$dir/tables.sql" >"$dir/1.log" 2>&1 || cannot "the data directory cannot be made"
start 1 ""
sql 1 -e SHUTDOWN
wait "${pids[0]}" || :
pids=()
rm -f "$dir"/1/gvwstate.dat "$dir"/1/galera.cache
cp -r "$dir/1" "$dir/2"
cp -r "$dir/1" "$dir/3"
start 1 ""
start 2 "127.0.0.1:$((port + 1))"
start 3 "127.0.0.1:$((port + 1))"
[ "$(sql 3 -e "SHOW STATUS LIKE 'wsrep_cluster_size'" | cut -f 2)" = 3 ] || cannot "no cluster of three"
sql 3 -e "SELECT VERSION()"
sql 3 -e "SHOW STATUS LIKE 'wsrep_provider_version'"

sql 1 -e "CREATE DATABASE d; CREATE TABLE d.route (id INT AUTO_INCREMENT PRIMARY KEY, node INT) ENGINE=InnoDB;
  CREATE TABLE d.job (id INT PRIMARY KEY, owner INT) ENGINE=InnoDB; INSERT INTO d.job VALUES (1, 0), (2, 0)"

session() { # NODE STATEMENT...: one statement each time that $dir/go.N appears; goes on after errors
  local node=$1 n=0
  shift
  for _; do
    n=$((n + 1))
    until [ -e "$dir/go.$n" ]; do sleep 0.1; done
    printf '%s;\n' "${!n}"
  done | sql "$node" --force
}
wait_for() { # FILE LINES
  for _ in {1..100}; do
    [ "$(wc -l <"$1")" -lt "$2" ] || return 0
    sleep 0.1
  done
  changed "no answer in $1"
}

echo
touch "$dir/go.1" "$dir/open"
session 1 "BEGIN; INSERT INTO d.route (node) VALUES (1); SELECT LAST_INSERT_ID()" \
  "COMMIT; SELECT 'committed'" >"$dir/open" &
wait_for "$dir/open" 1
open=$(cat "$dir/open")
sync="SET SESSION wsrep_sync_wait = 15, innodb_lock_wait_timeout = 1;"
last=$(sql 2 -e "INSERT INTO d.route (node) VALUES (2), (2); SELECT MAX(id) FROM d.route")
lock="$sync SELECT COUNT(*) FROM d.route WHERE id <= $last AND node = 1 LOCK IN SHARE MODE"
echo "open on node 1: id $open; committed on node 2: up to id $last"
here=$( (sql 1 -e "$lock" || :) 2>&1 | grep -o 'ERROR [0-9]*') || here="did not wait"
there=$(sql 3 -e "$lock")
echo "locking read of both: on node 1 $here (lock wait timeout), on node 3 returns at once and counts $there of node 1"
touch "$dir/go.2"
wait_for "$dir/open" 2
missed=$(sql 3 -e "$sync SELECT GROUP_CONCAT(id) FROM d.route WHERE node = 1")
found=$(sql 3 -e "$sync SELECT COUNT(*) FROM d.route WHERE node = 1 AND id > $last")
echo "after the commit node 3 has id $missed; WHERE id > $last finds of it: $found"

rm -f "$dir"/go.*
touch "$dir/go.1" "$dir/first"
job="BEGIN; SELECT id FROM d.job WHERE owner = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
session 1 "$job" "UPDATE d.job SET owner = 1 WHERE id = 1; SELECT 'updated'" >"$dir/first" 2>"$dir/error" &
pair=$!
wait_for "$dir/first" 1
second=$(sql 2 -e "$job; UPDATE d.job SET owner = 2 WHERE id = 1; COMMIT")
sql 1 -e "$sync SELECT 1 FROM d.job" >"$dir/applied"
touch "$dir/go.2"
wait "$pair" || :
first=$(sed -n 1p "$dir/first") error=$(grep -o 'ERROR [0-9]*' "$dir/error") || error=none
owner=$(sql 3 -e "$sync SELECT owner FROM d.job WHERE id = 1")
echo "job locked first on node 1: $first; then on node 2: $second"
echo "owner after both: node $owner; the next statement on node 1: $error"

[[ $open -lt $last && $here = "ERROR 1205" && $there = 0 && $missed = "$open" && $found = 0 ]] ||
  changed "a locking read"
[[ $first = 1 && $second = 1 && $owner = 2 && $error = "ERROR 1213" ]] || changed "SKIP LOCKED"
