// SPDX-License-Identifier: MIT
// Plain data-parallel training: before each SGD step the members average their gradients. All
// members have the same parameters and the same momentum at every moment; the price is a reduction
// of the whole gradient, and a wait for it, in every step.
#include "train_digits/trainer.h"

// Gradient and loss of one batch, averaged over the members, and the step they all make by it.
static hws_status sgd_step(struct trainer *t, struct net_training *training)
{
    struct flight flight = {0};
    size_t count = t->net.count;
    t->gradient[count] = net_gradient(&t->net, t->parameters, training);
    hws_status status = average_start(t, t->gradient, t->gradient, count + 1, TAG_MOVE, &flight);
    if (status == HWS_OK) {
        status = average_finish(t, &flight);
    }
    if (status) {
        return status;
    }
    net_step(&t->net, t->parameters, training, t->momentum);
    t->spent.sgd_steps++;
    return HWS_OK;
}

hws_status ddp_step(struct trainer *t)
{
    struct net_training training = training_begin(t);
    float loss = 0;
    for (uint32_t i = 0; i < t->options.inner; i++) {
        hws_status status = sgd_step(t, &training);
        if (status) {
            return status;
        }
        loss += t->gradient[t->net.count];
    }
    t->loss = loss / (float)t->options.inner;
    return HWS_OK;
}
