/* client/ctl/accounts.c - accounts of people, kept by the office. */
#include <string.h>

#include <stdlib.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/output.h"
#include "common/locale.h"
#include "common/text.h"

static int accounts_call(struct ctl *ctl, Mdg__Accounts *accounts, enum ctl_access access, Mdg__Response **out)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_ACCOUNTS;
    body.accounts = accounts;
    return ctl_call(ctl, &body, access, NULL, out);
}

static json_t *account_json(const Mdg__Account *account)
{
    return json_pack("{s:I, s:s, s:s, s:o, s:b, s:b, s:b, s:I}", "id", (json_int_t)account->id, "name", account->name,
                     "reading", account->reading, "roles", roles_json(account->roles), "is_disabled",
                     account->is_disabled, "is_locked", account->is_locked, "has_secret", account->has_secret,
                     "last_sign_in_us", (json_int_t)account->last_sign_in_us);
}

/* All pages into an array that the caller owns. */
static int accounts_all(struct ctl *ctl, json_t **out)
{
    json_t *rows = json_array();
    bool has_more = true;
    int64_t after_id = 0;
    int rc = 0;
    while (rc == 0 && has_more) {
        Mdg__AccountList list = MDG__ACCOUNT_LIST__INIT;
        Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
        Mdg__Response *response = NULL;
        list.after_id = after_id;
        accounts.of_case = MDG__ACCOUNTS__OF_LIST;
        accounts.list = &list;
        has_more = false;
        rc = accounts_call(ctl, &accounts, CTL_READ, &response);
        if (rc == 0 && response->body && response->body->domain_case == MDG__BODY__DOMAIN_ACCOUNTS &&
            response->body->accounts->of_case == MDG__ACCOUNTS__OF_LISTED) {
            const Mdg__AccountListed *listed = response->body->accounts->listed;
            for (size_t i = 0; i < listed->n_accounts; i++) {
                json_array_append_new(rows, account_json(listed->accounts[i]));
                after_id = listed->accounts[i]->id;
            }
            has_more = listed->has_more && listed->n_accounts > 0;
        }
        if (response) mdg__response__free_unpacked(response, NULL);
    }
    if (rc == 0)
        *out = rows;
    else
        json_decref(rows);
    return rc;
}

static int run_list(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Number"), "id", CELL_NUMBER},
                                            {N_("Name"), "name", CELL_TEXT},
                                            {N_("Reading"), "reading", CELL_TEXT},
                                            {N_("Roles"), "roles", CELL_WORDS},
                                            {N_("Passphrase set"), "has_secret", CELL_MARK},
                                            {N_("Locked"), "is_locked", CELL_MARK},
                                            {N_("Disabled"), "is_disabled", CELL_MARK},
                                            {N_("Last sign-in"), "last_sign_in_us", CELL_INSTANT},
                                            {NULL, NULL, CELL_TEXT}};
    json_t *rows = NULL;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = accounts_all(ctl, &rows);
    return rc != 0 ? rc : output_table(ctl, json_pack("{s:o}", "accounts", rows), "accounts", COLUMNS);
}

static bool names_equal(const char *a, const char *b)
{
    char *a_key = text_name_key(a), *b_key = text_name_key(b);
    bool is_equal = a_key && b_key && strcmp(a_key, b_key) == 0;
    free(a_key);
    free(b_key);
    return is_equal;
}

/* An account by its number or its name. */
static int account_find(struct ctl *ctl, const char *wanted, int64_t *id)
{
    json_t *rows = NULL;
    if (number_parse(wanted, 1, INT64_MAX, id) == 0) return 0;
    int rc = accounts_all(ctl, &rows);
    if (rc != 0) return rc;
    *id = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (names_equal(json_string_value(json_object_get(row, "name")), wanted))
            *id = json_integer_value(json_object_get(row, "id"));
    }
    json_decref(rows);
    if (*id != 0) return 0;
    return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("There is no account “%s”. Please see “account list”."), wanted);
}

static int code_show(struct ctl *ctl, int64_t person_id, const Mdg__AccountCode *code)
{
    static const struct column COLUMNS[] = {{N_("Account"), "person_id", CELL_TEXT},
                                            {N_("One-day code"), "code", CELL_TEXT},
                                            {N_("Until"), "until_us", CELL_INSTANT},
                                            {NULL, NULL, CELL_TEXT}};
    char shown[CODE_CHARACTERS + 3];
    code_text(code->code, shown);
    return output_facts(ctl,
                        json_pack("{s:I, s:s, s:I}", "person_id", (json_int_t)person_id, "code", shown, "until_us",
                                  (json_int_t)code->until_us),
                        COLUMNS);
}

static const Mdg__AccountCode *code_of(const Mdg__Response *response)
{
    if (!response->body || response->body->domain_case != MDG__BODY__DOMAIN_ACCOUNTS) return NULL;
    const Mdg__Accounts *accounts = response->body->accounts;
    if (accounts->of_case == MDG__ACCOUNTS__OF_CREATED_CODE) return accounts->created_code;
    return accounts->of_case == MDG__ACCOUNTS__OF_RESET_CODE ? accounts->reset_code : NULL;
}

static int run_create(struct ctl *ctl)
{
    Mdg__AccountCreate create = MDG__ACCOUNT_CREATE__INIT;
    Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
    Mdg__Response *response = NULL;
    const char *reading = option_text(&ctl->options, "reading");
    create.name = (char *)option_text(&ctl->options, "name");
    create.reading = (char *)(reading ? reading : "");
    accounts.of_case = MDG__ACCOUNTS__OF_CREATE;
    accounts.create = &create;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = accounts_call(ctl, &accounts, CTL_WRITE, &response);
    if (rc != 0) return rc;
    const Mdg__AccountCode *code = code_of(response);
    rc = code ? code_show(ctl, response->object_id, code) : MDG_ERR_MALFORMED;
    mdg__response__free_unpacked(response, NULL);
    return rc;
}

static int run_reset(struct ctl *ctl)
{
    Mdg__AccountReset reset = MDG__ACCOUNT_RESET__INIT;
    Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
    Mdg__Response *response = NULL;
    accounts.of_case = MDG__ACCOUNTS__OF_RESET;
    accounts.reset = &reset;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = account_find(ctl, ctl->options.operand, &reset.person_id);
    if (rc == 0) rc = accounts_call(ctl, &accounts, CTL_WRITE, &response);
    if (rc != 0) return rc;
    const Mdg__AccountCode *code = code_of(response);
    rc = code ? code_show(ctl, reset.person_id, code) : MDG_ERR_MALFORMED;
    mdg__response__free_unpacked(response, NULL);
    return rc;
}

static json_t *person_json(int64_t person_id)
{
    return json_pack("{s:I}", "person_id", (json_int_t)person_id);
}

static int run_disable(struct ctl *ctl)
{
    Mdg__AccountDisable disable = MDG__ACCOUNT_DISABLE__INIT;
    Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
    accounts.of_case = MDG__ACCOUNTS__OF_DISABLE;
    accounts.disable = &disable;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = account_find(ctl, ctl->options.operand, &disable.person_id);
    if (rc == 0) rc = accounts_call(ctl, &accounts, CTL_WRITE, NULL);
    return rc != 0 ? rc : output_done(ctl, person_json(disable.person_id), _("The account can no longer sign in."));
}

static int run_enable(struct ctl *ctl)
{
    Mdg__AccountEnable enable = MDG__ACCOUNT_ENABLE__INIT;
    Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
    accounts.of_case = MDG__ACCOUNTS__OF_ENABLE;
    accounts.enable = &enable;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = account_find(ctl, ctl->options.operand, &enable.person_id);
    if (rc == 0) rc = accounts_call(ctl, &accounts, CTL_WRITE, NULL);
    return rc != 0 ? rc : output_done(ctl, person_json(enable.person_id), _("The account can sign in again."));
}

static int run_unlock(struct ctl *ctl)
{
    Mdg__AccountUnlock unlock = MDG__ACCOUNT_UNLOCK__INIT;
    Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
    accounts.of_case = MDG__ACCOUNTS__OF_UNLOCK;
    accounts.unlock = &unlock;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = account_find(ctl, ctl->options.operand, &unlock.person_id);
    if (rc == 0) rc = accounts_call(ctl, &accounts, CTL_WRITE, NULL);
    return rc != 0 ? rc : output_done(ctl, person_json(unlock.person_id), _("The account is unlocked."));
}

static int run_roles(struct ctl *ctl)
{
    Mdg__AccountRoles roles = MDG__ACCOUNT_ROLES__INIT;
    Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
    Mdg__Response *response = NULL;
    if (roles_of_words(option_text(&ctl->options, "roles"), &roles.roles) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID,
                        _("--roles: please give desk, office, consultation, group, council, chair, joined by commas."));
    accounts.of_case = MDG__ACCOUNTS__OF_ROLES;
    accounts.roles = &roles;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = account_find(ctl, ctl->options.operand, &roles.person_id);
    if (rc == 0) rc = accounts_call(ctl, &accounts, CTL_WRITE, &response);
    if (rc != 0) return rc;
    json_t *document = json_pack("{s:I, s:I}", "person_id", (json_int_t)roles.person_id, "approval_id",
                                 (json_int_t)response->object_id);
    rc = output_done(ctl, document, _("This waits for a second person as approval %lld."),
                     (long long)response->object_id);
    mdg__response__free_unpacked(response, NULL);
    return rc;
}

const struct ctl_command ACCOUNT_COMMANDS[] = {
    {"account list", NULL, N_("Show all accounts."), run_list, {{0}}},
    {"account create",
     NULL,
     N_("Make an account and show its one-day code."),
     run_create,
     {{"name", "NAME", N_("unique name to sign in with"), true, NULL},
      {"reading", "KANA", N_("reading, for sorting"), false, NULL}}},
    {"account reset", "NAME", N_("Give a new one-day code, face to face."), run_reset, {{0}}},
    {"account unlock", "NAME", N_("Let an account sign in again after too many wrong passphrases."), run_unlock, {{0}}},
    {"account disable", "NAME", N_("Let an account no longer sign in."), run_disable, {{0}}},
    {"account enable", "NAME", N_("Let a disabled account sign in again."), run_enable, {{0}}},
    {"account roles",
     "NAME",
     N_("Ask for another set of roles; a second person decides."),
     run_roles,
     {{"roles", "ROLE,ROLE", N_("all roles from then on, or none"), true,
       "desk office consultation group council chair none"}}},
    {0},
};
