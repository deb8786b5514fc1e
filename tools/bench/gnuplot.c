/* SPDX-License-Identifier: MIT */
#include "tools/bench/gnuplot.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* gnuplot with these ends; -1 stands for /dev/null. True if it could be started and succeeded. */
static bool run_gnuplot(char *const arguments[], int input, int output)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = -1;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    if (input < 0)
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (output < 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ) == 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    posix_spawn_file_actions_destroy(&actions);
    return status == 0;
}

bool gnuplot_installed(void)
{
    static char name[] = "gnuplot", version[] = "--version";
    char *const arguments[] = {name, version, NULL};
    if (run_gnuplot(arguments, -1, -1))
        return true;
    warnx("--plot needs gnuplot, which is not installed: apt-get install gnuplot-nox, or leave --plot out");
    return false;
}

bool gnuplot_draw(const char *file, gnuplot_script_fn *write, const struct figures *figures)
{
    static char name[] = "gnuplot", from_stdin[] = "-";
    char *const arguments[] = {name, from_stdin, NULL};
    FILE *script = tmpfile();
    int output = script ? open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    bool done = output >= 0;
    if (!done)
        warn("%s", file);
    if (done) {
        write(script, figures);
        done = fflush(script) == 0 && fseek(script, 0, SEEK_SET) == 0 &&
               run_gnuplot(arguments, fileno(script), output);
        if (!done)
            warnx("gnuplot could not draw %s", file);
    }
    if (output >= 0)
        close(output);
    if (script)
        fclose(script);
    return done;
}
