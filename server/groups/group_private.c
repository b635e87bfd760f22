/* server/groups/group_private.c - what is for a group alone: its account at the lounge, and its contact. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <sodium.h>

#include "server/accounts/account_store.h"
#include "server/groups/group_handlers.h"
#include "server/keys/data_keys.h"
#include "server/sign_in/sign_in_store.h"
#include "server/sign_in/throttle_store.h"

/* --- PIN ---------------------------------------------------------------------------------------------- */

#define PIN_DIGITS 6
#define PINS 1000000u

struct pin_work {
    char pin[PIN_DIGITS + 1];
    char hash[SECRET_HASH_BYTES_MAX];
    int rc;
};

static int pin_find(struct request *rq, struct group *group)
{
    const Mdg__GroupPinIssue *issue = rq->op;
    int rc = group_get(rq->db, issue->id, group);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "id", "group");
    if (rc == 0 && group->is_ended) return refuse(rq, MDG_ERR_STATE, "id", "group_ended");
    if (rc == 0 && group->from_day == 0) return refuse(rq, MDG_ERR_STATE, "id", "group_draft");
    return rc;
}

int prepare_group_pin(struct request *rq)
{
    struct group group;
    int rc = pin_find(rq, &group);
    if (rc != 0) return rc;
    struct pin_work *work = arena_alloc(&rq->arena, sizeof *work);
    if (!work) return MDG_ERR_MEMORY;
    snprintf(work->pin, sizeof work->pin, "%06u", (unsigned)randombytes_uniform(PINS));
    rq->work = work;
    return 0;
}

void work_group_pin(struct request *rq)
{
    struct pin_work *work = rq->work;
    work->rc = secret_hash(rq->keys, work->pin, work->hash);
}

/* The account's name is the number; a person who has that name was there first. */
static int account_make(struct request *rq, const struct group *group, struct account *account)
{
    char number[16];
    snprintf(number, sizeof number, "%d", (int)group->number);
    *account = (struct account){.name = arena_strdup(&rq->arena, number),
                                .reading = "",
                                .created_us = rq->now_us,
                                .id = turn_next_id(rq->turn)};
    if (!account->name) return MDG_ERR_MEMORY;
    account->roles = ROLE_BIT_GROUP;
    int rc = account_name_key(&rq->arena, account->name, &account->name_key);
    if (rc == 0) {
        account->rev = change_record(rq, account->id);
        rc = account_insert(rq->db, account);
    }
    return rc == MDG_ERR_CONFLICT ? refuse(rq, rc, "number", "account_taken") : rc;
}

/* Whoever signed in with the PIN before is signed out, and its wrong tries are forgotten. */
static int account_open(struct request *rq, const struct account *account)
{
    const struct pin_work *work = rq->work;
    uint8_t name_hash[KEY_BYTES];
    int rc = account_set_secret(rq->db, account->id, work->hash, false);
    if (rc == 0) rc = throttle_name_hash(rq->keys, account->name_key, name_hash);
    if (rc == 0) rc = throttle_open_name(rq->db, name_hash);
    if (rc == 0) rc = sign_in_end_person(rq->db, account->id, rq->now_us);
    if (rc == 0) rc = effect_add(rq, &(struct effect){.kind = EFFECT_PERSON_CHANGED, .person_id = account->id});
    return rc;
}

static int answer_pin(struct request *rq)
{
    const struct pin_work *work = rq->work;
    Mdg__GroupPin *answer = answer_new(rq);
    if (!answer) return MDG_ERR_MEMORY;
    answer->pin = arena_strdup(&rq->arena, work->pin);
    return answer->pin ? 0 : MDG_ERR_MEMORY;
}

int handle_group_pin(struct request *rq)
{
    const struct pin_work *work = rq->work;
    struct group group;
    struct account account;
    if (work->rc != 0) return work->rc;
    int rc = pin_find(rq, &group);
    if (rc != 0) return rc;
    int64_t rev = change_record(rq, group.id);
    if (group.person_id != 0) {
        rc = account_by_id(rq->db, &rq->arena, group.person_id, &account);
        if (rc == 0 && account.is_disabled) return refuse(rq, MDG_ERR_STATE, "id", "disabled");
    } else {
        rc = account_make(rq, &group, &account);
        if (rc == 0) rc = group_set_person(rq->db, group.id, account.id, rev);
    }
    if (rc == 0) rc = account_open(rq, &account);
    if (rc == 0) rc = answer_pin(rq);
    return rc;
}

int group_account_set(struct request *rq, const struct group *group, bool is_disabled)
{
    if (group->person_id == 0) return 0;
    int rc = account_set_disabled(rq->db, group->person_id, is_disabled, change_record(rq, group->person_id));
    if (rc == 0 && is_disabled) rc = sign_in_end_person(rq->db, group->person_id, rq->now_us);
    if (rc == 0 && is_disabled)
        rc = effect_add(rq, &(struct effect){.kind = EFFECT_PERSON_CHANGED, .person_id = group->person_id});
    return rc;
}

/* --- contact ------------------------------------------------------------------------------------------ */

#define CONTACT_KEY "contact"
#define CONTACT_TABLE "civic_group"
#define CONTACT_COLUMN "contact"
#define CONTACT_BYTES_MAX 2048

/* Opened into the answer. An empty contact and none are the same. */
static int contact_open(struct request *rq, int64_t id, Mdg__GroupContact *answer)
{
    uint8_t sealed[CONTACT_BYTES_MAX], plain[CONTACT_BYTES_MAX];
    size_t length;
    int rc = group_contact_get(rq->db, id, sealed, sizeof sealed, &length);
    if (rc != 0 || length == 0) return rc;
    rc = data_key_unseal(rq->keys, CONTACT_TABLE, CONTACT_COLUMN, id, sealed, length, plain);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "contact", "key_lost");
    if (rc != 0) return rc;

    ProtobufCAllocator allocator = arena_allocator(&rq->arena);
    Mdg__GroupContact *contact = mdg__group_contact__unpack(&allocator, length - DATA_KEY_OVERHEAD_BYTES, plain);
    OPENSSL_cleanse(plain, sizeof plain);
    if (!contact) return MDG_ERR_CORRUPT;
    *answer = *contact;
    return 0;
}

int handle_group_contact_get(struct request *rq)
{
    const Mdg__GroupContactGet *get = rq->op;
    struct group group;
    int rc = group_for_caller(rq, get->id, &group);
    if (rc != 0) return rc;
    rq->object_id = group.id;
    Mdg__GroupContact *answer = answer_new(rq);
    return answer ? contact_open(rq, group.id, answer) : MDG_ERR_MEMORY;
}

int handle_group_contact_set(struct request *rq)
{
    const Mdg__GroupContactSet *set = rq->op;
    struct group group;
    uint8_t plain[CONTACT_BYTES_MAX - DATA_KEY_OVERHEAD_BYTES], sealed[CONTACT_BYTES_MAX];
    if (!set->contact) return refuse(rq, MDG_ERR_INVALID, "contact", "required");
    size_t length = mdg__group_contact__get_packed_size(set->contact);
    if (length > sizeof plain) return refuse(rq, MDG_ERR_INVALID, "contact", "length");
    int rc = group_for_caller(rq, set->id, &group);
    if (rc != 0) return rc;

    mdg__group_contact__pack(set->contact, plain);
    if (length > 0)
        rc = data_key_seal(rq->keys, CONTACT_KEY, CONTACT_TABLE, CONTACT_COLUMN, group.id, plain, length, sealed);
    OPENSSL_cleanse(plain, sizeof plain);
    if (rc != 0) return rc;
    return group_contact_set(rq->db, group.id, sealed, length > 0 ? length + DATA_KEY_OVERHEAD_BYTES : 0,
                             change_record(rq, group.id));
}
