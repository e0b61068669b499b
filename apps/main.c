/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "commands.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"demo", command_demo},
    {"echo", command_echo},
    {"cat", command_cat},
    {"config", command_config},
};

/*
 * A standard descriptor that is closed would soon be some device's. What takes its place can
 * neither be read (0) nor written to (1, 2), so that it behaves as if it were still closed.
 */
static void occupy_standard_descriptors(void)
{
    int fd;

    for (fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    }
}

/* What was printed by way of stdio may be lost only now. */
static int end(int status)
{
    const bool was_lost = ferror(stdout) != 0;

    if (fflush(stdout) == 0 && !was_lost)
        return status;
    (void)fprintf(stderr, "sealane: standard output: %s\n", strerror(was_lost ? EIO : errno));
    return status == EXIT_OK ? EXIT_FAILED : status;
}

int main(int argc, char **argv)
{
    size_t i;

    occupy_standard_descriptors();
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow further is no reason to die */
    if (argc < 2) {
        cli_print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli_print_help(stdout);
        return end(EXIT_OK);
    }
    if (strcmp(argv[1], "--version") == 0)
        return end(command_version());
    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, argv[1]) == 0)
            return end(commands[i].run(argc - 1, argv + 1));
    }
    (void)fprintf(stderr, "sealane: no command '%s'; see sealane --help\n", argv[1]);
    return EXIT_USAGE;
}
