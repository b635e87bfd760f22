/* tests/client/intake_test.c - text of a consultation is sealed before it is stored, or not stored at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/lib/intake.h"
#include "common/arena.h"
#include "common/error.h"
#include "tests/client/temp_dir.h"

#define MARKER "kagome-kagome-3"

struct call {
    struct profile profile;
    struct intake_key key;
    Mdg__Body body;
    Mdg__Consultations consultations;
    Mdg__ConsultationIntake intake;
    Mdg__ConsultationAdd add;
    Mdg__ConsultationContent content;
};

static int setup(void **state)
{
    struct call *call = calloc(1, sizeof *call);
    uint8_t seed[INTAKE_KEY_BYTES] = {5};
    if (!call || intake_key_from_seed(seed, &call->key) != 0) return -1;
    call->profile.has_intake_key = true;
    memcpy(call->profile.intake_key, call->key.public_half, INTAKE_KEY_BYTES);
    mdg__body__init(&call->body);
    mdg__consultations__init(&call->consultations);
    mdg__consultation_intake__init(&call->intake);
    mdg__consultation_add__init(&call->add);
    mdg__consultation_content__init(&call->content);
    call->content.text = (char *)"text " MARKER;
    call->content.contact = (char *)"contact " MARKER;
    call->intake.topic = (char *)"印刷機";
    call->intake.minutes = 15;
    call->intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT_PLAIN;
    call->intake.plain = &call->content;
    call->add.case_id = 7;
    call->add.content_case = MDG__CONSULTATION_ADD__CONTENT_PLAIN;
    call->add.plain = &call->content;
    call->body.domain_case = MDG__BODY__DOMAIN_CONSULTATIONS;
    call->body.consultations = &call->consultations;
    *state = call;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void choose(struct call *call, bool is_intake)
{
    call->consultations.of_case = is_intake ? MDG__CONSULTATIONS__OF_INTAKE : MDG__CONSULTATIONS__OF_ADD;
    if (is_intake)
        call->consultations.intake = &call->intake;
    else
        call->consultations.add = &call->add;
}

static void test_what_is_stored_is_sealed(void **state)
{
    struct call *call = *state;
    struct intake_wrap wrap;
    uint8_t packed[1000];
    for (int is_intake = 0; is_intake <= 1; is_intake++) {
        struct arena arena;
        Mdg__ConsultationContent *content;
        choose(call, is_intake);
        assert_int_equal(intake_wrap_init(&wrap, &call->profile, &call->body), 0);
        size_t length = mdg__body__pack(wrap.body, packed);
        assert_null(memmem(packed, length, MARKER, strlen(MARKER)));
        const Mdg__Consultations *stored = wrap.body->consultations;
        const ProtobufCBinaryData *box = is_intake ? &stored->intake->sealed : &stored->add->sealed;
        arena_init(&arena, 1 << 16);
        assert_int_equal(intake_box_open(&call->key, box->data, box->len, &arena, &content), 0);
        assert_string_equal(content->text, "text " MARKER);
        assert_string_equal(content->contact, "contact " MARKER);
        arena_fini(&arena);
        if (is_intake)
            assert_int_equal(stored->intake->minutes, 15);
        else
            assert_int_equal(stored->add->case_id, 7);
        /* The call that was given is as it was. */
        assert_int_equal(call->intake.content_case, MDG__CONSULTATION_INTAKE__CONTENT_PLAIN);
        assert_int_equal(call->add.content_case, MDG__CONSULTATION_ADD__CONTENT_PLAIN);
        intake_wrap_fini(&wrap);
    }
}

static void test_without_the_key_nothing_is_stored(void **state)
{
    struct call *call = *state;
    struct intake_wrap wrap;
    call->profile.has_intake_key = false;
    for (int is_intake = 0; is_intake <= 1; is_intake++) {
        choose(call, is_intake);
        assert_int_equal(intake_wrap_init(&wrap, &call->profile, &call->body), MDG_ERR_OFFLINE);
        intake_wrap_fini(&wrap);
    }
}

static void test_everything_else_is_stored_as_it_is(void **state)
{
    struct call *call = *state;
    struct intake_wrap wrap;
    Mdg__Body other = MDG__BODY__INIT;
    call->profile.has_intake_key = false;
    assert_int_equal(intake_wrap_init(&wrap, &call->profile, &other), 0);
    assert_ptr_equal(wrap.body, &other);
    intake_wrap_fini(&wrap);

    choose(call, true);
    call->intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT_SEALED;
    call->intake.sealed = (ProtobufCBinaryData){3, (uint8_t *)"box"};
    assert_int_equal(intake_wrap_init(&wrap, &call->profile, &call->body), 0);
    assert_ptr_equal(wrap.body, &call->body);
    intake_wrap_fini(&wrap);
}

static void test_the_key_stays_in_the_profile(void **state)
{
    struct call *call = *state;
    struct profile again;
    char dir[TEMP_PATH_BYTES];
    temp_dir_make(dir);
    snprintf(call->profile.dir, sizeof call->profile.dir, "%s", dir);
    snprintf(call->profile.host, sizeof call->profile.host, "127.0.0.1");
    snprintf(call->profile.server_name, sizeof call->profile.server_name, "madoguchid.internal");
    call->profile.port = 1;
    assert_int_equal(profile_save(&call->profile), 0);
    assert_int_equal(profile_load(dir, &again), 0);
    assert_true(again.has_intake_key);
    assert_memory_equal(again.intake_key, call->profile.intake_key, INTAKE_KEY_BYTES);

    call->profile.has_intake_key = false;
    assert_int_equal(profile_save(&call->profile), 0);
    assert_int_equal(profile_load(dir, &again), 0);
    assert_false(again.has_intake_key);
    temp_dir_remove(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_stored_is_sealed),
        TEST(test_without_the_key_nothing_is_stored),
        TEST(test_everything_else_is_stored_as_it_is),
        TEST(test_the_key_stays_in_the_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
