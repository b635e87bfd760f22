/* tests/common/intake_box_test.c - what one key seals, that key alone opens, whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/intake_box.h"

#define TEXT "隣の団体と\n印刷機の順番でもめている"
#define CONTACT "山田 03-0000-0000"

struct boxes {
    struct intake_key key, other;
    uint8_t *box;
    size_t length;
    struct arena arena;
};

static void key_make(uint8_t first, struct intake_key *key)
{
    uint8_t seed[INTAKE_KEY_BYTES] = {first};
    assert_int_equal(intake_key_from_seed(seed, key), 0);
}

static int setup(void **state)
{
    struct boxes *boxes = calloc(1, sizeof *boxes);
    Mdg__ConsultationContent content = MDG__CONSULTATION_CONTENT__INIT;
    if (!boxes) return -1;
    content.text = (char *)TEXT;
    content.contact = (char *)CONTACT;
    key_make(1, &boxes->key);
    key_make(2, &boxes->other);
    arena_init(&boxes->arena, 1 << 20);
    *state = boxes;
    return intake_box_seal(boxes->key.public_half, &content, &boxes->box, &boxes->length);
}

static int teardown(void **state)
{
    struct boxes *boxes = *state;
    free(boxes->box);
    arena_fini(&boxes->arena);
    free(boxes);
    return 0;
}

static void test_it_comes_back_whole(void **state)
{
    struct boxes *boxes = *state;
    Mdg__ConsultationContent *content;
    assert_int_equal(intake_box_open(&boxes->key, boxes->box, boxes->length, &boxes->arena, &content), 0);
    assert_string_equal(content->text, TEXT);
    assert_string_equal(content->contact, CONTACT);
}

static void test_nothing_of_it_shows(void **state)
{
    struct boxes *boxes = *state;
    assert_null(memmem(boxes->box, boxes->length, "印刷機", strlen("印刷機")));
    assert_null(memmem(boxes->box, boxes->length, "03-0000", strlen("03-0000")));
}

static void test_the_same_text_twice_is_two_boxes(void **state)
{
    struct boxes *boxes = *state;
    Mdg__ConsultationContent content = MDG__CONSULTATION_CONTENT__INIT;
    uint8_t *again;
    size_t length;
    content.text = (char *)TEXT;
    content.contact = (char *)CONTACT;
    assert_int_equal(intake_box_seal(boxes->key.public_half, &content, &again, &length), 0);
    assert_int_equal(length, boxes->length);
    assert_memory_not_equal(again, boxes->box, length);
    free(again);
}

static void test_the_same_seed_is_the_same_pair(void **state)
{
    struct boxes *boxes = *state;
    struct intake_key again;
    key_make(1, &again);
    assert_memory_equal(&again, &boxes->key, sizeof again);
    assert_memory_not_equal(boxes->other.public_half, boxes->key.public_half, INTAKE_KEY_BYTES);
}

static void test_what_does_not_open(void **state)
{
    struct boxes *boxes = *state;
    Mdg__ConsultationContent *content;
    assert_int_equal(intake_box_open(&boxes->other, boxes->box, boxes->length, &boxes->arena, &content),
                     MDG_ERR_CORRUPT);
    assert_null(content);
    for (size_t length = 0; length < boxes->length; length++) {
        if (intake_box_open(&boxes->key, boxes->box, length, &boxes->arena, &content) != MDG_ERR_CORRUPT)
            fail_msg("cut to %zu bytes", length);
    }
    for (size_t i = 0; i < boxes->length; i++) {
        boxes->box[i] ^= 1;
        if (intake_box_open(&boxes->key, boxes->box, boxes->length, &boxes->arena, &content) != MDG_ERR_CORRUPT)
            fail_msg("altered at byte %zu", i);
        boxes->box[i] ^= 1;
    }
}

/* Sealed in good order, but no ConsultationContent. */
static void test_something_else_inside(void **state)
{
    struct boxes *boxes = *state;
    Mdg__ConsultationContent content = MDG__CONSULTATION_CONTENT__INIT, *opened;
    ProtobufCMessageUnknownField unknown = {.tag = 15, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED};
    uint8_t wrong[] = {0xff}; /* a length that promises more than there is */
    uint8_t *box;
    size_t length;
    unknown.data = wrong;
    unknown.len = sizeof wrong;
    content.base.n_unknown_fields = 1;
    content.base.unknown_fields = &unknown;
    assert_int_equal(intake_box_seal(boxes->key.public_half, &content, &box, &length), 0);
    assert_int_equal(intake_box_open(&boxes->key, box, length, &boxes->arena, &opened), MDG_ERR_CORRUPT);
    free(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_comes_back_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_of_it_shows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_same_text_twice_is_two_boxes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_same_seed_is_the_same_pair, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_does_not_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_something_else_inside, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
