/* SPDX-License-Identifier: MIT */
#include "conf/system_error.h"

#include <errno.h>
#include <string.h>

const char *system_error_text(int error)
{
    switch (error) {
    case EFBIG:
        return "larger than RLIMIT_FSIZE allows: raise it, with `ulimit -f` or LimitFSIZE= of the unit";
    case EMFILE:
        return "RLIMIT_NOFILE is reached: raise it, with `ulimit -n` or LimitNOFILE= of the unit";
    case ENFILE:
        return "the system has no free file: raise fs.file-max";
    default:
        return strerror(error);
    }
}

const char *system_error_thread_text(int error)
{
    if (error == EAGAIN)
        return "the control group's pids.max, or RLIMIT_NPROC, is reached: raise it, with TasksMax= of the unit, or "
               "`ulimit -u`; or there is no memory for its stack";
    return system_error_text(error);
}
