#include "tests/support/centre_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/centre/centre_store.h"
#include "server/store/migrations.h"

#define ARENA_BYTES (8u * 1024u * 1024u)

void centre_must(int rc, const char *what)
{
    if (rc != 0) fail_msg("%s: %s", what, mdg_error_name(rc));
}

int centre_setup(void **state)
{
    struct centre_fixture *centre = calloc(1, sizeof *centre);
    if (!centre) return -1;
    snprintf(centre->dir, sizeof centre->dir, "/tmp/madoguchi-centre-XXXXXX");
    if (!mkdtemp(centre->dir)) return -1;
    snprintf(centre->path, sizeof centre->path, "%s/centre.db", centre->dir);
    centre->now_us = CENTRE_T0;
    centre_must(day_zone_set("Asia/Tokyo"), "zone");
    centre_must(db_create(centre->path, &centre->db), "db_create");
    centre_must(db_exec(centre->db, "PRAGMA synchronous = OFF"), "synchronous"); /* no test pulls this plug */
    centre_must(migrations_apply(centre->db, centre->path), "migrations_apply");
    centre_must(db_begin_write(centre->db), "begin");
    centre_must(centre_create(centre->db, "Midori", "Asia/Tokyo", centre->now_us), "centre_create");
    centre_must(db_commit(centre->db), "commit");
    arena_init(&centre->rq.arena, ARENA_BYTES);
    *state = centre;
    return 0;
}

int centre_teardown(void **state)
{
    struct centre_fixture *centre = *state;
    char command[128];
    arena_fini(&centre->rq.arena);
    db_close(centre->db);
    snprintf(command, sizeof command, "rm -rf '%s'", centre->dir);
    int rc = system(command);
    free(centre);
    return rc;
}

struct caller centre_caller(enum terminal_kind kind, int64_t terminal_id, int64_t person_id, uint32_t roles)
{
    return (struct caller){.kind = kind,
                           .has_hello = true,
                           .terminal_id = terminal_id,
                           .person_id = person_id,
                           .person_roles = roles,
                           .roles = roles_effective(kind, false, roles)};
}

static const struct route *route_of(const struct domain *domain, uint32_t op)
{
    for (size_t i = 0; i < domain->routes_count; i++) {
        if (domain->routes[i].op == op) return &domain->routes[i];
    }
    fail_msg("%s has no call %u", domain->name, (unsigned)op);
    return NULL;
}

static void audit(struct turn *turn, const struct request *rq)
{
    static const uint8_t DIGEST[REQUEST_DIGEST_BYTES];
    struct audit_entry entry = {.at_us = rq->now_us,
                                .person_id = rq->caller.person_id,
                                .terminal_id = rq->caller.terminal_id,
                                .operation = rq->route->name,
                                .request_key = rq->msg->request_key.data,
                                .request_digest = DIGEST,
                                .outcome = rq->refusal.code,
                                .object_id = rq->object_id,
                                .rev = rq->rev,
                                .reason = rq->reason,
                                .is_deferred = rq->is_deferred,
                                .count = 1};
    centre_must(audit_append(turn, &entry), "audit_append");
}

static int write_call(struct centre_fixture *centre)
{
    struct request *rq = &centre->rq;
    struct turn turn, mark;
    centre_must(turn_begin(&turn, centre->db), "turn_begin");
    centre_must(turn_mark(&turn, &mark), "turn_mark");
    rq->turn = &turn;
    int rc = rq->route->prepare ? rq->route->prepare(rq) : 0;
    if (rc == 0) rc = rq->route->handle(rq);
    centre_must(rc == 0 ? turn_release(&turn) : turn_rewind(&turn, &mark), "savepoint");
    if (rc != 0 && rq->refusal.code == 0) rq->refusal.code = rc;
    audit(&turn, rq);
    centre_must(turn_commit(&turn), "turn_commit");
    rq->turn = NULL;
    return rc;
}

int centre_call(struct centre_fixture *centre, const struct caller *caller, const struct domain *domain, uint32_t op,
                const void *message)
{
    static int64_t calls;
    struct request *rq = &centre->rq;
    arena_fini(&rq->arena);
    *rq = (struct request){.route = route_of(domain, op),
                           .domain = domain,
                           .caller = *caller,
                           .op = message,
                           .now_us = centre->now_us,
                           .is_deferred = centre->made_us != 0,
                           .made_us = centre->made_us,
                           .db = centre->db};
    arena_init(&rq->arena, ARENA_BYTES);
    Mdg__Request *msg = arena_alloc(&rq->arena, sizeof *msg);
    calls++;
    memcpy(centre->key, &calls, sizeof calls);
    mdg__request__init(msg);
    msg->request_key.data = arena_copy(&rq->arena, centre->key, sizeof centre->key);
    msg->request_key.len = sizeof centre->key;
    rq->msg = msg;
    centre->made_us = 0;
    return rq->route->access == ROUTE_WRITE ? write_call(centre) : rq->route->handle(rq);
}

int64_t centre_number(struct db *db, const char *sql)
{
    struct db_stmt *stmt = db_stmt(db, sql);
    int rc = db_step(stmt);
    int64_t number = rc == DB_ROW ? db_col_i64(stmt, 0) : -1;
    db_reset(stmt);
    if (rc < 0) fail_msg("%s: %s", sql, mdg_error_name(rc));
    return number;
}
