/* tests/bench/seed.c - prepares a bench: terminals with certificates that need no enrolment, a place with purposes, and
 * years of counts from a seeded generator, written through the product's own store.
 *
 *   bench_seed DATA CERTS TERMINALS YEARS COUNTS BOOKINGS GROUPS
 *
 * DATA is a directory made by `madoguchid init`. CERTS gets authority.pem, server.pem, server.key, terminal.key and
 * terminal-N.pem, and ids.txt with the ids of the place, its purposes and the rooms. GROUPS is a file of lines
 * "number TAB name TAB reading". Each terminal has somebody of the desk signed in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "common/day.h"
#include "common/error.h"
#include "server/accounts/account_store.h"
#include "server/bookings/booking_store.h"
#include "server/groups/group_store.h"
#include "server/keys/authority.h"
#include "server/keys/keys.h"
#include "server/rooms/room_store.h"
#include "server/sign_in/sign_in_store.h"
#include "server/store/db.h"
#include "server/store/turn.h"
#include "server/terminals/terminal_store.h"
#include "server/terminals/trust.h"
#include "server/visits/visit_store.h"

#define PURPOSES 8
#define ROOMS 20
#define BATCH 2000

static void must(int rc, const char *what)
{
    if (rc == 0) return;
    fprintf(stderr, "bench_seed: %s: %s\n", what, mdg_error_name(rc));
    exit(1);
}

/* Small, seeded and the same everywhere (xorshift64*). */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* mode: "w", or "a" to add to a bundle. */
static void write_certificate(const char *dir, const char *name, const char *mode, const struct der *der)
{
    char path[512];
    const unsigned char *at = der->bytes;
    X509 *certificate = d2i_X509(NULL, &at, (long)der->length);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, mode);
    must(file && certificate && PEM_write_X509(file, certificate) ? 0 : MDG_ERR_IO, path);
    fclose(file);
    X509_free(certificate);
}

static void write_key(const char *dir, const char *name, const struct der *der)
{
    char path[512];
    const unsigned char *at = der->bytes;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)der->length);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    must(file && key && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) ? 0 : MDG_ERR_IO, path);
    fclose(file);
    EVP_PKEY_free(key);
}

/* --- terminals ---------------------------------------------------------------------------------------- */

static void seed_sign_in(struct turn *turn, int64_t person_id, int64_t terminal_id, int number, int64_t now_us)
{
    uint8_t token[SIGN_IN_TOKEN_BYTES];
    memset(token, 0x5a, sizeof token);
    memcpy(token, &number, sizeof number);
    struct sign_in sign_in = {.id = turn_next_id(turn),
                              .person_id = person_id,
                              .terminal_id = terminal_id,
                              .from_us = now_us,
                              .until_us = now_us + US_PER_DAY,
                              .idle_us = US_PER_DAY,
                              .last_us = now_us};
    must(sign_in_insert(turn->db, &sign_in, token), "sign-in");
}

static void seed_terminals(struct turn *turn, const struct keys *keys, const char *certs, int count, int64_t now_us)
{
    struct der request, key;
    struct account person = {.id = turn_next_id(turn),
                             .name = "Desk",
                             .name_key = "desk",
                             .reading = "",
                             .roles = ROLE_BIT_DESK,
                             .created_us = now_us,
                             .rev = turn_next_rev(turn)};
    must(account_insert(turn->db, &person), "person");
    must(enrolment_request_new(&request, &key), "request");
    write_key(certs, "terminal.key", &key);
    for (int i = -1; i < count; i++) { /* -1: a display, which may read totals without a person */
        char name[64];
        struct certificate certificate = {.issued_us = now_us, .until_us = now_us + TERMINAL_LIFE_US};
        snprintf(name, sizeof name, "bench %d", i);
        struct terminal terminal = {.id = turn_next_id(turn),
                                    .name = name,
                                    .kind = i < 0 ? KIND_DISPLAY : KIND_COUNTER,
                                    .certificate_until_us = certificate.until_us,
                                    .rev = turn_next_rev(turn)};
        must(terminal_insert(turn->db, &terminal, name), "terminal");
        certificate.terminal_id = terminal.id;
        must(trust_issue_terminal(turn->db, keys, request.bytes, request.length, terminal.id, now_us, &certificate.der,
                                  certificate.serial, &certificate.generation),
             "issue");
        must(certificate_fingerprint(certificate.der.bytes, certificate.der.length, certificate.key_fingerprint),
             "key");
        must(certificate_insert(turn->db, &certificate), "certificate");
        if (i >= 0) seed_sign_in(turn, person.id, terminal.id, i, now_us);
        snprintf(name, sizeof name, "terminal-%d.pem", i);
        write_certificate(certs, name, "w", &certificate.der);
    }
}

/* A server certificate for the bare references, of the same kind and size as the product's. */
static void seed_server(struct db *db, const char *certs, int64_t now_us)
{
    struct arena arena;
    struct der *list, certificate, key, ca = {0}, ca_key = {0};
    size_t count;
    arena_init(&arena, 1 << 20);
    must(trust_authorities(db, &arena, &count, &list), "authorities");
    must(authority_create("bench", now_us, &ca, &ca_key), "authority");
    must(authority_issue_server(&ca, &ca_key, now_us, &certificate, &key), "server certificate");
    write_certificate(certs, "authority.pem", "w", &list[0]);
    write_certificate(certs, "authority.pem", "a", &ca); /* both sides trust both */
    write_certificate(certs, "server.pem", "w", &certificate);
    write_key(certs, "server.key", &key);
    arena_fini(&arena);
}

/* --- counts ------------------------------------------------------------------------------------------- */

static void seed_places(struct turn *turn, const char *certs, int64_t *place_id, int64_t purpose_ids[PURPOSES])
{
    char path[512];
    struct visit_place place = {.id = turn_next_id(turn), .name = "Centre", .position = 1, .rev = turn_next_rev(turn)};
    *place_id = place.id;
    must(visit_place_put(turn, false, &place, true), "place");
    snprintf(path, sizeof path, "%s/ids.txt", certs);
    FILE *file = fopen(path, "w");
    must(file ? 0 : MDG_ERR_IO, path);
    fprintf(file, "%lld\n", (long long)place.id);
    for (int i = 0; i < PURPOSES; i++) {
        struct visit_place purpose = {
            .id = turn_next_id(turn), .place_id = place.id, .position = i + 1, .rev = turn_next_rev(turn)};
        snprintf(purpose.name, sizeof purpose.name, "Purpose %d", i + 1);
        purpose_ids[i] = purpose.id;
        must(visit_place_put(turn, true, &purpose, true), "purpose");
        fprintf(file, "%lld\n", (long long)purpose.id);
    }
    fclose(file);
}

static void seed_count(struct turn *turn, uint64_t *random, int64_t at_us, int64_t now_us, int64_t place_id,
                       const int64_t purpose_ids[PURPOSES])
{
    uint64_t dice = next_random(random);
    struct visit v = {.id = turn_next_id(turn),
                      .at_us = at_us,
                      .received_us = now_us,
                      .place_id = place_id,
                      .purpose_id = purpose_ids[dice % PURPOSES],
                      .people = 1 + (int32_t)(dice >> 8) % 4,
                      .rev = turn_next_rev(turn)};
    if (v.people < 1) v.people = 1;
    int minute;
    v.day = day_minute_of_us(at_us, &minute);
    v.slot = minute / 30;
    memcpy(v.count_key, &dice, sizeof dice);
    memcpy(v.count_key + 8, &v.id, sizeof v.id);
    must(visit_insert(turn, &v, turn_next_rev(turn)), "count");
    struct audit_entry entry = {.at_us = at_us,
                                .operation = "visits.count",
                                .request_key = v.count_key,
                                .request_digest = v.count_key,
                                .object_id = v.id,
                                .rev = v.rev,
                                .count = 1};
    must(audit_append(turn, &entry), "audit");
}

/* --- rooms, bookings, groups -------------------------------------------------------------------------- */

static void seed_rooms(struct turn *turn, const char *certs, int64_t room_ids[ROOMS], int64_t base_us)
{
    char path[512];
    snprintf(path, sizeof path, "%s/ids.txt", certs);
    FILE *file = fopen(path, "a");
    must(file ? 0 : MDG_ERR_IO, path);
    for (int i = 0; i < ROOMS; i++) {
        struct room room = {.id = turn_next_id(turn),
                            .kind = ROOM_ROOM,
                            .capacity = 20,
                            .position = i + 1,
                            .is_always_open = true,
                            .rev = turn_next_rev(turn)};
        snprintf(room.name, sizeof room.name, "Room %d", i + 1);
        room_ids[i] = room.id;
        must(room_put(turn, &room, true), "room");
        fprintf(file, "%lld\n", (long long)room.id);
    }
    fprintf(file, "%lld\n", (long long)base_us); /* bookings of the bench begin here */
    fclose(file);
    struct booking_limits limits = {
        .longest_minutes = 1440, .ahead_days = BOOKING_AHEAD_DAYS_MAX, .hold_days = 7, .rev = turn_next_rev(turn)};
    must(booking_limits_put(turn, &limits), "limits");
}

/* Evenly over the years: each room's bookings follow each other, two hours each at most. */
static void seed_booking(struct turn *turn, const int64_t room_ids[ROOMS], long number, long count, int64_t span_us,
                         int64_t base_us)
{
    int64_t step_us = span_us / (count / ROOMS + 1), length_us = step_us < 2 * US_PER_HOUR ? step_us : 2 * US_PER_HOUR;
    struct booking b = {.id = turn_next_id(turn),
                        .room_id = room_ids[number % ROOMS],
                        .applicant = "Bench",
                        .title = "A meeting of the bench",
                        .people = 8,
                        .state = BOOKING_ENDED,
                        .rev = turn_next_rev(turn)};
    b.start_us = base_us - span_us + number / ROOMS * step_us;
    b.end_us = b.start_us + length_us;
    b.changed_us = b.start_us;
    must(booking_insert(turn, &b), "booking");
}

static void seed_groups(struct turn *turn, const char *path, int64_t now_us)
{
    char line[2048];
    FILE *file = fopen(path, "r");
    must(file ? 0 : MDG_ERR_IO, path);
    while (fgets(line, sizeof line, file)) {
        char *name = strchr(line, '\t'), *reading = name ? strchr(name + 1, '\t') : NULL;
        if (!reading) continue;
        *name++ = *reading++ = '\0';
        reading[strcspn(reading, "\n")] = '\0';
        struct group group = {.id = turn_next_id(turn),
                              .number = atoi(line),
                              .from_day = 20200401,
                              .to_day = 20300331,
                              .created_us = now_us,
                              .rev = turn_next_rev(turn)};
        snprintf(group.name, sizeof group.name, "%s", name);
        snprintf(group.reading, sizeof group.reading, "%s", reading);
        must(group_insert(turn->db, &group), "group");
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc != 8) return 2;
    char path[512];
    struct db *db;
    struct keys *keys;
    struct turn turn;
    const int64_t now_us = clock_now_us();
    const int terminals = atoi(argv[3]), years = atoi(argv[4]);
    const long counts = atol(argv[5]), bookings = atol(argv[6]);
    uint64_t random = UINT64_C(20261123);
    int64_t place_id, purpose_ids[PURPOSES], room_ids[ROOMS];
    const int64_t base_us = (now_us / US_PER_DAY + 2) * US_PER_DAY, span_us = (int64_t)years * 365 * US_PER_DAY;

    must(day_zone_set("Asia/Tokyo"), "zone");
    snprintf(path, sizeof path, "%s/madoguchi.db", argv[1]);
    must(db_open(path, DB_WRITE, &db), path);
    must(db_exec(db, "PRAGMA synchronous = OFF"), "pragma");
    snprintf(path, sizeof path, "%s/keys", argv[1]);
    must(keys_open(path, &keys), path);
    must(turn_begin(&turn, db), "begin");
    seed_terminals(&turn, keys, argv[2], terminals, now_us);
    seed_server(db, argv[2], now_us);
    seed_places(&turn, argv[2], &place_id, purpose_ids);
    seed_rooms(&turn, argv[2], room_ids, base_us);
    seed_groups(&turn, argv[7], now_us);
    must(turn_commit(&turn), "commit");
    must(turn_begin(&turn, db), "begin");
    for (long i = 0; i < bookings; i++) seed_booking(&turn, room_ids, i, bookings, span_us, base_us);
    must(turn_commit(&turn), "commit");

    for (long done = 0; done < counts;) {
        must(turn_begin(&turn, db), "begin");
        for (int i = 0; i < BATCH && done < counts; i++, done++) {
            int64_t at_us = now_us - span_us + (int64_t)((double)span_us * (double)done / (double)counts);
            seed_count(&turn, &random, at_us, now_us, place_id, purpose_ids);
        }
        must(turn_commit(&turn), "commit");
    }
    must(db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)"), "checkpoint");
    db_close(db);
    keys_close(keys);
    return 0;
}
