#include "client/lib/replay.h"

#include <string.h>

#include "common/error.h"

void replay_init(struct replay *replay, struct outbox *outbox, replay_send *send, void *arg)
{
    *replay = (struct replay){.outbox = outbox, .send = send, .arg = arg};
}

void replay_open(struct replay *replay)
{
    replay_init(replay, replay->outbox, replay->send, replay->arg);
    replay->is_open = true;
}

void replay_close(struct replay *replay)
{
    replay_init(replay, replay->outbox, replay->send, replay->arg);
}

/* The call's arms in Body and in its domain, read from the descriptors so that a new domain needs no line here. */
static uint32_t call_kind(const Mdg__Body *body)
{
    const ProtobufCFieldDescriptor *arm =
        protobuf_c_message_descriptor_get_field(&mdg__body__descriptor, (unsigned)body->domain_case);
    if (!arm) return 0;
    ProtobufCMessage *domain = NULL;
    memcpy(&domain, (const char *)body + arm->offset, sizeof domain);
    if (!domain || domain->descriptor->n_fields == 0) return 0;
    int op = 0;
    memcpy(&op, (const char *)domain + domain->descriptor->fields[0].quantifier_offset, sizeof op);
    return (uint32_t)body->domain_case * 1000 + (uint32_t)op;
}

bool replay_is_later(int code)
{
    switch (code) {
    case MDG_ERR_BUSY:
    case MDG_ERR_DISK_FULL:
    case MDG_ERR_IO:
    case MDG_ERR_MEMORY:
    case MDG_ERR_SHUTTING_DOWN:
    case MDG_ERR_HELLO_FIRST:
        return true;
    default:
        return false;
    }
}

int replay_pump(struct replay *replay, uint64_t now_ms, uint64_t *wait_ms)
{
    *wait_ms = 0;
    if (!replay->is_open || (replay->again_from > 0 && replay->under_way > 0)) return 0;
    if (replay->not_before_ms > now_ms) {
        *wait_ms = replay->not_before_ms - now_ms;
        return 0;
    }
    if (replay->again_from > 0) replay->sent = replay->again_from - 1;
    replay->again_from = 0;

    int rc = 0;
    while (rc == 0 && replay->is_open && replay->under_way < REPLAY_AHEAD) {
        struct outbox_entry entry;
        rc = outbox_next(replay->outbox, replay->sent, &entry);
        if (rc != 0) break;
        uint32_t kind = call_kind(entry.item.body);
        bool may_go = replay->under_way == 0 || kind == replay->call_kind;
        if (may_go) rc = replay->send(replay->arg, &entry);
        if (may_go && rc == 0) {
            replay->under_way++;
            replay->call_kind = kind;
            replay->sent = entry.item.number;
        }
        outbox_entry_fini(&entry);
        if (!may_go) break;
    }
    return rc == MDG_ERR_NOT_FOUND ? 0 : rc;
}

int replay_answered(struct replay *replay, int64_t number, int rc, const Mdg__Response *response, uint64_t now_ms,
                    enum replay_verdict *verdict)
{
    const Mdg__Refusal *refusal = response ? response->refusal : NULL;
    if (replay->under_way > 0) replay->under_way--;
    if (rc != 0 || (refusal && replay_is_later(refusal->code))) {
        uint32_t pause_ms = refusal && refusal->retry_after_ms > 0 ? refusal->retry_after_ms : REPLAY_PAUSE_MS;
        if (now_ms + pause_ms > replay->not_before_ms) replay->not_before_ms = now_ms + pause_ms;
        if (replay->again_from == 0 || number < replay->again_from) replay->again_from = number;
        *verdict = REPLAY_LATER;
        return 0;
    }
    *verdict = refusal ? REPLAY_REFUSED : REPLAY_ACCEPTED;
    return refusal ? outbox_refuse(replay->outbox, number, refusal) : outbox_accept(replay->outbox, number);
}
