#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# libuv: a server that closes its Unix socket late deletes the socket of its successor.
#
# Expected: uv_close() of a listening pipe closes that socket. If a new server has replaced the file under the same
# name by a socket of its own (unlink, then bind: the usual way of starting over a predecessor), the old server's
# close concerns the old socket only.
#
# Seen with libuv 1.44.2 (Debian 12) and 1.50.0 (Debian 13): the handle remembers the name it was bound to, and
# uv_close() unlinks that name, whatever it is now. The new server goes on listening on a socket that no client can
# reach any more, and gets no error. A predecessor that is killed does no harm; one that stops cleanly does.
#
# Why it matters: with an overlapping restart (new process first, old one drains and stops) the control socket
# vanishes a few seconds after a successful start, when the old one ends cleanly.
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

cat >"$dir/succession.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

static void on_client(uv_stream_t *server, int status)
{
    (void)server;
    (void)status;
}

static void serve(uv_loop_t *loop, uv_pipe_t *server, const char *path)
{
    unlink(path);
    if (uv_loop_init(loop) || uv_pipe_init(loop, server, 0) || uv_pipe_bind(server, path) ||
        uv_listen((uv_stream_t *)server, 8, on_client))
        exit(2);
}

static void try_to_connect(const char *when, const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(name.sun_path, path, sizeof name.sun_path - 1);
    printf("%s: client %s\n", when, connect(client, (struct sockaddr *)&name, sizeof name) ? "refused" : "connected");
    close(client);
}

int main(int argc, char **argv)
{
    uv_loop_t loop;
    uv_pipe_t server;
    int bound[2], stop[2], killed = argc > 2;
    char byte;

    if (argc < 2 || pipe(bound) || pipe(stop))
        return 2;
    printf("%s, predecessor %s\n", uv_version_string(), killed ? "killed" : "stops cleanly");
    fflush(stdout);
    pid_t old = fork();
    if (old == 0) { /* the predecessor: a process of its own */
        serve(&loop, &server, argv[1]);
        if (write(bound[1], "b", 1) != 1 || read(stop[0], &byte, 1) != 1)
            _exit(2);
        if (!killed) {
            uv_close((uv_handle_t *)&server, NULL);
            uv_run(&loop, UV_RUN_DEFAULT);
        }
        _exit(0);
    }
    if (read(bound[0], &byte, 1) != 1)
        return 2;
    serve(&loop, &server, argv[1]);
    try_to_connect("both running", argv[1]);
    if (write(stop[1], "s", 1) != 1 || waitpid(old, NULL, 0) != old)
        return 2;
    try_to_connect("predecessor gone", argv[1]);
    return 0;
}
C
run() { # PROGRAM...: a clean stop, then a kill
  "$@" "$dir/socket"
  "$@" "$dir/socket" killed
}
libs=$(echo "$dir"/bookworm/usr/lib/*-linux-gnu)
cc -o "$dir/succession" "$dir/succession.c" -I"$dir/bookworm/usr/include" -L"$libs" -l:libuv.so.1
run env LD_LIBRARY_PATH="$libs" "$dir/succession" | tee "$dir/seen"
libs=$(echo "$dir"/trixie/usr/lib/*-linux-gnu)
loader=$(echo "$libs"/ld-linux-*.so.*)
run "$loader" --library-path "$libs" "$dir/succession" | tee -a "$dir/seen"

for version in 1.44.2 1.50.0; do
  cat <<SEEN
$version, predecessor stops cleanly
both running: client connected
predecessor gone: client refused
$version, predecessor killed
both running: client connected
predecessor gone: client connected
SEEN
done | diff "$dir/seen" - || changed "the name survives, or the program ran otherwise"
