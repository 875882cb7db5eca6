// SPDX-License-Identifier: MIT
// A network with one hidden layer (ReLU) and softmax on top, trained by SGD with momentum. It knows
// nothing of other members: a run shares its parameters, a plain array of floats.
#ifndef TRAIN_DIGITS_NET_H
#define TRAIN_DIGITS_NET_H

#include "train_digits/idx.h"

struct net {
    uint32_t inputs, hidden;
    // Offsets in the parameters: inputs x hidden, hidden, hidden x classes, classes.
    size_t w1, b1, w2, b2;
    size_t count; // of all parameters
};

void net_layout(struct net *net, uint32_t inputs, uint32_t hidden);

// Seeded start: the same seed gives the same parameters.
void net_init(const struct net *net, float *parameters, uint64_t seed);

// Where batches come from and how a step is made of one.
struct net_training {
    const struct idx_set *set;
    uint32_t shard, shards; // trains on the images i with i % shards == shard
    uint32_t batch;
    float rate, momentum;
    uint64_t random; // state of the choice of images
    float *gradient; // scratch and result, net->count
};

// The mean gradient of the next batch, in training->gradient; returns its mean loss. A member
// without images has zeros to say.
float net_gradient(const struct net *net, const float *parameters, struct net_training *training);

// One SGD step along training->gradient.
void net_step(const struct net *net, float *parameters, const struct net_training *training,
              float *velocity);

// Makes `steps` SGD steps on `parameters` and returns the mean loss; 0 for none.
float net_train(const struct net *net, float *parameters, struct net_training *training,
                float *velocity, uint32_t steps);

// The part of the set that is classified rightly, 0 to 1.
float net_accuracy(const struct net *net, const float *parameters, const struct idx_set *set);

#endif
