/* SPDX-License-Identifier: MIT */
#include "reader/place.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum shm_status place_begin(struct place *out)
{
    const char *path = directory_or_default(NULL);
    struct place place = {.named = path && strcmp(path, SHM_DIRECTORY) != 0};
    struct stat st;
    if (!path)
        return SHM_BAD_ARGUMENT;
    snprintf(place.path, sizeof(place.path), "%s", path);
    enum shm_status status = trusted_read(&place.trusted);
    if (status == SHM_OK)
        status = region_directory_open(path, &place.fd);
    if (status != SHM_OK)
        return status;
    if (fstat(place.fd, &st) != 0) {
        close(place.fd);
        return SHM_SYSTEM_ERROR;
    }
    place.device = st.st_dev;
    place.inode = st.st_ino;
    *out = place;
    return SHM_OK;
}

static bool is_kept(const struct place *place, const struct stat *st)
{
    return st->st_dev == place->device && st->st_ino == place->inode;
}

/* A program may have closed the descriptor, and opened something else that has its number now. */
static bool kept(const struct place *place)
{
    struct stat st;
    return fstat(place->fd, &st) == 0 && is_kept(place, &st);
}

void place_end(const struct place *place)
{
    if (kept(place))
        close(place->fd);
}

static bool leads_elsewhere(int directory, const char *routes, const struct region *current)
{
    struct stat st;
    return fstatat(directory, routes + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (st.st_ino != current->inode || st.st_dev != current->device);
}

static bool leads_to(int directory, const char *routes, const struct region *current)
{
    struct stat st;
    return fstatat(directory, routes + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == current->inode &&
           st.st_dev == current->device;
}

/* What makes a directory the right one. */
typedef bool suits_fn(int directory, const char *routes, const struct region *current);

/*
 * Opens the directory that the path leads to now, if the kept one is lost; or if it is another directory, which suits where the
 * kept one does not. False: the kept one is to be used, if there is one; *status is why the path could not be opened, if it
 * could not.
 */
static bool enter_by_path(const struct place *place, suits_fn *suits, const char *routes,
                          const struct region *current, bool have_kept, int *directory,
                          enum shm_status *status)
{
    struct stat st;
    int fd;
    if (have_kept && suits(place->fd, routes, current))
        return false;
    *status = region_directory_open(place->path, &fd);
    if (*status != SHM_OK)
        return false;
    if (!have_kept || (fstat(fd, &st) == 0 && !is_kept(place, &st) && suits(fd, routes, current))) {
        *directory = fd;
        return true;
    }
    close(fd);
    return false;
}

/* Decides whom to trust in the visit's directory. If only the list of trusted users may include the owner of the routes
 * object, it is read again: a user may have been added to it, or removed. Likewise while there is no object: one may come. */
static enum shm_status decide_trust(const struct place *place, struct trusted *trusted, bool wait,
                                    const char *routes, struct place_visit *visit)
{
    const struct trusted fixed = trusted_in_any_case(trusted);
    struct stat directory, object;
    if (fstat(visit->directory, &directory) != 0)
        return SHM_SYSTEM_ERROR;
    enum shm_status status = trusted_in(&fixed, &directory, place->named, &visit->trust);
    if (status == SHM_OK && fstatat(visit->directory, routes + 1, &object, AT_SYMLINK_NOFOLLOW) == 0 &&
        trust_includes(&visit->trust, object.st_uid))
        return SHM_OK;
    status = trusted_look_again(trusted, wait);
    return status == SHM_OK ? trusted_in(trusted, &directory, place->named, &visit->trust) : status;
}

/* Hands the visit over, or ends it if no trust could be decided. */
static enum shm_status decided(const struct place *place, const struct place_visit *visit,
                               enum shm_status status, struct place_visit *out)
{
    if (status == SHM_OK)
        *out = *visit;
    else
        place_leave(place, visit);
    return status;
}

static enum shm_status enter(const struct place *place, suits_fn *suits, const char *routes,
                             const struct region *current, struct place_visit *out)
{
    struct place_visit visit = {.directory = place->fd, .kept = kept(place)};
    struct trusted trusted = place->trusted;
    enum shm_status status = SHM_OK;
    if (enter_by_path(place, suits, routes, current, visit.kept, &visit.directory, &status))
        visit.kept = false;
    else if (!visit.kept)
        return status;
    return decided(place, &visit, decide_trust(place, &trusted, false, routes, &visit), out);
}

enum shm_status place_enter(const struct place *place, const char *routes, const struct region *current,
                            struct place_visit *out)
{
    return enter(place, leads_elsewhere, routes, current, out);
}

enum shm_status place_enter_home(const struct place *place, const char *routes, const struct region *current,
                                 struct place_visit *out)
{
    return enter(place, leads_to, routes, current, out);
}

enum shm_status place_enter_first(struct place *place, const char *routes, struct place_visit *out)
{
    struct place_visit visit = {.directory = place->fd, .kept = true};
    return decided(place, &visit, decide_trust(place, &place->trusted, true, routes, &visit), out);
}

bool place_leave(const struct place *place, const struct place_visit *visit)
{
    if (visit->kept)
        return kept(place);
    close(visit->directory);
    return true;
}
