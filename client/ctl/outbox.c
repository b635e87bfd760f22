/* client/ctl/outbox.c - what waits to be sent, and what was refused while nobody looked. */
#include <stdio.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/output.h"
#include "common/locale.h"

#define CALL_NAME_BYTES 80

/* The name of the arm that is set in a message of one oneof, and what it holds; NULL: none is. */
static const char *arm_of(const ProtobufCMessage *message, const ProtobufCMessage **inner)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        uint32_t arm = 0;
        if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || field->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        memcpy(&arm, (const char *)message + field->quantifier_offset, sizeof arm);
        if (arm != field->id) continue;
        memcpy(inner, (const char *)message + field->offset, sizeof *inner);
        return field->name;
    }
    return NULL;
}

/* "visits.count", as in the route table; a call of a domain to come is named as well. */
static void call_name(const Mdg__Body *body, char *out, size_t size)
{
    const ProtobufCMessage *domain = NULL, *call = NULL;
    const char *domain_name = body ? arm_of(&body->base, &domain) : NULL;
    const char *name = domain ? arm_of(domain, &call) : NULL;
    snprintf(out, size, "%s.%s", domain_name ? domain_name : "?", name ? name : "?");
}

static json_t *item_json(const struct mdg_outbox_item *item)
{
    static const char *const STATES[] = {"unsent", "refused", "too_old"};
    char name[CALL_NAME_BYTES], sentence[SENTENCE_BYTES] = "";
    call_name(item->body, name, sizeof name);
    if (item->refusal) refusal_sentence(item->refusal, sentence, sizeof sentence);
    json_t *row = json_pack("{s:I, s:s, s:s, s:I, s:I, s:s, s:s}", "number", (json_int_t)item->number, "state",
                            STATES[item->state], "call", name, "made_us", (json_int_t)item->made_us, "person_id",
                            (json_int_t)item->person_id, "person", item->person_name ? item->person_name : "",
                            "sentence", sentence);
    if (item->refusal) json_object_set_new(row, "refusal", refusal_json(item->refusal));
    return row;
}

static void on_item(const struct mdg_outbox_item *item, void *arg)
{
    json_array_append_new(arg, item_json(item));
}

static int run_list(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Number"), "number", CELL_NUMBER},
                                            {N_("State"), "state", CELL_WORD},
                                            {N_("What"), "call", CELL_TEXT},
                                            {N_("Made"), "made_us", CELL_INSTANT},
                                            {N_("By"), "person", CELL_TEXT},
                                            {N_("Why refused"), "sentence", CELL_TEXT},
                                            {NULL, NULL, CELL_TEXT}};
    json_t *rows = json_array();
    int rc = ctl_open(ctl, CTL_OUTBOX | CTL_UNPLUGGED);
    if (rc == 0) rc = mdg_outbox_each(ctl->client, on_item, rows);
    if (rc == 0) return output_table(ctl, json_pack("{s:o}", "items", rows), "items", COLUMNS);
    json_decref(rows);
    return rc;
}

static int run_dismiss(struct ctl *ctl)
{
    int64_t number;
    if (number_parse(ctl->options.operand, 1, INT64_MAX, &number) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give the number that “outbox list” shows."));
    int rc = ctl_open(ctl, CTL_OUTBOX | CTL_UNPLUGGED);
    if (rc == 0) rc = mdg_outbox_dismiss(ctl->client, number);
    if (rc == MDG_ERR_STATE) return ctl_fail(ctl, rc, _("This one is still to be sent. Please use “outbox send”."));
    return rc != 0 ? rc : output_done(ctl, json_pack("{s:I}", "number", (json_int_t)number), _("It is off the list."));
}

struct sent {
    unsigned accepted, refused;
    bool is_empty;
};

static void on_answered(struct ctl *ctl, const struct mdg_outbox_item *item, const Mdg__Refusal *refusal)
{
    struct sent *sent = ctl->hook_arg;
    (void)item;
    if (refusal)
        sent->refused++;
    else
        sent->accepted++;
}

static void on_state(struct ctl *ctl, const struct mdg_state *state)
{
    struct sent *sent = ctl->hook_arg;
    sent->is_empty = state->link == MDG_LINK_ONLINE && state->unsent == 0;
}

static int run_send(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Sent"), "accepted", CELL_NUMBER},
                                            {N_("Refused"), "refused", CELL_NUMBER},
                                            {N_("Not sent yet"), "unsent", CELL_NUMBER},
                                            {NULL, NULL, CELL_TEXT}};
    struct sent sent = {0};
    struct mdg_state state;
    ctl->hook_arg = &sent;
    ctl->on_answered = on_answered;
    ctl->on_state = on_state;
    int rc = ctl_open(ctl, CTL_OUTBOX);
    if (rc != 0) return rc;
    mdg_client_state(ctl->client, &state);
    if (state.unsent > 0) ctl_run_until(ctl, &sent.is_empty, ctl->options.timeout_ms);
    mdg_client_state(ctl->client, &state);
    rc = output_facts(ctl,
                      json_pack("{s:i, s:i, s:i}", "accepted", (int)sent.accepted, "refused", (int)sent.refused,
                                "unsent", (int)state.unsent),
                      COLUMNS);
    if (rc != 0 || (sent.refused == 0 && state.unsent == 0)) return rc;
    if (sent.refused > 0) return ctl_fail(ctl, MDG_ERR_CONFLICT, _("Something was refused. Please see “outbox list”."));
    return MDG_ERR_DEADLINE;
}

const struct ctl_command OUTBOX_COMMANDS[] = {
    {"outbox list", NULL, N_("Show what is not sent yet and what was refused."), run_list, {{0}}},
    {"outbox send", NULL, N_("Send now what waits."), run_send, {{0}}},
    {"outbox dismiss",
     "NUMBER",
     N_("Take a refused one off the list, once you have dealt with it."),
     run_dismiss,
     {{0}}},
    {0},
};
