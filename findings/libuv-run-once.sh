#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# libuv: what uv_run(UV_RUN_ONCE) does with a timer that is already due changed between Debian 12 and Debian 13.
#
# Expected: UV_RUN_ONCE handles what is due and returns. If a deadline has passed and the answer has arrived as well,
# their order in one turn of the loop is a fixed property of libuv.
#
# Seen with libuv 1.44.2 (Debian 12): a turn begins with the timers. UV_RUN_ONCE runs the due timer, does not count it
# as progress, and then blocks until the next event, here another timer 300 ms later. Where a timer and a readable
# socket are due together, the timer comes first, with UV_RUN_ONCE and with UV_RUN_NOWAIT.
# Seen with libuv 1.50.0 (Debian 13): a turn ends with the timers. UV_RUN_ONCE returns at once, the other timer still
# active. The socket comes first.
#
# Why it matters: a program that turns the loop itself (in tests, at shutdown, inside another loop) and stops its
# deadline timer in the read callback reports a timeout on Debian 12 and the answer on Debian 13, from the same
# events.
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
fetch bookworm libuv1=1.44.2-1+deb12u1 libuv1-dev=1.44.2-1+deb12u1
fetch trixie libuv1t64=1.50.0-2 libc6

cat >"$dir/turns.c" <<'C'
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

static void on_timer(uv_timer_t *timer)
{
    printf(" timer-%s", (const char *)timer->data);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    static char space[16];
    (void)handle;
    (void)size;
    *buf = uv_buf_init(space, sizeof space);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    (void)stream;
    (void)size;
    (void)buf;
    printf(" read");
}

int main(void)
{
    uv_loop_t loop;
    uv_timer_t first, second;
    uv_pipe_t pipe;
    uv_os_sock_t ends[2];

    if (uv_loop_init(&loop) || uv_timer_init(&loop, &first) || uv_timer_init(&loop, &second) ||
        uv_socketpair(SOCK_STREAM, 0, ends, 0, 0) || uv_pipe_init(&loop, &pipe, 0) || uv_pipe_open(&pipe, ends[0]))
        return 2;
    first.data = "first";
    second.data = "second";
    printf("%s\n", uv_version_string());

    uv_timer_start(&first, on_timer, 0, 0);
    uv_timer_start(&second, on_timer, 300, 0);
    printf("ONCE, one timer due:");
    printf(" -> %s\n", uv_run(&loop, UV_RUN_ONCE) ? "one left" : "none left");
    uv_timer_stop(&second);

    const uv_run_mode modes[] = {UV_RUN_ONCE, UV_RUN_NOWAIT};
    uv_read_start((uv_stream_t *)&pipe, on_alloc, on_read);
    for (int i = 0; i < 2; i++) {
        uv_timer_start(&first, on_timer, 1, 0);
        usleep(50000);
        if (write(ends[1], "x", 1) != 1)
            return 2;
        printf("%s, timer and data due:", i ? "NOWAIT" : "ONCE");
        uv_run(&loop, modes[i]);
        puts("");
    }
    return 0;
}
C
libs=$(echo "$dir"/bookworm/usr/lib/*-linux-gnu)
cc -o "$dir/turns" "$dir/turns.c" -I"$dir/bookworm/usr/include" -L"$libs" -l:libuv.so.1
LD_LIBRARY_PATH=$libs "$dir/turns" | tee "$dir/12"
libs=$(echo "$dir"/trixie/usr/lib/*-linux-gnu)
loader=$(echo "$libs"/ld-linux-*.so.*)
"$loader" --library-path "$libs" "$dir/turns" | tee "$dir/13"

diff "$dir/12" - <<'SEEN' || changed "libuv of Debian 12"
1.44.2
ONCE, one timer due: timer-first timer-second -> none left
ONCE, timer and data due: timer-first read
NOWAIT, timer and data due: timer-first read
SEEN
diff "$dir/13" - <<'SEEN' || changed "libuv of Debian 13"
1.50.0
ONCE, one timer due: timer-first -> one left
ONCE, timer and data due: read timer-first
NOWAIT, timer and data due: read timer-first
SEEN
