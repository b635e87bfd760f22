/* server/sign_in/secret_set.c - a person's new secret, proved by the present one or by the office's one-day code. */
#include <string.h>

#include "common/code.h"
#include "server/accounts/account_store.h"
#include "server/request/request.h"
#include "server/sign_in/secret_check.h"
#include "server/sign_in/secret_rules.h"
#include "server/sign_in/sign_in_handlers.h"

static int rules_check(struct request *rq, const char *secret, const struct secret_subject *subject)
{
    const char *rule = secret_rules_check(secret, subject);
    if (!rule) return 0;
    refuse(rq, MDG_ERR_INVALID, "new_secret", rule);
    if (strcmp(rule, "too_short") == 0) refuse_arg(rq, "min", "%d", secret_characters_min(subject->roles));
    return MDG_ERR_INVALID;
}

/* The code in its plain form, in the arena; NULL: it cannot be one, which costs and says the same as a wrong one. */
static int code_plain(struct request *rq, const char *typed, const char **plain)
{
    char code[CODE_CHARACTERS + 1];
    *plain = NULL;
    if (code_normalize(typed, code) != 0) return 0;
    *plain = arena_strdup(&rq->arena, code);
    return *plain ? 0 : MDG_ERR_MEMORY;
}

int prepare_secret_set(struct request *rq)
{
    const Mdg__SecretSet *op = rq->op;
    const char *name_key, *proof = NULL;
    bool is_code = op->proof_case == MDG__SECRET_SET__PROOF_CODE;
    if (op->proof_case == MDG__SECRET_SET__PROOF__NOT_SET) return refuse(rq, MDG_ERR_INVALID, "proof", "required");

    int rc = secret_check_name_key(rq, op->name, &name_key);
    /* Of the account nothing is known yet: what follows from its roles is said only to whoever proved to be it. */
    if (rc == 0) rc = rules_check(rq, op->new_secret, &(struct secret_subject){.name = op->name});
    if (rc == 0 && is_code)
        rc = code_plain(rq, op->code, &proof);
    else if (rc == 0)
        proof = op->old_secret;
    if (rc == 0) rc = secret_check_prepare(rq, name_key, proof, is_code);
    if (rc == 0) ((struct secret_check *)rq->work)->new_secret = op->new_secret;
    return rc;
}

void work_secret_set(struct request *rq)
{
    secret_check_work(rq);
}

/* At the staff's terminals everybody may: that is where the office hands a code over, and a new account has no role
 * yet. Elsewhere whoever may sign in there. */
static bool may_set_secret(const struct request *rq, const struct account *account)
{
    if (account->is_disabled) return false;
    return (KIND_BIT(rq->caller.kind) & KINDS_STAFF) || sign_in_roles(rq, account) != 0;
}

int handle_secret_set(struct request *rq)
{
    const Mdg__SecretSet *op = rq->op;
    const struct secret_check *check = rq->work;
    struct account account;
    bool is_passed;
    int rc = secret_check_settle(rq, &account, may_set_secret, &is_passed);
    if (rc != 0 || !is_passed) return rc;
    rc = rules_check(rq, op->new_secret, &(struct secret_subject){account.roles, account.name, account.reading});
    if (rc != 0) return rc;

    int64_t rev = change_record(rq, account.id);
    bool is_long = secret_characters(op->new_secret) >= SECRET_CHARACTERS_MIN_LONG;
    rc = account_set_secret(rq->db, account.id, check->new_hash, is_long);
    if (rc == 0) rc = account_set_rev(rq->db, account.id, rev);
    if (rc != 0 || !check->is_code) return rc;

    /* The secret before may be in wrong hands: whoever is signed in with it is signed out. */
    rc = account_code_drop(rq->db, account.id);
    if (rc == 0) rc = sign_in_end_person(rq->db, account.id, rq->now_us);
    if (rc == 0) rc = effect_add(rq, &(struct effect){.kind = EFFECT_PERSON_CHANGED, .person_id = account.id});
    return rc;
}
