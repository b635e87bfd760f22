#include "server/net/limits.h"

#define SECOND_MS 1000u

void net_limits_default(struct net_limits *limits)
{
    *limits = (struct net_limits){
        .frame_before_hello = 4 * 1024,
        .frame_narrow = 16 * 1024,
        .frame_wide = 256 * 1024,
        .handshake_ms = 10 * SECOND_MS,
        .hello_ms = 30 * SECOND_MS,
        .incomplete_ms = 15 * SECOND_MS,
        .stalled_ms = 30 * SECOND_MS,
        .ping_ms = 15 * SECOND_MS,
        .dead_ms = 45 * SECOND_MS,
        .linger_ms = 700, /* a terminal that is cut must be gone within a second */
        .drain_ms = 5 * SECOND_MS,
        .waiting_bytes = 256 * 1024,
        .connections_total = 1500,
        .before_hello = 64,
        .per_address_before = 8,
        .per_terminal_after = 4,
        .turned_away = 32,
        .retry_after_ms = 2 * SECOND_MS,
        .narrow = {20, 100},
        .wide = {500, 2000},
        .accepts = {200, 200},
        .handshakes_per_turn = 8,
        .ring_parts = 1024,
        .ring_bytes = 8 * 1024 * 1024,
    };
}

static bool kind_is_wide(enum terminal_kind kind)
{
    return kind == KIND_COUNTER || kind == KIND_OFFICE || kind == KIND_COUNCIL || kind == KIND_CONSOLE;
}

size_t limits_frame_bytes(const struct net_limits *limits, enum terminal_kind kind, bool has_hello)
{
    if (!has_hello || kind == KIND_NONE || kind == KIND_APPLICANT) return limits->frame_before_hello;
    return kind_is_wide(kind) ? limits->frame_wide : limits->frame_narrow;
}

const struct net_rate *limits_rate(const struct net_limits *limits, enum terminal_kind kind, bool has_hello)
{
    return has_hello && kind_is_wide(kind) ? &limits->wide : &limits->narrow;
}

bool bucket_take(struct bucket *bucket, const struct net_rate *rate, uint64_t now_ms, uint32_t *retry_after_ms)
{
    /* per second and thousandths: one millisecond brings per_second thousandths */
    uint64_t gained = now_ms > bucket->at_ms ? (now_ms - bucket->at_ms) * rate->per_second : 0;
    bucket->missing_milli = gained >= bucket->missing_milli ? 0 : bucket->missing_milli - (uint32_t)gained;
    bucket->at_ms = now_ms;

    uint64_t after = (uint64_t)bucket->missing_milli + 1000;
    uint64_t most = (uint64_t)rate->burst * 1000;
    if (after <= most) {
        bucket->missing_milli = (uint32_t)after;
        return true;
    }
    if (retry_after_ms) {
        uint64_t wait = rate->per_second > 0 ? (after - most + rate->per_second - 1) / rate->per_second : SECOND_MS;
        *retry_after_ms = (uint32_t)wait;
    }
    return false;
}

enum limits_verdict limits_accept(const struct net_limits *limits, const struct net_counts *counts)
{
    bool has_room = counts->total < limits->connections_total && counts->before_hello < limits->before_hello &&
                    counts->of_address_before < limits->per_address_before;
    if (has_room) return ADMIT;
    return counts->turned_away < limits->turned_away ? TURN_AWAY : DROP;
}

bool limits_reply_fits(const struct net_limits *limits, size_t waiting, size_t length)
{
    return waiting == 0 || (length <= limits->waiting_bytes && waiting <= limits->waiting_bytes - length);
}

static bool is_over(uint64_t since_ms, uint64_t now_ms, uint32_t most_ms)
{
    return since_ms != 0 && now_ms > since_ms && now_ms - since_ms >= most_ms;
}

enum limits_overdue limits_overdue(const struct net_limits *limits, const struct conn_times *times, uint64_t now_ms)
{
    if (!times->is_established) {
        return is_over(times->accepted_ms, now_ms, limits->handshake_ms) ? HANDSHAKE_OVERDUE : IN_TIME;
    }
    if (!times->has_hello && is_over(times->established_ms, now_ms, limits->hello_ms)) return HELLO_OVERDUE;
    if (is_over(times->incomplete_ms, now_ms, limits->incomplete_ms)) return FRAME_OVERDUE;
    if (is_over(times->stalled_ms, now_ms, limits->stalled_ms)) return WRITE_OVERDUE;
    if (!times->is_watched) return IN_TIME;
    if (is_over(times->heard_ms, now_ms, limits->dead_ms)) return PEER_DEAD;
    if (is_over(times->heard_ms, now_ms, limits->ping_ms) &&
        (times->pinged_ms == 0 || is_over(times->pinged_ms, now_ms, limits->ping_ms))) {
        return PING_DUE;
    }
    return IN_TIME;
}
