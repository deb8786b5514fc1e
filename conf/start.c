/* SPDX-License-Identifier: MIT */
#include "conf/start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/log.h"
#include "conf/system_error.h"

static int exit_unwritten = EXIT_FAILURE;

/*
 * Also behind what argp prints for --help, and exits. Where a write has failed before and stdio has nothing left to write,
 * it no longer knows why: another byte fails for the same reason, or ends output that is damaged already.
 */
static void finish_stdout(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    if (errno != 0 || write(STDOUT_FILENO, "\n", 1) < 0)
        log_line(LOG_LEVEL_ERROR, "cannot write to stdout: %s", system_error_text(errno));
    else
        log_line(LOG_LEVEL_ERROR, "cannot write to stdout");
    _exit(exit_unwritten);
}

void start_set_exit_unwritten(int status)
{
    exit_unwritten = status;
}

void start_prepare(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY,
                                O_RDWR}; /* of stdin and stdout, the one that is of no use */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd) /* the lowest that is free */
            _exit(EXIT_FAILURE);                                          /* there is no place to say why */
    signal(SIGXFSZ, SIG_IGN);
    if (atexit(finish_stdout) != 0) {
        log_line(LOG_LEVEL_ERROR, "out of memory");
        _exit(EXIT_FAILURE);
    }
}
