#include "tests/support/dispatch_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "common/frame.h"
#include "server/centre/centre_store.h"
#include "server/keys/keys.h"
#include "server/store/migrations.h"
#include "server/terminals/trust.h"
#include "tests/support/centre_fixture.h"

#define ANSWER_SECONDS 20

/* --- what dispatch tells ---------------------------------------------------------------------------------- */

static struct session *session_of(void *arg, uint64_t conn_id)
{
    struct house *house = arg;
    for (int i = 0; i < HOUSE_SESSIONS; i++)
        if (house->sessions[i].conn_id == conn_id) return &house->sessions[i];
    return NULL;
}

static void on_response(void *arg, uint64_t conn_id, const uint8_t *bytes, size_t length)
{
    struct house *house = arg;
    Mdg__Frame *frame = mdg__frame__unpack(NULL, length - FRAME_HEAD_BYTES, bytes + FRAME_HEAD_BYTES);
    (void)conn_id;
    assert_non_null(frame);
    assert_int_equal(frame->kind_case, MDG__FRAME__KIND_RESPONSE);
    assert_in_range(frame->response->id, 1, HOUSE_ANSWERS - 1);
    if (house->answers[frame->response->id]) fail_msg("request %d was answered twice", (int)frame->response->id);
    house->answers[frame->response->id] = frame;
}

static void on_turn_end(void *arg)
{
    (void)arg;
}

static void on_effect(void *arg, uint64_t conn_id, const struct effect *effect)
{
    struct house *house = arg;
    (void)conn_id;
    assert_true(house->effects_count < HOUSE_EFFECTS);
    house->effects[house->effects_count++] = *effect;
    if (house->on_effect) house->on_effect(house, effect);
}

static void for_each_session(void *arg, void (*each)(void *each_arg, struct session *session), void *each_arg)
{
    struct house *house = arg;
    for (int i = 0; i < HOUSE_SESSIONS; i++)
        if (house->sessions[i].conn_id) each(each_arg, &house->sessions[i]);
}

static void on_parts(void *arg, struct feed_part *parts)
{
    (void)arg;
    while (parts) {
        struct feed_part *next = parts->next;
        feed_part_free(parts);
        parts = next;
    }
}

static void on_fatal(void *arg, int rc)
{
    struct house *house = arg;
    house->fatal = rc;
}

/* --- opening, closing ---------------------------------------------------------------------------------------- */

int house_setup(void **state)
{
    struct house *house = calloc(1, sizeof *house);
    struct turn turn;
    if (!house) return -1;
    snprintf(house->dir, sizeof house->dir, "/tmp/madoguchi-house-XXXXXX");
    if (!mkdtemp(house->dir)) return -1;
    snprintf(house->path, sizeof house->path, "%s/centre.db", house->dir);
    snprintf(house->key_dir, sizeof house->key_dir, "%s/keys", house->dir);
    house->now_us = clock_now_us();
    centre_must(day_zone_set("Asia/Tokyo"), "zone");
    centre_must(keys_create(house->key_dir), "keys_create");
    centre_must(keys_open(house->key_dir, &house->keys), "keys_open");
    centre_must(db_create(house->path, &house->db), "db_create");
    centre_must(migrations_apply(house->db, house->path), "migrations");
    centre_must(db_begin_write(house->db), "begin");
    centre_must(centre_create(house->db, "Midori", "Asia/Tokyo", house->now_us), "centre");
    centre_must(db_commit(house->db), "commit");
    centre_must(turn_begin(&turn, house->db), "turn");
    centre_must(trust_create(&turn, house->keys, "Midori", house->now_us), "trust");
    centre_must(turn_commit(&turn), "commit");
    centre_must(uv_loop_init(&house->loop), "loop");
    struct dispatch_options options = {
        .loop = &house->loop,
        .db_path = house->path,
        .keys = house->keys,
        .reader_threads = 2,
        .events = {session_of, on_response, on_turn_end, on_effect, for_each_session, on_parts, on_fatal, house}};
    centre_must(dispatch_new(&options, &house->dispatch), "dispatch_new");
    *state = house;
    return 0;
}

void house_stop(struct house *house)
{
    if (house->is_stopped) return;
    dispatch_stop(house->dispatch);
    uv_run(&house->loop, UV_RUN_DEFAULT);
    house->is_stopped = true;
}

int house_teardown(void **state)
{
    struct house *house = *state;
    char command[128];
    house_stop(house);
    dispatch_free(house->dispatch);
    int rc = uv_loop_close(&house->loop);
    for (int i = 0; i < HOUSE_ANSWERS; i++)
        if (house->answers[i]) mdg__frame__free_unpacked(house->answers[i], NULL);
    db_close(house->db);
    keys_close(house->keys);
    snprintf(command, sizeof command, "rm -rf '%s'", house->dir);
    if (rc == 0) rc = system(command);
    free(house);
    return rc;
}

struct session *house_connect(struct house *house, enum terminal_kind kind, int64_t terminal_id, int64_t person_id,
                              uint32_t roles)
{
    for (int i = 0; i < HOUSE_SESSIONS; i++) {
        struct session *session = &house->sessions[i];
        if (session->conn_id) continue;
        *session =
            (struct session){.conn_id = (uint64_t)i + 1, .caller = centre_caller(kind, terminal_id, person_id, roles)};
        if (person_id == 0) return session;
        session->caller.sign_in_until_us = session->caller.confirmed_until_us = house->now_us + US_PER_HOUR;
        session->caller.idle_us = US_PER_HOUR;
        session->caller.last_call_us = house->now_us;
        return session;
    }
    fail_msg("too many connections");
    return NULL;
}

/* --- calling -------------------------------------------------------------------------------------------------- */

static void *arm_new(struct arena *arena, ProtobufCMessage *parent, uint32_t arm, const void *message)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(parent->descriptor, arm);
    assert_non_null(field);
    const ProtobufCMessageDescriptor *type = field->descriptor;
    void *made = (void *)message;
    if (!made) {
        made = arena_alloc(arena, type->sizeof_message);
        protobuf_c_message_init(type, made);
    }
    memcpy((char *)parent + field->offset, &made, sizeof made);
    memcpy((char *)parent + field->quantifier_offset, &arm, sizeof arm);
    return made;
}

uint64_t house_send(struct house *house, struct session *session, const struct house_call *call)
{
    Mdg__Frame frame = MDG__FRAME__INIT, *decoded;
    Mdg__Request msg = MDG__REQUEST__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    struct arena packing, arena;
    uint8_t key[REQUEST_KEY_BYTES] = {0x80};
    size_t length;
    arena_init(&packing, 1u << 20);
    msg.id = ++house->last_id;
    msg.body = &body;
    msg.waited = call->waited;
    arm_new(&packing, arm_new(&packing, &body.base, call->domain->arm, NULL), call->op, call->message);
    memcpy(key + 8, &msg.id, sizeof msg.id);
    msg.request_key.data = (uint8_t *)(call->key ? call->key : key);
    msg.request_key.len = REQUEST_KEY_BYTES;
    frame.kind_case = MDG__FRAME__KIND_REQUEST;
    frame.request = &msg;
    uint8_t *bytes = frame_pack(&frame, &length);
    assert_non_null(bytes);
    arena_fini(&packing);
    centre_must(dispatch_decode(bytes + FRAME_HEAD_BYTES, length - FRAME_HEAD_BYTES, &arena, &decoded), "decode");
    free(bytes);
    uint64_t id = house->last_id;
    centre_must(dispatch_request(house->dispatch, session, decoded, &arena), "request");
    return id;
}

const Mdg__Response *house_answered(const struct house *house, uint64_t id)
{
    return house->answers[id] ? house->answers[id]->response : NULL;
}

const Mdg__Response *house_await(struct house *house, uint64_t id)
{
    uint64_t until = uv_hrtime() + ANSWER_SECONDS * UINT64_C(1000000000);
    while (!house->answers[id] && uv_hrtime() < until) {
        if (uv_run(&house->loop, UV_RUN_NOWAIT) && !house->answers[id]) uv_sleep(1);
    }
    if (!house->answers[id]) fail_msg("request %d is not answered", (int)id);
    return house->answers[id]->response;
}

const Mdg__Response *house_ask(struct house *house, struct session *session, const struct domain *domain, uint32_t op,
                               const void *message)
{
    return house_await(
        house, house_send(house, session, &(struct house_call){.domain = domain, .op = op, .message = message}));
}

int house_code(const Mdg__Response *response)
{
    return response->refusal ? response->refusal->code : 0;
}
