#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The units, on a machine of their own: systemd boots in a container that has this machine's /usr, what the build installs in
# /usr/local, and all else empty and in memory. units_boot.bash says there what each test means.

bats_require_minimum_version 1.5.0

setup_file() {
    local installed="$BATS_FILE_TMPDIR/installed" status=0
    export results="$BATS_FILE_TMPDIR/results"
    mkdir "$results"
    [ "$(id -u)" -eq 0 ] || {
        echo "only root may" >"$results/console"
        return 0
    }
    cmake --install "$BUILD" --prefix "$installed" >/dev/null
    cp "$SOURCE/tests/integration/units_boot.bash" "$results/boot"
    echo 0123456789abcdef0123456789abcdef >"$results/machine-id" # with one, /etc is not filled with what Debian starts
    timeout 120 systemd-nspawn --directory=/ --volatile=yes --register=no --keep-unit --private-network --quiet \
        --machine="larshm-$$" --bind-ro="$installed:/usr/local" --bind-ro="$results/machine-id:/etc/machine-id" \
        --bind="$results:/results" --boot systemd.run=/results/boot >"$results/console" 2>&1 3>&- || status=$?
    echo "systemd-nspawn: exit status $status" >>"$results/console"
}

# held NAME: that function of units_boot.bash has held.
held() {
    [ -e "$results/log" ] || skip "systemd does not boot in a container here: $(tail -n 1 "$results/console" 2>&1)"
    grep -qx "$1" "$results/held" || {
        sed -n "/^--- $1\$/,/^--- /p" "$results/log"
        return 1
    }
}

@test "systemd finds nothing wrong with the units, and they are confined" {
    local unit limit
    for unit in "$BUILD"/units/*.service; do
        limit=13
        [[ "$unit" != *larshm-fetcher* ]] || limit=15
        systemd-analyze security --offline=true --threshold="$limit" "$unit" >"$BATS_TEST_TMPDIR/security" || {
            tail -n 1 "$BATS_TEST_TMPDIR/security"
            return 1
        }
    done
    held units_are_right
}

@test "a unit whose user owns the objects leaves them when it stops" {
    local unit
    grep -l '^User=larshm$' "$BUILD"/units/*.service | while read -r unit; do
        grep -qx RemoveIPC=no "$unit"
    done
}

@test "services run in their sandboxes, where one system call that is not allowed would end them" {
    held services_run_in_their_sandboxes
}

@test "a reload of a bad file fails, and changes nothing" {
    held reload_of_a_bad_file_fails_and_changes_nothing
}

@test "units of several instances do not touch each other's directories" {
    held instances_do_not_touch_each_other
}

@test "routes outlive the stop of the unit, and come back from its snapshot" {
    held routes_outlive_stop_restart_and_reboot
}

@test "a wrong or missing configuration is not tried again" {
    held wrong_configurations_are_not_tried_again
}

@test "what may pass is tried again until it has" {
    held what_may_pass_is_tried_again
}

@test "a loop that hangs is restarted, and one that does not is not" {
    held a_loop_that_hangs_is_restarted_and_no_other
}
