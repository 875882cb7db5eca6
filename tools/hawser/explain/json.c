// SPDX-License-Identifier: MIT
// The report as one JSON object. Names of fields are in docs/RECORDING.md.
#include "tools/hawser/common/json.h"
#include "tools/hawser/explain/rings.h"

static const char *standing(const struct explain_finding *finding)
{
    return finding->open ? "open" : finding->over ? "over" : "past";
}

static void put_finding(struct json_writer *json, const struct explain_finding *finding)
{
    json_put_open(json, NULL, '{');
    json_put_text(json, "rule", finding->rule);
    json_put_text(json, "standing", standing(finding));
    json_put_bool(json, "mild", finding->mild);
    json_put_signed(json, "since_ns", finding->at_ns);
    json_put_text(json, "sentence", finding->sentence);
    json_put_open(json, "evidence", '[');
    for (uint32_t i = 0; i < finding->line_count; i++) {
        json_put_open(json, NULL, '{');
        json_put_signed(json, "time_ns", finding->line_ns[i]);
        json_put_text(json, "text", finding->lines[i]);
        json_put_close(json, '}');
    }
    json_put_close(json, ']');
    json_put_text(json, "what_to_do", finding->hint);
    json_put_close(json, '}');
}

static void put_ring(struct json_writer *json, const struct explain_ring *ring)
{
    json_put_open(json, NULL, '{');
    json_put_text(json, "process", ring->owner.name);
    json_put_number(json, "member", ring->owner.peer);
    json_put_number(json, "pid", ring->owner.pid);
    json_put_text(json, "address", ring->owner.address);
    json_put_number(json, "records", ring->count);
    json_put_number(json, "lost", ring->lost);
    json_put_bool(json, "live", ring->live);
    json_put_close(json, '}');
}

void rings_put_report(const struct explain_rings *rings, const struct explain_report *report)
{
    struct json_writer json = {.stream = stdout};
    json_put_open(&json, NULL, '{');
    json_put_bool(&json, "trouble", report->trouble);
    json_put_signed(&json, "time_ns", report->now_ns);
    json_put_bool(&json, "realtime", report->realtime);
    json_put_open(&json, "findings", '[');
    for (uint32_t i = 0; i < report->count; i++) {
        put_finding(&json, &report->findings[i]);
    }
    json_put_close(&json, ']');
    json_put_open(&json, "rings", '[');
    for (uint32_t i = 0; i < rings->count; i++) {
        put_ring(&json, &rings->rings[i]);
    }
    json_put_close(&json, ']');
    json_put_text(&json, "missing", rings->missing);
    json_put_text(&json, "note", report->caveat);
    json_put_close(&json, '}');
    json_put_line(&json);
}
