#include "server/accounts/account_handlers.h"

#include "server/accounts/account_rules.h"
#include "server/accounts/account_store.h"
#include "server/request/request.h"
#include "server/sign_in/sign_in_store.h"
#include "server/sign_in/throttle_store.h"

#define PAGE_ROWS 100

static int find(struct request *rq, int64_t person_id, struct account *account)
{
    int rc = account_by_id(rq->db, &rq->arena, person_id, account);
    return rc == MDG_ERR_NOT_FOUND ? refuse(rq, rc, "person_id", NULL) : rc;
}

static int account_to_wire(struct request *rq, const struct account *account, Mdg__Account *wire)
{
    uint8_t name_hash[KEY_BYTES];
    bool is_shut = false;
    int rc = throttle_name_hash(rq->keys, account->name_key, name_hash);
    if (rc == 0) rc = throttle_name_is_shut(rq->db, name_hash, &is_shut);
    wire->id = account->id;
    wire->name = (char *)account->name;
    wire->reading = (char *)account->reading;
    wire->roles = account->roles;
    wire->is_disabled = account->is_disabled;
    wire->is_locked = is_shut;
    wire->has_secret = account->has_secret;
    wire->last_sign_in_us = account->last_sign_in_us;
    wire->rev = account->rev;
    return rc;
}

int handle_account_list(struct request *rq)
{
    const Mdg__AccountList *op = rq->op;
    struct account *accounts = arena_alloc(&rq->arena, (PAGE_ROWS + 1) * sizeof *accounts);
    Mdg__AccountListed *answer = answer_new(rq);
    if (!accounts || !answer) return MDG_ERR_MEMORY;
    int count;
    int rc = account_page(rq->db, &rq->arena, op->after_id, PAGE_ROWS + 1, accounts, &count);
    answer->has_more = count > PAGE_ROWS;
    for (int i = 0; rc == 0 && i < count && i < PAGE_ROWS; i++) {
        Mdg__Account *wire =
            repeated_add(&rq->arena, &answer->n_accounts, &answer->accounts, &mdg__account__descriptor);
        rc = wire ? account_to_wire(rq, &accounts[i], wire) : MDG_ERR_MEMORY;
    }
    return rc;
}

int handle_account_disable(struct request *rq)
{
    const Mdg__AccountDisable *op = rq->op;
    struct account account;
    int others;
    int rc = find(rq, op->person_id, &account);
    if (rc == 0) rc = account_usable_offices(rq->db, account.id, &others);
    if (rc != 0) return rc;
    if (account.is_disabled) return refuse(rq, MDG_ERR_STATE, "person_id", "disabled");
    const char *rule = account_rules_change(&account, account.roles, true, others);
    if (rule) return refuse(rq, MDG_ERR_STATE, "person_id", rule);

    int64_t rev = change_record(rq, account.id);
    rc = account_set_disabled(rq->db, account.id, true, rev);
    if (rc == 0) rc = account_code_drop(rq->db, account.id);
    if (rc == 0) rc = sign_in_end_person(rq->db, account.id, rq->now_us);
    if (rc == 0) rc = effect_add(rq, &(struct effect){.kind = EFFECT_PERSON_CHANGED, .person_id = account.id});
    return rc;
}

int handle_account_enable(struct request *rq)
{
    const Mdg__AccountEnable *op = rq->op;
    struct account account;
    int rc = find(rq, op->person_id, &account);
    if (rc != 0) return rc;
    if (!account.is_disabled) return refuse(rq, MDG_ERR_STATE, "person_id", "enabled");
    int64_t rev = change_record(rq, account.id);
    rc = account_set_disabled(rq->db, account.id, false, rev);
    if (rc == 0)
        rc = effect_add(rq, &(struct effect){.kind = EFFECT_PERSON_CHANGED,
                                             .person_id = account.id,
                                             .roles = account.roles,
                                             .until_us = INT64_MAX});
    return rc;
}

int handle_account_unlock(struct request *rq)
{
    const Mdg__AccountUnlock *op = rq->op;
    struct account account;
    uint8_t name_hash[KEY_BYTES];
    int rc = find(rq, op->person_id, &account);
    if (rc == 0) rc = throttle_name_hash(rq->keys, account.name_key, name_hash);
    if (rc == 0) rc = throttle_open_name(rq->db, name_hash);
    if (rc == 0) rc = account_set_rev(rq->db, account.id, change_record(rq, account.id));
    return rc;
}

int handle_terminal_unlock(struct request *rq)
{
    const Mdg__TerminalUnlock *op = rq->op;
    rq->object_id = op->terminal_id;
    return throttle_open_terminal(rq->db, op->terminal_id);
}
