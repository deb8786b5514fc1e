/* SPDX-License-Identifier: MIT */
#include "shm/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_BYTES = 4096,        /* of TRUST_FILE and of files in /proc, at most */
    ACCOUNTS_BYTES = 1 << 20, /* of /etc/passwd that are searched */
    DEFAULT_OVERFLOW = 65534,
};

#define ACCOUNT "larshm"
#define NO_UID  ((uid_t)-1)

bool trust_includes(const struct trust *trust, uid_t owner)
{
    bool trusted = trust->any_owner;
    for (unsigned i = 0; i < trust->owner_count; i++)
        trusted |= owner == trust->owners[i];
    return trusted;
}

/* As much of the file as fits, with a NUL behind it. -1: it cannot be read. */
static ssize_t read_file(int fd, char *out, size_t size)
{
    size_t used = 0;
    ssize_t got = 1;
    while (got > 0 && used < size - 1) {
        got = read(fd, out + used, size - 1 - used);
        if (got > 0)
            used += (size_t)got;
    }
    out[used] = '\0';
    return got < 0 ? -1 : (ssize_t)used;
}

static ssize_t read_path(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t length = read_file(fd, out, size);
    close(fd);
    return length;
}

/* Decimal digits alone; (uid_t)-1 is no user. Returns what follows, NULL: no uid. */
static const char *scan_uid(const char *text, uid_t *out)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && number < UINT32_MAX; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    if (at == text || number >= UINT32_MAX)
        return NULL;
    *out = (uid_t)number;
    return at;
}

static bool add(struct trusted *trusted, uid_t uid)
{
    if (trusted->count == TRUST_LIST_MAX)
        return false;
    trusted->list[trusted->count++] = uid;
    return true;
}

static enum shm_status parse_environment(const char *text, struct trusted *out)
{
    for (;; text++) {
        uid_t uid;
        text = scan_uid(text, &uid);
        if (!text || !add(out, uid) || (*text && *text != ','))
            return SHM_BAD_ARGUMENT;
        if (!*text)
            return SHM_OK;
    }
}

static enum shm_status parse_file(const char *text, struct trusted *out)
{
    for (;; text++) {
        uid_t uid;
        text += strspn(text, " \t\r");
        if (*text != '#' && *text != '\n' && *text) {
            text = scan_uid(text, &uid);
            if (!text || !add(out, uid))
                return SHM_BAD_ARGUMENT;
            text += strspn(text, " \t\r");
        }
        if (*text == '#')
            text += strcspn(text, "\n");
        if (!*text)
            return SHM_OK;
        if (*text != '\n')
            return SHM_BAD_ARGUMENT;
    }
}

/* SHM_NO_OBJECT: there is no such file; SHM_SYSTEM_ERROR: it is out of reach. */
static enum shm_status open_file(const char *path, int *fd)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd >= 0)
        return SHM_OK;
    return errno == ENOENT || errno == ENOTDIR ? SHM_NO_OBJECT : SHM_SYSTEM_ERROR;
}

/* As open_file(); SHM_NO_OBJECT also for a file that is not root's alone. */
static enum shm_status read_list(struct trusted *out)
{
    char text[FILE_BYTES];
    struct stat st;
    int fd;
    enum shm_status status = open_file(TRUST_FILE, &fd);
    if (status != SHM_OK)
        return status;
    status = SHM_NO_OBJECT;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 && !(st.st_mode & 0022))
        status = st.st_size < FILE_BYTES && read_file(fd, text, sizeof(text)) >= 0 ? parse_file(text, out)
                                                                                   : SHM_BAD_ARGUMENT;
    close(fd);
    return status;
}

/* The uid in "larshm:x:990:...", if `line` is that. */
static bool account_in(const char *line, uid_t *out)
{
    static const char name[] = ACCOUNT ":";
    if (strncmp(line, name, sizeof(name) - 1) != 0)
        return false;
    const char *uid = strchr(line + sizeof(name) - 1, ':');
    const char *rest = uid ? scan_uid(uid + 1, out) : NULL;
    return rest && *rest == ':';
}

/* Searches /etc/passwd by system calls alone, with no heap, lock or name service. The window holds as many lines as
 * fit, and slides on by whole lines; one that is longer is skipped. As open_file(); SHM_NO_OBJECT also where there is
 * no such account. */
static enum shm_status account_of_file(uid_t *out)
{
    char window[FILE_BYTES];
    size_t kept = 0, seen = 0;
    bool found = false, inside = false; /* inside a line that was too long */
    int fd;
    enum shm_status status = open_file("/etc/passwd", &fd);
    if (status != SHM_OK)
        return status;
    while (!found && seen < ACCOUNTS_BYTES) {
        ssize_t got = read(fd, window + kept, sizeof(window) - 1 - kept);
        if (got <= 0)
            break;
        seen += (size_t)got;
        kept += (size_t)got;
        window[kept] = '\0';
        char *line = window;
        for (char *end; !found && (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0';
            found = !inside && account_in(line, out);
            inside = false;
        }
        kept -= (size_t)(line - window);
        memmove(window, line, kept);
        if (kept == sizeof(window) - 1) {
            kept = 0;
            inside = true;
        }
    }
    close(fd);
    return found ? SHM_OK : SHM_NO_OBJECT;
}

static uid_t account_of_database(void)
{
    struct passwd entry, *found = NULL;
    char text[FILE_BYTES];
    return getpwnam_r(ACCOUNT, &entry, text, sizeof(text), &found) == 0 && found ? found->pw_uid : NO_UID;
}

/* SHM_SYSTEM_ERROR: the accounts are out of reach. */
static enum shm_status list_account(struct trusted *out, bool wait)
{
    uid_t account = NO_UID;
    enum shm_status status = account_of_file(&account);
    if (wait)
        out->service = account_of_database();
    if (status == SHM_SYSTEM_ERROR && !wait)
        return status;
    if (out->service == account)
        out->service = NO_UID;
    if (account != NO_UID)
        add(out, account);
    if (out->service != NO_UID)
        add(out, out->service);
    return SHM_OK;
}

/*
 * The uid with which the kernel shows files of all users outside of the caller's user namespace; a user inside may
 * have it as well. (uid_t)-1: the namespace maps every user, so none is outside. Without /proc that is not known,
 * and not assumed.
 */
static uid_t unmapped_uid(void)
{
    char text[FILE_BYTES];
    uint64_t mapped = 0;
    if (read_path("/proc/self/uid_map", text, sizeof(text)) > 0) {
        char *at = text;
        while (*(at += strspn(at, " \n"))) {
            uint64_t words[3] = {0};
            for (int i = 0; i < 3; i++)
                words[i] = strtoull(at, &at, 10);
            mapped += words[2];
            if (words[2] == 0)
                break;
        }
    }
    if (mapped == UINT32_MAX)
        return (uid_t)-1;
    uid_t overflow = DEFAULT_OVERFLOW;
    if (read_path("/proc/sys/kernel/overflowuid", text, sizeof(text)) > 0)
        scan_uid(text, &overflow);
    return overflow;
}

enum shm_status trusted_read(struct trusted *out)
{
    struct trusted trusted = {.caller = geteuid(), .unmapped = unmapped_uid(), .service = NO_UID};
    const char *list = secure_getenv("LARSHM_TRUST_UID");
    struct stat root;
    enum shm_status status = SHM_OK;
    if (stat("/", &root) == 0) {
        trusted.root_device = root.st_dev;
        trusted.root_inode = root.st_ino;
    }
    trusted.listed = list && *list;
    if (trusted.listed)
        status = parse_environment(list, &trusted);
    if (status == SHM_OK)
        *out = trusted;
    return status;
}

struct trusted trusted_in_any_case(const struct trusted *trusted)
{
    struct trusted fixed = *trusted;
    if (!fixed.listed)
        fixed.count = 0;
    return fixed;
}

static bool same_root(const struct trusted *trusted)
{
    struct stat root;
    return stat("/", &root) == 0 && root.st_dev == trusted->root_device && root.st_ino == trusted->root_inode;
}

enum shm_status trusted_look_again(struct trusted *trusted, bool wait)
{
    struct trusted found = trusted_in_any_case(trusted);
    if (trusted->listed || (trusted->known && !same_root(trusted)))
        return SHM_OK;
    found.known = true;
    enum shm_status status = read_list(&found);
    if (status == SHM_NO_OBJECT || (status == SHM_SYSTEM_ERROR && !trusted->known))
        status = list_account(&found, wait);
    if (status == SHM_OK)
        *trusted = found;
    return status == SHM_SYSTEM_ERROR ? SHM_OK : status;
}

/* The uid that stands for unmapped users names none of them, listed or not. */
static void trust_owner(const struct trusted *trusted, uid_t owner, struct trust *out)
{
    if (owner != trusted->unmapped)
        out->owners[out->owner_count++] = owner;
}

enum shm_status trusted_in(const struct trusted *trusted, const struct stat *directory, bool named,
                           struct trust *out)
{
    struct trust trust = {0};
    trust_owner(trusted, 0, &trust);
    trust_owner(trusted, trusted->caller, &trust);
    for (unsigned i = 0; i < trusted->count; i++)
        trust_owner(trusted, trusted->list[i], &trust);
    if (!S_ISDIR(directory->st_mode))
        return SHM_FOREIGN;
    if (!(directory->st_mode & 0022)) {
        /* Of an unmapped user only the path says who it is, so the path must be one that the caller was given. */
        bool unmapped = named && directory->st_uid == trusted->unmapped;
        if (!unmapped && !trust_includes(&trust, directory->st_uid))
            return SHM_FOREIGN;
        trust.any_owner = true;
    }
    *out = trust;
    return SHM_OK;
}
