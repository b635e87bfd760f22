#include "client/ctl/sending.h"

#include <string.h>

#include "client/ctl/output.h"
#include "common/bytes.h"
#include "common/locale.h"

static void on_outbox_answer(struct ctl *ctl, const struct mdg_outbox_item *item, const Mdg__Refusal *refusal)
{
    struct sending *sending = ctl->hook_arg;
    if (memcmp(item->key, sending->key, MDG_KEY_BYTES) != 0) return; /* one that waited from before */
    sending->is_answered = true;
    if (!refusal) return;
    sending->rc = ctl_refused(ctl, refusal);
    sending->refused_number = item->number;
}

int sending_submit(struct ctl *ctl, const Mdg__Body *body, bool is_now, struct sending *sending)
{
    *sending = (struct sending){.is_waiting = false};
    int rc = MDG_ERR_FORBIDDEN;
    if (!is_now) {
        ctl->hook_arg = sending;
        ctl->on_answered = on_outbox_answer;
        rc = mdg_submit(ctl->client, body, sending->key);
    }
    if (rc == MDG_ERR_FORBIDDEN) { /* no outbox here */
        mdg_key_new(sending->key);
        return ctl_call(ctl, body, CTL_WRITE, sending->key, NULL);
    }
    if (rc != 0) return rc;
    if (ctl_is_online(ctl)) ctl_run_until(ctl, &sending->is_answered, ctl->options.timeout_ms);
    ctl->on_answered = NULL;
    sending->is_waiting = !sending->is_answered;
    /* Whoever made it reads the refusal now; it need not come up a second time. */
    if (sending->refused_number != 0) mdg_outbox_dismiss(ctl->client, sending->refused_number);
    return sending->rc;
}

int sending_done(struct ctl *ctl, const struct sending *sending, json_t *document, const char *sentence)
{
    char hex[2 * MDG_KEY_BYTES + 1];
    struct mdg_state state;
    bytes_to_hex(sending->key, MDG_KEY_BYTES, hex);
    mdg_client_state(ctl->client, &state);
    json_object_set_new(document, "key", json_string(hex));
    json_object_set_new(document, "is_waiting", json_boolean(sending->is_waiting));
    json_object_set_new(document, "unsent", json_integer(state.unsent));
    if (!sending->is_waiting) return output_done(ctl, document, "%s", sentence);
    return output_done(ctl, document,
                       ngettext("Kept; the server is not there. %u is not sent yet.",
                                "Kept; the server is not there. %u are not sent yet.", state.unsent),
                       state.unsent);
}
