/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "sealane/config.h"

/*
 * Command lines: which options a sub-command has, their help, and the configuration that they and
 * a file make. Pointers are into argv. Thread: the main one.
 */
enum cli_command { CLI_DEMO = 1, CLI_ECHO = 2, CLI_CAT = 4, CLI_CONFIG = 8 };

/* Exit statuses of all programs. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_STOPPED = 130 };

enum { CLI_SETS_MAX = 64 };

struct cli {
    enum cli_command command;
    const char *config; /* --config */
    const char *file;   /* --file */
    const char *pcap;
    const char *check; /* config --check */
    uint64_t size;     /* --size */
    uint16_t listen;   /* --listen; 0: none */
    bool json, reference;
    bool has_size, has_connect;
    struct sockaddr_in connect;
    const char *sets[CLI_SETS_MAX];
    unsigned n_sets;
    char error[128]; /* what is wrong with the command line; "": nothing */
};

/*
 * Read argv, whose first entry is the sub-command. -1: go on; else the exit status: help was
 * printed, or on standard error what is wrong. `json` is right in any case.
 */
int cli_read(struct cli *cli, enum cli_command command, int argc, char **argv);

/* What the options, a file or `text` (named `name`) make. NULL with a sentence in `err`. */
struct sl_config *cli_config(const struct cli *cli, const char *text, const char *name, char *err,
                             size_t err_len);

/* "10.77.0.1:80", with room for CLI_ADDRESS_BYTES. */
enum { CLI_ADDRESS_BYTES = 32 };
const char *cli_format_address(const struct sockaddr_in *a, char out[CLI_ADDRESS_BYTES]);

/* What is printed for people on standard error: "sealane cat: ...". */
void cli_complain(enum cli_command command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The list of sub-commands. */
void cli_print_help(FILE *out);
