/* The command line that all programs share: common options, each program's own, and words that are
 * neither. */
#ifndef BALLAST_BASE_COMMAND_LINE_H
#define BALLAST_BASE_COMMAND_LINE_H

#include "base/process.h"

/*
 * Reads argv into arguments and the options' values; the files given with --config and
 * --secrets. --help
 * and --version are answered here and end the process (0), as does a word that cannot be understood
 * (64).
 */
struct config_files command_line_read(const struct process_usage *usage, int maximum_operands,
				      int argc, char **argv, struct process_arguments *arguments);

#endif
