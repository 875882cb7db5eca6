// SPDX-License-Identifier: MIT
// Shared by the subcommands of `hawser`: their entry points, exit codes and option helpers.
#ifndef HAWSER_TOOLS_HAWSER_COMMAND_H
#define HAWSER_TOOLS_HAWSER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_TRAINER = 3 };

// Entry points: argv[0] is the subcommand's name. Each returns the process's exit code.
int command_bench(int argc, char **argv);
int command_checkpoint(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_info(int argc, char **argv);
int command_master(int argc, char **argv);
int command_metrics(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_run(int argc, char **argv);
int command_sim(int argc, char **argv);
int command_status(int argc, char **argv);
int command_top(int argc, char **argv);
int command_trace(int argc, char **argv);

// Prints "hawser NAME: sentence" on stderr.
__attribute__((format(printf, 2, 3))) void complain(const char *command, const char *format, ...);

// At a process's end. A command whose output was lost, on a full disk for example, has not
// succeeded: then says so on stderr, and returns EXIT_FAILED in place of EXIT_OK. Else returns
// code.
int whole_output(int code);

// For getopt_long's '?' and ':' (call it with opterr = 0 and a leading ':'): complains naming the
// option. Returns EXIT_USAGE.
int bad_option(const char *command, int result, char **argv);

// The options of a subcommand that has one flag ("json") and --help: `given` says whether the flag
// is there. Returns -1 to continue from optind, else the exit code: the usage was asked for, or an
// option is unknown.
int read_flag(const char *command, const char *usage, const char *flag, int argc, char **argv,
              bool *given);

// The whole text is a number from least to most; *value is set only on success.
bool parse_u32(const char *text, uint32_t least, uint32_t most, uint32_t *value);
// As parse_u32, and complains naming the option.
bool option_u32(const char *command, const char *option, const char *text, uint32_t least,
                uint32_t most, uint32_t *value);

// "2s", "1.5s" or "500ms" at *text, which is moved behind it; at most a day.
bool parse_duration(const char **text, uint64_t *ms);

// "64K", "1M", "2G" (powers of 1024) or plain bytes at *text, which is moved behind it.
bool parse_bytes(const char **text, uint64_t *bytes);

// Replaces by '?' what is no plain printable character: texts of others go to a terminal.
void make_printable(char *text);

// The one argument behind the options is an address HOST:PORT of a master; else complains.
bool only_address(const char *command, int argc, char **argv);

uint64_t now_ns(void); // CLOCK_MONOTONIC

#endif
