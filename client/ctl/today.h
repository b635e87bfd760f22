/* client/ctl/today.h - the desk's day as it stands at one moment, as text and as a document. */
#ifndef MADOGUCHI_CLIENT_CTL_TODAY_H
#define MADOGUCHI_CLIENT_CTL_TODAY_H

#include <stdio.h>

#include "client/ctl/ctl.h"
#include "client/print/desk_day.h"

#define TODAY_HASH_BYTES 32

struct today {
    struct desk_day day;
    int64_t now_us;
    bool is_online;
    int64_t heard_us;  /* offline: when the server was last heard */
    unsigned unsent;   /* what waits here is in none of the figures */
    int64_t audit_seq; /* 0: not known */
    uint8_t audit_hash[TODAY_HASH_BYTES];
};

/* Reads the replica of an opened client and, when the server is there, asks for the head of the record. The caller
 * frees *today with today_fini(), also after an error. */
int today_read(struct ctl *ctl, int32_t local_day, struct today *today);
void today_fini(struct today *today);

void today_print(const struct ctl *ctl, const struct today *today, FILE *out);
json_t *today_json(const struct ctl *ctl, const struct today *today);

/* `watch --today`: goes on until Ctrl+C, or for for_s seconds or as many changes (0: no end). */
int today_follow(struct ctl *ctl, int64_t for_s, int64_t changes);

#endif
