// SPDX-License-Identifier: MIT
#include "train_digits/net.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "train_digits/random.h"

enum { CLASSES = IDX_CLASSES };

void net_layout(struct net *net, uint32_t inputs, uint32_t hidden)
{
    net->inputs = inputs;
    net->hidden = hidden;
    net->w1 = 0;
    net->b1 = net->w1 + (size_t)inputs * hidden;
    net->w2 = net->b1 + hidden;
    net->b2 = net->w2 + (size_t)hidden * CLASSES;
    net->count = net->b2 + CLASSES;
}

static void init_weights(float *weights, size_t count, uint32_t inputs, uint64_t *random)
{
    float scale = sqrtf(6.0f / (float)inputs);
    for (size_t i = 0; i < count; i++) {
        weights[i] = (2.0f * random_unit(random) - 1.0f) * scale;
    }
}

void net_init(const struct net *net, float *parameters, uint64_t seed)
{
    memset(parameters, 0, net->count * sizeof *parameters);
    init_weights(parameters + net->w1, net->b1 - net->w1, net->inputs, &seed);
    init_weights(parameters + net->w2, net->b2 - net->w2, net->hidden, &seed);
}

// y += a * x: all the heavy work has this shape, which compilers turn into vector code.
static void add_scaled(float *restrict y, const float *restrict x, float a, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        y[i] += a * x[i];
    }
}

// Numbers below the least normal float cost some processors a hundred times as much as others, and
// a velocity or a probability that has become so small changes nothing.
static float without_tiny(float x)
{
    return fabsf(x) < 1e-30f ? 0.0f : x;
}

// Scratch for one image.
struct scratch {
    float *image;  // net->inputs
    float *hidden; // net->hidden
    float output[CLASSES];
};

static bool make_scratch(const struct net *net, struct scratch *scratch)
{
    scratch->image = malloc(((size_t)net->inputs + net->hidden) * sizeof *scratch->image);
    scratch->hidden = scratch->image + net->inputs;
    return scratch->image != NULL;
}

static void load_image(const struct net *net, const struct idx_set *set, size_t index,
                       struct scratch *scratch)
{
    const uint8_t *pixels = set->pixels + index * net->inputs;
    for (uint32_t i = 0; i < net->inputs; i++) {
        scratch->image[i] = (float)pixels[i] / (float)set->brightest;
    }
}

// From the image: the hidden layer and the classes' probabilities.
static void forward(const struct net *net, const float *p, struct scratch *scratch)
{
    float *image = scratch->image, *hidden = scratch->hidden, *output = scratch->output;
    memcpy(hidden, p + net->b1, net->hidden * sizeof *hidden);
    for (uint32_t i = 0; i < net->inputs; i++) {
        if (image[i] != 0.0f) {
            add_scaled(hidden, p + net->w1 + (size_t)i * net->hidden, image[i], net->hidden);
        }
    }
    memcpy(output, p + net->b2, CLASSES * sizeof *output);
    for (uint32_t h = 0; h < net->hidden; h++) {
        hidden[h] = hidden[h] > 0.0f ? hidden[h] : 0.0f;
        if (hidden[h] > 0.0f) {
            add_scaled(output, p + net->w2 + (size_t)h * CLASSES, hidden[h], CLASSES);
        }
    }
    float most = output[0], sum = 0.0f;
    for (int k = 1; k < CLASSES; k++) {
        most = output[k] > most ? output[k] : most;
    }
    for (int k = 0; k < CLASSES; k++) {
        sum += output[k] = expf(output[k] - most);
    }
    for (int k = 0; k < CLASSES; k++) {
        output[k] = without_tiny(output[k] / sum);
    }
}

// Adds the image's gradient (times `scale`) and returns its loss.
static float backward(const struct net *net, const float *p, uint8_t label, float scale,
                      struct scratch *scratch, float *gradient)
{
    float *image = scratch->image, *hidden = scratch->hidden, *output = scratch->output;
    forward(net, p, scratch);
    float loss = -logf(output[label] > 1e-9f ? output[label] : 1e-9f);
    output[label] -= 1.0f;
    add_scaled(gradient + net->b2, output, scale, CLASSES);
    for (uint32_t h = 0; h < net->hidden; h++) {
        if (hidden[h] <= 0.0f) {
            continue;
        }
        const float *weights = p + net->w2 + (size_t)h * CLASSES;
        float back = 0.0f;
        for (int k = 0; k < CLASSES; k++) {
            back += weights[k] * output[k];
        }
        add_scaled(gradient + net->w2 + (size_t)h * CLASSES, output, scale * hidden[h], CLASSES);
        hidden[h] = back; // from here on the layer's gradient; the ReLU passes none where it is 0
    }
    add_scaled(gradient + net->b1, hidden, scale, net->hidden);
    for (uint32_t i = 0; i < net->inputs; i++) {
        if (image[i] != 0.0f) {
            add_scaled(gradient + net->w1 + (size_t)i * net->hidden, hidden, scale * image[i],
                       net->hidden);
        }
    }
    return loss;
}

float net_gradient(const struct net *net, const float *parameters, struct net_training *t)
{
    struct scratch scratch;
    uint32_t mine = (t->set->count + t->shards - 1 - t->shard) / t->shards;
    float loss = 0.0f;
    memset(t->gradient, 0, net->count * sizeof *t->gradient);
    if (mine == 0 || !make_scratch(net, &scratch)) {
        return 0.0f;
    }
    for (uint32_t b = 0; b < t->batch; b++) {
        size_t i = t->shard + (size_t)(random_next(&t->random) % mine) * t->shards;
        load_image(net, t->set, i, &scratch);
        loss += backward(net, parameters, t->set->labels[i], 1.0f / (float)t->batch, &scratch,
                         t->gradient);
    }
    free(scratch.image);
    return loss / (float)t->batch;
}

void net_step(const struct net *net, float *parameters, const struct net_training *t,
              float *velocity)
{
    for (size_t i = 0; i < net->count; i++) {
        velocity[i] = without_tiny(t->momentum * velocity[i] + t->gradient[i]);
        parameters[i] -= t->rate * velocity[i];
    }
}

float net_train(const struct net *net, float *parameters, struct net_training *t, float *velocity,
                uint32_t steps)
{
    float loss = 0.0f;
    for (uint32_t step = 0; step < steps; step++) {
        loss += net_gradient(net, parameters, t);
        net_step(net, parameters, t, velocity);
    }
    return steps ? loss / (float)steps : 0.0f;
}

float net_accuracy(const struct net *net, const float *parameters, const struct idx_set *set)
{
    struct scratch scratch;
    uint32_t right = 0;
    if (!make_scratch(net, &scratch)) {
        return 0.0f;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        load_image(net, set, i, &scratch);
        forward(net, parameters, &scratch);
        int best = 0;
        for (int k = 1; k < CLASSES; k++) {
            best = scratch.output[k] > scratch.output[best] ? k : best;
        }
        right += best == set->labels[i];
    }
    free(scratch.image);
    return (float)right / (float)set->count;
}
