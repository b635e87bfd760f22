/* client/ctl/sign_in.c - who works at this terminal. The sign-in is kept in the profile, so the next command finds it.
 */
#include <stdio.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/output.h"
#include "common/locale.h"

struct answered {
    struct ctl *ctl;
    bool is_done;
    int rc;
    json_t *document;
};

static void on_signed_in(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct answered *answered = arg;
    (void)client;
    answered->rc = rc;
    if (rc == 0 && response->refusal) answered->rc = ctl_refused(answered->ctl, response->refusal);
    if (answered->rc == 0 && response->body && response->body->domain_case == MDG__BODY__DOMAIN_SIGN_IN &&
        response->body->sign_in->of_case == MDG__SIGN_IN__OF_STARTED) {
        const Mdg__SignedIn *started = response->body->sign_in->started;
        answered->document = json_pack("{s:I, s:s, s:o, s:I, s:i}", "person_id", (json_int_t)started->person_id, "name",
                                       started->name, "roles", roles_json(started->roles), "until_us",
                                       (json_int_t)started->until_us, "idle_s", (int)started->idle_s);
    }
    answered->is_done = true;
}

static int run_sign_in(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Signed in"), "name", CELL_TEXT},
                                            {N_("Roles here"), "roles", CELL_WORDS},
                                            {N_("Until"), "until_us", CELL_INSTANT},
                                            {NULL, NULL, CELL_TEXT}};
    char *secret = NULL;
    struct answered answered = {.ctl = ctl};
    int rc = ctl_open(ctl, CTL_NO_SIGN_IN);
    if (rc == 0) rc = ctl_secret(ctl, _("Passphrase: "), &secret);
    if (rc == 0) rc = mdg_sign_in(ctl->client, option_text(&ctl->options, "name"), secret, on_signed_in, &answered);
    if (rc != 0) goto done;
    while (!answered.is_done) uv_run(&ctl->loop, UV_RUN_ONCE);
    rc = answered.rc;
    if (rc == 0 && !answered.document) rc = MDG_ERR_MALFORMED;
    if (rc == 0) rc = output_facts(ctl, answered.document, COLUMNS);
done:
    secret_free(secret);
    return rc;
}

static void on_signed_out(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct answered *answered = arg;
    (void)client;
    (void)response; /* nobody was signed in any more: as wished */
    answered->rc = rc;
    answered->is_done = true;
}

static int run_sign_out(struct ctl *ctl)
{
    struct answered answered = {.ctl = ctl};
    int rc = ctl_open(ctl, CTL_MAY_OFFLINE);
    if (rc == 0) rc = mdg_sign_out(ctl->client, on_signed_out, &answered);
    if (rc != 0) return rc == MDG_ERR_OFFLINE ? output_done(ctl, NULL, _("Signed out here.")) : rc;
    while (!answered.is_done) uv_run(&ctl->loop, UV_RUN_ONCE);
    if (answered.rc == MDG_ERR_OFFLINE)
        return output_done(ctl, NULL, _("Signed out here. The server cannot be reached and ends it by itself."));
    return answered.rc != 0 ? answered.rc : output_done(ctl, NULL, _("Signed out."));
}

static int sign_in_call(struct ctl *ctl, Mdg__SignIn *sign_in)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_SIGN_IN;
    body.sign_in = sign_in;
    return ctl_call(ctl, &body, CTL_READ, NULL, NULL); /* secret checks carry no request_key */
}

static int run_set_secret(struct ctl *ctl)
{
    char *old_secret = NULL, *new_secret = NULL, *repeated = NULL;
    const char *code = option_text(&ctl->options, "code");
    Mdg__SecretSet set = MDG__SECRET_SET__INIT;
    Mdg__SignIn sign_in = MDG__SIGN_IN__INIT;
    int rc = ctl_open(ctl, CTL_NO_SIGN_IN);
    if (rc == 0 && !code) rc = ctl_secret(ctl, _("Old passphrase: "), &old_secret);
    if (rc == 0) rc = ctl_secret(ctl, _("New passphrase: "), &new_secret);
    if (rc == 0 && !ctl->options.is_secret_stdin) {
        rc = ctl_secret(ctl, _("New passphrase, again: "), &repeated);
        if (rc == 0 && strcmp(new_secret, repeated) != 0)
            rc = ctl_fail(ctl, MDG_ERR_INVALID, _("The two differ. Please try again."));
    }
    if (rc != 0) goto done;
    set.name = (char *)option_text(&ctl->options, "name");
    set.new_secret = new_secret;
    if (code) {
        set.proof_case = MDG__SECRET_SET__PROOF_CODE;
        set.code = (char *)code;
    } else {
        set.proof_case = MDG__SECRET_SET__PROOF_OLD_SECRET;
        set.old_secret = old_secret;
    }
    sign_in.of_case = MDG__SIGN_IN__OF_SECRET_SET;
    sign_in.secret_set = &set;
    rc = sign_in_call(ctl, &sign_in);
    if (rc == 0) rc = output_done(ctl, NULL, _("The new passphrase holds from now on."));
done:
    secret_free(old_secret);
    secret_free(new_secret);
    secret_free(repeated);
    return rc;
}

static int run_confirm(struct ctl *ctl)
{
    char *secret = NULL;
    Mdg__SignInConfirm confirm = MDG__SIGN_IN_CONFIRM__INIT;
    Mdg__SignIn sign_in = MDG__SIGN_IN__INIT;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = ctl_secret(ctl, _("Passphrase: "), &secret);
    if (rc == 0) {
        confirm.secret = secret;
        sign_in.of_case = MDG__SIGN_IN__OF_CONFIRM;
        sign_in.confirm = &confirm;
        rc = sign_in_call(ctl, &sign_in);
    }
    if (rc == 0) rc = output_done(ctl, NULL, _("The passphrase is right."));
    secret_free(secret);
    return rc;
}

const struct ctl_command SIGN_IN_COMMANDS[] = {
    {"sign-in",
     NULL,
     N_("Sign in at this terminal."),
     run_sign_in,
     {{"name", "NAME", N_("the account's name"), true, NULL}}},
    {"sign-out", NULL, N_("Sign out at this terminal."), run_sign_out, {{0}}},
    {"set-secret",
     NULL,
     N_("Set a new passphrase, proved by the old one or by a one-day code."),
     run_set_secret,
     {{"name", "NAME", N_("the account's name"), true, NULL},
      {"code", "CODE", N_("the one-day code that the office gave; else the old passphrase is asked for"), false,
       NULL}}},
    {"confirm", NULL, N_("Check the passphrase of whoever is signed in."), run_confirm, {{0}}},
    {0},
};
