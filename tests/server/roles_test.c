/* tests/server/roles_test.c - the whole table of who counts as what, where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "frame.pb-c.h"
#include "server/request/roles.h"

#define D ROLE_BIT_DESK
#define O ROLE_BIT_OFFICE
#define C ROLE_BIT_CONSULTATION
#define G ROLE_BIT_GROUP
#define M ROLE_BIT_COUNCIL
#define H ROLE_BIT_CHAIR
#define T ROLE_BIT_TERMINAL

/* Each terminal: what it has by itself, and which of a person's roles count (server/README.md 10). */
static const struct {
    const char *name;
    enum terminal_kind kind;
    bool is_private;
    uint32_t alone, of_persons;
} CASES[] = {
    {"counter", KIND_COUNTER, false, T | ROLE_BIT_COUNTER_ALONE, D | O},
    {"counter", KIND_COUNTER, true, T | ROLE_BIT_COUNTER_ALONE, D | O | C},
    {"office", KIND_OFFICE, false, T, O | C},
    {"office", KIND_OFFICE, true, T, O | C},
    {"lounge", KIND_LOUNGE, false, T, G | M | H},
    {"lounge", KIND_LOUNGE, true, T, G | M | H},
    {"council", KIND_COUNCIL, false, T, M | H},
    {"council", KIND_COUNCIL, true, T, M | H},
    {"door", KIND_DOOR, false, T | ROLE_BIT_DOOR, 0},
    {"door", KIND_DOOR, true, T | ROLE_BIT_DOOR, 0},
    {"display", KIND_DISPLAY, false, T | ROLE_BIT_DISPLAY, 0},
    {"display", KIND_DISPLAY, true, T | ROLE_BIT_DISPLAY, 0},
    {"applicant", KIND_APPLICANT, false, ROLE_BIT_APPLICANT, 0},
    {"applicant", KIND_APPLICANT, true, ROLE_BIT_APPLICANT, 0},
    {"console", KIND_CONSOLE, false, ROLE_BIT_CONSOLE, 0},
    {"console", KIND_CONSOLE, true, ROLE_BIT_CONSOLE, 0},
    {"clock", KIND_CLOCK, false, ROLE_BIT_CLOCK, 0},
    {"clock", KIND_CLOCK, true, ROLE_BIT_CLOCK, 0},
    {"none", KIND_NONE, false, 0, 0},
    {"none", KIND_NONE, true, 0, 0},
};

/* With every set of a person's roles, also of bits that are no role of persons. */
static void test_every_kind_place_and_set_of_roles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        for (uint32_t roles = 0; roles < 1u << 16; roles++) {
            uint32_t expected = CASES[i].alone | (roles & CASES[i].of_persons);
            uint32_t got = roles_effective(CASES[i].kind, CASES[i].is_private, roles);
            if (got != expected)
                fail_msg("%s%s with %#x: %#x, not %#x", CASES[i].is_private ? "private " : "", CASES[i].name,
                         (unsigned)roles, (unsigned)got, (unsigned)expected);
        }
    }
}

static void test_kinds_that_nobody_knows_have_nothing(void **state)
{
    (void)state;
    for (int kind = -1; kind < 64; kind++) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) is_known |= (int)CASES[i].kind == kind;
        if (!is_known && roles_effective((enum terminal_kind)kind, true, UINT32_MAX) != 0) fail_msg("kind %d", kind);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_string_equal(terminal_kind_name(CASES[i].kind), CASES[i].name);
}

/* Roles and kinds travel: the wire's numbers are these. */
static void test_numbers_of_the_wire(void **state)
{
    (void)state;
    assert_int_equal(MDG__ROLE__ROLE_DESK, D);
    assert_int_equal(MDG__ROLE__ROLE_OFFICE, O);
    assert_int_equal(MDG__ROLE__ROLE_CONSULTATION, C);
    assert_int_equal(MDG__ROLE__ROLE_GROUP, G);
    assert_int_equal(MDG__ROLE__ROLE_COUNCIL, M);
    assert_int_equal(MDG__ROLE__ROLE_CHAIR, H);
    assert_int_equal(ROLE_BITS_OF_PERSONS, D | O | C | G | M | H);
    assert_int_equal(MDG__TERMINAL_KIND__TERMINAL_COUNTER, KIND_COUNTER);
    assert_int_equal(MDG__TERMINAL_KIND__TERMINAL_OFFICE, KIND_OFFICE);
    assert_int_equal(MDG__TERMINAL_KIND__TERMINAL_LOUNGE, KIND_LOUNGE);
    assert_int_equal(MDG__TERMINAL_KIND__TERMINAL_DOOR, KIND_DOOR);
    assert_int_equal(MDG__TERMINAL_KIND__TERMINAL_COUNCIL, KIND_COUNCIL);
    assert_int_equal(MDG__TERMINAL_KIND__TERMINAL_DISPLAY, KIND_DISPLAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_place_and_set_of_roles),
        cmocka_unit_test(test_kinds_that_nobody_knows_have_nothing),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_numbers_of_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
