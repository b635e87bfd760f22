/* tests/bench/bare.c - what the product is held against: a mutual-TLS server on one libuv loop with nothing of ours but
 * the TLS stream and the frames. No protobuf, no routes, no roles, no keys remembered.
 *
 *   bench_bare CERTS PORT [DATABASE ZONE]     prints "ready PORT" and serves until SIGTERM
 *
 * The first byte of a frame says what is wanted:
 *   E  echo it
 *   S  subscribe: every P of anybody is sent on to this connection
 *   P  publish: echo to the sender, then send on to every subscriber
 *   C  a count (place 8, purpose 8, people 4, at 8, key 16 bytes): stored by the writer thread with group commit, in
 * the same rows and tables as the product stores it, prepared once, without any check B  a booking (room 8, start 8,
 * spare 4, end 8, key 16 bytes): one probe, then as C; the reply's first byte is 0 when free D  all live bookings of
 * the 24 hours from an instant (8 bytes): read on the loop thread, sent as 40 bytes each G  three kana: how many of the
 * groups' keys hold them, by a plain scan T  n (4 bytes): answer with frames of 240 KiB, n bytes in all, for the bare
 * transfer
 */
#include "tests/bench/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#define CONNS_MAX 4096
#define BATCH_MAX 256
#define COUNT_BYTES 45
#define ROOMS_MAX 64

struct job {
    struct job *next;
    int conn; /* index */
    uint64_t serial;
    uint8_t count[COUNT_BYTES];
};

static struct bare {
    uv_loop_t loop;
    struct wire wire;
    uv_tcp_t listener;
    uv_signal_t signal;
    uv_async_t async;
    struct wire_conn *conns[CONNS_MAX];
    uint64_t serials[CONNS_MAX], serial;
    bool is_subscribed[CONNS_MAX];

    uv_thread_t thread;
    uv_mutex_t mutex;
    uv_cond_t wake;
    struct job *queued, **queued_last, *done, **done_last;
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *visit, *day, *slot, *audit, *feed, *probe, *booking, *booking_audit;
    sqlite3 *reading; /* the loop thread's */
    sqlite3_stmt *day_view;
    char **keys; /* of the groups */
    int keys_count;
    int64_t rooms[ROOMS_MAX];
    int rooms_count;
    int64_t id, rev, seq;
    long commits, rows;
} bare;

static void must(bool is_good, const char *what)
{
    if (is_good) return;
    fprintf(stderr, "bench_bare: %s: %s\n", what, bare.db ? sqlite3_errmsg(bare.db) : "");
    exit(1);
}

/* --- the writer thread -------------------------------------------------------------------------------- */

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *stmt;
    must(sqlite3_prepare_v3(bare.db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) == SQLITE_OK, sql);
    return stmt;
}

static int64_t one_number(const char *sql)
{
    sqlite3_stmt *stmt = prepare(sql);
    int64_t number = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return number;
}

static void database_open(const char *path)
{
    must(sqlite3_open_v2(path, &bare.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK, path);
    must(sqlite3_exec(bare.db,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                      " PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 8000;",
                      NULL, NULL, NULL) == SQLITE_OK,
         "pragmas");
    bare.begin = prepare("BEGIN IMMEDIATE");
    bare.commit = prepare("COMMIT");
    bare.visit =
        prepare("INSERT INTO visit (id, day, slot, at_us, received_us, place_id, purpose_id, people, is_estimate,"
                " is_undone, terminal_id, person_id, count_key, rev)"
                " VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, 0, 0, 1, 0, ?8, ?9)");
    bare.day = prepare("INSERT INTO visit_day (id, day, place_id, purpose_id, people, lines, estimated, rev)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, 1, 0, ?6) ON CONFLICT (day, place_id, purpose_id) DO UPDATE SET"
                       " people = people + excluded.people, lines = lines + 1, rev = excluded.rev");
    bare.slot = prepare("INSERT INTO visit_slot (day, slot, place_id, purpose_id, people, lines, estimated)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, 1, 0) ON CONFLICT (day, slot, place_id, purpose_id) DO UPDATE SET"
                        " people = people + excluded.people, lines = lines + 1");
    bare.audit =
        prepare("INSERT INTO audit (seq, at_us, person_id, terminal_id, operation, request_key, request_digest,"
                " outcome, object_id, rev, is_deferred, count, hash)"
                " VALUES (?1, ?2, 0, 1, 'visits.count', ?3, ?3, 0, ?4, ?5, 0, 1, ?6)");
    bare.probe = prepare("SELECT id, end_us FROM booking WHERE room_id = ?1 AND is_live = 1 AND start_us < ?2"
                         " ORDER BY start_us DESC LIMIT 1");
    bare.booking =
        prepare("INSERT INTO booking (id, room_id, applicant, title, start_us, end_us, last_day, people, state,"
                " is_live, is_public, is_record, has_moved, lapse_day, reason, person_id, changed_us, rev)"
                " VALUES (?1, ?2, 'Bench', 'A meeting of the bench', ?3, ?4, 20300101, 8, 2, 1, 0, 0, 0, 0, '',"
                " 1, ?3, ?5)");
    bare.booking_audit = prepare("INSERT INTO audit (seq, at_us, person_id, terminal_id, operation, request_key,"
                                 " request_digest, outcome, object_id, rev, is_deferred, count, hash)"
                                 " VALUES (?1, ?2, 1, 1, 'bookings.request', ?3, ?3, 0, ?4, ?5, 0, 1, ?6)");
    bare.feed = prepare("UPDATE feed SET rev = ?1, last_id = ?2 WHERE only_row = 1");
    bare.rev = one_number("SELECT rev FROM feed");
    bare.id = one_number("SELECT last_id FROM feed");
    bare.seq = one_number("SELECT COALESCE(MAX(seq), 0) FROM audit");
}

static void run(sqlite3_stmt *stmt)
{
    must(sqlite3_step(stmt) == SQLITE_DONE, sqlite3_sql(stmt));
    sqlite3_reset(stmt);
}

static int64_t number_at(const uint8_t *at)
{
    int64_t number;
    memcpy(&number, at, sizeof number);
    return number;
}

static const uint8_t HASH[32] = {1};

static void store_booking(struct job *job)
{
    const uint8_t *b = job->count + 1;
    int64_t room = number_at(b), start_us = number_at(b + 8), end_us = number_at(b + 20);
    sqlite3_bind_int64(bare.probe, 1, room);
    sqlite3_bind_int64(bare.probe, 2, end_us);
    bool is_taken = sqlite3_step(bare.probe) == SQLITE_ROW && sqlite3_column_int64(bare.probe, 1) > start_us;
    sqlite3_reset(bare.probe);
    job->count[0] = is_taken;
    if (is_taken) return;
    int64_t id = ++bare.id, rev = ++bare.rev;
    sqlite3_bind_int64(bare.booking, 1, id);
    sqlite3_bind_int64(bare.booking, 2, room);
    sqlite3_bind_int64(bare.booking, 3, start_us);
    sqlite3_bind_int64(bare.booking, 4, end_us);
    sqlite3_bind_int64(bare.booking, 5, rev);
    run(bare.booking);
    sqlite3_bind_int64(bare.booking_audit, 1, ++bare.seq);
    sqlite3_bind_int64(bare.booking_audit, 2, start_us);
    sqlite3_bind_blob(bare.booking_audit, 3, b + 28, 16, SQLITE_STATIC);
    sqlite3_bind_int64(bare.booking_audit, 4, id);
    sqlite3_bind_int64(bare.booking_audit, 5, rev);
    sqlite3_bind_blob(bare.booking_audit, 6, HASH, sizeof HASH, SQLITE_STATIC);
    run(bare.booking_audit);
}

static void store(const struct job *job)
{
    const uint8_t *count = job->count + 1;
    int64_t place = number_at(count), purpose = number_at(count + 8), at_us = number_at(count + 20);
    int32_t people;
    struct tm local;
    time_t at = (time_t)(at_us / 1000000);
    memcpy(&people, count + 16, sizeof people);
    localtime_r(&at, &local);
    int day = (local.tm_year + 1900) * 10000 + (local.tm_mon + 1) * 100 + local.tm_mday;
    int slot = (local.tm_hour * 60 + local.tm_min) / 30;
    int64_t id = ++bare.id, rev = ++bare.rev;

    sqlite3_bind_int64(bare.visit, 1, id);
    sqlite3_bind_int64(bare.visit, 2, day);
    sqlite3_bind_int64(bare.visit, 3, slot);
    sqlite3_bind_int64(bare.visit, 4, at_us);
    sqlite3_bind_int64(bare.visit, 5, place);
    sqlite3_bind_int64(bare.visit, 6, purpose);
    sqlite3_bind_int64(bare.visit, 7, people);
    sqlite3_bind_blob(bare.visit, 8, count + 28, 16, SQLITE_STATIC);
    sqlite3_bind_int64(bare.visit, 9, rev);
    run(bare.visit);
    sqlite3_bind_int64(bare.day, 1, id + 1);
    sqlite3_bind_int64(bare.day, 2, day);
    sqlite3_bind_int64(bare.day, 3, place);
    sqlite3_bind_int64(bare.day, 4, purpose);
    sqlite3_bind_int64(bare.day, 5, people);
    sqlite3_bind_int64(bare.day, 6, ++bare.rev);
    run(bare.day);
    if (sqlite3_last_insert_rowid(bare.db) == id + 1) bare.id++;
    sqlite3_bind_int64(bare.slot, 1, day);
    sqlite3_bind_int64(bare.slot, 2, slot);
    sqlite3_bind_int64(bare.slot, 3, place);
    sqlite3_bind_int64(bare.slot, 4, purpose);
    sqlite3_bind_int64(bare.slot, 5, people);
    run(bare.slot);
    sqlite3_bind_int64(bare.audit, 1, ++bare.seq);
    sqlite3_bind_int64(bare.audit, 2, at_us);
    sqlite3_bind_blob(bare.audit, 3, count + 28, 16, SQLITE_STATIC);
    sqlite3_bind_int64(bare.audit, 4, id);
    sqlite3_bind_int64(bare.audit, 5, rev);
    sqlite3_bind_blob(bare.audit, 6, HASH, sizeof HASH, SQLITE_STATIC);
    run(bare.audit);
}

static void writer_main(void *arg)
{
    (void)arg;
    uv_mutex_lock(&bare.mutex);
    for (;;) {
        while (!bare.queued) uv_cond_wait(&bare.wake, &bare.mutex);
        struct job *jobs = bare.queued, **end = &bare.queued;
        for (int i = 0; *end && i < BATCH_MAX; i++) end = &(*end)->next;
        bare.queued = *end;
        *end = NULL;
        if (!bare.queued) bare.queued_last = &bare.queued;
        uv_mutex_unlock(&bare.mutex);

        run(bare.begin);
        struct job **last = &jobs;
        for (struct job *job = jobs; job; job = job->next) {
            if (job->count[0] == 'B')
                store_booking(job);
            else
                store(job);
            last = &job->next;
            bare.rows++;
        }
        sqlite3_bind_int64(bare.feed, 1, bare.rev);
        sqlite3_bind_int64(bare.feed, 2, bare.id);
        run(bare.feed);
        run(bare.commit);
        bare.commits++;

        uv_mutex_lock(&bare.mutex);
        *bare.done_last = jobs;
        bare.done_last = last;
        uv_async_send(&bare.async);
    }
}

static void on_async(uv_async_t *async)
{
    (void)async;
    uv_mutex_lock(&bare.mutex);
    struct job *done = bare.done;
    bare.done = NULL;
    bare.done_last = &bare.done;
    uv_mutex_unlock(&bare.mutex);
    while (done) {
        struct job *next = done->next;
        if (bare.conns[done->conn] && bare.serials[done->conn] == done->serial)
            wire_send(bare.conns[done->conn], done->count, 16);
        free(done);
        done = next;
    }
    wire_flush(&bare.wire);
}

/* --- the loop thread ---------------------------------------------------------------------------------- */

static void transfer(struct wire_conn *conn, const uint8_t *bytes)
{
    static uint8_t page[240 * 1024];
    uint32_t left;
    memcpy(&left, bytes + 1, sizeof left);
    while (left > 0) {
        size_t piece = left < sizeof page ? left : sizeof page;
        wire_send(conn, page, piece);
        left -= (uint32_t)piece;
    }
}

/* The reading side opens when it is first asked: the start is measured without it. */
static void reading_open(void)
{
    sqlite3_stmt *stmt;
    if (bare.reading) return;
    const char *path = sqlite3_db_filename(bare.db, "main");
    must(sqlite3_open_v2(path, &bare.reading, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK, path);
    must(sqlite3_prepare_v3(bare.reading,
                            "SELECT id, room_id, start_us, end_us, rev, applicant, title FROM booking WHERE is_live = 1"
                            " AND room_id = ?1 AND start_us < ?3 AND start_us >= ?2 ORDER BY start_us",
                            -1, SQLITE_PREPARE_PERSISTENT, &bare.day_view, NULL) == SQLITE_OK,
         "day view");
    must(sqlite3_prepare_v2(bare.reading, "SELECT loose_key FROM civic_group_key", -1, &stmt, NULL) == SQLITE_OK,
         "keys");
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        bare.keys = realloc(bare.keys, ((size_t)bare.keys_count + 1) * sizeof *bare.keys);
        must(bare.keys != NULL, "memory");
        bare.keys[bare.keys_count++] = strdup((const char *)sqlite3_column_text(stmt, 0));
    }
    sqlite3_finalize(stmt);
    must(sqlite3_prepare_v2(bare.reading, "SELECT id FROM room ORDER BY position", -1, &stmt, NULL) == SQLITE_OK,
         "rooms");
    while (sqlite3_step(stmt) == SQLITE_ROW && bare.rooms_count < ROOMS_MAX)
        bare.rooms[bare.rooms_count++] = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
}

static void day_view(struct wire_conn *conn, const uint8_t *bytes)
{
    uint8_t rows[32 * 1024];
    size_t at = 0;
    int64_t from_us = number_at(bytes + 1);
    reading_open();
    for (int i = 0; i < bare.rooms_count; i++) {
        sqlite3_bind_int64(bare.day_view, 1, bare.rooms[i]);
        sqlite3_bind_int64(bare.day_view, 2, from_us);
        sqlite3_bind_int64(bare.day_view, 3, from_us + INT64_C(86400) * 1000000);
        while (sqlite3_step(bare.day_view) == SQLITE_ROW && at + 40 <= sizeof rows)
            for (int column = 0; column < 5; column++, at += 8) {
                int64_t number = sqlite3_column_int64(bare.day_view, column);
                memcpy(rows + at, &number, 8);
            }
        sqlite3_reset(bare.day_view);
    }
    wire_send(conn, rows, at > 0 ? at : 1);
}

static void search(struct wire_conn *conn, const uint8_t *bytes)
{
    int found = 0;
    reading_open();
    for (int i = 0; i < bare.keys_count; i++) found += strstr(bare.keys[i], (const char *)bytes + 1) != NULL;
    wire_send(conn, (const uint8_t *)&found, sizeof found);
}

static void on_frame(struct wire_conn *conn, const uint8_t *bytes, size_t length)
{
    int index = (int)(intptr_t)conn->data;
    switch (bytes[0]) {
    case 'S':
        bare.is_subscribed[index] = true;
        wire_send(conn, bytes, length);
        break;
    case 'P':
        wire_send(conn, bytes, length);
        for (int i = 0; i < CONNS_MAX; i++)
            if (bare.is_subscribed[i]) wire_send(bare.conns[i], bytes, length);
        break;
    case 'T':
        transfer(conn, bytes);
        break;
    case 'D':
        day_view(conn, bytes);
        break;
    case 'G':
        search(conn, bytes);
        break;
    case 'B':
    case 'C': {
        struct job *job = malloc(sizeof *job);
        must(job && length == COUNT_BYTES, "count");
        job->next = NULL;
        job->conn = index;
        job->serial = bare.serials[index];
        memcpy(job->count, bytes, length);
        uv_mutex_lock(&bare.mutex);
        *bare.queued_last = job;
        bare.queued_last = &job->next;
        uv_cond_signal(&bare.wake);
        uv_mutex_unlock(&bare.mutex);
        break;
    }
    default:
        wire_send(conn, bytes, length);
    }
}

static void on_close(struct wire_conn *conn)
{
    int index = (int)(intptr_t)conn->data;
    bare.conns[index] = NULL;
    bare.is_subscribed[index] = false;
    free(conn);
}

static void on_connection(uv_stream_t *listener, int status)
{
    int index = 0;
    must(status == 0, "accept");
    while (index < CONNS_MAX && bare.conns[index]) index++;
    struct wire_conn *conn = calloc(1, sizeof *conn);
    must(index < CONNS_MAX && conn, "place for a connection");
    conn->data = (void *)(intptr_t)index;
    bare.conns[index] = conn;
    bare.serials[index] = ++bare.serial;
    must(wire_accept(&bare.wire, conn, listener) == 0, "accept");
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)signal;
    (void)number;
    fprintf(stderr, "commits=%ld rows=%ld\n", bare.commits, bare.rows);
    _Exit(0);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    int length = sizeof address;
    if (argc != 3 && argc != 5) return 2;
    bare.queued_last = &bare.queued;
    bare.done_last = &bare.done;
    uv_loop_init(&bare.loop);
    wire_init(&bare.wire, &bare.loop, true);
    bare.wire.context = wire_server_context(argv[1]);
    bare.wire.on_frame = on_frame;
    bare.wire.on_close = on_close;
    uv_async_init(&bare.loop, &bare.async, on_async);
    uv_signal_init(&bare.loop, &bare.signal);
    uv_signal_start(&bare.signal, on_signal, SIGTERM);
    if (argc == 5) {
        setenv("TZ", argv[4], 1);
        tzset();
        database_open(argv[3]);
        uv_mutex_init(&bare.mutex);
        uv_cond_init(&bare.wake);
        uv_thread_create(&bare.thread, writer_main, NULL);
    }
    uv_ip4_addr("127.0.0.1", atoi(argv[2]), &address);
    uv_tcp_init(&bare.loop, &bare.listener);
    must(uv_tcp_bind(&bare.listener, (const struct sockaddr *)&address, 0) == 0, "bind");
    must(uv_listen((uv_stream_t *)&bare.listener, 1024, on_connection) == 0, "listen");
    uv_tcp_getsockname(&bare.listener, (struct sockaddr *)&address, &length);
    printf("ready %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return uv_run(&bare.loop, UV_RUN_DEFAULT);
}
