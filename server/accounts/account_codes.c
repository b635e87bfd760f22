/* server/accounts/account_codes.c - what ends in a one-day code: a new account, a reset by the office, a recovery at
 * the console. The code is made and hashed before the writer's turn; only its hash stays. */
#include "server/accounts/account_handlers.h"
#include "server/accounts/account_store.h"
#include "server/request/request.h"
#include "server/sign_in/throttle_store.h"

struct code_work {
    char code[CODE_CHARACTERS + 1];
    char hash[SECRET_HASH_BYTES_MAX];
    int rc;
};

static int code_begin(struct request *rq)
{
    struct code_work *work = arena_alloc(&rq->arena, sizeof *work);
    if (!work) return MDG_ERR_MEMORY;
    code_generate(work->code);
    rq->work = work;
    return 0;
}

void work_account_code(struct request *rq)
{
    struct code_work *work = rq->work;
    work->rc = secret_hash(rq->keys, work->code, work->hash);
}

static int code_issue(struct request *rq, int64_t person_id)
{
    const struct code_work *work = rq->work;
    Mdg__AccountCode *answer = answer_new(rq);
    char shown[CODE_CHARACTERS + 3];
    if (!answer) return MDG_ERR_MEMORY;
    code_format(work->code, shown);
    answer->code = arena_strdup(&rq->arena, shown);
    answer->until_us = rq->now_us + ACCOUNT_CODE_LIFE_US;
    if (!answer->code) return MDG_ERR_MEMORY;
    return work->rc != 0 ? work->rc : account_code_put(rq->db, person_id, work->hash, answer->until_us);
}

static int name_key_of(struct request *rq, const char *name, const char **name_key)
{
    int rc = account_name_key(&rq->arena, name, name_key);
    return rc == MDG_ERR_INVALID ? refuse(rq, rc, "name", "required") : rc;
}

/* Whoever gets a code must be able to use it: too many wrong secrets do not stand in its way. */
static int open_name(struct request *rq, const struct account *account)
{
    uint8_t name_hash[KEY_BYTES];
    int rc = throttle_name_hash(rq->keys, account->name_key, name_hash);
    return rc != 0 ? rc : throttle_open_name(rq->db, name_hash);
}

/* --- create --------------------------------------------------------------------------------------------- */

static int create_check(struct request *rq, const char **name_key)
{
    const Mdg__AccountCreate *op = rq->op;
    struct account there;
    int rc = name_key_of(rq, op->name, name_key);
    if (rc != 0) return rc;
    rc = account_by_name_key(rq->db, &rq->arena, *name_key, &there);
    if (rc == MDG_ERR_NOT_FOUND) return 0;
    if (rc != 0) return rc;
    refuse(rq, MDG_ERR_CONFLICT, "name", "taken");
    rq->refusal.object_id = there.id;
    return MDG_ERR_CONFLICT;
}

/* Whether the name is taken is for the writer to say: a repeated request_key is answered as the first time, and by
 * then the name is taken by that account itself. */
int prepare_account_create(struct request *rq)
{
    return code_begin(rq);
}

int handle_account_create(struct request *rq)
{
    const Mdg__AccountCreate *op = rq->op;
    struct account account = {.name = op->name, .reading = op->reading, .created_us = rq->now_us};
    int rc = create_check(rq, &account.name_key);
    if (rc != 0) return rc;
    account.id = turn_next_id(rq->turn);
    account.rev = change_record(rq, account.id);
    rc = account_insert(rq->db, &account);
    if (rc == 0) rc = code_issue(rq, account.id);
    return rc;
}

/* --- reset ---------------------------------------------------------------------------------------------- */

static int reset_find(struct request *rq, struct account *account)
{
    const Mdg__AccountReset *op = rq->op;
    int rc = account_by_id(rq->db, &rq->arena, op->person_id, account);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "person_id", NULL);
    if (rc == 0 && account->is_disabled) return refuse(rq, MDG_ERR_STATE, "person_id", "disabled");
    return rc;
}

int prepare_account_reset(struct request *rq)
{
    struct account account;
    int rc = reset_find(rq, &account);
    return rc != 0 ? rc : code_begin(rq);
}

static int code_renew(struct request *rq, const struct account *account)
{
    int64_t rev = change_record(rq, account->id);
    int rc = account_set_rev(rq->db, account->id, rev);
    if (rc == 0) rc = open_name(rq, account);
    if (rc == 0) rc = code_issue(rq, account->id);
    return rc;
}

int handle_account_reset(struct request *rq)
{
    struct account account;
    int rc = reset_find(rq, &account);
    if (rc == 0) rc = code_renew(rq, &account);
    return rc;
}

/* --- recover -------------------------------------------------------------------------------------------- */

static int recover_find(struct request *rq, struct account *account)
{
    const Mdg__AccountRecover *op = rq->op;
    const char *name_key;
    int rc = name_key_of(rq, op->name, &name_key);
    if (rc == 0) rc = account_by_name_key(rq->db, &rq->arena, name_key, account);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "name", NULL);
    if (rc == 0 && !(account->roles & ROLE_BIT_OFFICE)) return refuse(rq, MDG_ERR_STATE, "name", "not_office");
    if (rc == 0 && account->is_disabled) return refuse(rq, MDG_ERR_STATE, "name", "disabled");
    return rc;
}

int prepare_account_recover(struct request *rq)
{
    struct account account;
    int rc = recover_find(rq, &account);
    return rc != 0 ? rc : code_begin(rq);
}

int handle_account_recover(struct request *rq)
{
    struct account account;
    int rc = recover_find(rq, &account);
    if (rc == 0) rc = code_renew(rq, &account);
    /* Nobody may be left who could open the terminals either. */
    if (rc == 0) rc = throttle_open_terminals(rq->db);
    return rc;
}
