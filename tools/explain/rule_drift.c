// SPDX-License-Identifier: MIT
// A member that held the run's state, at the elected revision, and whose bytes were not those of
// the others: nothing failed, a sync has put it right, and nobody would learn of it.
#include <inttypes.h>

#include "tools/explain/model.h"

// The sync that a member is in, as its own ring tells it.
struct sync {
    struct hwi_op op;
    uint64_t held, elected; // revisions
    bool planned;           // `elected` is known
    uint32_t blocks;        // fetched
};

struct drift {
    struct sync last; // the last one that found some
    int64_t at_ns;
    uint32_t count; // of such syncs
};

static void judge(struct drift *drift, const struct sync *sync, bool held_before, int64_t at_ns)
{
    bool same = sync->planned && sync->held == sync->elected;
    if (same && sync->blocks > 0 && held_before) {
        drift->last = *sync;
        drift->at_ns = at_ns;
        drift->count++;
    }
}

// `cut`: an earlier sync fetched and was not committed, so what is held is known to be unfit.
static struct drift find_drift(const struct explain_process *p)
{
    struct drift found = {.at_ns = NEVER_NS};
    struct sync sync = {0};
    bool synced = false, cut = false;
    for (uint32_t i = 0; i < p->ring->count; i++) {
        const struct hwi_ring_record *r = &p->ring->records[i];
        struct hwi_op op = {0};
        bool named = hwi_ring_op(r, &op), ours = named && hwi_op_equal(op, sync.op);
        if (hwi_ring_is_sent(r)) {
            continue;
        }
        if (r->type == HWI_MSG_sync_start && !ours) {
            cut |= sync.blocks > 0;
            sync = (struct sync){.op = op, .held = r->key};
        } else if (r->type == HWI_MSG_sync_plan && ours) {
            sync.elected = r->key;
            sync.planned = true;
        } else if (r->type == HWI_MSG_block_placed && ours) {
            sync.blocks++;
        } else if (r->type == HWI_MSG_commit && r->kind == HWI_KIND_SYNC &&
                   r->view == sync.op.view && r->key > sync.op.seq) {
            judge(&found, &sync, !cut && (synced || sync.held > 0), model_time(p, r->handled));
            sync = (struct sync){0};
            synced = true;
            cut = false;
        }
    }
    return found;
}

static void say(struct explain_model *model, const struct explain_process *p,
                const struct drift *drift)
{
    struct explain_finding *finding = finding_new(model, drift->at_ns, false);
    finding->mild = true;
    finding_say(finding,
                "the state of member %" PRIu64 " had drifted: at revision %" PRIu64
                ", %u of its blocks differed from the elected state; %s repaired it %s ago",
                p->peer, drift->last.elected, drift->last.blocks, print_op(drift->last.op).text,
                print_time(model->now_ns - drift->at_ns).text);
    if (drift->count > 1) {
        finding_say(finding, ", and %u earlier ones did likewise", drift->count - 1);
    }
    finding_show(finding, drift->at_ns, "the sync was committed");
    finding_advise(finding,
                   "members that apply the same results in the same order hold the same bytes: see "
                   "what else %s writes into its state (its own random numbers, data that is not "
                   "synced, other instructions on another processor, faulty memory)",
                   print_who(model, p->peer).text);
}

void rule_drift(struct explain_model *model)
{
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct explain_process *p = &model->processes[i];
        struct drift drift = find_drift(p);
        if (!p->master && p->peer != 0 && drift.count > 0) {
            say(model, p, &drift);
        }
    }
}
