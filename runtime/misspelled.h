// SPDX-License-Identifier: MIT
// Variables of the environment that look like an option's, and are none. Any thread.
#ifndef HAWSER_RUNTIME_MISSPELLED_H
#define HAWSER_RUNTIME_MISSPELLED_H

// The variable that `name` (borrowed until return) probably means: static. NULL = `name` is an
// option's itself, or resembles none.
const char *hwi_variable_meant(const char *name);

// Prints a line on stderr for each misspelled variable; only the first call in a process does.
void hwi_variables_warn(void);

#endif
