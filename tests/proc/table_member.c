// SPDX-License-Identifier: MIT
// A member of a run of real processes that makes the sample of the table of calls.
#include <stdio.h>

#include "tests/support/table_sample.h"

int main(void)
{
    char error[TABLE_SAMPLE_BYTES];
    hws_result view = HWS_RESULT_INIT;
    hws_comm *comm;
    if (hws_open(NULL, &comm) != HWS_OK) {
        printf("cannot join: %s\n", hws_last_error());
        return 1;
    }
    hws_view(comm, &view); // before the first that is through leaves
    bool right = table_sample(comm, error);
    if (right) {
        printf("table: OK rows=%u members=%u\n", (unsigned)TABLE_SAMPLE_ROWS, view.member_count);
    } else {
        printf("%s\n", error);
    }
    hws_close(comm);
    return right ? 0 : 1;
}
