/* SPDX-License-Identifier: MIT */
#include "conf/ini.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <iniparser/iniparser.h>

static int say_nothing(const char *format, ...)
{
    (void)format;
    return 0;
}

int ini_open(struct ini *ini)
{
    int fd = memfd_create("larshm.conf", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    FILE *text = fdopen(fd, "w");
    if (!text) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    ini->text = text;
    return 0;
}

int ini_parse(struct ini *ini)
{
    if (fflush(ini->text) != 0 || ferror(ini->text))
        return -1;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(ini->text));
    iniparser_set_error_callback(say_nothing);
    ini->values = iniparser_load(path);
    iniparser_set_error_callback(NULL);
    return ini->values ? 0 : -1;
}

const char *ini_get(const struct ini *ini, const struct key *key)
{
    char name[128];
    snprintf(name, sizeof(name), "%s:%s", key->section, key->name);
    return iniparser_getstring(ini->values, name, NULL);
}

void ini_close(struct ini *ini)
{
    if (ini->values)
        iniparser_freedict(ini->values);
    if (ini->text)
        fclose(ini->text);
    *ini = (struct ini){0};
}
