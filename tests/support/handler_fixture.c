#include "tests/support/handler_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/centre/centre_store.h"
#include "server/store/migrations.h"
#include "server/terminals/trust.h"

#define ARENA_BYTES (4u * 1024u * 1024u)

static void must(int rc, const char *what)
{
    if (rc != 0) fail_msg("%s: %s", what, mdg_error_name(rc));
}

void fixture_open(struct fixture *fixture)
{
    struct turn turn;
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/madoguchi-fixture-XXXXXX");
    if (!mkdtemp(fixture->dir)) fail_msg("no directory in /tmp");
    snprintf(fixture->keys_dir, sizeof fixture->keys_dir, "%s/keys", fixture->dir);
    snprintf(fixture->db_path, sizeof fixture->db_path, "%s/madoguchi.db", fixture->dir);
    must(keys_create(fixture->keys_dir), "keys_create");
    must(keys_open(fixture->keys_dir, &fixture->keys), "keys_open");
    must(db_create(fixture->db_path, &fixture->db), "db_create");
    must(db_exec(fixture->db, "PRAGMA synchronous = OFF"), "pragma"); /* what is tested here is not the disk */
    must(migrations_apply(fixture->db, fixture->db_path), "migrations_apply");
    must(db_begin_write(fixture->db), "db_begin_write");
    must(centre_create(fixture->db, "みどり市民活動センター", "Asia/Tokyo", FIXTURE_T0), "centre_create");
    must(db_commit(fixture->db), "db_commit");
    must(turn_begin(&turn, fixture->db), "turn_begin");
    must(trust_create(&turn, fixture->keys, "みどり市民活動センター", FIXTURE_T0), "trust_create");
    must(turn_commit(&turn), "turn_commit");
}

void fixture_close(struct fixture *fixture)
{
    char command[128];
    db_close(fixture->db);
    keys_close(fixture->keys);
    snprintf(command, sizeof command, "rm -rf '%s'", fixture->dir);
    if (system(command) != 0) fail_msg("%s", command);
}

/* The set arm of a message that is one oneof: its number and what it points to. */
static uint32_t arm_of(const ProtobufCMessage *message, const void **content)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    uint32_t arm;
    memcpy(&arm, (const char *)message + descriptor->fields[0].quantifier_offset, sizeof arm);
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(descriptor, arm);
    if (!field) fail_msg("%s has no arm %u", descriptor->name, (unsigned)arm);
    memcpy(content, (const char *)message + field->offset, sizeof *content);
    return arm;
}

static const struct route *route_of(const struct domain *domain, uint32_t op)
{
    for (size_t i = 0; i < domain->routes_count; i++)
        if (domain->routes[i].op == op) return &domain->routes[i];
    fail_msg("%s has no call %u", domain->name, (unsigned)op);
    return NULL;
}

static int write_run(struct request *rq)
{
    struct turn turn, mark;
    must(turn_begin(&turn, rq->db), "turn_begin");
    must(turn_mark(&turn, &mark), "turn_mark");
    rq->turn = &turn;
    int rc = rq->route->handle(rq);
    must(rc == 0 ? turn_release(&turn) : turn_rewind(&turn, &mark), "savepoint");
    must(turn_commit(&turn), "turn_commit");
    rq->turn = NULL;
    return rc;
}

static int read_run(struct fixture *fixture, struct request *rq, int (*stage)(struct request *rq))
{
    must(db_open(fixture->db_path, DB_READ, &rq->db), "db_open");
    must(db_begin_read(rq->db), "db_begin_read");
    int rc = stage(rq);
    db_rollback(rq->db);
    db_close(rq->db);
    rq->db = NULL;
    return rc;
}

int fixture_run(struct fixture *fixture, const struct domain *domain, const struct caller *caller,
                const Mdg__Body *body, int64_t now_us, struct request *out)
{
    static const Mdg__Request ENVELOPE = MDG__REQUEST__INIT;
    const void *message, *op;
    if (arm_of(&body->base, &message) != domain->arm) fail_msg("the call is not of %s", domain->name);
    uint32_t arm = arm_of(message, &op);
    *out = (struct request){.route = route_of(domain, arm),
                            .domain = domain,
                            .caller = *caller,
                            .msg = &ENVELOPE,
                            .op = op,
                            .now_us = now_us,
                            .keys = fixture->keys};
    arena_init(&out->arena, ARENA_BYTES);
    const struct route *route = out->route;
    if (route->access == ROUTE_READ && route->audit != AUDIT_READ) {
        int rc = read_run(fixture, out, route->handle);
        return rc != 0 ? rc : out->refusal.code;
    }
    int rc = route->prepare ? read_run(fixture, out, route->prepare) : 0;
    if (rc == 0 && route->work && out->work) route->work(out);
    out->db = fixture->db;
    if (rc == 0) rc = write_run(out);
    if (rc != 0) { /* dispatch tells nobody of an answer that was rolled back, unless it goes with the refusal */
        if (!out->refusal.has_answer) out->answer = NULL;
        out->effects_count = 0;
    }
    return rc != 0 ? rc : out->refusal.code;
}

const struct effect *fixture_effect(const struct request *rq, enum effect_kind kind)
{
    for (int i = 0; i < rq->effects_count; i++)
        if (rq->effects[i].kind == kind) return &rq->effects[i];
    return NULL;
}

size_t fixture_feed(struct fixture *fixture, const struct domain *domain, uint32_t kind, int64_t since_rev,
                    struct arena *arena, Mdg__Row *rows[], size_t most)
{
    const struct feed_source *source = NULL;
    for (size_t i = 0; i < domain->sources_count; i++)
        if (domain->sources[i].kind == kind) source = &domain->sources[i];
    if (!source) fail_msg("%s feeds no rows of kind %u", domain->name, (unsigned)kind);
    const struct feed_row *const *found;
    struct feed_part part;
    size_t count;
    struct feed_options options = {.path = fixture->db_path, .sources = &source, .sources_count = 1};
    struct feed_view view = {.name = source->views & -source->views};
    must(feed_collect(fixture->db, &options, view, since_rev, FIXTURE_T0, arena, &part, &found, &count),
         "feed_collect");
    for (size_t i = 0; i < count && i < most; i++) rows[i] = found[i]->message;
    return count;
}

int64_t fixture_number(struct fixture *fixture, const char *sql)
{
    struct db_stmt *stmt = db_stmt(fixture->db, sql);
    int rc = db_step(stmt);
    if (rc != DB_ROW) fail_msg("%s: %s", sql, mdg_error_name(rc));
    int64_t number = db_col_i64(stmt, 0);
    db_reset(stmt);
    return number;
}
