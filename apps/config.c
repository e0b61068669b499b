/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "cli.h"
#include "commands.h"

int command_config(int argc, char **argv)
{
    char err[SL_ERR_BYTES] = "";
    struct sl_config *c;
    struct cli cli;
    int status;

    if ((status = cli_read(&cli, CLI_CONFIG, argc, argv)) >= 0)
        return status;
    if (cli.reference) {
        sl_config_reference(stdout);
        return EXIT_OK;
    }
    if ((c = cli_config(&cli, NULL, cli.check, err, sizeof(err))) == NULL) {
        cli_complain(CLI_CONFIG, "%s", err);
        return EXIT_USAGE;
    }
    (void)printf("%s: no error\n", cli.check);
    sl_config_destroy(c);
    return EXIT_OK;
}
