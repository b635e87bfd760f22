/* tests/bench/seed.c - prepares a bench: terminals with certificates that need no enrolment, a place with purposes, and
 * years of counts from a seeded generator, written through the product's own store.
 *
 *   bench_seed DATA CERTS TERMINALS YEARS COUNTS
 *
 * DATA is a directory made by `madoguchid init`. CERTS gets authority.pem, server.pem, server.key, terminal.key and
 * terminal-N.pem, and ids.txt with the ids of the place and of the purposes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "common/day.h"
#include "common/error.h"
#include "server/keys/authority.h"
#include "server/keys/keys.h"
#include "server/store/db.h"
#include "server/store/turn.h"
#include "server/terminals/terminal_store.h"
#include "server/terminals/trust.h"
#include "server/visits/visit_store.h"

#define PURPOSES 8
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

static void seed_terminals(struct turn *turn, const struct keys *keys, const char *certs, int count, int64_t now_us)
{
    struct der request, key;
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
        must(certificate_fingerprint(certificate.der.bytes, certificate.der.length, certificate.key_fingerprint), "key");
        must(certificate_insert(turn->db, &certificate), "certificate");
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

int main(int argc, char **argv)
{
    if (argc != 6) return 2;
    char path[512];
    struct db *db;
    struct keys *keys;
    struct turn turn;
    const int64_t now_us = clock_now_us();
    const int terminals = atoi(argv[3]), years = atoi(argv[4]);
    const long counts = atol(argv[5]);
    uint64_t random = UINT64_C(20261123);
    int64_t place_id, purpose_ids[PURPOSES];

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
    must(turn_commit(&turn), "commit");

    const int64_t span_us = (int64_t)years * 365 * US_PER_DAY;
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
