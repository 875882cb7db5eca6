// SPDX-License-Identifier: MIT
// Trains a digit classifier together with the other members of a run, however often they change.
//
// --mode says how: DiLoCo (a few SGD steps alone, then one small reduction), its asynchronous and
// streaming forms, or a reduction in every step. docs/TRAINING.md compares them.
//
// It survives members that die, freeze, or come late because:
//   - parameters and momentum are a shared state; its revision counts outer steps;
//   - reductions have `retry`: if a member is lost they run again over the survivors;
//   - what to call next is decided by what an operation returned, for all members agree on that.
//     (hws_view() on its own may tell two members different things at one moment.)
//   - before members are let in or states compared, everyone lands what is in flight.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "train_digits/trainer.h"

enum { REJOINS_MAX = 3 };

void report(struct trainer *t, const char *format, ...)
{
    if (t->report == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vfprintf(t->report, format, arguments);
    va_end(arguments);
    fflush(t->report);
}

hws_status failed(const char *what, hws_status status)
{
    if (status != HWS_E_TOO_FEW) { // that one is waited out
        fprintf(stderr, "train_digits: %s: %s: %s\n", what, hws_status_name(status),
                hws_last_error());
    }
    return status;
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

hws_status wait_for(struct trainer *t, hws_request **request, hws_result *now)
{
    uint64_t begin = clock_ns();
    hws_status status = hws_wait(*request, UINT32_MAX, now);
    t->spent.stalled_ns += clock_ns() - begin;
    *request = NULL;
    return status;
}

uint64_t current_step(const struct trainer *t)
{
    return hws_state_revision(t->state) + 1;
}

// ---- training --------------------------------------------------------------------------------

struct net_training training_begin(const struct trainer *t)
{
    uint64_t step = hws_state_revision(t->state);
    return (struct net_training){
        .set = &t->train,
        .shard = t->view.rank,
        .shards = t->view.member_count,
        .batch = t->options.batch,
        .rate = t->options.rate,
        .momentum = t->options.momentum,
        .random = ((uint64_t)t->options.seed << 40) ^ (step << 16) ^ t->view.rank,
        .gradient = t->gradient,
    };
}

static hws_status outer_step(struct trainer *t)
{
    hws_status status = t->options.mode == MODE_DDP ? ddp_step(t) : diloco_step(t);
    if (status) {
        return status;
    }
    unsigned long long step = current_step(t);
    hws_state_set_revision(t->state, step);
    if (step % t->options.every == 0) {
        printf("step %llu of %u: loss %.4f, %u members\n", step, t->options.steps, (double)t->loss,
               t->view.member_count);
    }
    report(t, "step number=%llu loss=%.6f members=%u view=%llu\n", step, (double)t->loss,
           t->view.member_count, (unsigned long long)t->view.view.value);
    return HWS_OK;
}

// The preparation of an outer step, the step, and the outcome of the vote on it.
static hws_status train_once(struct trainer *t, bool *finished)
{
    hws_status status = HWS_OK;
    if (t->pending > 0 || t->sync_due) {
        status = diloco_settle(t);
    }
    if (status == HWS_OK) {
        status = members_admit(t);
    }
    if (status == HWS_OK) {
        status = members_sync(t);
    }
    if (status == HWS_OK) {
        status = members_vote(t);
    }
    if (status == HWS_OK) {
        status = outer_step(t);
    }
    if (status == HWS_OK) {
        status = members_hear_vote(t, finished);
    }
    return status == HWS_OK && *finished ? diloco_settle(t) : status;
}

static hws_status train(struct trainer *t)
{
    hws_status status = members_join(t);
    for (bool finished = false; status == HWS_OK && !finished;) {
        status = train_once(t, &finished);
        if (status == HWS_E_TOO_FEW) { // newcomers begin at the top of this loop, so all do
            finished = false;
            diloco_drop(t);
            flights_abandon(t);
            status = members_refill(t);
        }
    }
    return status;
}

static void leave(struct trainer *t)
{
    hws_stats stats = HWS_STATS_INIT;
    flights_abandon(t);
    if (t->comm != NULL && hws_stats_get(t->comm, &stats) == HWS_OK) {
        t->spent.sent += stats.bytes_sent;
    }
    hws_close(t->comm);
    t->comm = NULL;
}

// A member that was removed from the run (it froze, its link broke) is finished under this
// incarnation only: it comes back as a newcomer, and the sync gives it the state the others have
// reached.
static hws_status train_and_rejoin(struct trainer *t)
{
    hws_status status = train(t);
    for (int i = 0; i < REJOINS_MAX; i++) {
        if (status != HWS_E_EVICTED && status != HWS_E_OUTCOME_UNKNOWN &&
            status != HWS_E_INTERNAL) {
            break;
        }
        leave(t);
        printf("joining again\n");
        report(t, "rejoining status=%s\n", hws_status_name(status));
        status = train(t);
    }
    leave(t);
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

// The shared state: four tensors that are parts of one array, and the momentum.
static hws_status make_state(struct trainer *t)
{
    const struct net *net = &t->net;
    float *p = t->parameters;
    hws_status status = hws_state_create(&t->state);
    if (!status) {
        status = hws_state_add(t->state, "w1", HWS_F32, p + net->w1, net->b1 - net->w1);
    }
    if (!status) {
        status = hws_state_add(t->state, "b1", HWS_F32, p + net->b1, net->w2 - net->b1);
    }
    if (!status) {
        status = hws_state_add(t->state, "w2", HWS_F32, p + net->w2, net->b2 - net->w2);
    }
    if (!status) {
        status = hws_state_add(t->state, "b2", HWS_F32, p + net->b2, net->count - net->b2);
    }
    if (!status) {
        status = hws_state_add(t->state, "momentum", HWS_F32, t->momentum, net->count);
    }
    return status ? failed("cannot make the state", status) : HWS_OK;
}

static int set_up(struct trainer *t)
{
    int code = load_data(t);
    if (code) {
        return code;
    }
    if (t->options.report != NULL && (t->report = fopen(t->options.report, "a")) == NULL) {
        fprintf(stderr, "train_digits: cannot write %s\n", t->options.report);
        return 2;
    }
    net_layout(&t->net, t->train.rows * t->train.columns, t->options.hidden);
    float **arrays[] = {&t->parameters, &t->momentum, &t->local, &t->gradient, &t->velocity};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        if ((*arrays[i] = calloc(t->net.count + 1, sizeof(float))) == NULL) {
            fprintf(stderr, "train_digits: no memory for %zu parameters\n", t->net.count);
            return 1;
        }
    }
    if (!diloco_make(t)) {
        fprintf(stderr, "train_digits: no memory for %u fragments\n", t->options.fragments);
        return 1;
    }
    net_init(&t->net, t->parameters, t->options.seed);
    return make_state(t) ? 1 : 0;
}

static int write_state(const struct trainer *t)
{
    FILE *file = fopen(t->options.out, "wb");
    size_t count = t->net.count;
    bool good = file != NULL && fwrite(t->parameters, sizeof(float), count, file) == count &&
                fwrite(t->momentum, sizeof(float), count, file) == count;
    if (file != NULL && fclose(file)) {
        good = false;
    }
    if (!good) {
        fprintf(stderr, "train_digits: cannot write %s\n", t->options.out);
    }
    return good ? 0 : 1;
}

static int finish(struct trainer *t)
{
    unsigned long long steps = hws_state_revision(t->state);
    float accuracy = net_accuracy(&t->net, t->parameters, &t->test);
    if (t->options.out != NULL && write_state(t)) {
        return 1;
    }
    const struct spent *spent = &t->spent;
    printf("finished after %llu steps: %.2f %% of the test images right\n", steps,
           100.0 * (double)accuracy);
    report(t,
           "finished step=%llu accuracy=%.6f mode=%s sgd_steps=%llu reductions=%llu largest=%llu "
           "sent=%llu stalled_us=%llu\n",
           steps, (double)accuracy, mode_name(t->options.mode),
           (unsigned long long)spent->sgd_steps, (unsigned long long)spent->reductions,
           (unsigned long long)spent->largest, (unsigned long long)spent->sent,
           (unsigned long long)spent->stalled_ns / 1000);
    return 0;
}

static void tear_down(struct trainer *t)
{
    hws_state_destroy(t->state);
    free(t->parameters);
    free(t->momentum);
    free(t->local);
    diloco_free(t);
    free(t->gradient);
    free(t->velocity);
    idx_free(&t->train);
    idx_free(&t->test);
    if (t->report != NULL) {
        fclose(t->report);
    }
}

int main(int argc, char **argv)
{
    static struct trainer t;
    int code = options_parse(&t.options, argc, argv);
    if (code >= 0) {
        return code;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    code = set_up(&t);
    if (code == 0) {
        code = train_and_rejoin(&t) == HWS_OK ? finish(&t) : 1;
    }
    tear_down(&t);
    return code;
}
