#include "server/dispatch/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/day.h"
#include "common/log.h"
#include "server/dispatch/call.h"
#include "server/dispatch/door.h"
#include "server/keys/keys.h"
#include "server/sign_in/sign_in_store.h"
#include "server/terminals/terminal_store.h"

#define DECODE_BYTES_BASE (64u * 1024u)
#define DECODE_BYTES_MAX (1024u * 1024u)
#define ANSWER_BYTES_MAX (4u * 1024u * 1024u)
#define BUSY_RETRY_MS 1000
#define IN_FLIGHT_BYTES_MAX (4u * 1024u * 1024u) /* of unanswered requests of one connection */
#define WAITED_TOKEN_BYTES 16

struct dispatch {
    struct dispatch_options options;
    struct writer *writer;
    struct readers *readers;
    struct feed *feed;
    const struct feed_source **sources; /* of all domains; owned */
    struct work_queue work;
    struct refusals refusals;
    uint64_t terminal_changes; /* of kind, room or privacy, since the start */
    bool is_stopping, has_async;
    uv_async_t async;
    uv_mutex_t mutex; /* guards the done list and parts */
    struct done *first, **last;
    struct feed_part *parts, **parts_last;
};

/* --- back to the loop thread -------------------------------------------------------------------------- */

void dispatch_push(struct dispatch *dispatch, struct done *first, struct done *last)
{
    last->next = NULL;
    uv_mutex_lock(&dispatch->mutex);
    *dispatch->last = first;
    dispatch->last = &last->next;
    uv_mutex_unlock(&dispatch->mutex);
    uv_async_send(&dispatch->async);
}

static void on_parts(void *arg, struct feed_part *parts)
{
    struct dispatch *dispatch = arg;
    struct feed_part **end = &parts;
    while (*end) end = &(*end)->next;
    uv_mutex_lock(&dispatch->mutex);
    *dispatch->parts_last = parts;
    dispatch->parts_last = end;
    uv_mutex_unlock(&dispatch->mutex);
    uv_async_send(&dispatch->async);
}

static void on_async(uv_async_t *async)
{
    struct dispatch *dispatch = async->data;
    uv_mutex_lock(&dispatch->mutex);
    struct done *done = dispatch->first;
    struct feed_part *parts = dispatch->parts;
    dispatch->first = NULL;
    dispatch->last = &dispatch->first;
    dispatch->parts = NULL;
    dispatch->parts_last = &dispatch->parts;
    uv_mutex_unlock(&dispatch->mutex);

    while (done) {
        struct done *next = done->next;
        done->finish(done);
        done = next;
    }
    if (parts) dispatch->options.events.on_parts(dispatch->options.events.arg, parts);
    dispatch->options.events.on_turn_end(dispatch->options.events.arg);
}

/* --- the life of a call ------------------------------------------------------------------------------- */

static void call_free(struct call *call)
{
    /* What was decoded, or answered, may hold a secret, a code, or what was unsealed. */
    const struct route *route = call->rq.route;
    bool is_audited_closely = route && (route->audit == AUDIT_SECRET || route->audit == AUDIT_READ);
    if (is_audited_closely || (route && (route->work || (route->flags & ROUTE_PERSONAL)))) {
        arena_wipe(&call->rq.arena);
        if (call->response) OPENSSL_cleanse(call->response, call->response_length);
    }
    arena_fini(&call->rq.arena);
    free(call->response);
    free(call);
}

static void session_sign_out(struct session *session)
{
    struct caller *caller = &session->caller;
    caller->person_id = caller->sign_in_id = 0;
    caller->sign_in_until_us = caller->idle_us = caller->confirmed_until_us = 0;
    caller->person_roles = 0;
    caller->roles = roles_effective(caller->kind, caller->is_private, 0);
}

struct each_effect {
    const struct effect *effect;
};

static void effect_on_session(void *arg, struct session *session)
{
    const struct effect *effect = ((struct each_effect *)arg)->effect;
    struct caller *caller = &session->caller;
    if (effect->kind == EFFECT_PERSON_CHANGED) {
        if (caller->person_id == 0 || caller->person_id != effect->person_id) return;
        caller->person_roles = effect->roles;
        if (effect->roles == 0) session_sign_out(session);
    } else {
        if (caller->terminal_id == 0 || caller->terminal_id != effect->terminal_id) return;
        caller->is_private = effect->is_private;
        caller->room_id = effect->room_id;
    }
    caller->roles = roles_effective(caller->kind, caller->is_private, caller->person_roles);
}

static void effect_signed_in(struct session *session, const struct effect *effect, int64_t now_us)
{
    struct caller *caller = &session->caller;
    caller->person_id = effect->person_id;
    caller->sign_in_id = effect->sign_in_id;
    caller->person_roles = effect->roles;
    caller->sign_in_until_us = effect->until_us;
    caller->idle_us = effect->idle_us;
    caller->last_call_us = now_us;
    caller->confirmed_until_us = 0;
    caller->roles = roles_effective(caller->kind, caller->is_private, effect->roles);
}

static void effect_apply(struct call *call, struct session *session, const struct effect *effect)
{
    const struct dispatch_events *events = &call->dispatch->options.events;
    struct each_effect each = {effect};
    switch (effect->kind) {
    case EFFECT_HELLO_DONE:
        if (session) session->caller.has_hello = true;
        break;
    case EFFECT_SIGNED_IN:
        if (session) effect_signed_in(session, effect, call->rq.now_us);
        break;
    case EFFECT_SIGNED_OUT:
        if (session) session_sign_out(session);
        break;
    case EFFECT_CONFIRMED: /* while the secret was reckoned somebody else may have signed in */
        if (session && session->caller.person_id == effect->person_id &&
            session->caller.sign_in_id == call->rq.caller.sign_in_id)
            session->caller.confirmed_until_us = effect->until_us;
        break;
    case EFFECT_TERMINAL_CHANGED:
        call->dispatch->terminal_changes++;
        events->for_each_session(events->arg, effect_on_session, &each);
        break;
    case EFFECT_PERSON_CHANGED:
        events->for_each_session(events->arg, effect_on_session, &each);
        break;
    case EFFECT_SUBSCRIBED:
    case EFFECT_UNSUBSCRIBED:
    case EFFECT_TERMINAL_CUT:
    case EFFECT_ENROLMENT_OPEN:
    case EFFECT_ENROLMENT_CLOSED:
    case EFFECT_TRUST_CHANGED:
        events->on_effect(events->arg, call->conn_id, effect);
        break;
    }
}

/* Response first, then effects: a terminal learns that it subscribed before its first part comes, and the office
 * that it revoked before its own connection may be the one to go. */
static void call_finish(struct call *call)
{
    const struct dispatch_events *events = &call->dispatch->options.events;
    struct request *rq = &call->rq;
    /* Also in place of a refusal that was to be kept and could not be stored: a wrong secret that was not counted must
     * not be told from a right one. */
    if (call->rc != 0 && rq->refusal.code != call->rc) rq->refusal = (struct refusal){.code = call->rc};
    if (rq->refusal.code == MDG_ERR_BUSY && rq->refusal.retry_after_ms == 0) rq->refusal.retry_after_ms = BUSY_RETRY_MS;
    if (rq->refusal.code != 0)
        log_debug("call.refused", "op=%s terminal=%lld rc=%s", rq->route ? rq->route->name : "unknown",
                  (long long)rq->caller.terminal_id, mdg_error_name(rq->refusal.code));

    struct session *session = call->conn_id ? events->session_of(events->arg, call->conn_id) : NULL;
    if (session) {
        if (call->was_counted) {
            session->in_flight--;
            session->in_flight_bytes -= call->counted_bytes;
        }
        if (!call->response) call->response = call_pack(call, &call->response_length);
        /* The session may go while the response is being handed over. */
        events->on_response(events->arg, call->conn_id, call->response, call->response_length);
    }
    for (int i = 0; call->rc == 0 && i < rq->effects_count; i++) {
        session = call->conn_id ? events->session_of(events->arg, call->conn_id) : NULL;
        effect_apply(call, session, &rq->effects[i]);
    }
    call_free(call);
}

static void on_call_done(struct done *done)
{
    call_finish((struct call *)done);
}

/* --- stages ------------------------------------------------------------------------------------------- */

static struct call *call_of_reader(struct reader_job *job)
{
    return (struct call *)((char *)job - offsetof(struct call, reader_job));
}

static void read_run(struct reader_job *job, struct db *db)
{
    struct call *call = call_of_reader(job);
    call->rq.db = db;
    call->rc = call->rq.route->handle(&call->rq);
    if (call->rc != 0 && call->rq.refusal.code != call->rc) call->rq.refusal = (struct refusal){.code = call->rc};
    call->response = call_pack(call, &call->response_length);
}

static void read_done(struct reader_job *job)
{
    struct call *call = call_of_reader(job);
    dispatch_push(call->dispatch, &call->done, &call->done);
}

static void call_write(struct call *call)
{
    call->writer_job.run = call_run;
    call->writer_job.settle = call_settle;
    writer_submit(call->dispatch->writer, &call->writer_job);
}

static void prepare_run(struct reader_job *job, struct db *db)
{
    struct call *call = call_of_reader(job);
    call->rq.db = db;
    /* A call that was answered before is answered by the writer as then, whatever would be said to it now. */
    call->is_repeat = call_was_answered(call);
    if (!call->is_repeat) call->rc = call->rq.route->prepare(&call->rq);
    call->rq.db = NULL;
}

static void on_prepared(struct done *done)
{
    struct call *call = (struct call *)done;
    struct dispatch *dispatch = call->dispatch;
    call->done.finish = on_call_done;
    if (call->rc == 0 && call->rq.route->work && call->rq.work && !call->is_repeat) {
        call->rc = work_queue_add(&dispatch->work, dispatch->options.loop, call);
        if (call->rc == 0) return;
    }
    if (call->rc == 0) {
        call_write(call);
        return;
    }
    /* Refused before the writer saw it: audited with the door's refusals. The clock only found nothing to do. */
    if (call->rq.caller.kind != KIND_CLOCK)
        refusals_count(&dispatch->refusals, dispatch->writer, &call->rq.caller, call->rq.route->name, call->rc,
                       call->rq.now_us);
    call_finish(call);
}

void dispatch_work_done(struct call *call)
{
    if (call->rc == 0)
        call_write(call);
    else
        call_finish(call);
}

struct work_queue *dispatch_work_queue(struct dispatch *dispatch)
{
    return &dispatch->work;
}

static void call_start(struct call *call)
{
    struct dispatch *dispatch = call->dispatch;
    const struct route *route = call->rq.route;
    call->done.finish = on_call_done;
    if (route->access == ROUTE_READ && route->audit != AUDIT_READ) {
        call->reader_job.run = read_run;
        call->reader_job.done = read_done;
        readers_submit(dispatch->readers, &call->reader_job);
    } else if (route->prepare) {
        call->done.finish = on_prepared;
        call->reader_job.run = prepare_run;
        call->reader_job.done = read_done;
        readers_submit(dispatch->readers, &call->reader_job);
    } else {
        call_write(call);
    }
}

static void on_batch(void *arg, struct writer_job *jobs, int64_t rev)
{
    struct dispatch *dispatch = arg;
    struct done *first = NULL, **last = &first, *tail = NULL;
    while (jobs) {
        struct writer_job *next = jobs->next;
        if (!note_job_done(jobs) && !chore_job_done(jobs)) {
            struct call *call = (struct call *)((char *)jobs - offsetof(struct call, writer_job));
            call->rc = jobs->rc;
            *last = tail = &call->done;
            last = &tail->next;
        }
        jobs = next;
    }
    if (tail) dispatch_push(dispatch, first, tail);
    if (rev > 0) feed_wake(dispatch->feed, clock_now_us());
}

static void on_fatal(void *arg, int rc)
{
    struct dispatch *dispatch = arg;
    dispatch->options.events.on_fatal(dispatch->options.events.arg, rc);
}

/* --- the door ----------------------------------------------------------------------------------------- */

int dispatch_decode(const uint8_t *bytes, size_t length, struct arena *arena, Mdg__Frame **frame)
{
    size_t budget =
        length > (DECODE_BYTES_MAX - DECODE_BYTES_BASE) / 16 ? DECODE_BYTES_MAX : 16 * length + DECODE_BYTES_BASE;
    arena_init(arena, budget);
    ProtobufCAllocator allocator = arena_allocator(arena);
    *frame = mdg__frame__unpack(&allocator, length, bytes);
    if (!*frame) return arena->given + 4096 > budget ? MDG_ERR_MEMORY : MDG_ERR_MALFORMED;
    return 0;
}

static int check_key(struct request *rq)
{
    size_t length = rq->msg->request_key.len;
    bool is_needed = rq->route->access == ROUTE_WRITE && rq->route->audit == AUDIT_CHANGE;
    if (length == 0 && !is_needed) return 0;
    if (length == REQUEST_KEY_BYTES) return 0; /* harmless where nothing is remembered */
    refuse(rq, MDG_ERR_INVALID, "request_key", length == 0 ? "required" : "length");
    return refuse_arg(rq, "bytes", "%d", REQUEST_KEY_BYTES);
}

static int check_waited(struct request *rq)
{
    const Mdg__Waited *waited = rq->msg->waited;
    if (!waited) return 0;
    if (!(rq->route->flags & ROUTE_MAY_WAIT)) return refuse(rq, MDG_ERR_INVALID, "waited", "may_not_wait");
    if (waited->token.len != 0 && waited->token.len != WAITED_TOKEN_BYTES)
        return refuse(rq, MDG_ERR_INVALID, "waited.token", "length");
    const int64_t far_us = INT64_C(1) << 61;
    if (waited->made_us <= 0 || waited->made_us > far_us || waited->offset_us > far_us || waited->offset_us < -far_us)
        return refuse(rq, MDG_ERR_INVALID, "waited.made_us", "range");
    rq->is_deferred = true;
    rq->made_us = waited->made_us + waited->offset_us;
    if (rq->made_us > rq->now_us + 120 * US_PER_SECOND) return refuse(rq, MDG_ERR_INVALID, "waited.made_us", "future");
    return 0;
}

/* A sign-in ends by itself: after its time, or when nothing was asked for long enough. */
static int check_idle(struct request *rq, struct session *session)
{
    struct caller *caller = &session->caller;
    if (caller->person_id == 0) return 0;
    bool is_over = rq->now_us > caller->sign_in_until_us || rq->now_us - caller->last_call_us > caller->idle_us;
    if (!is_over) {
        caller->last_call_us = rq->now_us;
        return 0;
    }
    session_sign_out(session);
    rq->caller = *caller;
    /* What the terminal may do by itself goes on. */
    int rc = rights_check(rq, true);
    return rc == 0 ? 0 : refuse(rq, MDG_ERR_SIGN_IN_NEEDED, NULL, "idle");
}

static int digest_take(struct call *call)
{
    const Mdg__Body *body = call->rq.msg->body;
    uint8_t mac[KEY_BYTES], small[512];
    size_t length = mdg__body__get_packed_size(body);
    uint8_t *bytes = length <= sizeof small ? small : malloc(length);
    if (!bytes) return MDG_ERR_MEMORY;
    mdg__body__pack(body, bytes);
    int rc = keys_mac(call->dispatch->options.keys, "request digest", bytes, length, mac);
    if (bytes != small) free(bytes);
    if (rc == 0) memcpy(call->digest, mac, sizeof call->digest);
    return rc;
}

static int call_admit(struct call *call, struct session *session)
{
    struct request *rq = &call->rq;
    int rc = door_route(rq->msg, &rq->domain, &rq->route, &rq->op);
    if (rc != 0) return refuse(rq, rc, "body", "unknown_call");
    if (!rq->caller.has_hello && !(rq->route->flags & ROUTE_BEFORE_HELLO))
        return refuse(rq, MDG_ERR_HELLO_FIRST, NULL, "hello_first");
    /* First what waited: it is not the matter of whoever sits there now, and may be idle. */
    rc = check_waited(rq);
    if (rc == 0) rc = check_idle(rq, session);
    if (rc == 0) rc = rights_check(rq, true);
    if (rc == 0 && rq->is_deferred && !(KIND_BIT(rq->caller.kind) & KINDS_STAFF)) /* elsewhere there is no outbox */
        rc = refuse(rq, MDG_ERR_INVALID, "waited", "may_not_wait");
    if (rc == 0) rc = door_check(rq->domain, rq->op, &rq->arena, &rq->refusal);
    if (rc == 0) rc = check_key(rq);
    if (rc == 0 && rq->msg->request_key.len == REQUEST_KEY_BYTES && rq->route->audit == AUDIT_CHANGE)
        rc = digest_take(call);
    return rc;
}

int dispatch_request(struct dispatch *dispatch, struct session *session, const Mdg__Frame *frame, struct arena *arena)
{
    if (frame->kind_case != MDG__FRAME__KIND_REQUEST || frame->request->id == 0) {
        arena_fini(arena);
        return MDG_ERR_MALFORMED;
    }
    struct call *call = calloc(1, sizeof *call);
    if (!call) {
        arena_fini(arena);
        return MDG_ERR_MEMORY;
    }
    call->dispatch = dispatch;
    call->conn_id = session->conn_id;
    call->was_counted = true;
    call->counted_bytes = arena->given;
    session->in_flight++;
    session->in_flight_bytes += call->counted_bytes;
    struct request *rq = &call->rq;
    rq->arena = *arena;
    arena_set_cap(&rq->arena, rq->arena.given + ANSWER_BYTES_MAX);
    rq->msg = frame->request;
    rq->now_us = clock_now_us();
    rq->caller = session->caller;
    rq->keys = dispatch->options.keys;

    int rc = dispatch->is_stopping ? MDG_ERR_SHUTTING_DOWN : 0;
    if (rc == 0 && session->in_flight_bytes > IN_FLIGHT_BYTES_MAX) rc = MDG_ERR_BUSY;
    if (rc == 0) rc = call_admit(call, session);
    if (rc == 0) {
        call_start(call);
        return 0;
    }
    call->rc = rc;
    if (!dispatch->is_stopping)
        refusals_count(&dispatch->refusals, dispatch->writer, &rq->caller, rq->route ? rq->route->name : "door", rc,
                       rq->now_us);
    call_finish(call);
    return 0;
}

/* --- terminals coming and going ----------------------------------------------------------------------- */

struct admit {
    struct done done;
    struct reader_job job;
    struct dispatch *dispatch;
    uint64_t conn_id;
    int64_t terminal_id;
    uint64_t terminal_changes; /* when the table was asked */
    char serial[64];
    int rc;
    struct caller caller;
    void (*report)(void *arg, uint64_t conn_id, int rc, const struct caller *caller);
};

static struct admit *admit_of(struct reader_job *job)
{
    return (struct admit *)((char *)job - offsetof(struct admit, job));
}

static void admit_run(struct reader_job *job, struct db *db)
{
    struct admit *admit = admit_of(job);
    admit->rc = terminal_admit(db, admit->terminal_id, admit->serial, clock_now_us(), &admit->caller);
    if (admit->rc == 0) admit->caller.roles = roles_effective(admit->caller.kind, admit->caller.is_private, 0);
}

static void admit_done(struct reader_job *job)
{
    struct admit *admit = admit_of(job);
    dispatch_push(admit->dispatch, &admit->done, &admit->done);
}

static void on_admitted(struct done *done)
{
    struct admit *admit = (struct admit *)done;
    if (admit->terminal_changes != admit->dispatch->terminal_changes && !admit->dispatch->is_stopping) {
        /* What was read may be of before the change, and the change has found no session yet. */
        admit->terminal_changes = admit->dispatch->terminal_changes;
        readers_submit(admit->dispatch->readers, &admit->job);
        return;
    }
    if (admit->rc != 0) dispatch_audit_refusal(admit->dispatch, &admit->caller, "terminals.admit", admit->rc);
    admit->report(admit->dispatch->options.events.arg, admit->conn_id, admit->rc, &admit->caller);
    free(admit);
}

void dispatch_admit(struct dispatch *dispatch, uint64_t conn_id, int64_t terminal_id, const char *serial,
                    void (*report)(void *arg, uint64_t conn_id, int rc, const struct caller *caller))
{
    struct admit *admit = calloc(1, sizeof *admit);
    if (!admit || strlen(serial) >= sizeof admit->serial || dispatch->is_stopping) {
        struct caller nobody = {.kind = KIND_NONE};
        free(admit);
        report(dispatch->options.events.arg, conn_id, dispatch->is_stopping ? MDG_ERR_SHUTTING_DOWN : MDG_ERR_MEMORY,
               &nobody);
        return;
    }
    *admit = (struct admit){.done = {.finish = on_admitted},
                            .job = {.run = admit_run, .done = admit_done},
                            .dispatch = dispatch,
                            .conn_id = conn_id,
                            .terminal_id = terminal_id,
                            .terminal_changes = dispatch->terminal_changes,
                            .report = report};
    memcpy(admit->serial, serial, strlen(serial) + 1);
    admit->caller.terminal_id = terminal_id;
    readers_submit(dispatch->readers, &admit->job);
}

void dispatch_audit_refusal(struct dispatch *dispatch, const struct caller *caller, const char *operation, int code)
{
    if (!dispatch->is_stopping)
        refusals_count(&dispatch->refusals, dispatch->writer, caller, operation, code, clock_now_us());
}

void dispatch_session_closed(struct dispatch *dispatch, const struct session *session)
{
    if (session->caller.sign_in_id != 0 && !dispatch->is_stopping)
        chore_sign_in_touch(dispatch->writer, session->caller.sign_in_id, session->caller.last_call_us);
}

/* --- what the clock asks for -------------------------------------------------------------------------- */

/* The call's body is borrowed: a copy of its bytes makes it the call's own. */
static int clock_message(struct call *call, const Mdg__Body *body)
{
    Mdg__Request *msg = arena_alloc(&call->rq.arena, sizeof *msg);
    size_t length = mdg__body__get_packed_size(body);
    uint8_t *bytes = arena_alloc(&call->rq.arena, length + 1);
    ProtobufCAllocator allocator = arena_allocator(&call->rq.arena);
    if (!msg || !bytes) return MDG_ERR_MEMORY;
    mdg__request__init(msg);
    mdg__body__pack(body, bytes);
    msg->body = mdg__body__unpack(&allocator, length, bytes);
    call->rq.msg = msg;
    return msg->body ? 0 : MDG_ERR_MEMORY;
}

void dispatch_clock_call(struct dispatch *dispatch, const Mdg__Body *body)
{
    struct call *call = dispatch->is_stopping ? NULL : calloc(1, sizeof *call);
    if (!call) return;
    struct request *rq = &call->rq;
    call->dispatch = dispatch;
    arena_init(&rq->arena, ANSWER_BYTES_MAX);
    rq->now_us = clock_now_us();
    rq->keys = dispatch->options.keys;
    rq->caller = (struct caller){.kind = KIND_CLOCK, .has_hello = true};
    rq->caller.roles = roles_effective(KIND_CLOCK, false, 0);
    int rc = clock_message(call, body);
    if (rc == 0) rc = door_route(rq->msg, &rq->domain, &rq->route, &rq->op);
    if (rc == 0) rc = rights_check(rq, true);
    if (rc == 0) {
        call_start(call);
        return;
    }
    log_error("dispatch.clock", "op=%s rc=%s", rq->route ? rq->route->name : "unknown", mdg_error_name(rc));
    call_free(call);
}

void dispatch_clock_minute(struct dispatch *dispatch, const int64_t *terminal_ids, size_t count)
{
    int64_t now_us = clock_now_us();
    if (dispatch->is_stopping) return;
    refusals_flush(&dispatch->refusals, dispatch->writer, now_us);
    if (count > 0) chore_terminals_seen(dispatch->writer, terminal_ids, count, now_us);
    feed_wake(dispatch->feed, now_us); /* the day may have changed */
}

void dispatch_clock_stepped(struct dispatch *dispatch, int64_t step_us)
{
    int64_t step_s = (step_us + (step_us > 0 ? US_PER_SECOND : -US_PER_SECOND) / 2) / US_PER_SECOND;
    log_warn("clock.step", "seconds=%lld", (long long)step_s);
    if (dispatch->is_stopping) return;
    audit_note(dispatch->writer, &(struct audit_entry){.at_us = clock_now_us(),
                                                       .operation = "clock.step",
                                                       .object_id = step_s,
                                                       .rule = step_us > 0 ? "forward" : "back",
                                                       .count = 1});
}

struct feed *dispatch_feed(struct dispatch *dispatch)
{
    return dispatch->feed;
}

/* --- life --------------------------------------------------------------------------------------------- */

static int collect_sources(struct dispatch *dispatch, struct feed_options *feed)
{
    size_t count = 0;
    for (size_t i = 0; i < DOMAINS_COUNT; i++) count += DOMAINS[i]->sources_count;
    dispatch->sources = calloc(count + 1, sizeof(struct feed_source *));
    if (!dispatch->sources) return MDG_ERR_MEMORY;
    for (size_t i = 0; i < DOMAINS_COUNT; i++)
        for (size_t j = 0; j < DOMAINS[i]->sources_count; j++)
            dispatch->sources[feed->sources_count++] = &DOMAINS[i]->sources[j];
    feed->sources = dispatch->sources;
    return 0;
}

int dispatch_new(const struct dispatch_options *options, struct dispatch **out)
{
    const char *fault = door_audit_tables();
    if (fault) {
        log_error("dispatch.tables", "without_limit=%s", fault);
        return MDG_ERR_INTERNAL;
    }
    struct dispatch *dispatch = calloc(1, sizeof *dispatch);
    if (!dispatch) return MDG_ERR_MEMORY;
    dispatch->options = *options;
    dispatch->last = &dispatch->first;
    dispatch->parts_last = &dispatch->parts;
    work_queue_init(&dispatch->work);
    uv_mutex_init(&dispatch->mutex);

    struct writer_events events = {on_batch, on_fatal, dispatch};
    struct feed_options feed = {.path = options->db_path, .encode = part_encode, .on_parts = on_parts, .arg = dispatch};
    int rc = uv_async_init(options->loop, &dispatch->async, on_async);
    dispatch->async.data = dispatch;
    dispatch->has_async = rc == 0;
    if (rc == 0) rc = collect_sources(dispatch, &feed);
    if (rc == 0) rc = feed_new(&feed, &dispatch->feed);
    if (rc == 0) rc = readers_new(options->db_path, options->reader_threads, &dispatch->readers);
    if (rc == 0) rc = writer_new(options->db_path, &events, &dispatch->writer);
    if (rc != 0) {
        dispatch_stop(dispatch);
        uv_run(options->loop, UV_RUN_NOWAIT);
        dispatch_free(dispatch);
        return rc;
    }
    *out = dispatch;
    return 0;
}

void dispatch_stop(struct dispatch *dispatch)
{
    if (dispatch->writer) refusals_flush(&dispatch->refusals, dispatch->writer, clock_now_us());
    dispatch->is_stopping = true;
    /* Each stage hands on to the next one, so they end in that order. */
    if (dispatch->readers) readers_stop(dispatch->readers);
    if (dispatch->has_async) on_async(&dispatch->async);
    while (dispatch->work.running > 0) uv_run(dispatch->options.loop, UV_RUN_ONCE);
    if (dispatch->writer) {
        int64_t commits, rows;
        writer_stop(dispatch->writer);
        writer_counters(dispatch->writer, &commits, &rows);
        log_info("writer.stopped", "commits=%lld rows=%lld", (long long)commits, (long long)rows);
    }
    if (dispatch->feed) feed_stop(dispatch->feed);
    if (!dispatch->has_async) return;
    on_async(&dispatch->async);
    uv_close((uv_handle_t *)&dispatch->async, NULL);
    dispatch->has_async = false;
}

void dispatch_free(struct dispatch *dispatch)
{
    if (!dispatch) return;
    writer_free(dispatch->writer);
    readers_free(dispatch->readers);
    feed_free(dispatch->feed);
    free(dispatch->sources);
    uv_mutex_destroy(&dispatch->mutex);
    free(dispatch);
}
