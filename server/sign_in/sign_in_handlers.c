#include "server/sign_in/sign_in_handlers.h"

#include "common/day.h"
#include "server/accounts/account_store.h"
#include "server/request/request.h"
#include "server/sign_in/secret_check.h"
#include "server/sign_in/sign_in_store.h"

#define CONFIRMED_US (5 * US_PER_MINUTE)

struct span {
    int64_t idle_us, total_us;
};

/* The lounge is the public's: whoever walks away leaves it open for the next visitor. */
static struct span span_at(enum terminal_kind kind)
{
    if (kind == KIND_LOUNGE) return (struct span){3 * US_PER_MINUTE, 20 * US_PER_MINUTE};
    return (struct span){10 * US_PER_MINUTE, 12 * US_PER_HOUR};
}

uint32_t sign_in_roles(const struct request *rq, const struct account *account)
{
    return roles_effective(rq->caller.kind, rq->caller.is_private, account->roles) & ROLE_BITS_OF_PERSONS;
}

static bool may_sign_in(const struct request *rq, const struct account *account)
{
    return !account->is_disabled && sign_in_roles(rq, account) != 0;
}

static bool may_confirm(const struct request *rq, const struct account *account)
{
    return account->id == rq->caller.person_id && may_sign_in(rq, account);
}

/* The answer and the effect of a sign-in that begins or goes on. */
static int sign_in_answer(struct request *rq, const struct account *account, const struct sign_in *sign_in,
                          const uint8_t token[SIGN_IN_TOKEN_BYTES])
{
    Mdg__SignedIn *answer = answer_new(rq);
    if (!answer) return MDG_ERR_MEMORY;
    answer->token.data = arena_copy(&rq->arena, token, SIGN_IN_TOKEN_BYTES);
    answer->token.len = SIGN_IN_TOKEN_BYTES;
    answer->person_id = account->id;
    answer->name = (char *)account->name;
    answer->roles = sign_in_roles(rq, account);
    answer->until_us = sign_in->until_us;
    answer->idle_s = (uint32_t)(sign_in->idle_us / US_PER_SECOND);
    if (!answer->token.data) return MDG_ERR_MEMORY;
    rq->object_id = account->id;
    return effect_add(rq, &(struct effect){.kind = EFFECT_SIGNED_IN,
                                           .person_id = account->id,
                                           .sign_in_id = sign_in->id,
                                           .roles = account->roles,
                                           .until_us = sign_in->until_us,
                                           .idle_us = sign_in->idle_us});
}

int prepare_sign_in_start(struct request *rq)
{
    const Mdg__SignInStart *op = rq->op;
    const char *name_key;
    int rc = secret_check_name_key(rq, op->name, &name_key);
    if (rc == 0) rc = secret_check_prepare(rq, name_key, op->secret, false);
    return rc;
}

void work_secret_check(struct request *rq)
{
    secret_check_work(rq);
}

int handle_sign_in_start(struct request *rq)
{
    const struct secret_check *check = rq->work;
    struct account account;
    bool is_passed;
    int rc = secret_check_settle(rq, &account, may_sign_in, &is_passed);
    if (rc != 0 || !is_passed) return rc;

    struct span span = span_at(rq->caller.kind);
    struct sign_in sign_in = {.id = turn_next_id(rq->turn),
                              .person_id = account.id,
                              .terminal_id = rq->caller.terminal_id,
                              .from_us = rq->now_us,
                              .until_us = rq->now_us + span.total_us,
                              .idle_us = span.idle_us};
    /* A quick switch of persons at a counter: the one before is signed out. */
    if (rq->caller.sign_in_id) rc = sign_in_end(rq->db, rq->caller.sign_in_id, rq->now_us);
    if (rc == 0) rc = sign_in_insert(rq->db, &sign_in, check->token);
    if (rc == 0 && check->new_hash[0])
        rc = account_set_secret(rq->db, account.id, check->new_hash, account.secret_is_long);
    if (rc == 0) rc = account_signed_in(rq->db, account.id, rq->now_us);
    if (rc == 0) rc = sign_in_answer(rq, &account, &sign_in, check->token);
    return rc;
}

int handle_sign_in_resume(struct request *rq)
{
    const Mdg__SignInResume *op = rq->op;
    struct sign_in sign_in;
    struct account account;
    int rc = sign_in_by_token(rq->db, op->token.data, op->token.len, &sign_in);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, MDG_ERR_SIGN_IN_NEEDED, "token", "ended");
    if (rc != 0) return rc;
    /* Another terminal learns no more than from a token that never was. */
    if (sign_in.terminal_id != rq->caller.terminal_id) return refuse(rq, MDG_ERR_SIGN_IN_NEEDED, "token", "ended");
    if (sign_in.ended_us || rq->now_us >= sign_in.until_us || rq->now_us >= sign_in.last_us + sign_in.idle_us)
        return refuse(rq, MDG_ERR_SIGN_IN_NEEDED, "token", "ended");

    rc = account_by_id(rq->db, &rq->arena, sign_in.person_id, &account);
    if (rc != 0) return rc;
    if (!may_sign_in(rq, &account)) return refuse(rq, MDG_ERR_SIGN_IN_NEEDED, "token", "ended");
    if (rq->caller.sign_in_id && rq->caller.sign_in_id != sign_in.id)
        rc = sign_in_end(rq->db, rq->caller.sign_in_id, rq->now_us);
    if (rc == 0) rc = sign_in_touch(rq->db, sign_in.id, rq->now_us);
    if (rc == 0) rc = sign_in_answer(rq, &account, &sign_in, op->token.data);
    return rc;
}

int handle_sign_in_end(struct request *rq)
{
    int rc = rq->caller.sign_in_id ? sign_in_end(rq->db, rq->caller.sign_in_id, rq->now_us) : 0;
    rq->object_id = rq->caller.person_id;
    if (rc == 0) rc = effect_add(rq, &(struct effect){.kind = EFFECT_SIGNED_OUT, .person_id = rq->caller.person_id});
    return rc;
}

int prepare_sign_in_confirm(struct request *rq)
{
    const Mdg__SignInConfirm *op = rq->op;
    struct account account;
    int rc = account_by_id(rq->db, &rq->arena, rq->caller.person_id, &account);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, MDG_ERR_SIGN_IN_NEEDED, NULL, NULL);
    if (rc == 0) rc = secret_check_prepare(rq, account.name_key, op->secret, false);
    return rc;
}

int handle_sign_in_confirm(struct request *rq)
{
    const struct secret_check *check = rq->work;
    struct account account;
    bool is_passed;
    int rc = secret_check_settle(rq, &account, may_confirm, &is_passed);
    if (rc != 0 || !is_passed) return rc;
    if (check->new_hash[0]) rc = account_set_secret(rq->db, account.id, check->new_hash, account.secret_is_long);
    rq->object_id = account.id;
    if (rc == 0)
        rc = effect_add(
            rq,
            &(struct effect){.kind = EFFECT_CONFIRMED, .person_id = account.id, .until_us = rq->now_us + CONFIRMED_US});
    return rc;
}
