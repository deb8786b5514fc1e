/* SPDX-License-Identifier: MIT */
#include "conf/admin_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/admin_path.h"
#include "conf/system_error.h"

/* NULL: no other user can put anything there. Otherwise what is wrong, here and below. */
static const char *directory_fault(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return strerror(errno);
    if (!S_ISDIR(st.st_mode))
        return "no directory";
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return "another user's";
    return st.st_mode & 0022 ? "others may write to it" : NULL;
}

static const char *make_directory(const char *path, mode_t mode)
{
    return mkdir(path, mode) == 0 || errno == EEXIST ? NULL : strerror(errno);
}

/*
 * The file's own mode follows from umask: never, not even for a moment, may others connect. libuv does not learn the
 * path: it would remove whatever is there when the pipe is closed, also the socket of a fetcher that has taken over.
 */
static const char *bind_file(struct admin_socket *out, uv_pipe_t *pipe, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return system_error_text(errno);
    memcpy(address.sun_path, path, strlen(path) + 1);
    mode_t before = umask(0177);
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    umask(before);
    if (!bound || lstat(path, &st) != 0) {
        const char *why = strerror(errno);
        close(fd);
        return why;
    }
    out->device = st.st_dev;
    out->inode = st.st_ino;
    int code = uv_pipe_open(pipe, fd);
    if (code == 0)
        return NULL;
    close(fd);
    unlink(path);
    return uv_strerror(code);
}

/* NULL: nothing is there now. */
static const char *remove_stale(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? NULL : strerror(errno);
    if (!S_ISSOCK(st.st_mode))
        return "something else is there: remove it";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return system_error_text(errno);
    memcpy(address.sun_path, path, strlen(path) + 1);
    bool stale = connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!stale)
        return "another program listens there";
    return unlink(path) == 0 ? NULL : strerror(errno);
}

static const char *bind_configured(struct admin_socket *out, uv_pipe_t *pipe, const char *path)
{
    char directory[CONFIG_PATH_SIZE];
    snprintf(out->path, sizeof(out->path), "%s", path);
    snprintf(directory, sizeof(directory), "%s", path);
    char *slash = strrchr(directory, '/');
    slash[slash == directory] = '\0';
    const char *why = directory_fault(directory);
    if (!why)
        why = remove_stale(path);
    return why ? why : bind_file(out, pipe, path);
}

/* The base is shared by the programs of all users; each has a directory of its own in it. */
static const char *bind_default(struct admin_socket *out, uv_pipe_t *pipe, const struct admin_path *path)
{
    const char *why = make_directory(path->base, 0755);
    if (!why)
        why = directory_fault(path->base);
    if (!why)
        why = make_directory(path->directory, 0700);
    if (!why)
        why = directory_fault(path->directory);
    if (!why)
        why = remove_stale(path->socket);
    if (!why)
        why = bind_file(out, pipe, path->socket);
    if (why)
        return why;
    snprintf(out->path, sizeof(out->path), "%s", path->socket);
    snprintf(out->directory, sizeof(out->directory), "%s", path->directory);
    return NULL;
}

bool admin_socket_bind(struct admin_socket *out, uv_pipe_t *pipe, const char *name, const char *configured,
                       char *error, size_t error_size)
{
    struct admin_path path;
    const char *why;
    size_t used = 0;
    if (*configured) {
        why = bind_configured(out, pipe, configured);
        if (why)
            snprintf(error, error_size, "%s: %s", configured, why);
        return !why;
    }
    for (enum admin_place place = ADMIN_RUN; place < ADMIN_PLACES; place++) {
        bool exists = admin_path(place, name, &path);
        why = exists ? bind_default(out, pipe, &path) : "not set, or too long for a socket";
        if (!why)
            return true;
        if (used < error_size)
            used += (size_t)snprintf(error + used, error_size - used, "%s%s: %s", used ? "; " : "",
                                     exists ? path.directory : "XDG_RUNTIME_DIR", why);
    }
    return false;
}

bool admin_socket_is_named(const struct admin_socket *admin_socket)
{
    struct stat st;
    return lstat(admin_socket->path, &st) == 0 && st.st_dev == admin_socket->device &&
           st.st_ino == admin_socket->inode;
}

void admin_socket_remove(const struct admin_socket *admin_socket)
{
    if (admin_socket_is_named(admin_socket))
        unlink(admin_socket->path);
    if (admin_socket->directory[0])
        rmdir(admin_socket->directory);
}
