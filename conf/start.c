/* SPDX-License-Identifier: MIT */
#include "conf/start.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void start_prepare(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) /* the lowest that is free */
            _exit(EXIT_FAILURE);                                       /* there is no place to say why */
    signal(SIGXFSZ, SIG_IGN);
}
