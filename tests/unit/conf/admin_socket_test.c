/* SPDX-License-Identifier: MIT */
/* Where the socket goes, and which places are refused. Default places are tried by an ordinary user: they need root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/admin_socket.h"

enum {
    ORDINARY_USER = 65534
};

static char home[] = "/tmp/larshm-admin-XXXXXX";
static uv_loop_t loop;

/* Binds, checks the file, and closes. NULL: done; otherwise the error's text. */
static const char *try_to_bind(const char *configured, struct admin_socket *out)
{
    static char error[512];
    uv_pipe_t pipe;
    struct stat st;
    uv_pipe_init(&loop, &pipe, 0);
    *out = (struct admin_socket){.path = ""};
    bool bound = admin_socket_bind(out, &pipe, "default", configured, error, sizeof(error));
    if (bound && (lstat(out->path, &st) != 0 || st.st_mode != (S_IFSOCK | 0600) || st.st_uid != geteuid())) {
        snprintf(error, sizeof(error), "%s is not as it must be", out->path);
        bound = false;
    }
    uv_close((uv_handle_t *)&pipe, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (bound && !admin_socket_is_named(out)) {
        snprintf(error, sizeof(error), "%s went with its pipe", out->path);
        return error;
    }
    if (bound)
        unlink(out->path);
    if (bound && access(out->path, F_OK) == 0) {
        snprintf(error, sizeof(error), "%s stays", out->path);
        return error;
    }
    return bound ? NULL : error;
}

static const char *in_home(const char *name)
{
    static char path[64];
    snprintf(path, sizeof(path), "%s/%s", home, name);
    return path;
}

static void expect_bound(const char *path)
{
    struct admin_socket made;
    const char *error = try_to_bind(path, &made);
    if (error)
        fail_msg("%s", error);
    assert_string_equal(made.path, path);
}

static void expect_refused(const char *path, const char *why)
{
    struct admin_socket made;
    const char *error = try_to_bind(path, &made);
    assert_non_null(error);
    if (strncmp(error, path, strlen(path)) != 0 || !strstr(error, why))
        fail_msg("\"%s\" does not say \"%s\"", error, why);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void socket_is_for_its_user_alone_whatever_the_umask(void **state)
{
    (void)state;
    mode_t before = umask(0);
    expect_bound(in_home("admin.sock"));
    assert_int_equal(umask(before), 0);
}

static void stale_socket_is_replaced_and_a_living_one_is_not(void **state)
{
    (void)state;
    int fd = listen_at(in_home("admin.sock"));
    expect_refused(in_home("admin.sock"), "another program listens there");
    close(fd);
    expect_bound(in_home("admin.sock"));
}

static void what_is_no_socket_stays(void **state)
{
    (void)state;
    FILE *file = fopen(in_home("admin.sock"), "we");
    assert_non_null(file);
    fclose(file);
    expect_refused(in_home("admin.sock"), "remove it");
    assert_int_equal(unlink(in_home("admin.sock")), 0);
    assert_int_equal(symlink("/nowhere", in_home("admin.sock")), 0);
    expect_refused(in_home("admin.sock"), "remove it");
    assert_int_equal(unlink(in_home("admin.sock")), 0);
}

static void directory_that_others_could_change_is_refused(void **state)
{
    char other[64];
    (void)state;
    expect_refused(in_home("none/admin.sock"), "No such file or directory");
    snprintf(other, sizeof(other), "%s", in_home("other"));
    assert_int_equal(symlink(home, other), 0);
    expect_refused(in_home("other/admin.sock"), "no directory");
    assert_int_equal(unlink(other), 0);
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(chmod(other, 0720), 0);
    expect_refused(in_home("other/admin.sock"), "others may write to it");
    assert_int_equal(chmod(other, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(other, ORDINARY_USER, (gid_t)-1), 0);
        expect_refused(in_home("other/admin.sock"), "another user's");
    }
    assert_int_equal(rmdir(other), 0);
}

/* In a child, as an ordinary user for whom /run is not: the text that explains why not, or the path. */
static void expect_by_default(const char *runtime, bool bound, const char *text)
{
    char outcome[1024] = "";
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct admin_socket made;
        if (runtime ? setenv("XDG_RUNTIME_DIR", runtime, 1) : unsetenv("XDG_RUNTIME_DIR"))
            _exit(1);
        if (setgid(ORDINARY_USER) != 0 || setuid(ORDINARY_USER) != 0)
            _exit(2);
        const char *error = try_to_bind("", &made);
        admin_socket_remove(&made);
        dprintf(ends[1], "%s %s", error ? "no" : "yes", error ? error : made.path);
        _exit(0);
    }
    int status;
    close(ends[1]);
    assert_true(read(ends[0], outcome, sizeof(outcome) - 1) > 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    if (strncmp(outcome, bound ? "yes" : "no", 2 + bound) != 0 || !strstr(outcome, text))
        fail_msg("\"%s\" does not say \"%s\"", outcome, text);
}

static void default_place_is_the_runtime_directory_where_run_cannot_be_used(void **state)
{
    char path[128], too_long[256];
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(home, ORDINARY_USER, (gid_t)-1), 0);
    snprintf(path, sizeof(path), "%s/larshm/default/admin.sock", home);
    expect_by_default(home, true, path);
    assert_int_equal(access(in_home("larshm/default"), F_OK), -1);

    assert_int_equal(chmod(in_home("larshm"), 0777), 0);
    expect_by_default(home, false, "larshm/default: others may write to it");
    assert_int_equal(rmdir(in_home("larshm")), 0);
    assert_int_equal(symlink("/tmp", in_home("larshm")), 0);
    expect_by_default(home, false, "larshm/default: no directory");
    assert_int_equal(unlink(in_home("larshm")), 0);

    memset(too_long, 'a', sizeof(too_long));
    too_long[0] = '/';
    too_long[100] = '\0';
    expect_by_default(NULL, false, "XDG_RUNTIME_DIR: not set");
    expect_by_default("relative", false, "XDG_RUNTIME_DIR: not set");
    expect_by_default(too_long, false, "too long for a socket");
    assert_int_equal(chown(home, 0, (gid_t)-1), 0);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(home) && uv_loop_init(&loop) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    uv_loop_close(&loop);
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket_is_for_its_user_alone_whatever_the_umask),
        cmocka_unit_test(stale_socket_is_replaced_and_a_living_one_is_not),
        cmocka_unit_test(what_is_no_socket_stays),
        cmocka_unit_test(directory_that_others_could_change_is_refused),
        cmocka_unit_test(default_place_is_the_runtime_directory_where_run_cannot_be_used),
    };
    return cmocka_run_group_tests_name("unit/conf/admin_socket", tests, setup, teardown);
}
