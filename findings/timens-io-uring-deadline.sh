#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# io_uring in a time namespace: an absolute timeout is taken for the host's clock, and fires at another time.
#
# Expected: a deadline computed from clock_gettime(CLOCK_MONOTONIC) can be given to every interface that takes an
# absolute time of this clock. In a time namespace the kernel converts it, as timerfd_settime shows.
#
# Seen (Linux 6.18, liburing 2.3): IORING_TIMEOUT_ABS is not converted. Where the namespace's clock is ahead of the
# host's, a deadline is met late by the whole offset. Where the clock is behind, it fires at once. Both report -ETIME,
# as a timeout that has met its time. Relative timeouts and timerfd are right in both.
#
# Why it matters: a container with a time offset (a restored checkpoint has one) turns an event loop whose timers are
# absolute io_uring timeouts into one that never wakes, or into one that spins; with timerfd or epoll it runs well.
# Relative timeouts are the way out.
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
fetch bookworm util-linux=2.38.1-5+deb12u3 liburing-dev=2.3-3
enter=("$dir/bookworm/usr/bin/unshare" --time)
[ "$(id -u)" -eq 0 ] || enter+=(--user --map-root-user)
"${enter[@]}" --monotonic 1 true 2>/dev/null || cannot "no time namespaces for this user"

cat >"$dir/deadline.c" <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <time.h>

enum { AFTER_MS = 200, GIVE_UP_MS = 5000 };

static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void say(const char *what, long long since, int fired)
{
    long long ms = (now_ns() - since) / 1000000;
    const char *when = !fired                       ? "not in 5 s"
                       : ms < AFTER_MS / 2         ? "at once"
                       : ms < 3 * AFTER_MS         ? "on time"
                       : ms < 1000 + 3 * AFTER_MS  ? "a second late"
                                                   : "later";
    printf("  %s: %s\n", what, when);
}

static int uring(const char *what, int absolute)
{
    struct io_uring ring;
    struct io_uring_cqe *cqe;
    struct __kernel_timespec give_up = {GIVE_UP_MS / 1000, GIVE_UP_MS % 1000 * 1000000};
    long long start = now_ns(), when = (absolute ? start : 0) + AFTER_MS * 1000000LL;
    struct __kernel_timespec at = {when / 1000000000, when % 1000000000};

    if (io_uring_queue_init(4, &ring, 0) < 0)
        return 77;
    io_uring_prep_timeout(io_uring_get_sqe(&ring), &at, 0, absolute ? IORING_TIMEOUT_ABS : 0);
    io_uring_submit(&ring);
    int waited = io_uring_wait_cqe_timeout(&ring, &cqe, &give_up);
    say(what, start, waited == 0 && cqe->res == -ETIME);
    io_uring_queue_exit(&ring);
    return 0;
}

int main(void)
{
    long long start = now_ns(), when = start + AFTER_MS * 1000000LL;
    struct itimerspec at = {.it_value = {when / 1000000000, when % 1000000000}};
    struct pollfd timer = {timerfd_create(CLOCK_MONOTONIC, 0), POLLIN, 0};

    timerfd_settime(timer.fd, TFD_TIMER_ABSTIME, &at, NULL);
    say("timerfd, absolute", start, poll(&timer, 1, GIVE_UP_MS) == 1);
    int status = uring("io_uring, relative", 0);
    return status ? status : uring("io_uring, absolute", 1);
}
C
cc -o "$dir/deadline" "$dir/deadline.c" -I"$dir/bookworm/usr/include" "$dir"/bookworm/usr/lib/*-linux-gnu/liburing.a
behind=$(cut -d. -f1 /proc/uptime)
behind=-$((behind / 2))
{
  echo "no offset:"
  "$dir/deadline" || cannot "no io_uring for this user"
  echo "a second ahead of the host:"
  "${enter[@]}" --monotonic 1 "$dir/deadline"
  echo "behind the host:"
  "${enter[@]}" --monotonic "$behind" "$dir/deadline"
} >"$dir/seen"
echo "Linux $(uname -r), a deadline in 0.2 s"
cat "$dir/seen"

diff "$dir/seen" - <<'SEEN' || changed "io_uring and time namespaces"
no offset:
  timerfd, absolute: on time
  io_uring, relative: on time
  io_uring, absolute: on time
a second ahead of the host:
  timerfd, absolute: on time
  io_uring, relative: on time
  io_uring, absolute: a second late
behind the host:
  timerfd, absolute: on time
  io_uring, relative: on time
  io_uring, absolute: at once
SEEN
