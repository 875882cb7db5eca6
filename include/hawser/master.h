/* SPDX-License-Identifier: MIT */
/**
 * @file master.h
 * The master of a run, in this process. It admits members, fixes views and decides commits. It
 * never handles tensor bytes. One master serves one run.
 */
#ifndef HAWSER_MASTER_H
#define HAWSER_MASTER_H

#include <hawser/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A running master. Owned from hws_master_start() until hws_master_stop(); any thread may use it
 * until then. */
typedef struct hws_master hws_master;

/**
 * Configuration of a master. Begin with HWS_MASTER_CONFIG_INIT. A zero or NULL field takes its
 * default. The texts are borrowed as long as the struct.
 */
typedef struct hws_master_config {
    size_t bytes_of_struct; /**< sizeof(hws_master_config) */
    const char *listen;     /**< "host:port", "[v6]:port", "interface:port" or "interface"; for the
                               port, 0 = any, or a range of which the first free one is taken;
                               default "127.0.0.1:0" */
    const char *state_file; /**< file that keeps the run across restarts; a missing file begins a
                               run. NULL: each start begins one */
    int new_run;            /**< 1 = discard the run in state_file and begin another */
    int insecure;           /**< 1 = allow listening beyond loopback without a key */
    uint32_t min_members;   /**< members of the run below which operations return HWS_E_TOO_FEW,
                               1..16384; default 1 */
    uint32_t heartbeat_ms;  /**< interval of the members' heartbeats, ms, 50..60000; default 500, at
                               most a fifth of dead_ms */
    uint32_t dead_ms; /**< silence after which a member is removed, ms, 500..600000; default 5000 */
    uint32_t propose_ms;  /**< how long a proposed view waits for members, ms, 100..600000; default
                             dead_ms */
    const char *journal;  /**< directory to record in; default HAWSER_JOURNAL, else none */
    uint32_t journal_max; /**< MiB of it, beyond which the oldest part is removed, 16..1048576;
                             default HAWSER_JOURNAL_MAX, else 256 */
    uint32_t journal_age_s; /**< age at which a part is removed, seconds, 1..4294967295; default
                               HAWSER_JOURNAL_AGE_S, else never */
    const char *flight;     /**< directory to which it writes its last events when it removes a
                               member; default HAWSER_FLIGHT, else `journal` */
    uint32_t first_members; /**< members for which the first view waits, 1..16384; default
                               min_members */
    uint32_t gather_ms;     /**< where newcomers come with a state that was trained
                               (hws_config.state), the first view waits this long for newer ones,
                               ms, 1..600000; not if first_members or min_members is above 1;
                               default HAWSER_GATHER_MS, else 3000 */
    int keep_files;         /**< 1 = leave the process's soft limit on open files as it is; default
                               HAWSER_KEEP_FILES, else 0: hws_master_start raises it to the hard one, at
                               most 1048576 */
    uint32_t reserved;      /**< 0 = the only value */
} hws_master_config;

/** Initial value of a hws_master_config: all defaults. */
#define HWS_MASTER_CONFIG_INIT                                                                     \
    {                                                                                              \
        sizeof(hws_master_config), NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, 0, 0, NULL, 0, 0, 0, 0      \
    }

/**
 * Starts a master in its own thread and returns once it listens. `config` is borrowed until return.
 * On success *master is owned by the caller: end it with hws_master_stop().
 * Any thread.
 * Errors: HWS_E_INVALID (a field out of its range, a state file that is damaged and no
 * new_run), HWS_E_INSECURE, HWS_E_SYSTEM (cannot listen, state file locked or unreadable, cannot
 * write in `journal`: hws_last_error() names it), HWS_E_NO_MEMORY.
 */
HWS_API hws_status hws_master_start(const hws_master_config *config, hws_master **master);

/**
 * Writes the address to which members connect, such as "127.0.0.1:40123", into `text`, with a NUL.
 * `text` has `bytes` bytes (at most 64 are needed). Any thread.
 * Errors: HWS_E_INVALID (NULL, stopped, or too short), HWS_E_FORKED.
 */
HWS_API hws_status hws_master_address(const hws_master *master, char *text, size_t bytes);

/**
 * Stops the master and frees it (takes `master`; NULL is allowed). Members can no longer reach it.
 * Returns within a second. One thread; no other thread may use `master`.
 * Errors: HWS_E_INVALID (stopped before), HWS_E_FORKED (nothing is freed).
 */
HWS_API hws_status hws_master_stop(hws_master *master);

#ifdef __cplusplus
}
#endif
#endif
