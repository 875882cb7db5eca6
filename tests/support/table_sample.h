// SPDX-License-Identifier: MIT
// A sample of the table of calls, every type and reduction once, each with another kind, plan and
// place. Each result is compared with a scalar reference over the members that it names.
#ifndef HAWSER_TESTS_SUPPORT_TABLE_SAMPLE_H
#define HAWSER_TESTS_SUPPORT_TABLE_SAMPLE_H

#include <stdbool.h>

#include <hawser/hawser.h>

enum { TABLE_SAMPLE_ROWS = 240, TABLE_SAMPLE_BYTES = 600 };

// Makes this member's calls; all members of the view make them at once. False with a sentence.
bool table_sample(hws_comm *comm, char error[TABLE_SAMPLE_BYTES]);

#endif
