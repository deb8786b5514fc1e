#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The life of the Debian packages on a machine, which is a container with systemd that tools/check-all boots: those of
# packages/before are installed, those of packages/now are upgraded to, removed, installed, purged and installed again, while
# clients look routes up and report. The working directory has both, and deb_client.py.
set -euo pipefail
shopt -s inherit_errexit nullglob
export DEBIAN_FRONTEND=noninteractive
directory=$PWD
services=(larshm-fetcher larshm-dns larshm-reporter larshm-bridge)
more=(larshm-fetcher@two larshm-metrics) # which no installation starts
routes=200
clients=()

fail() {
  echo "FAILED: $*"
  systemctl --no-pager --lines=20 status 'larshm*' || true
  exit 1
}

# eventually COMMAND...: within half a minute.
eventually() {
  local left=300
  until "$@" >/dev/null 2>&1; do
    ((left-- > 0)) || fail "it does not become true: $*"
    sleep 0.1
  done
}

package() {
  dpkg "$@" >"$directory/dpkg.log" 2>&1 || {
    cat "$directory/dpkg.log"
    fail "dpkg $*"
  }
}

# expect WHAT EXPECTED GOT
expect() {
  [ "$2" = "$3" ] || fail "$1: $3 instead of $2"
  echo "$1: $3"
}

states() {
  systemctl is-active "$@" | sort | uniq -c | tr -s ' \n' ' '
}

# As an operator's program does: not root, in group larshm.
client() {
  runuser -u daemon -g nogroup -G larshm -- python3 "$directory/deb_client.py" "$@"
}

start_client() {
  client run "$1" "$2" >"$directory/client${#clients[@]}" 2>&1 &
  clients+=("$!")
  eventually grep -q ready "$directory/client$((${#clients[@]} - 1))"
}

# Ends all clients; sets lookups, errors, reports, refused: of all, and longest.
end_clients() {
  local n line
  lookups=0 errors=0 reports=0 refused=0 longest=0
  # shellcheck disable=SC2046 # the children of runuser
  kill $(pgrep -f "^python3 $directory/deb_client.py run")
  wait "${clients[@]}" || true
  for n in "${!clients[@]}"; do
    read -r -a line < <(tail -n 1 "$directory/client$n")
    [ "${#line[@]}" -ge 5 ] || fail "client $n: $(cat "$directory/client$n")"
    ((lookups += line[0], errors += line[1], reports += line[2], refused += line[3])) || true
    ((longest >= line[4])) || longest=${line[4]}
    [ "${#line[@]}" -eq 5 ] || echo "client $n: ${line[*]:5}"
  done
  clients=()
}

sums() {
  client sums "$1"
}

# The results that fetchers keep of all calls.
kept() {
  echo $(($(sums default | cut -d' ' -f2) + $(sums two | cut -d' ' -f2)))
}

all_kept() {
  [ "$(kept)" -ge "$reports" ]
}

# pids: of the services, in their order.
pids() {
  systemctl show --property=MainPID --value "${services[@]}" "${more[@]}" | grep .
}

# How long the fetcher was away at its last restart, in ms.
away() {
  local times
  mapfile -t times < <(systemctl show --value --property=ActiveExitTimestampMonotonic --property=ActiveEnterTimestampMonotonic \
    larshm-fetcher | sort -n)
  echo $(((times[1] - times[0]) / 1000))
}

has_host() {
  [[ $(larshm get "$1" "$2") == *"$3:"* ]]
}

left_over() {
  find / -xdev \( -path /proc -o -path "$directory" \) -prune -o -name '*larshm*' -print
  find /dev/shm /run -name '*larshm*'
}

echo "== install $(dpkg-deb --field packages/before/larshm_*.deb Version)"
package --install packages/before/*.deb
expect "services" " 4 active " "$(states "${services[@]}")"
seq 1 "$routes" | awk '{ for (host = 1; host <= 4; host++) print "1," $1 ",10.0." $1 "." host ",80" }' >routes.csv
larshm-dns --db /var/lib/larshm-dns/routes.db route import routes.csv
mkdir -p /etc/larshm
cp /etc/larshm.conf /etc/larshm/two.conf
systemctl start "${more[@]}"
printf '\n[fetcher]\npoll_interval_ms = 20\n' >>/etc/larshm.conf
systemctl reload larshm-fetcher
start_client default "$routes"
start_client default "$routes"
start_client two 10
larshm host drain 1 1 10.0.1.1:80
larshm host pin 1 2 10.0.2.1:80
eventually larshm get 1 1
before=$(pids)
conf=$(sha256sum /etc/larshm.conf)

echo "== upgrade to $(dpkg-deb --field packages/now/larshm_*.deb Version), clients looking up"
sleep 1
package --install packages/now/*.deb
expect "services, with an instance and the metrics" " 6 active " "$(states "${services[@]}" "${more[@]}")"
expect "those of the same process as before" 0 "$(comm -12 <(sort <<<"$before") <(pids | sort) | grep -c . || true)"
expect "configuration as edited" "$conf" "$(sha256sum /etc/larshm.conf)"
sleep 1
end_clients
echo "lookups: $lookups, longest pause of a client $longest ms, fetcher away $(away) ms"
expect "errors of lookups" 0 "$errors"
expect "reports refused" 0 "$refused"
eventually all_kept
expect "results kept" "$reports" "$(kept)"
expect "hosts, drained, pinned" "$((routes * 4)) 1 1" "$(sums default | cut -d' ' -f1,3,4)"
start_client default "$routes"
larshm-dns --db /var/lib/larshm-dns/routes.db route add 1 1 10.0.1.9:80
eventually has_host 1 1 10.0.1.9

echo "== remove, a client looking up"
installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' | awk '/larshm/ && $2 == "ii" { print $1 }')
# shellcheck disable=SC2086 # words
package --remove $installed
sleep 1
expect "processes of services" 0 "$(pgrep -c '^larshm' || true)"
end_clients
echo "lookups: $lookups"
expect "errors of lookups" 0 "$errors"
expect "programs and units" "" "$(find /usr /lib/systemd -name '*larshm*' ! -path '*/doc/*')"
expect "configuration as edited" "$conf" "$(sha256sum /etc/larshm.conf)"
expect "state" "/var/lib/larshm/default.snapshot /var/lib/larshm-dns/routes.db" "$(echo /var/lib/larshm/default.snap* /var/lib/larshm-dns/*.db)"

echo "== install again"
package --install packages/now/*.deb
expect "services" " 4 active " "$(states "${services[@]}")"
expect "configuration as edited" "$conf" "$(sha256sum /etc/larshm.conf)"
expect "hosts, drained, pinned" "$((routes * 4 + 1)) 1 1" "$(sums default | cut -d' ' -f1,3,4)"

echo "== purge"
# shellcheck disable=SC2086 # words
package --purge $installed
expect "left" "/etc/larshm" "$(left_over)"
expect "in there" two.conf "$(ls /etc/larshm)"
expect "users" "larshm larshm-bridge larshm-dns larshm-reporter" "$(cut -d: -f1 /etc/passwd | grep larshm | sort | paste -sd' ')"

echo "== install for the first time again"
package --install packages/now/*.deb
expect "services" " 4 active " "$(states "${services[@]}")"
larshm-dns --db /var/lib/larshm-dns/routes.db route add 1 1 10.0.1.1:80
eventually larshm get 1 1
echo "== passed"
