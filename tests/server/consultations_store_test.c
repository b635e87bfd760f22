/* tests/server/consultations_store_test.c - cases upon a real database with real keys: who may read and change what,
 * what lies on the disk, what closing does to it, and that erasure reaches old copies too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/accounts/account_store.h"
#include "server/consultations/consultation_entries.h"
#include "server/consultations/consultations_domain.h"
#include "server/consultations/intake_key.h"
#include "server/groups/group_store.h"
#include "tests/support/handler_fixture.h"

#define MARKER "kakurenbo-no-oni-7"
#define OWNER 101
#define COLLEAGUE 102
#define DESK_PERSON 103
#define FORMER 104
#define GROUP_ID 900
#define KIND_HEAD FEED_KIND(MDG__BODY__DOMAIN_CONSULTATIONS, MDG__CONSULTATIONS__OF_HEAD_ROW)
#define KIND_NOTICE FEED_KIND(MDG__BODY__DOMAIN_CONSULTATIONS, MDG__CONSULTATIONS__OF_NOTICE_ROW)

struct room {
    struct fixture fixture;
    int64_t now_us;
    struct caller desk, owner, colleague, office, clock;
    struct request rq; /* of the last call */
};

static void must(int rc, const char *what)
{
    if (rc != 0) fail_msg("%s: %s", what, mdg_error_name(rc));
}

static struct caller caller_of(enum terminal_kind kind, int64_t terminal_id, int64_t person_id, uint32_t roles)
{
    return (struct caller){
        .kind = kind, .has_hello = true, .terminal_id = terminal_id, .person_id = person_id, .roles = roles};
}

static void person_add(struct room *room, int64_t id, const char *name, uint32_t roles, bool is_disabled)
{
    struct account account = {.id = id, .name = name, .name_key = name, .reading = "", .roles = roles, .rev = 1};
    must(account_insert(room->fixture.db, &account), name);
    if (is_disabled) must(account_set_disabled(room->fixture.db, id, true, 2), name);
}

static int setup(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    if (!room) return -1;
    fixture_open(&room->fixture);
    must(day_zone_set("Asia/Tokyo"), "zone");
    room->now_us = day_to_us(20261123, 14 * 60);
    room->desk = caller_of(KIND_COUNTER, 11, DESK_PERSON, ROLE_BIT_DESK);
    room->owner = caller_of(KIND_OFFICE, 12, OWNER, ROLE_BIT_CONSULTATION);
    room->colleague = caller_of(KIND_OFFICE, 13, COLLEAGUE, ROLE_BIT_CONSULTATION);
    room->office = caller_of(KIND_OFFICE, 14, 105, ROLE_BIT_OFFICE);
    room->clock = caller_of(KIND_CLOCK, 0, 0, ROLE_BIT_CLOCK);
    person_add(room, OWNER, "owner", ROLE_BIT_CONSULTATION, false);
    person_add(room, COLLEAGUE, "colleague", ROLE_BIT_CONSULTATION, false);
    person_add(room, DESK_PERSON, "desk", ROLE_BIT_DESK, false);
    person_add(room, FORMER, "former", ROLE_BIT_CONSULTATION, true);
    struct group group = {.id = GROUP_ID, .number = 77, .name = "みどり楽団", .reading = "みどりがくだん", .rev = 1};
    must(group_insert(room->fixture.db, &group), "group");
    arena_init(&room->rq.arena, 1024);
    *state = room;
    return 0;
}

static int teardown(void **state)
{
    struct room *room = *state;
    arena_fini(&room->rq.arena);
    fixture_close(&room->fixture);
    free(room);
    return 0;
}

/* The arms of a oneof are pointers in a union: any of them carries the message. */
static int ask(struct room *room, const struct caller *caller, Mdg__Consultations__OfCase op, const void *message)
{
    Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    consultations.of_case = op;
    consultations.intake = (Mdg__ConsultationIntake *)message;
    body.domain_case = MDG__BODY__DOMAIN_CONSULTATIONS;
    body.consultations = &consultations;
    arena_fini(&room->rq.arena);
    return fixture_run(&room->fixture, &CONSULTATIONS_DOMAIN, caller, &body, room->now_us, &room->rq);
}

static void expect(struct room *room, int rc, int code, const char *rule, const char *what)
{
    if (rc != code) fail_msg("%s: %s", what, rc == 0 ? "accepted" : mdg_error_name(rc));
    if (rule && (!room->rq.refusal.rule || strcmp(room->rq.refusal.rule, rule) != 0))
        fail_msg("%s: rule %s", what, room->rq.refusal.rule ? room->rq.refusal.rule : "(none)");
}

static Mdg__ConsultationIntake an_intake(const struct room *room, Mdg__ConsultationContent *content)
{
    Mdg__ConsultationIntake intake = MDG__CONSULTATION_INTAKE__INIT;
    mdg__consultation_content__init(content);
    content->text = (char *)"the text " MARKER;
    content->contact = (char *)"the contact " MARKER;
    intake.at_us = room->now_us;
    intake.channel = MDG__CONSULTATION_CHANNEL__CHANNEL_VISIT;
    intake.client = MDG__CONSULTATION_CLIENT__CLIENT_GROUP;
    intake.topic = (char *)"助成金";
    intake.minutes = 20;
    intake.people = 2;
    intake.owner_id = OWNER;
    intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT_PLAIN;
    intake.plain = content;
    return intake;
}

static int64_t opened(struct room *room)
{
    Mdg__ConsultationContent content;
    Mdg__ConsultationIntake intake = an_intake(room, &content);
    must(ask(room, &room->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake), "intake");
    return room->rq.object_id;
}

static int add_by(struct room *room, const struct caller *caller, int64_t case_id, const char *text)
{
    Mdg__ConsultationAdd add = MDG__CONSULTATION_ADD__INIT;
    Mdg__ConsultationContent content = MDG__CONSULTATION_CONTENT__INIT;
    content.text = (char *)text;
    add.case_id = case_id;
    add.at_us = room->now_us;
    add.minutes = 5;
    add.content_case = MDG__CONSULTATION_ADD__CONTENT_PLAIN;
    add.plain = &content;
    return ask(room, caller, MDG__CONSULTATIONS__OF_ADD, &add);
}

static int read_by(struct room *room, const struct caller *caller, int64_t case_id, const char *reason)
{
    Mdg__ConsultationRead read = MDG__CONSULTATION_READ__INIT;
    read.case_id = case_id;
    read.reason = (char *)reason;
    return ask(room, caller, MDG__CONSULTATIONS__OF_READ, &read);
}

static const Mdg__ConsultationText *text_of(const struct room *room)
{
    return room->rq.answer->consultations->text;
}

static struct consultation case_of(struct room *room, int64_t case_id)
{
    struct consultation c;
    must(consultation_get(room->fixture.db, case_id, 0, &c), "consultation_get");
    return c;
}

static int close_by(struct room *room, const struct caller *caller, int64_t case_id)
{
    Mdg__ConsultationClose close = MDG__CONSULTATION_CLOSE__INIT;
    close.case_id = case_id;
    close.outcome = MDG__CONSULTATION_OUTCOME__OUTCOME_REFERRED;
    close.referral = (char *)"the city's desk";
    close.rev = case_of(room, case_id).rev;
    return ask(room, caller, MDG__CONSULTATIONS__OF_CLOSE, &close);
}

static int assign_by(struct room *room, const struct caller *caller, int64_t case_id, int64_t owner_id)
{
    Mdg__ConsultationAssign assign = MDG__CONSULTATION_ASSIGN__INIT;
    assign.case_id = case_id;
    assign.owner_id = owner_id;
    assign.rev = case_of(room, case_id).rev;
    return ask(room, caller, MDG__CONSULTATIONS__OF_ASSIGN, &assign);
}

static int follow_up_by(struct room *room, const struct caller *caller, int64_t case_id, int32_t day, int64_t owner_id)
{
    Mdg__ConsultationFollowUp follow_up = MDG__CONSULTATION_FOLLOW_UP__INIT;
    follow_up.case_id = case_id;
    follow_up.day = day;
    follow_up.owner_id = owner_id;
    follow_up.rev = case_of(room, case_id).rev;
    return ask(room, caller, MDG__CONSULTATIONS__OF_FOLLOW_UP, &follow_up);
}

static int erase_due(struct room *room)
{
    Mdg__ConsultationEraseDue erase = MDG__CONSULTATION_ERASE_DUE__INIT;
    return ask(room, &room->clock, MDG__CONSULTATIONS__OF_ERASE_DUE, &erase);
}

static bool file_holds(const char *path, const char *marker)
{
    char *bytes = NULL;
    long size = 0;
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    bytes = malloc((size_t)size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
    fclose(file);
    bool holds = memmem(bytes, (size_t)size, marker, strlen(marker)) != NULL;
    free(bytes);
    return holds;
}

static void verify(struct room *room)
{
    char *complaint = NULL;
    if (consultation_verify(room->fixture.db, &complaint) != 0) fail_msg("%s", complaint ? complaint : "verify");
}

/* --- taking in ---------------------------------------------------------------------------------------- */

static void test_an_intake_is_a_case_with_a_number(void **state)
{
    struct room *room = *state;
    int64_t first = opened(room), second = opened(room);
    room->now_us = day_to_us(20270401, 10 * 60); /* the next fiscal year */
    int64_t third = opened(room);
    struct consultation c = case_of(room, second);
    assert_int_equal(case_of(room, first).number, 1);
    assert_int_equal(c.number, 2);
    assert_int_equal(c.fiscal_year, 2026);
    assert_int_equal(c.minutes, 20);
    assert_int_equal(c.entries, 1);
    assert_int_equal(c.owner_id, OWNER);
    assert_int_equal(case_of(room, third).fiscal_year, 2027);
    assert_int_equal(case_of(room, third).number, 1);
    verify(room);
}

static void test_intakes_that_are_refused(void **state)
{
    static const struct {
        const char *name;
        int code;
        const char *rule;
    } CASES[] = {
        {"no channel", MDG_ERR_INVALID, "required"},
        {"no kind of client", MDG_ERR_INVALID, "required"},
        {"a blank topic", MDG_ERR_INVALID, "required"},
        {"no text", MDG_ERR_INVALID, "required"},
        {"in the future", MDG_ERR_INVALID, "future"},
        {"follow-up yesterday", MDG_ERR_INVALID, "past"},
        {"no such group", MDG_ERR_NOT_FOUND, "group"},
        {"the owner is at the desk", MDG_ERR_NOT_FOUND, "consultant"},
        {"the owner has left", MDG_ERR_NOT_FOUND, "consultant"},
        {"no such owner", MDG_ERR_NOT_FOUND, "consultant"},
        {"a box of nothing", MDG_ERR_INVALID, "box"},
        {"no content at all", MDG_ERR_INVALID, "required"},
    };
    struct room *room = *state;
    uint8_t box[100] = {7};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        Mdg__ConsultationContent content;
        Mdg__ConsultationIntake intake = an_intake(room, &content);
        switch (i) {
        case 0:
            intake.channel = MDG__CONSULTATION_CHANNEL__CHANNEL_NONE;
            break;
        case 1:
            intake.client = MDG__CONSULTATION_CLIENT__CLIENT_NONE;
            break;
        case 2:
            intake.topic = (char *)"　 ";
            break;
        case 3:
            content.text = (char *)"\n";
            break;
        case 4:
            intake.at_us += 121 * US_PER_SECOND;
            break;
        case 5:
            intake.follow_up_day = 20261122;
            break;
        case 6:
            intake.group_id = 901;
            break;
        case 7:
            intake.owner_id = DESK_PERSON;
            break;
        case 8:
            intake.owner_id = FORMER;
            break;
        case 9:
            intake.owner_id = 999;
            break;
        case 10:
            intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT_SEALED;
            intake.sealed = (ProtobufCBinaryData){sizeof box, box};
            break;
        default:
            intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT__NOT_SET;
            break;
        }
        int rc = ask(room, &room->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake);
        expect(room, rc, CASES[i].code, CASES[i].rule, CASES[i].name);
    }
    assert_int_equal(fixture_number(&room->fixture, "SELECT count(*) FROM consultation"), 0);
}

static void test_a_consultant_opens_for_himself(void **state)
{
    struct room *room = *state;
    Mdg__ConsultationContent content;
    Mdg__ConsultationIntake intake = an_intake(room, &content);
    expect(room, ask(room, &room->colleague, MDG__CONSULTATIONS__OF_INTAKE, &intake), MDG_ERR_FORBIDDEN, "own_case",
           "for another");
    intake.owner_id = 0;
    must(ask(room, &room->colleague, MDG__CONSULTATIONS__OF_INTAKE, &intake), "for himself");
    assert_int_equal(case_of(room, room->rq.object_id).owner_id, COLLEAGUE);
}

static void test_a_box_is_opened(void **state)
{
    struct room *room = *state;
    Mdg__ConsultationContent content;
    Mdg__ConsultationIntake intake = an_intake(room, &content);
    struct intake_key key;
    must(intake_key_of(room->fixture.keys, &key), "key");
    intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT_SEALED;
    must(intake_box_seal(key.public_half, &content, &intake.sealed.data, &intake.sealed.len), "seal");
    must(ask(room, &room->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake), "intake");
    int64_t case_id = room->rq.object_id;

    intake.sealed.data[60] ^= 1;
    expect(room, ask(room, &room->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake), MDG_ERR_INVALID, "box", "altered");
    free(intake.sealed.data);
    content.text = (char *)"a bell: \a";
    must(intake_box_seal(key.public_half, &content, &intake.sealed.data, &intake.sealed.len), "seal");
    expect(room, ask(room, &room->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake), MDG_ERR_INVALID, "text",
           "what is in a box keeps the rules as well");
    free(intake.sealed.data);

    must(read_by(room, &room->owner, case_id, ""), "read");
    assert_string_equal(text_of(room)->entries[0]->content->text, "the text " MARKER);
    assert_string_equal(text_of(room)->entries[0]->content->contact, "the contact " MARKER);
}

/* --- reading ------------------------------------------------------------------------------------------ */

static void test_the_own_case_is_read(void **state)
{
    struct room *room = *state;
    int64_t case_id = opened(room);
    must(add_by(room, &room->desk, case_id, "came again"), "the desk adds");
    must(add_by(room, &room->colleague, case_id, "called"), "a colleague adds");
    must(read_by(room, &room->owner, case_id, ""), "read");
    const Mdg__ConsultationText *text = text_of(room);
    assert_int_equal(text->n_entries, 3);
    assert_string_equal(text->entries[0]->content->text, "the text " MARKER);
    assert_string_equal(text->entries[1]->content->text, "came again");
    assert_int_equal(text->entries[1]->person_id, DESK_PERSON);
    assert_string_equal(text->entries[2]->content->text, "called");
    assert_int_equal(text->head->minutes, 30);
    assert_false(text->has_more);
    assert_int_equal(room->rq.object_id, case_id);
    assert_int_equal(fixture_number(&room->fixture, "SELECT count(*) FROM consultation_notice"), 0);
    verify(room);
}

static void test_anothers_case_needs_a_reason_and_is_told(void **state)
{
    struct room *room = *state;
    int64_t case_id = opened(room);
    expect(room, read_by(room, &room->colleague, case_id, ""), MDG_ERR_FORBIDDEN, "others_case", "no reason");
    expect(room, read_by(room, &room->colleague, case_id, " 　"), MDG_ERR_FORBIDDEN, "others_case", "a blank one");
    assert_int_equal(room->rq.refusal.object_id, case_id);
    assert_null(room->rq.answer);
    assert_int_equal(fixture_number(&room->fixture, "SELECT count(*) FROM consultation_notice"), 0);

    must(read_by(room, &room->colleague, case_id, "the owner is ill"), "with a reason");
    assert_int_equal(text_of(room)->n_entries, 1);
    assert_string_equal(room->rq.reason, "the owner is ill"); /* for the audit row */
    assert_int_equal(fixture_number(&room->fixture, "SELECT count(*) FROM consultation_notice WHERE reader_id = 102"
                                                    " AND owner_id = 101 AND reason = 'the owner is ill'"),
                     1);
    expect(room, read_by(room, &room->owner, case_id + 1000, ""), MDG_ERR_NOT_FOUND, "case", "no such case");
}

static void test_long_cases_come_in_pages(void **state)
{
    struct room *room = *state;
    int64_t case_id = opened(room), after = 0;
    char *longest = calloc(1, INTAKE_TEXT_BYTES_MAX + 1);
    size_t entries = 0, pages = 0;
    assert_non_null(longest);
    memset(longest, 'x', INTAKE_TEXT_BYTES_MAX);
    for (int i = 0; i < 24; i++) must(add_by(room, &room->desk, case_id, longest), "add");
    for (bool has_more = true; has_more && pages < 10; pages++) {
        Mdg__ConsultationRead read = MDG__CONSULTATION_READ__INIT;
        read.case_id = case_id;
        read.after_entry_id = after;
        must(ask(room, &room->owner, MDG__CONSULTATIONS__OF_READ, &read), "read");
        const Mdg__ConsultationText *text = text_of(room);
        if (mdg__consultation_text__get_packed_size(text) > 240 * 1024) fail_msg("a page over its frame");
        entries += text->n_entries;
        has_more = text->has_more;
        after = text->entries[text->n_entries - 1]->id;
    }
    assert_int_equal(entries, 25);
    assert_int_equal(pages, 3);
    free(longest);
}

/* --- what becomes of a case --------------------------------------------------------------------------- */

static void test_who_may_change_a_case(void **state)
{
    struct room *room = *state;
    int64_t case_id = opened(room);
    expect(room, follow_up_by(room, &room->colleague, case_id, 20261201, 0), MDG_ERR_NOT_FOUND, "own_case",
           "follow-up");
    expect(room, close_by(room, &room->colleague, case_id), MDG_ERR_NOT_FOUND, "own_case", "closing");
    expect(room, assign_by(room, &room->colleague, case_id, COLLEAGUE), MDG_ERR_NOT_FOUND, "own_case", "taking");
    must(follow_up_by(room, &room->owner, case_id, 20261201, 0), "the owner's follow-up");
    assert_int_equal(case_of(room, case_id).follow_up_day, 20261201);
    expect(room, follow_up_by(room, &room->owner, case_id, 20261122, 0), MDG_ERR_INVALID, "past", "yesterday");
    expect(room, follow_up_by(room, &room->owner, case_id, 20261201, DESK_PERSON), MDG_ERR_NOT_FOUND, "consultant",
           "to the desk");
    must(follow_up_by(room, &room->owner, case_id, 20261202, COLLEAGUE), "handing it over");
    expect(room, read_by(room, &room->owner, case_id, ""), MDG_ERR_FORBIDDEN, "others_case", "not his any more");
    must(assign_by(room, &room->office, case_id, OWNER), "the office hands it back");
    expect(room, assign_by(room, &room->office, case_id, OWNER), MDG_ERR_STATE, "owner_already", "again");
    must(close_by(room, &room->office, case_id), "the office closes");
    struct consultation c = case_of(room, case_id);
    assert_int_equal(c.erase_day, 20291123);
    assert_int_equal(c.follow_up_day, 0);
    expect(room, close_by(room, &room->owner, case_id), MDG_ERR_STATE, "case_closed", "closing twice");
    expect(room, add_by(room, &room->desk, case_id, "too late"), MDG_ERR_STATE, "case_closed", "adding afterwards");
    expect(room, follow_up_by(room, &room->owner, case_id, 20261201, 0), MDG_ERR_STATE, "case_closed", "afterwards");
}

static void test_a_stale_change_is_shown_the_case(void **state)
{
    struct room *room = *state;
    int64_t case_id = opened(room);
    Mdg__ConsultationFollowUp follow_up = MDG__CONSULTATION_FOLLOW_UP__INIT;
    follow_up.case_id = case_id;
    follow_up.day = 20261201;
    follow_up.rev = case_of(room, case_id).rev;
    must(add_by(room, &room->desk, case_id, "in between"), "add");
    expect(room, ask(room, &room->owner, MDG__CONSULTATIONS__OF_FOLLOW_UP, &follow_up), MDG_ERR_STALE, "changed",
           "stale");
    assert_true(room->rq.refusal.has_answer);
    assert_int_equal(room->rq.refusal.object_id, case_id);
    assert_int_equal(case_of(room, case_id).follow_up_day, 0);
}

/* --- what lies on the disk ---------------------------------------------------------------------------- */

static void test_text_rests_sealed(void **state)
{
    struct room *room = *state;
    char wal[128];
    int64_t case_id = opened(room);
    must(read_by(room, &room->owner, case_id, ""), "read");
    must(close_by(room, &room->owner, case_id), "close");
    snprintf(wal, sizeof wal, "%s-wal", room->fixture.db_path);
    assert_false(file_holds(wal, MARKER));
    assert_true(file_holds(wal, "助成金")); /* the search itself finds what is there */
    must(db_checkpoint(room->fixture.db), "checkpoint");
    assert_false(file_holds(room->fixture.db_path, MARKER));
}

static void test_closing_moves_the_text_into_its_month(void **state)
{
    struct room *room = *state;
    int64_t case_id = opened(room);
    must(add_by(room, &room->desk, case_id, "second"), "add");
    assert_int_equal(fixture_number(&room->fixture, "SELECT count(*) FROM consultation_entry WHERE key_name = 'open'"),
                     2);
    must(close_by(room, &room->owner, case_id), "close");
    assert_int_equal(
        fixture_number(&room->fixture, "SELECT count(*) FROM consultation_entry WHERE key_name = '2029-11'"), 2);
    must(read_by(room, &room->owner, case_id, ""), "read");
    assert_int_equal(text_of(room)->n_entries, 2);
    assert_string_equal(text_of(room)->entries[0]->content->text, "the text " MARKER);
    assert_string_equal(text_of(room)->entries[1]->content->text, "second");
    verify(room);
}

static void test_an_entry_opens_only_in_its_row(void **state)
{
    struct room *room = *state;
    int64_t first = opened(room), second = opened(room);
    must(db_exec(room->fixture.db, "UPDATE consultation_entry SET content = (SELECT content FROM consultation_entry"
                                   " ORDER BY id LIMIT 1)"),
         "moving a sealed text");
    must(read_by(room, &room->owner, first, ""), "read");
    assert_non_null(text_of(room)->entries[0]->content);
    must(read_by(room, &room->owner, second, ""), "read");
    assert_null(text_of(room)->entries[0]->content);
}

/* --- erasure ------------------------------------------------------------------------------------------ */

static void test_erasure_on_its_day(void **state)
{
    struct room *room = *state;
    int64_t open_case = opened(room);
    int64_t case_id = opened(room);
    must(db_exec(room->fixture.db, "UPDATE consultation SET group_id = 900"), "a group");
    must(close_by(room, &room->owner, case_id), "close");
    room->now_us = day_to_us(20291122, 23 * 60);
    expect(room, erase_due(room), MDG_ERR_STATE, "nothing_due", "a day early");
    room->now_us = day_to_us(20291123, 0);
    must(erase_due(room), "on its day");
    assert_int_equal(room->rq.object_id, case_id);
    struct consultation c = case_of(room, case_id);
    assert_true(c.is_erased);
    assert_int_equal(c.group_id, 0);
    assert_string_equal(c.referral, "");
    /* What the statistics are made of stays. */
    assert_string_equal(c.topic, "助成金");
    assert_int_equal(c.minutes, 20);
    assert_int_equal(c.channel, MDG__CONSULTATION_CHANNEL__CHANNEL_VISIT);
    assert_int_equal(c.outcome, MDG__CONSULTATION_OUTCOME__OUTCOME_REFERRED);
    assert_int_equal(fixture_number(&room->fixture, "SELECT count(*) FROM consultation_erasure"), 1);
    assert_int_equal(fixture_number(&room->fixture, "SELECT count(*) FROM consultation_entry WHERE content IS NULL"),
                     1);
    must(read_by(room, &room->owner, case_id, ""), "read");
    assert_null(text_of(room)->entries[0]->content);
    must(read_by(room, &room->owner, open_case, ""), "an open case stays");
    assert_non_null(text_of(room)->entries[0]->content);
    expect(room, erase_due(room), MDG_ERR_STATE, "nothing_due", "once is enough");
    verify(room);
}

/* What a copy of the database from back then says of the case: the number of entries whose text can be read. */
static int readable_in(const struct room *room, const char *path, int64_t case_id)
{
    struct consultation_entry *entries;
    struct arena arena;
    struct db *copy;
    size_t count;
    bool has_more;
    int readable = 0;
    arena_init(&arena, 1 << 20);
    must(db_open(path, DB_READ, &copy), "the copy");
    must(consultation_entries_read(copy, room->fixture.keys, case_id, 0, 1 << 20, &arena, &entries, &count, &has_more),
         "read");
    for (size_t i = 0; i < count; i++)
        if (entries[i].content) readable++;
    db_close(copy);
    arena_fini(&arena);
    return readable;
}

static void test_erasure_reaches_old_copies(void **state)
{
    struct room *room = *state;
    char copy[128];
    int64_t case_id = opened(room);
    must(close_by(room, &room->owner, case_id), "close");
    room->now_us = day_to_us(20261201, 10 * 60);
    int64_t later = opened(room); /* erased a month later, under another key */
    must(close_by(room, &room->owner, later), "close");
    snprintf(copy, sizeof copy, "%s/old.db", room->fixture.dir);
    must(db_copy(room->fixture.db, copy), "the copy");
    assert_int_equal(readable_in(room, copy, case_id), 1);

    room->now_us = day_to_us(20291123, 3 * 60);
    must(erase_due(room), "the day");
    assert_int_equal(fixture_number(&room->fixture, "SELECT count(*) FROM consultation_key WHERE destroyed_us <> 0"),
                     0);
    room->now_us = day_to_us(20291201, 3 * 60);
    must(erase_due(room), "the month is over");
    assert_int_equal(
        fixture_number(&room->fixture,
                       "SELECT count(*) FROM consultation_key WHERE destroyed_us <> 0 AND key_name = '2029-11'"),
        1);
    assert_int_equal(readable_in(room, copy, case_id), 0);
    assert_int_equal(readable_in(room, copy, later), 1);
    assert_int_equal(fixture_number(&room->fixture, "SELECT count(*) FROM consultation_key WHERE destroyed_us = 0"), 1);

    /* The same once more after keys are read from the disk anew. */
    struct keys *again;
    must(keys_open(room->fixture.keys_dir, &again), "keys");
    keys_close(room->fixture.keys);
    room->fixture.keys = again;
    assert_int_equal(readable_in(room, copy, case_id), 0);
    assert_int_equal(readable_in(room, copy, later), 1);
}

/* --- finding and following ---------------------------------------------------------------------------- */

static size_t found(struct room *room, const char *text, bool with_closed)
{
    Mdg__ConsultationFind find = MDG__CONSULTATION_FIND__INIT;
    find.text = (char *)text;
    find.with_closed = with_closed;
    must(ask(room, &room->desk, MDG__CONSULTATIONS__OF_FIND, &find), text);
    return room->rq.answer->consultations->found->n_cases;
}

static void test_what_finds_a_case(void **state)
{
    struct room *room = *state;
    Mdg__ConsultationContent content;
    Mdg__ConsultationIntake intake = an_intake(room, &content);
    intake.group_id = GROUP_ID;
    intake.topic = (char *)"印刷キの使い方";
    must(ask(room, &room->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake), "intake");
    int64_t closed = opened(room);
    must(close_by(room, &room->owner, closed), "close");
    static const struct {
        const char *text;
        bool with_closed;
        size_t found;
    } CASES[] = {
        {"", false, 1},       {"", true, 2},       {"2026-1", false, 1}, {"２０２６－１", false, 1},
        {"2026-2", false, 1}, {"2026-3", true, 0}, {"77", false, 1},     {"78", false, 0},
        {"みどり", false, 1}, {"ﾐﾄﾞﾘ", false, 1},  {"楽団", false, 1},   {"印刷ｷ", false, 1},
        {"助成金", false, 0}, {"助成金", true, 1}, {MARKER, true, 0},    {"contact", true, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        size_t count = found(room, CASES[i].text, CASES[i].with_closed);
        if (count != CASES[i].found) fail_msg("\"%s\": %zu", CASES[i].text, count);
    }
    Mdg__ConsultationFind find = MDG__CONSULTATION_FIND__INIT;
    find.owner_id = COLLEAGUE;
    must(ask(room, &room->desk, MDG__CONSULTATIONS__OF_FIND, &find), "by owner");
    assert_int_equal(room->rq.answer->consultations->found->n_cases, 0);
    find.owner_id = OWNER;
    find.from_day = 20261123;
    find.to_day = 20261123;
    must(ask(room, &room->desk, MDG__CONSULTATIONS__OF_FIND, &find), "by owner and day");
    assert_int_equal(room->rq.answer->consultations->found->n_cases, 1);
    find.from_day = 20261124;
    find.to_day = 0;
    must(ask(room, &room->desk, MDG__CONSULTATIONS__OF_FIND, &find), "later");
    assert_int_equal(room->rq.answer->consultations->found->n_cases, 0);
    find.to_day = 20261123;
    expect(room, ask(room, &room->desk, MDG__CONSULTATIONS__OF_FIND, &find), MDG_ERR_INVALID, "before_from",
           "backwards");
}

static void test_pages_of_found_cases(void **state)
{
    struct room *room = *state;
    for (int i = 0; i < 130; i++) opened(room);
    Mdg__ConsultationFind find = MDG__CONSULTATION_FIND__INIT;
    must(ask(room, &room->desk, MDG__CONSULTATIONS__OF_FIND, &find), "first page");
    const Mdg__ConsultationFound *page = room->rq.answer->consultations->found;
    assert_int_equal(page->n_cases, 100);
    assert_true(page->has_more);
    assert_int_equal(page->cases[0]->number, 130);
    find.after_id = page->cases[99]->id;
    must(ask(room, &room->desk, MDG__CONSULTATIONS__OF_FIND, &find), "second page");
    page = room->rq.answer->consultations->found;
    assert_int_equal(page->n_cases, 30);
    assert_false(page->has_more);
    assert_int_equal(page->cases[29]->number, 1);
}

static void test_what_the_feed_brings(void **state)
{
    struct room *room = *state;
    struct arena arena;
    Mdg__Row *rows[10];
    uint8_t packed[2000];
    arena_init(&arena, 1 << 20);
    int64_t first = opened(room), second = opened(room);
    assert_int_equal(fixture_feed(&room->fixture, &CONSULTATIONS_DOMAIN, KIND_HEAD, 0, &arena, rows, 10), 2);
    for (int i = 0; i < 2; i++) {
        size_t length = mdg__row__pack(rows[i], packed);
        assert_null(memmem(packed, length, MARKER, strlen(MARKER)));
    }
    int64_t rev = case_of(room, second).rev;
    must(close_by(room, &room->owner, first), "close");
    /* Whoever had it learns that it is gone; whoever starts afresh never hears of it. */
    assert_int_equal(fixture_feed(&room->fixture, &CONSULTATIONS_DOMAIN, KIND_HEAD, rev, &arena, rows, 10), 1);
    assert_null(rows[0]);
    assert_int_equal(fixture_feed(&room->fixture, &CONSULTATIONS_DOMAIN, KIND_HEAD, 0, &arena, rows, 10), 1);
    /* Feed fixtures stand at FIXTURE_T0, before the notice's day, and look with the desk's eyes: no reason. */
    must(read_by(room, &room->colleague, second, "kept from the counter"), "read");
    assert_int_equal(fixture_feed(&room->fixture, &CONSULTATIONS_DOMAIN, KIND_NOTICE, 0, &arena, rows, 10), 1);
    const Mdg__ConsultationNotice *notice = rows[0]->body->consultations->notice_row;
    assert_int_equal(notice->case_id, second);
    assert_int_equal(notice->reader_id, COLLEAGUE);
    assert_string_equal(notice->reason, "");
    arena_fini(&arena);
}

static void test_verify_finds_what_was_altered(void **state)
{
    static const struct {
        const char *name, *sql;
    } CASES[] = {
        {"minutes", "UPDATE consultation SET minutes = minutes + 1"},
        {"a lost entry", "DELETE FROM consultation_entry"},
        {"a lost text", "UPDATE consultation_entry SET content = NULL"},
        {"another key", "UPDATE consultation_entry SET key_name = '2020-01'"},
    };
    struct room *room = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *complaint = NULL;
        if (i == 0) opened(room);
        must(db_begin_write(room->fixture.db), "begin");
        must(db_exec(room->fixture.db, CASES[i].sql), CASES[i].name);
        if (consultation_verify(room->fixture.db, &complaint) != MDG_ERR_CORRUPT)
            fail_msg("%s: unnoticed", CASES[i].name);
        assert_non_null(strstr(complaint, "2026-1"));
        free(complaint);
        db_rollback(room->fixture.db);
    }
    verify(room);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_intake_is_a_case_with_a_number),
        TEST(test_intakes_that_are_refused),
        TEST(test_a_consultant_opens_for_himself),
        TEST(test_a_box_is_opened),
        TEST(test_the_own_case_is_read),
        TEST(test_anothers_case_needs_a_reason_and_is_told),
        TEST(test_long_cases_come_in_pages),
        TEST(test_who_may_change_a_case),
        TEST(test_a_stale_change_is_shown_the_case),
        TEST(test_text_rests_sealed),
        TEST(test_closing_moves_the_text_into_its_month),
        TEST(test_an_entry_opens_only_in_its_row),
        TEST(test_erasure_on_its_day),
        TEST(test_erasure_reaches_old_copies),
        TEST(test_what_finds_a_case),
        TEST(test_pages_of_found_cases),
        TEST(test_what_the_feed_brings),
        TEST(test_verify_finds_what_was_altered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
