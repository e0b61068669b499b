/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The sub-commands, one file each. argv[0] is the sub-command's name; they return the exit status.
 */
int command_demo(int argc, char **argv);
int command_echo(int argc, char **argv);
int command_cat(int argc, char **argv);
int command_config(int argc, char **argv);
int command_version(void);
