/* tests/server/groups_store_test.c - the calls of groups upon a real database: drafts and registration, numbers, stale
 * versions, searching, PINs, contacts, and what the feed and the disk hold of them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/day.h"
#include "server/accounts/accounts_domain.h"
#include "server/groups/group_store.h"
#include "server/groups/groups_domain.h"
#include "server/keys/data_keys.h"
#include "tests/support/people.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KIND_GROUP FEED_KIND(10, 201)
#define MARKER "090-5555-0147"

static struct caller desk_of(const struct people *people)
{
    struct caller caller = people_at(KIND_COUNTER, 2);
    caller.person_id = people->office_id;
    caller.roles = ROLE_BIT_DESK;
    return caller;
}

static struct caller group_at_lounge(int64_t person_id)
{
    struct caller caller = people_at(KIND_LOUNGE, 3);
    caller.person_id = person_id;
    caller.roles = ROLE_BIT_GROUP;
    return caller;
}

static int call(struct people *people, const struct caller *caller, Mdg__Groups__OfCase arm, const void *message)
{
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Groups groups = MDG__GROUPS__INIT;
    body.domain_case = MDG__BODY__DOMAIN_GROUPS;
    body.groups = &groups;
    groups.of_case = arm;
    groups.save = (Mdg__GroupSave *)message; /* the arms of a oneof are pointers in a union */
    arena_fini(&people->rq.arena);
    return fixture_run(&people->fixture, &GROUPS_DOMAIN, caller, &body, people->now_us, &people->rq);
}

static void assert_refused(struct people *people, int rc, int code, const char *field, const char *rule)
{
    if (rc != code) fail_msg("%s, not %s", mdg_error_name(rc), mdg_error_name(code));
    assert_string_equal(people->rq.refusal.field, field);
    assert_string_equal(people->rq.refusal.rule, rule);
}

static void must(int rc, const char *what)
{
    if (rc != 0) fail_msg("%s: %s", what, mdg_error_name(rc));
}

static int32_t today(const struct people *people)
{
    return day_of_us(people->now_us);
}

static Mdg__GroupSave registered(const struct people *people, const char *name, const char *reading)
{
    Mdg__GroupSave save = MDG__GROUP_SAVE__INIT;
    save.name = (char *)name;
    save.reading = (char *)reading;
    save.from_day = today(people);
    save.to_day = day_add(today(people), 365);
    return save;
}

static int64_t make(struct people *people, const char *name, const char *reading)
{
    struct caller office = people_office(people);
    Mdg__GroupSave save = registered(people, name, reading);
    must(call(people, &office, MDG__GROUPS__OF_SAVE, &save), name);
    return people->rq.object_id;
}

static struct group stored(struct people *people, int64_t id)
{
    struct group group;
    must(group_get(people->db, id, &group), "group_get");
    return group;
}

static void assert_verified(struct people *people)
{
    char *complaint = NULL;
    int rc = GROUPS_DOMAIN.verify(people->db, &complaint);
    if (rc != 0) fail_msg("%s: %s", mdg_error_name(rc), complaint ? complaint : "");
}

/* --- numbers, drafts, versions -------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people);
    int64_t first = make(people, "みどりの会", "みどりのかい"), second = make(people, "青葉の会", "");
    assert_int_equal(stored(people, first).number, 1);
    assert_int_equal(stored(people, second).number, 2);

    Mdg__GroupSave save = registered(people, "三番", "");
    save.number = 100;
    must(call(people, &office, MDG__GROUPS__OF_SAVE, &save), "a chosen number");
    assert_int_equal(stored(people, make(people, "次", "")).number, 101);
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_SAVE, &save), MDG_ERR_CONFLICT, "number",
                   "number_taken");
    assert_int_not_equal(people->rq.refusal.object_id, 0);
    save.number = GROUP_NUMBER_MAX;
    must(call(people, &office, MDG__GROUPS__OF_SAVE, &save), "the last number");
    save.number = 0;
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_SAVE, &save), MDG_ERR_CONFLICT, "number", "none_left");
    assert_verified(people);
}

static void test_desk_drafts(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people), desk = desk_of(people);
    Mdg__GroupSave save = registered(people, "みどりの会", "みどりのかい");
    assert_refused(people, call(people, &desk, MDG__GROUPS__OF_SAVE, &save), MDG_ERR_FORBIDDEN, "from_day",
                   "draft_only");
    save.from_day = save.to_day = 0;
    must(call(people, &desk, MDG__GROUPS__OF_SAVE, &save), "a draft");
    save.id = people->rq.object_id;
    save.rev = people->rq.rev;
    assert_int_equal(stored(people, save.id).from_day, 0);
    save.name = (char *)"みどりの仲間";
    must(call(people, &desk, MDG__GROUPS__OF_SAVE, &save), "the desk's own draft");
    save.rev = people->rq.rev;

    Mdg__GroupPinIssue pin = MDG__GROUP_PIN_ISSUE__INIT;
    pin.id = save.id;
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_PIN_ISSUE, &pin), MDG_ERR_STATE, "id", "group_draft");
    Mdg__GroupRenew renew = MDG__GROUP_RENEW__INIT;
    renew.id = save.id;
    renew.rev = save.rev;
    renew.to_day = day_add(today(people), 30);
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_RENEW, &renew), MDG_ERR_STATE, "id", "group_draft");

    save.from_day = today(people);
    save.to_day = day_add(today(people), 365);
    must(call(people, &office, MDG__GROUPS__OF_SAVE, &save), "registered");
    save.rev = people->rq.rev;
    save.from_day = save.to_day = 0;
    assert_refused(people, call(people, &desk, MDG__GROUPS__OF_SAVE, &save), MDG_ERR_FORBIDDEN, "id",
                   "group_registered");
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_SAVE, &save), MDG_ERR_INVALID, "from_day", "required");
    assert_verified(people);
}

static void test_stale_versions(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people);
    int64_t id = make(people, "みどりの会", "");
    Mdg__GroupSave save = registered(people, "あとの名", "");
    Mdg__GroupRenew renew = MDG__GROUP_RENEW__INIT;
    Mdg__GroupEnd end = MDG__GROUP_END__INIT;
    save.id = renew.id = end.id = id;
    save.rev = renew.rev = end.rev = stored(people, id).rev - 1;
    renew.to_day = end.last_day = today(people);
    end.reason = (char *)"done";
    const struct {
        Mdg__Groups__OfCase arm;
        const void *message;
    } CALLS[] = {{MDG__GROUPS__OF_SAVE, &save}, {MDG__GROUPS__OF_RENEW, &renew}, {MDG__GROUPS__OF_END, &end}};
    for (size_t i = 0; i < COUNT(CALLS); i++) {
        assert_refused(people, call(people, &office, CALLS[i].arm, CALLS[i].message), MDG_ERR_STALE, "rev", "changed");
        assert_true(people->rq.refusal.has_answer);
        const Mdg__GroupHit *now = people->rq.answer->groups->save_stale;
        assert_int_equal(now->rev, stored(people, id).rev);
        assert_string_equal(now->group->name, "みどりの会");
    }
    assert_string_equal(stored(people, id).name, "みどりの会");
}

static void test_end_and_renew(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people);
    int64_t id = make(people, "みどりの会", "");
    Mdg__GroupPinIssue pin = MDG__GROUP_PIN_ISSUE__INIT;
    pin.id = id;
    must(call(people, &office, MDG__GROUPS__OF_PIN_ISSUE, &pin), "pin");
    int64_t person_id = stored(people, id).person_id;
    uint32_t roles;
    must(account_roles_now(people->db, person_id, &roles), "roles");
    assert_int_equal(roles, ROLE_BIT_GROUP);

    Mdg__GroupEnd end = MDG__GROUP_END__INIT;
    end.id = id;
    end.rev = stored(people, id).rev;
    end.last_day = day_add(today(people), 1);
    end.reason = (char *)"解散";
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_END, &end), MDG_ERR_INVALID, "last_day", "future");
    end.last_day = today(people);
    must(call(people, &office, MDG__GROUPS__OF_END, &end), "end");
    assert_non_null(people_effect(people, EFFECT_PERSON_CHANGED));
    assert_int_equal(account_roles_now(people->db, person_id, &roles), MDG_ERR_FORBIDDEN);
    end.rev = stored(people, id).rev;
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_END, &end), MDG_ERR_STATE, "id", "group_ended");
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_PIN_ISSUE, &pin), MDG_ERR_STATE, "id", "group_ended");

    Mdg__GroupRenew renew = MDG__GROUP_RENEW__INIT;
    renew.id = id;
    renew.rev = end.rev;
    renew.to_day = day_add(today(people), 365);
    must(call(people, &office, MDG__GROUPS__OF_RENEW, &renew), "renew");
    assert_false(stored(people, id).is_ended);
    must(account_roles_now(people->db, person_id, &roles), "roles again");
    assert_verified(people);
}

/* --- searching ------------------------------------------------------------------------------------------ */

static void assert_found(struct people *people, const char *text, bool with_ended, const int64_t *ids, size_t count)
{
    struct caller desk = desk_of(people);
    Mdg__GroupSearch search = MDG__GROUP_SEARCH__INIT;
    search.text = (char *)text;
    search.limit = 10;
    search.with_ended = with_ended;
    must(call(people, &desk, MDG__GROUPS__OF_SEARCH, &search), text);
    const Mdg__GroupFound *found = people->rq.answer->groups->found;
    if (found->n_groups != count) fail_msg("%s: %zu, not %zu", text, found->n_groups, count);
    assert_int_equal(found->total, count);
    for (size_t i = 0; i < count; i++) {
        if (found->groups[i]->id != ids[i]) fail_msg("%s: place %zu has %s", text, i, found->groups[i]->group->name);
    }
}

static void test_search(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people);
    int64_t green = make(people, "緑の会", "ミドリノカイ");                      /* 1 */
    int64_t deep = make(people, "ふかみどり合唱団", "ふかみどりがっしょうだん"); /* 2 */
    int64_t npo = make(people, "特定非営利活動法人　みどり", "ミドリ");          /* 3 */
    int64_t chorus = make(people, "コーラス青葉", "こーらすあおば");             /* 4 */
    assert_found(people, "ﾐﾄﾞﾘ", false, (int64_t[]){npo, green, deep}, 3);
    assert_found(people, "緑", false, (int64_t[]){green}, 1);
    assert_found(people, "コラスアオバ", false, (int64_t[]){chorus}, 1);
    assert_found(people, "2", false, (int64_t[]){deep}, 1);
    assert_found(people, "％", false, NULL, 0);

    Mdg__GroupEnd end = MDG__GROUP_END__INIT;
    end.id = green;
    end.rev = stored(people, green).rev;
    end.last_day = today(people);
    end.reason = (char *)"解散";
    must(call(people, &office, MDG__GROUPS__OF_END, &end), "end");
    assert_found(people, "みどり", false, (int64_t[]){npo, deep}, 2);
    assert_found(people, "みどり", true, (int64_t[]){npo, green, deep}, 3);

    Mdg__GroupSave save = registered(people, "赤い鳥", "あかいとり");
    save.id = deep;
    save.rev = stored(people, deep).rev;
    must(call(people, &office, MDG__GROUPS__OF_SAVE, &save), "another name");
    assert_found(people, "みどり", false, (int64_t[]){npo}, 1);
    assert_found(people, "アカイ", false, (int64_t[]){deep}, 1);
    assert_verified(people);
    Mdg__GroupSearch search = MDG__GROUP_SEARCH__INIT;
    search.text = (char *)"　";
    search.limit = 10;
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_SEARCH, &search), MDG_ERR_INVALID, "text", "required");
}

static void test_verify_finds_a_wrong_key(void **state)
{
    static const struct {
        const char *name, *sql;
    } CASES[] = {
        {"loose key", "UPDATE civic_group_key SET loose_key = 'x'"},
        {"name key", "UPDATE civic_group_key SET name_key = 'x'"},
        {"order", "UPDATE civic_group_key SET order_key = 'x'"},
        {"ended", "UPDATE civic_group_key SET is_ended = 1"},
        {"no key", "DELETE FROM civic_group_key"},
        {"the name itself", "UPDATE civic_group SET name = 'x'"},
    };
    struct people *people = *state;
    make(people, "緑の会", "ミドリノカイ");
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *complaint = NULL;
        must(db_begin_write(people->db), "begin");
        must(db_exec(people->db, CASES[i].sql), CASES[i].name);
        int rc = GROUPS_DOMAIN.verify(people->db, &complaint);
        if (rc != MDG_ERR_CORRUPT || !complaint) fail_msg("%s: %s", CASES[i].name, mdg_error_name(rc));
        free(complaint);
        db_rollback(people->db);
    }
    assert_verified(people);
}

/* --- PIN ------------------------------------------------------------------------------------------------ */

static void issue_pin(struct people *people, int64_t id, char pin[8])
{
    struct caller office = people_office(people);
    Mdg__GroupPinIssue issue = MDG__GROUP_PIN_ISSUE__INIT;
    issue.id = id;
    must(call(people, &office, MDG__GROUPS__OF_PIN_ISSUE, &issue), "pin");
    snprintf(pin, 8, "%s", people->rq.answer->groups->pin_issued->pin);
    assert_int_equal(strlen(pin), 6);
    assert_int_equal(strspn(pin, "0123456789"), 6);
}

static void test_pin_signs_in_at_the_lounge(void **state)
{
    struct people *people = *state;
    struct caller lounge = people_at(KIND_LOUNGE, 3), counter = people_at(KIND_COUNTER, 2);
    char pin[8], next[8];
    int64_t id = make(people, "緑の会", "ミドリノカイ");
    issue_pin(people, id, pin);
    must(people_sign_in(people, &lounge, "1", pin), "sign in");
    const Mdg__SignedIn *signed_in = people->rq.answer->sign_in->started;
    assert_int_equal(signed_in->idle_s, 180);
    assert_int_equal(signed_in->until_us, people->now_us + 20 * US_PER_MINUTE);
    assert_int_equal(signed_in->roles, ROLE_BIT_GROUP);
    must(people_sign_in(people, &lounge, "１", pin), "in full width");
    assert_int_equal(people_sign_in(people, &counter, "1", pin), MDG_ERR_WRONG_SECRET);

    issue_pin(people, id, next);
    const struct effect *out = people_effect(people, EFFECT_PERSON_CHANGED);
    assert_non_null(out);
    assert_int_equal(out->person_id, stored(people, id).person_id);
    if (strcmp(pin, next) != 0) assert_int_equal(people_sign_in(people, &lounge, "1", pin), MDG_ERR_WRONG_SECRET);
    must(people_sign_in(people, &lounge, "1", next), "the new one");
}

/* What the office disabled is not opened by the way. */
static void test_no_pin_for_a_disabled_account(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people);
    Mdg__AccountDisable disable = MDG__ACCOUNT_DISABLE__INIT;
    Mdg__GroupPinIssue issue = MDG__GROUP_PIN_ISSUE__INIT;
    char pin[8];
    issue.id = make(people, "緑の会", "");
    issue_pin(people, issue.id, pin);
    disable.person_id = stored(people, issue.id).person_id;
    must(people_call(people, &office, &ACCOUNTS_DOMAIN, MDG__ACCOUNTS__OF_DISABLE, &disable), "disable");
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_PIN_ISSUE, &issue), MDG_ERR_STATE, "id", "disabled");
}

static void test_number_of_an_account_stays(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people);
    char pin[8];
    int64_t id = make(people, "緑の会", "");
    issue_pin(people, id, pin);
    Mdg__GroupSave save = registered(people, "緑の会", "");
    save.id = id;
    save.rev = stored(people, id).rev;
    save.number = 7;
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_SAVE, &save), MDG_ERR_STATE, "number", "number_stays");
    save.number = 1;
    must(call(people, &office, MDG__GROUPS__OF_SAVE, &save), "the same number");
}

static void test_account_of_that_name_was_there_first(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people);
    char code[ACCOUNT_CODE_BYTES];
    int64_t person_id, id = make(people, "緑の会", "");
    must(people_create(people, "1", &person_id, code), "a person called 1");
    Mdg__GroupPinIssue issue = MDG__GROUP_PIN_ISSUE__INIT;
    issue.id = id;
    assert_refused(people, call(people, &office, MDG__GROUPS__OF_PIN_ISSUE, &issue), MDG_ERR_CONFLICT, "number",
                   "account_taken");
    assert_int_equal(stored(people, id).person_id, 0);
}

/* --- contact -------------------------------------------------------------------------------------------- */

static int set_contact(struct people *people, const struct caller *caller, int64_t id, const char *phone)
{
    Mdg__GroupContactSet set = MDG__GROUP_CONTACT_SET__INIT;
    Mdg__GroupContact contact = MDG__GROUP_CONTACT__INIT;
    contact.phone = (char *)phone;
    contact.representative = (char *)(phone[0] ? "田中" : "");
    set.id = id;
    set.contact = &contact;
    return call(people, caller, MDG__GROUPS__OF_CONTACT_SET, &set);
}

static int get_contact(struct people *people, const struct caller *caller, int64_t id, const char *phone)
{
    Mdg__GroupContactGet get = MDG__GROUP_CONTACT_GET__INIT;
    get.id = id;
    int rc = call(people, caller, MDG__GROUPS__OF_CONTACT_GET, &get);
    if (rc == 0) assert_string_equal(people->rq.answer->groups->contact->phone, phone);
    return rc;
}

static bool file_has(const char *path, const char *marker)
{
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    static char bytes[8 << 20];
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return memmem(bytes, length, marker, strlen(marker)) != NULL;
}

static void test_contact(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people), desk = desk_of(people);
    char pin[8], wal[100];
    int64_t id = make(people, "緑の会", ""), other = make(people, "青葉の会", "");
    must(get_contact(people, &desk, id, ""), "none yet");
    must(set_contact(people, &desk, id, MARKER), "set");
    must(get_contact(people, &office, id, MARKER), "get");
    assert_int_equal(people->rq.object_id, id);
    must(get_contact(people, &office, other, ""), "the other's");

    issue_pin(people, id, pin);
    struct caller own = group_at_lounge(stored(people, id).person_id);
    must(get_contact(people, &own, 0, MARKER), "its own by 0");
    must(get_contact(people, &own, id, MARKER), "its own");
    assert_refused(people, get_contact(people, &own, other, ""), MDG_ERR_NOT_FOUND, "id", "group");
    assert_refused(people, set_contact(people, &own, other, "x"), MDG_ERR_NOT_FOUND, "id", "group");
    assert_refused(people, get_contact(people, &own, 999, ""), MDG_ERR_NOT_FOUND, "id", "group");
    struct caller stranger = group_at_lounge(people->office_id);
    assert_refused(people, get_contact(people, &stranger, 0, ""), MDG_ERR_NOT_FOUND, "id", "group");

    snprintf(wal, sizeof wal, "%s-wal", people->fixture.db_path);
    must(db_checkpoint(people->db), "checkpoint");
    assert_true(file_has(people->fixture.db_path, "青葉の会") || file_has(wal, "青葉の会"));
    assert_false(file_has(people->fixture.db_path, MARKER));
    assert_false(file_has(wal, MARKER));

    must(set_contact(people, &office, id, ""), "taken away");
    must(get_contact(people, &office, id, ""), "gone");
    assert_int_equal(fixture_number(&people->fixture, "SELECT COUNT(*) FROM civic_group WHERE contact IS NOT NULL"), 0);
}

static void test_contact_whose_key_is_gone(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people);
    int64_t id = make(people, "緑の会", "");
    must(set_contact(people, &office, id, MARKER), "set");
    must(data_key_destroy(people->keys, "contact"), "destroy");
    assert_refused(people, get_contact(people, &office, id, ""), MDG_ERR_NOT_FOUND, "contact", "key_lost");
    must(set_contact(people, &office, id, MARKER), "entered anew");
    must(get_contact(people, &office, id, MARKER), "and read");
}

static void test_sealed_contact_stays_with_its_group(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people);
    int64_t id = make(people, "緑の会", ""), other = make(people, "青葉の会", "");
    uint8_t sealed[2048];
    size_t length;
    must(set_contact(people, &office, id, MARKER), "set");
    must(group_contact_get(people->db, id, sealed, sizeof sealed, &length), "get");
    must(db_begin_write(people->db), "begin");
    must(group_contact_set(people->db, other, sealed, length, stored(people, other).rev), "moved to another row");
    must(db_commit(people->db), "commit");
    assert_int_equal(get_contact(people, &office, other, ""), MDG_ERR_CORRUPT);
}

/* --- feed ----------------------------------------------------------------------------------------------- */

static void test_feed_has_no_contact(void **state)
{
    struct people *people = *state;
    struct caller office = people_office(people);
    struct arena arena;
    Mdg__Row *rows[4];
    int64_t id = make(people, "緑の会", "ミドリノカイ");
    int64_t before = stored(people, id).rev;
    must(set_contact(people, &office, id, MARKER), "set");
    arena_init(&arena, 1u << 20);
    assert_int_equal(fixture_feed(&people->fixture, &GROUPS_DOMAIN, KIND_GROUP, before, &arena, rows, COUNT(rows)), 1);
    assert_string_equal(rows[0]->body->groups->group_row->name, "緑の会");
    uint8_t packed[1024];
    size_t length = mdg__row__get_packed_size(rows[0]);
    assert_true(length <= sizeof packed);
    mdg__row__pack(rows[0], packed);
    assert_null(memmem(packed, length, MARKER, strlen(MARKER)));
    arena_fini(&arena);
    for (size_t i = 0; i < GROUPS_DOMAIN.sources_count; i++)
        assert_int_equal(GROUPS_DOMAIN.sources[i].views, VIEW_DESK | VIEW_OFFICE);
}

int main(void)
{
#define WITH_PEOPLE(test) cmocka_unit_test_setup_teardown(test, people_setup, people_teardown)
    const struct CMUnitTest tests[] = {
        WITH_PEOPLE(test_numbers),
        WITH_PEOPLE(test_desk_drafts),
        WITH_PEOPLE(test_stale_versions),
        WITH_PEOPLE(test_end_and_renew),
        WITH_PEOPLE(test_search),
        WITH_PEOPLE(test_verify_finds_a_wrong_key),
        WITH_PEOPLE(test_pin_signs_in_at_the_lounge),
        WITH_PEOPLE(test_no_pin_for_a_disabled_account),
        WITH_PEOPLE(test_number_of_an_account_stays),
        WITH_PEOPLE(test_account_of_that_name_was_there_first),
        WITH_PEOPLE(test_contact),
        WITH_PEOPLE(test_contact_whose_key_is_gone),
        WITH_PEOPLE(test_sealed_contact_stays_with_its_group),
        WITH_PEOPLE(test_feed_has_no_contact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
