// SPDX-License-Identifier: MIT
// How fast a state of f32 is saved (synced to disk) and loaded (verified first), for contents that
// compress more or less, with and without compression.
#include <hawser/hawser.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/hawser/command.h"

enum { PATH_BYTES = 512, REPEATS = 3, REPEATS_MAX = 100 };

struct pass {
    const struct bench_job *job;
    const char *content;
    hws_compression compression;
    char path[PATH_BYTES];
    hws_state *state;
    hws_checkpoint_info info;
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

// ---- contents ----------------------------------------------------------------------------------

static void fill_noise(float *values, size_t count)
{
    uint64_t seed = 88172645463325252u;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)(next_random(&seed) >> 32);
        memcpy(&values[i], &bits, sizeof bits);
    }
}

// As weights begin: normal, of a small deviation.
static void fill_weights(float *values, size_t count)
{
    uint64_t seed = 88172645463325252u;
    for (size_t i = 0; i < count; i++) {
        double u = ((double)(next_random(&seed) >> 11) + 1) / 9007199254740993.0;
        double v = (double)(next_random(&seed) >> 11) / 9007199254740992.0;
        values[i] = (float)(0.02 * sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
    }
}

static void fill_rounded(float *values, size_t count)
{
    fill_weights(values, count);
    for (size_t i = 0; i < count; i++) { // what bf16 keeps of them
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits &= 0xffff0000u;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

static void fill_zeros(float *values, size_t count)
{
    memset(values, 0, count * sizeof *values);
}

static const struct content {
    const char *name;
    void (*fill)(float *values, size_t count);
} contents[] = {{"noise", fill_noise},
                {"weights", fill_weights},
                {"weights rounded to bf16", fill_rounded},
                {"zeros", fill_zeros}};
enum { CONTENTS = sizeof contents / sizeof contents[0] };

// ---- measuring ---------------------------------------------------------------------------------

static bool save_once(struct pass *pass, uint64_t *ns)
{
    hws_checkpoint_options options = HWS_CHECKPOINT_OPTIONS_INIT;
    options.compression = pass->compression;
    uint64_t began = now_ns();
    bool ok = hws_checkpoint_save(pass->state, pass->path, &options, &pass->info) == HWS_OK;
    *ns = now_ns() - began;
    return ok;
}

static bool load_once(struct pass *pass, uint64_t *ns)
{
    uint64_t began = now_ns();
    bool ok = hws_checkpoint_load(pass->state, pass->path, NULL) == HWS_OK;
    *ns = now_ns() - began;
    return ok;
}

static bool measure(struct pass *pass, bool (*once)(struct pass *pass, uint64_t *ns),
                    double *gb_per_s)
{
    uint64_t samples[REPEATS_MAX];
    uint32_t repeats = pass->job->repeats ? pass->job->repeats : REPEATS;
    repeats = repeats < REPEATS_MAX ? repeats : REPEATS_MAX;
    for (uint32_t i = 0; i < repeats; i++) {
        if (!once(pass, &samples[i])) {
            bench_complain("%s", hws_last_error());
            return false;
        }
    }
    *gb_per_s = (double)pass->info.bytes / 1e9 / measure_summary(samples, repeats).median;
    return true;
}

static bool run_pass(struct pass *pass)
{
    double saved, loaded;
    if (!measure(pass, save_once, &saved) || !measure(pass, load_once, &loaded)) {
        return false;
    }
    const char *compression = pass->compression == HWS_COMPRESSION_NONE ? "none" : "auto";
    double share = (double)pass->info.file_bytes / (double)pass->info.bytes;
    if (pass->job->json) {
        printf("{\"bench\":\"checkpoint\",\"bytes\":%" PRIu64 ",\"content\":\"%s\","
               "\"compression\":\"%s\",\"share\":%.4f,\"save_gb_per_s\":%.3f,"
               "\"load_gb_per_s\":%.3f}\n",
               pass->info.bytes, pass->content, compression, share, saved, loaded);
    } else {
        printf("%12" PRIu64 " %-24s %-11s %6.1f%% %9.2f %9.2f\n", pass->info.bytes, pass->content,
               compression, 100 * share, saved, loaded);
    }
    return true;
}

static bool run_size(const struct bench_job *job, uint64_t bytes)
{
    size_t count = bytes / sizeof(float) > 0 ? bytes / sizeof(float) : 1;
    const char *directory = getenv("TMPDIR");
    struct pass pass = {.job = job, .info = HWS_CHECKPOINT_INFO_INIT};
    float *values = malloc(count * sizeof *values);
    snprintf(pass.path, sizeof pass.path, "%s/hawser-bench-%d.hwc",
             directory != NULL ? directory : "/tmp", (int)getpid());
    bool ok = values != NULL && hws_state_create(&pass.state) == HWS_OK &&
              hws_state_add(pass.state, "values", HWS_F32, values, count) == HWS_OK;
    if (!ok) {
        bench_complain("%s", values != NULL ? hws_last_error() : "no memory");
    }
    for (int i = 0; ok && i < CONTENTS; i++) {
        contents[i].fill(values, count);
        pass.content = contents[i].name;
        for (int k = 0; ok && k < 2; k++) {
            pass.compression = k ? HWS_COMPRESSION_AUTO : HWS_COMPRESSION_NONE;
            ok = run_pass(&pass);
        }
    }
    unlink(pass.path);
    hws_state_destroy(pass.state);
    free(values);
    return ok;
}

int bench_checkpoint(const struct bench_job *job)
{
    if (!job->json) {
        printf("%12s %-24s %-11s %7s %9s %9s\n", "bytes", "f32 content", "compression", "share",
               "save GB/s", "load GB/s");
    }
    for (uint32_t i = 0; i < job->size_count; i++) {
        if (!run_size(job, job->sizes[i])) {
            return EXIT_FAILED;
        }
    }
    return EXIT_OK;
}
