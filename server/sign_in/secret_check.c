#include "server/sign_in/secret_check.h"

#include <string.h>

#include <sodium.h>

#include "server/request/request.h"
#include "server/sign_in/throttle_store.h"

int secret_check_name_key(struct request *rq, const char *name, const char **name_key)
{
    int rc = account_name_key(&rq->arena, name, name_key);
    return rc == MDG_ERR_INVALID ? refuse(rq, rc, "name", "required") : rc;
}

/* The same words for a name that is known and for one that is not. */
static int refuse_locked(struct request *rq, enum throttle_cause cause, int64_t until_us)
{
    switch (cause) {
    case THROTTLE_CAUSE_TERMINAL:
        return refuse(rq, MDG_ERR_LOCKED, NULL, "terminal");
    case THROTTLE_CAUSE_NAME:
        return refuse(rq, MDG_ERR_LOCKED, NULL, "office");
    default:
        refuse(rq, MDG_ERR_LOCKED, NULL, "wait");
        rq->refusal.retry_after_ms = (uint32_t)((until_us - rq->now_us + 999) / 1000);
        return refuse_arg(rq, "until_us", "%lld", (long long)until_us);
    }
}

static int throttle_pass(struct request *rq, const char *name_key, struct throttle_try *at)
{
    uint8_t name_hash[KEY_BYTES];
    int64_t until_us;
    int rc = throttle_name_hash(rq->keys, name_key, name_hash);
    if (rc == 0) rc = throttle_load(rq->db, name_hash, rq->caller.terminal_id, rq->caller.kind, at);
    if (rc != 0) return rc;
    enum throttle_cause cause = throttle_judge(at, rq->now_us, &until_us);
    return cause == THROTTLE_CAUSE_NONE ? 0 : refuse_locked(rq, cause, until_us);
}

/* The hash that stands for this try now: "" where there is none. */
static int stored_hash(struct request *rq, bool is_code, const struct account *account,
                       char hash[SECRET_HASH_BYTES_MAX])
{
    hash[0] = '\0';
    if (!is_code) {
        memcpy(hash, account->secret_hash, SECRET_HASH_BYTES_MAX);
        return 0;
    }
    struct account_code code;
    int rc = account_code_by_id(rq->db, account->id, &code);
    if (rc == 0 && account_code_is_usable(&code, rq->now_us)) memcpy(hash, code.hash, SECRET_HASH_BYTES_MAX);
    return rc == MDG_ERR_NOT_FOUND ? 0 : rc;
}

int secret_check_prepare(struct request *rq, const char *name_key, const char *secret, bool is_code)
{
    struct throttle_try at;
    struct account account;
    int rc = throttle_pass(rq, name_key, &at);
    if (rc != 0) return rc;
    struct secret_check *check = arena_alloc(&rq->arena, sizeof *check);
    if (!check) return MDG_ERR_MEMORY;
    check->name_key = name_key;
    check->secret = secret;
    check->is_code = is_code;

    rc = account_by_name_key(rq->db, &rq->arena, name_key, &account);
    if (rc == 0) rc = stored_hash(rq, is_code, &account, check->hash);
    if (rc == MDG_ERR_NOT_FOUND) rc = 0;
    if (rc == 0) rq->work = check;
    return rc;
}

void secret_check_work(struct request *rq)
{
    struct secret_check *check = rq->work;
    bool has_hash = check->hash[0] && check->secret;
    check->is_right = secret_verify(rq->keys, check->secret ? check->secret : "", has_hash ? check->hash : NULL);
    if (!check->is_right) return;
    randombytes_buf(check->token, sizeof check->token);
    if (check->new_secret)
        check->rc = secret_hash(rq->keys, check->new_secret, check->new_hash);
    else if (!check->is_code && secret_hash_is_weak(check->hash))
        check->rc = secret_hash(rq->keys, check->secret, check->new_hash);
}

static int settle_wrong(struct request *rq, struct throttle_try *at, const struct account *account)
{
    const struct secret_check *check = rq->work;
    int rc = throttle_count_failure(rq->db, at, rq->now_us);
    if (rc == 0 && account->id && check->is_code) rc = account_code_wrong(rq->db, account->id);
    if (rc != 0) return rc;
    /* Only the audit trail learns whose account was tried. */
    if (account->id) rq->reason = arena_printf(&rq->arena, "account %lld", (long long)account->id);
    return refuse_and_keep(rq, check->is_code ? MDG_ERR_WRONG_CODE : MDG_ERR_WRONG_SECRET, NULL, NULL);
}

int secret_check_settle(struct request *rq, struct account *account,
                        bool (*may_pass)(const struct request *rq, const struct account *account), bool *is_passed)
{
    struct secret_check *check = rq->work;
    struct throttle_try at;
    char hash[SECRET_HASH_BYTES_MAX] = "";
    *is_passed = false;
    /* Again, because tries that ran beside this one may have locked the door meanwhile. */
    int rc = throttle_pass(rq, check->name_key, &at);
    if (rc != 0) return rc;
    rc = account_by_name_key(rq->db, &rq->arena, check->name_key, account);
    if (rc == MDG_ERR_NOT_FOUND) {
        *account = (struct account){.id = 0};
        rc = 0;
    }
    if (rc == 0 && account->id) rc = stored_hash(rq, check->is_code, account, hash);
    if (rc != 0) return rc;

    if (!check->is_right || !account->id || !may_pass(rq, account)) return settle_wrong(rq, &at, account);
    if (strcmp(hash, check->hash) != 0) { /* set anew, or used, while this try was reckoned: ask again */
        refuse(rq, MDG_ERR_BUSY, NULL, NULL);
        rq->refusal.retry_after_ms = 100;
        return MDG_ERR_BUSY;
    }
    if (check->rc != 0) return check->rc;
    *is_passed = true;
    return throttle_count_success(rq->db, &at, rq->now_us);
}
