// SPDX-License-Identifier: MIT
// Broadcast: one member's bytes for all. The root is named by its peer id, which stays the same
// when others come and go, as ranks do not.
//   hawser run -n 3 -- ./broadcast
#include <hawser/hawser.h>
#include <stdio.h>
#include <string.h>

enum { BYTES = 64 };

int main(void)
{
    hws_comm *comm = NULL;
    hws_result result = HWS_RESULT_INIT;
    char words[BYTES] = "";
    hws_status status = hws_open(NULL, &comm); // HAWSER_MASTER, which `hawser run` sets
    if (status == HWS_OK) {
        status = hws_view(comm, &result);
    }
    hws_peer_id root = result.members[0];
    if (result.rank == 0) {
        memcpy(words, "the seed is 42", 15);
    }
    // In place: the root sends from `words`, the others receive into it.
    if (status == HWS_OK) {
        status = hws_broadcast(comm, words, words, BYTES, HWS_U8, root, NULL, &result);
    }
    if (status == HWS_OK) {
        printf("rank %u of %u heard: %s\n", (unsigned)result.rank, (unsigned)result.member_count,
               words);
    } else {
        fprintf(stderr, "broadcast: %s: %s\n", hws_status_name(status), hws_last_error());
    }
    hws_close(comm);
    return status == HWS_OK ? 0 : 1;
}
