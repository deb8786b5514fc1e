#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs on a machine of its own that units.bats boots, as root: each function holds if no command in it fails, and then
# /results/held gets its name. What they print is in /results/log.
set -u
results=/results
exec >"$results/log" 2>&1
mkdir /etc/default /etc/larshm
echo 127.0.0.1 localhost >/etc/hosts

eventually() {
    local _
    for _ in {1..500}; do
        if "$@"; then
            return 0
        fi
        sleep 0.02
    done
    echo "never came true: $*"
    return 1
}

# is UNIT PROPERTY VALUE
is() {
    [ "$(systemctl show -p "$2" --value "$1")" = "$3" ]
}

# A user's program, in group larshm or not.
program() {
    setpriv --reuid=65534 --regid=65534 --groups="$(getent group larshm | cut -d: -f3)" "$@"
}
stranger() {
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# The route of services_run_in_their_sandboxes().
served() {
    stranger larshm get 1 2 | grep 10.0.0.2:80
}

configure() {
    printf '[dnsserver]\nservers = localhost:7778\n[fetcher]\n' >/etc/larshm.conf
    printf '%s\n' "$@" >>/etc/larshm.conf
}

dns() {
    larshm-dns --db /var/lib/larshm-dns/routes.db "$@"
}

# More settings for a unit.
drop_in() {
    mkdir -p "/run/systemd/system/$1.d"
    printf '%s\n' "[Service]" "${@:2}" >"/run/systemd/system/$1.d/test.conf"
    systemctl daemon-reload
}

units_are_right() {
    local unit units=()
    for unit in /usr/local/lib/systemd/system/larshm-*.service; do
        units+=("${unit/@/@staging}")
    done
    systemd-analyze verify --man=no "${units[@]}" 2>verified
    cat verified
    [ ! -s verified ]
}

# A system call that a unit does not allow kills the program.
services_run_in_their_sandboxes() {
    local service
    configure
    for service in dns reporter fetcher bridge metrics; do
        drop_in "larshm-$service.service" "SystemCallErrorNumber=kill"
        systemctl start "larshm-$service"
    done
    dns route add 1 2 10.0.0.1:80 10.0.0.2:80
    program larshm wait 1 2
    program larshm report 1 2 10.0.0.1:80 0
    program larshm report 1 2 10.0.0.1:80 1
    eventually eval 'larshm-reporter --db /var/lib/larshm-reporter/results.db list | grep -q 10.0.0.1'
    served
    larshm host drain 1 2 10.0.0.1:80
    larshm servers
    larshm-dns peers
    exec 9<>/dev/tcp/127.0.0.1/9778
    printf 'GET /metrics HTTP/1.0\r\n\r\n' >&9
    grep '^larshm_up{.*} 1' <&9
    exec 9>&-
    systemctl is-active larshm-{dns,reporter,fetcher,bridge,metrics}
    systemctl stop larshm-metrics
    served
}

reload_of_a_bad_file_fails_and_changes_nothing() {
    configure "poll_interval_ms = none"
    ! systemctl reload larshm-fetcher || return 1
    systemctl is-active larshm-fetcher
    larshm show | grep "poll_interval 10 ms"
    configure "poll_interval_ms = 20"
    systemctl reload larshm-fetcher
    larshm show | grep "poll_interval 20 ms"
}

instances_do_not_touch_each_other() {
    cp /etc/larshm.conf /etc/larshm/staging.conf
    systemctl start larshm-fetcher@staging
    larshm -n staging servers
    systemctl reload larshm-fetcher@staging
    systemctl stop larshm-fetcher@staging
    [ ! -e /run/larshm/staging ]
    larshm servers
}

routes_outlive_stop_restart_and_reboot() {
    systemctl stop larshm-fetcher
    served
    systemctl start larshm-fetcher
    journalctl -u larshm-fetcher | grep "adopted 1 route"
    systemctl stop larshm-fetcher
    rm /dev/shm/larshm.*
    systemctl stop larshm-dns
    systemctl start larshm-fetcher
    served
    systemctl start larshm-dns
}

wrong_configurations_are_not_tried_again() {
    configure "poll_interval_ms = none"
    ! systemctl restart larshm-fetcher || return 1
    is larshm-fetcher SubState failed
    is larshm-fetcher ExecMainStatus 78
    ! systemctl start larshm-fetcher@missing || return 1
    is larshm-fetcher@missing SubState failed
    is larshm-fetcher@missing ExecMainStatus 78
    configure
    systemctl start larshm-fetcher
    for service in dns reporter bridge; do
        echo "OPTIONS=--listen nowhere" >"/etc/default/larshm-$service"
        ! systemctl restart "larshm-$service" || return 1
        is "larshm-$service" SubState failed
        is "larshm-$service" ExecMainStatus 78
        rm "/etc/default/larshm-$service"
        systemctl start "larshm-$service"
    done
}

what_may_pass_is_tried_again() {
    echo "OPTIONS=--create --listen 127.0.0.1:7779" >/etc/default/larshm-dns # which the reporter has
    ! systemctl restart larshm-dns || return 1
    eventually is larshm-dns SubState auto-restart
    systemctl stop larshm-reporter
    eventually is larshm-dns SubState running
}

a_loop_that_hangs_is_restarted_and_no_other() {
    drop_in larshm-fetcher.service WatchdogSec=400ms RestartSec=10ms
    systemctl restart larshm-fetcher
    sleep 1
    is larshm-fetcher NRestarts 0
    kill -STOP "$(systemctl show -p MainPID --value larshm-fetcher)"
    eventually is larshm-fetcher NRestarts 1
    eventually is larshm-fetcher SubState running
    journalctl -u larshm-fetcher | grep "Watchdog timeout"
}

for check in units_are_right services_run_in_their_sandboxes reload_of_a_bad_file_fails_and_changes_nothing \
    instances_do_not_touch_each_other routes_outlive_stop_restart_and_reboot wrong_configurations_are_not_tried_again \
    what_may_pass_is_tried_again a_loop_that_hangs_is_restarted_and_no_other; do
    echo "--- $check"
    (
        set -ex
        "$check"
        echo "$check" >>"$results/held"
    )
done
journalctl -b --no-pager >"$results/journal"
touch "$results/done"
