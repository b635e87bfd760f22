/* server/accounts/account_roles.c - giving and taking roles: by the office with a second person, and at the console
 * while there is no second. */
#include "server/accounts/account_handlers.h"
#include "server/accounts/account_rules.h"
#include "server/accounts/account_store.h"
#include "server/request/request.h"

static int roles_check(struct request *rq, const struct account *account, uint32_t roles)
{
    int others;
    int rc = account_usable_offices(rq->db, account->id, &others);
    if (rc != 0) return rc;
    const char *rule = account_rules_change(account, roles, account->is_disabled, others);
    return rule ? refuse(rq, MDG_ERR_STATE, "roles", rule) : 0;
}

static int roles_set(struct request *rq, const struct account *account, uint32_t roles)
{
    int64_t rev = change_record(rq, account->id);
    int rc = account_set_roles(rq->db, account->id, roles, rev);
    if (rc != 0 || account->is_disabled) return rc;
    /* until_us tells a change of roles from the end of an account, also when no role is left. */
    return effect_add(
        rq, &(struct effect){
                .kind = EFFECT_PERSON_CHANGED, .person_id = account->id, .roles = roles, .until_us = INT64_MAX});
}

/* Twice: before it is asked of the second person, and when that one agrees, hours later perhaps. */
static int roles_by_office(struct request *rq, struct account *account)
{
    const Mdg__AccountRoles *op = rq->op;
    int offices;
    int rc = account_usable_offices(rq->db, 0, &offices);
    if (rc != 0) return rc;
    if (offices < ACCOUNT_USABLE_OFFICES) return refuse(rq, MDG_ERR_SECOND_PERSON, NULL, "console");
    rc = account_by_id(rq->db, &rq->arena, op->person_id, account);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "person_id", NULL);
    if (rc == 0) rc = roles_check(rq, account, op->roles);
    return rc;
}

int prepare_account_roles(struct request *rq)
{
    struct account account;
    int rc = roles_by_office(rq, &account);
    if (rc == 0) rq->object_id = account.id; /* for the approval: what it would change */
    return rc;
}

int handle_account_roles(struct request *rq)
{
    const Mdg__AccountRoles *op = rq->op;
    struct account account;
    int rc = roles_by_office(rq, &account);
    rq->object_id = 0; /* named anew by the change */
    if (rc == 0) rc = roles_set(rq, &account, op->roles);
    return rc;
}

int handle_account_grant(struct request *rq)
{
    const Mdg__AccountGrant *op = rq->op;
    const char *name_key;
    struct account account;
    int offices;
    int rc = account_usable_offices(rq->db, 0, &offices);
    if (rc != 0) return rc;
    if (offices >= ACCOUNT_USABLE_OFFICES) return refuse(rq, MDG_ERR_SECOND_PERSON, NULL, "approval");

    rc = account_name_key(&rq->arena, op->name, &name_key);
    if (rc == MDG_ERR_INVALID) return refuse(rq, rc, "name", "required");
    if (rc == 0) rc = account_by_name_key(rq->db, &rq->arena, name_key, &account);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "name", NULL);
    if (rc == 0) rc = roles_check(rq, &account, op->roles);
    if (rc == 0) rc = roles_set(rq, &account, op->roles);
    return rc;
}
