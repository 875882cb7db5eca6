// SPDX-License-Identifier: MIT
// Trains a digit classifier together with the other members of a run, however often they change.
//
// The method is DiLoCo: everyone starts from the same parameters, makes a few SGD steps on its own
// share of the images, and the members average how far they moved (the pseudo-gradient). A Nesterov
// step along that average gives the next common parameters. One small all-reduce per outer step.
//
// What makes it survive members that die, freeze, or come late:
//   - the parameters and the outer momentum are a shared state; its revision counts outer steps;
//   - the all-reduce has `retry`: if a member is lost it runs again over the survivors;
//   - what to call next is decided by what an operation returned, for all members agree on that.
//     (hws_view() on its own may tell two members different things at one moment.)
#include <hawser/hawser.h>

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "train_digits/idx.h"
#include "train_digits/net.h"
#include "train_digits/options.h"

enum { TAG_MOVE = 1, TAG_FINISHED = 2 };
enum { REJOINS_MAX = 3, ADMITS_MAX = 100, LATE_MS = 1000, DIE_AFTER_MS = 300 };

struct trainer {
    struct options options;
    FILE *report; // NULL, or lines for programs
    struct idx_set train, test;
    struct net net;
    // The shared state: the same bits on all members after each outer step.
    float *parameters, *outer_momentum;
    // This member's own.
    float *local; // parameters in the inner steps
    float *move;  // how far they moved; then the members' average. One place more for the loss.
    float *gradient, *velocity;
    hws_comm *comm;
    hws_state *state;
    hws_result view; // of the last operation: who the members are, and which of them we are
    bool sync_due;   // the membership changed since the last hws_sync
};

// One line per event for a program that watches, such as `hawser demo`.
__attribute__((format(printf, 2, 3))) static void report(struct trainer *t, const char *format, ...)
{
    if (!t->report)
        return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(t->report, format, arguments);
    va_end(arguments);
    fflush(t->report);
}

// What a failed call leads to: nothing here but a sentence; main() decides by the class.
static hws_status failed(const char *what, hws_status status)
{
    fprintf(stderr, "train_digits: %s: %s: %s\n", what, hws_status_name(status), hws_last_error());
    return status;
}

// ---- membership ------------------------------------------------------------------------------

static bool is_member(const hws_result *view, hws_peer_id peer)
{
    for (uint32_t i = 0; i < view->member_count && i < HWS_RESULT_MEMBERS_MAX; i++)
        if (view->members[i].value == peer.value)
            return true;
    return false;
}

// Takes note of the view an operation ran in: after one operation all members note the same view.
static void note_view(struct trainer *t, const hws_result *now)
{
    if (now->view.value == t->view.view.value)
        return;
    for (uint32_t i = 0; i < t->view.member_count && i < HWS_RESULT_MEMBERS_MAX; i++) {
        if (is_member(now, t->view.members[i]))
            continue;
        unsigned long long peer = t->view.members[i].value;
        printf("member %llu is gone\n", peer);
        report(t, "lost peer=%llu\n", peer);
    }
    report(t, "view number=%llu members=%u\n", (unsigned long long)now->view.value,
           now->member_count);
    t->view = *now;
    t->sync_due = true;
}

// Becomes a member: of the first view, or later, once the members admit us.
static hws_status join(struct trainer *t)
{
    hws_config config = HWS_CONFIG_INIT; // all from the environment
    hws_status status = hws_open(&config, &t->comm);
    if (status)
        return failed("cannot join", status);
    t->view = (hws_result)HWS_RESULT_INIT;
    hws_result now = HWS_RESULT_INIT;
    status = hws_view(t->comm, &now);
    if (status)
        return failed("cannot see the view", status);
    note_view(t, &now);
    unsigned long long self = now.members[now.rank].value;
    printf("joined as member %llu, one of %u\n", self, now.member_count);
    report(t, "joined peer=%llu view=%llu members=%u\n", self, (unsigned long long)now.view.value,
           now.member_count);
    return HWS_OK;
}

// Lets newcomers in. All members read the same `pending`, so either all vote or none.
static hws_status admit_newcomers(struct trainer *t)
{
    uint32_t pending = 0;
    hws_result now = HWS_RESULT_INIT;
    hws_status status = hws_pending(t->comm, &pending);
    if (status)
        return failed("cannot tell who waits", status);
    for (int i = 0; pending > 0 && i < ADMITS_MAX; i++) {
        status = hws_admit(t->comm, &now);
        if (status == HWS_OK) {
            note_view(t, &now);
            return HWS_OK;
        }
        // The view changed meanwhile, for all of us: acknowledge and vote again.
        if (hws_status_class(status) != HWS_CLASS_VIEW)
            return failed("cannot admit", status);
        status = hws_view(t->comm, NULL);
        if (status)
            return failed("cannot see the view", status);
    }
    return HWS_OK; // nobody waits, or the vote never held: the next operation tells again
}

// Brings everyone to the same bytes: newcomers get the state, the others only compare hashes.
static hws_status sync_if_due(struct trainer *t)
{
    if (!t->sync_due)
        return HWS_OK;
    hws_options options = HWS_OPTIONS_INIT;
    hws_result now = HWS_RESULT_INIT;
    options.retry = 1;
    hws_status status = hws_sync(t->comm, t->state, HWS_SYNC_ENFORCE, &options, &now);
    if (status)
        return failed("cannot sync", status);
    note_view(t, &now);
    t->sync_due = false; // the sync ran in the view just noted
    if (now.bytes_received > 0)
        printf("synced to step %llu: %llu bytes from %u members\n", (unsigned long long)now.value,
               (unsigned long long)now.bytes_received, now.sources);
    report(t, "synced step=%llu bytes=%llu sources=%u\n", (unsigned long long)now.value,
           (unsigned long long)now.bytes_received, now.sources);
    return HWS_OK;
}

// ---- one outer step --------------------------------------------------------------------------

// Trains on this member's share of the images; leaves how far the parameters moved in t->move.
static void inner_steps(struct trainer *t)
{
    size_t count = t->net.count;
    uint64_t step = hws_state_revision(t->state);
    memcpy(t->local, t->parameters, count * sizeof *t->local);
    struct net_training training = {
        .set = &t->train,
        .shard = t->view.rank,
        .shards = t->view.member_count,
        .steps = t->options.inner,
        .batch = t->options.batch,
        .rate = t->options.rate,
        .momentum = t->options.momentum,
        .seed = ((uint64_t)t->options.seed << 40) ^ (step << 16) ^ t->view.rank,
        .gradient = t->gradient,
        .velocity = t->velocity,
    };
    t->move[count] = net_train(&t->net, t->local, &training);
    for (size_t i = 0; i < count; i++)
        t->move[i] = t->parameters[i] - t->local[i];
}

static void nap(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

// For demonstrations: dies inside this step's all-reduce, some time after its first frames have
// left. Another member must come late to it (--late-at), for without that it is over in no time.
static hws_status die_in_operation(struct trainer *t, const hws_options *options)
{
    hws_stats before = HWS_STATS_INIT, now = HWS_STATS_INIT;
    hws_request *request;
    hws_status status = hws_stats_get(t->comm, &before);
    if (status == HWS_OK)
        status = hws_all_reduce_async(t->comm, t->move, t->move, t->net.count + 1, HWS_F32, HWS_AVG,
                                      options, &request);
    if (status)
        return failed("cannot die", status);
    do {
        status = hws_wait(request, 1, NULL);
        hws_stats_get(t->comm, &now);
    } while (status == HWS_E_PENDING && now.bytes_sent == before.bytes_sent);
    if (status == HWS_E_PENDING)
        status = hws_wait(request, DIE_AFTER_MS, NULL);
    if (status == HWS_E_PENDING)
        kill(getpid(), SIGKILL);
    fprintf(stderr, "train_digits: the operation was over before this member could die\n");
    return HWS_E_INVALID;
}

// Averages what all members have in t->move; over the survivors if a member is lost (`retry`).
static hws_status average_moves(struct trainer *t)
{
    unsigned long long step = hws_state_revision(t->state) + 1;
    hws_options options = HWS_OPTIONS_INIT;
    hws_result now = HWS_RESULT_INIT;
    hws_stats before = HWS_STATS_INIT, after = HWS_STATS_INIT;
    options.tag = TAG_MOVE;
    options.retry = 1;
    if (step == t->options.die_at) {
        report(t, "dying step=%llu\n", step);
        return die_in_operation(t, &options);
    }
    if (step == t->options.late_at)
        nap(LATE_MS);
    hws_stats_get(t->comm, &before);
    hws_status status = hws_all_reduce(t->comm, t->move, t->move, t->net.count + 1, HWS_F32,
                                       HWS_AVG, &options, &now);
    if (status)
        return failed("cannot average", status);
    hws_stats_get(t->comm, &after);
    report(t, "averaged step=%llu attempts=%u aborted=%llu\n", step, now.attempts,
           (unsigned long long)(after.aborted - before.aborted));
    note_view(t, &now);
    return HWS_OK;
}

// The outer step. All members have the same inputs and do the same sums in the same order, so their
// parameters stay the same bit for bit (this needs -ffp-contract=off and one compiler for all).
static void apply_average(struct trainer *t)
{
    float mu = t->options.outer_momentum, rate = t->options.outer_rate;
    for (size_t i = 0; i < t->net.count; i++) {
        float momentum = mu * t->outer_momentum[i] + t->move[i];
        t->outer_momentum[i] = momentum;
        t->parameters[i] -= rate * (t->move[i] + mu * momentum);
    }
    hws_state_set_revision(t->state, hws_state_revision(t->state) + 1);
}

static hws_status outer_step(struct trainer *t)
{
    inner_steps(t);
    hws_status status = average_moves(t);
    if (status)
        return status;
    apply_average(t);
    unsigned long long step = hws_state_revision(t->state);
    float loss = t->move[t->net.count];
    if (step % t->options.every == 0)
        printf("step %llu of %u: loss %.4f, %u members\n", step, t->options.steps, (double)loss,
               t->view.member_count);
    report(t, "step number=%llu loss=%.6f members=%u view=%llu\n", step, (double)loss,
           t->view.member_count, (unsigned long long)t->view.view.value);
    return HWS_OK;
}

// Have we all made our steps? Asked of all, so that all leave after the same step.
static hws_status agree_finished(struct trainer *t, bool *finished)
{
    hws_options options = HWS_OPTIONS_INIT;
    hws_result now = HWS_RESULT_INIT;
    uint64_t agreed = 0;
    options.tag = TAG_FINISHED;
    options.retry = 1;
    hws_status status = hws_agree(t->comm, hws_state_revision(t->state) >= t->options.steps,
                                  HWS_AGREE_AND, &options, &agreed, &now);
    if (status)
        return failed("cannot agree", status);
    note_view(t, &now);
    *finished = agreed == 1;
    return HWS_OK;
}

static hws_status train(struct trainer *t)
{
    hws_status status = join(t);
    for (bool finished = false; status == HWS_OK && !finished;) {
        status = admit_newcomers(t);
        if (status == HWS_OK)
            status = sync_if_due(t);
        if (status == HWS_OK)
            status = outer_step(t);
        if (status == HWS_OK)
            status = agree_finished(t, &finished);
    }
    return status;
}

// A member that was put out (it froze, its link broke) is finished under this incarnation only: it
// comes back as a newcomer, and the sync gives it the state the others have reached.
static hws_status train_and_rejoin(struct trainer *t)
{
    hws_status status = train(t);
    for (int i = 0; i < REJOINS_MAX; i++) {
        if (status != HWS_E_EVICTED && status != HWS_E_OUTCOME_UNKNOWN && status != HWS_E_INTERNAL)
            break;
        hws_close(t->comm);
        t->comm = NULL;
        printf("joining again\n");
        report(t, "rejoining status=%s\n", hws_status_name(status));
        status = train(t);
    }
    return status;
}

// ---- setting up and leaving ------------------------------------------------------------------

static int load_data(struct trainer *t)
{
    char error[IDX_ERROR_BYTES];
    if (idx_load(t->options.data, "train", &t->train, error) ||
        idx_load(t->options.data, "t10k", &t->test, error)) {
        fprintf(stderr, "train_digits: %s (--data names the directory)\n", error);
        return 2;
    }
    if (t->train.rows != t->test.rows || t->train.columns != t->test.columns) {
        fprintf(stderr,
                "train_digits: %s: expected test images of %u x %u pixels as the training "
                "images have, found %u x %u\n",
                t->options.data, t->train.rows, t->train.columns, t->test.rows, t->test.columns);
        return 2;
    }
    return 0;
}

// The shared state: four tensors that are parts of one array, and the outer momentum.
static hws_status make_state(struct trainer *t)
{
    const struct net *net = &t->net;
    float *p = t->parameters;
    hws_status status = hws_state_create(&t->state);
    if (!status)
        status = hws_state_add(t->state, "w1", HWS_F32, p + net->w1, net->b1 - net->w1);
    if (!status)
        status = hws_state_add(t->state, "b1", HWS_F32, p + net->b1, net->w2 - net->b1);
    if (!status)
        status = hws_state_add(t->state, "w2", HWS_F32, p + net->w2, net->b2 - net->w2);
    if (!status)
        status = hws_state_add(t->state, "b2", HWS_F32, p + net->b2, net->count - net->b2);
    if (!status)
        status = hws_state_add(t->state, "outer_momentum", HWS_F32, t->outer_momentum, net->count);
    return status ? failed("cannot make the state", status) : HWS_OK;
}

static int set_up(struct trainer *t)
{
    int code = load_data(t);
    if (code)
        return code;
    if (t->options.report && !(t->report = fopen(t->options.report, "a"))) {
        fprintf(stderr, "train_digits: cannot write %s\n", t->options.report);
        return 2;
    }
    net_layout(&t->net, t->train.rows * t->train.columns, t->options.hidden);
    float **arrays[] = {&t->parameters, &t->outer_momentum, &t->local,
                        &t->move,       &t->gradient,       &t->velocity};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        if (!(*arrays[i] = calloc(t->net.count + 1, sizeof(float)))) {
            fprintf(stderr, "train_digits: no memory for %zu parameters\n", t->net.count);
            return 1;
        }
    net_init(&t->net, t->parameters, t->options.seed);
    return make_state(t) ? 1 : 0;
}

static int write_state(const struct trainer *t)
{
    FILE *file = fopen(t->options.out, "wb");
    size_t count = t->net.count;
    bool good = file && fwrite(t->parameters, sizeof(float), count, file) == count &&
                fwrite(t->outer_momentum, sizeof(float), count, file) == count;
    if (file && fclose(file))
        good = false;
    if (!good)
        fprintf(stderr, "train_digits: cannot write %s\n", t->options.out);
    return good ? 0 : 1;
}

static int finish(struct trainer *t)
{
    unsigned long long steps = hws_state_revision(t->state);
    float accuracy = net_accuracy(&t->net, t->parameters, &t->test);
    if (t->options.out && write_state(t))
        return 1;
    printf("finished after %llu steps: %.2f %% of the test images right\n", steps,
           100.0 * (double)accuracy);
    report(t, "finished step=%llu accuracy=%.6f\n", steps, (double)accuracy);
    return 0;
}

static void tear_down(struct trainer *t)
{
    hws_close(t->comm); // before the memory of the state goes
    hws_state_destroy(t->state);
    free(t->parameters);
    free(t->outer_momentum);
    free(t->local);
    free(t->move);
    free(t->gradient);
    free(t->velocity);
    idx_free(&t->train);
    idx_free(&t->test);
    if (t->report)
        fclose(t->report);
}

int main(int argc, char **argv)
{
    static struct trainer t;
    int code = options_parse(&t.options, argc, argv);
    if (code >= 0)
        return code;
    setvbuf(stdout, NULL, _IOLBF, 0);
    code = set_up(&t);
    if (code == 0)
        code = train_and_rejoin(&t) == HWS_OK ? finish(&t) : 1;
    tear_down(&t);
    return code;
}
