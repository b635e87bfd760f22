/* tests/server/audit_head_store_test.c - the head that terminals print equals the chain's, and prints leave a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/audit/audit_domain.h"
#include "tests/support/centre_fixture.h"

#define SHEET "day sheet 2026-11-24"

static const Mdg__AuditHeadIs *head_of(struct centre_fixture *centre, const struct caller *caller)
{
    Mdg__AuditHead head = MDG__AUDIT_HEAD__INIT;
    centre_must(centre_call(centre, caller, &AUDIT_DOMAIN, MDG__AUDIT__OF_HEAD, &head), "head");
    assert_non_null(centre->rq.answer);
    return centre->rq.answer->audit->head_is;
}

static int print(struct centre_fixture *centre, const struct caller *caller, const char *purpose)
{
    Mdg__AuditPrint call = MDG__AUDIT_PRINT__INIT;
    call.sheet = (char *)SHEET;
    call.purpose = (char *)purpose;
    return centre_call(centre, caller, &AUDIT_DOMAIN, MDG__AUDIT__OF_PRINT, &call);
}

static void test_head_is_that_of_the_chain(void **state)
{
    struct centre_fixture *centre = *state;
    struct caller desk = centre_caller(KIND_COUNTER, 11, 21, ROLE_BIT_DESK);
    uint8_t hash[AUDIT_HASH_BYTES];
    int64_t rows, bad_seq;
    for (int i = 0; i < 3; i++) {
        centre_must(print(centre, &desk, "the day's work"), "print");
        const Mdg__AuditHeadIs *head = head_of(centre, &desk);
        centre_must(audit_verify(centre->db, &rows, hash, &bad_seq), "verify");
        assert_int_equal(head->seq, rows);
        assert_int_equal(head->hash.len, sizeof hash);
        assert_memory_equal(head->hash.data, hash, sizeof hash);
    }
}

static const char SQL_COUNT[] = "SELECT COUNT(*) FROM audit WHERE operation = 'audit.print' AND outcome = 0"
                                " AND person_id = 21 AND terminal_id = 11"
                                " AND reason = 'day sheet 2026-11-24: the day''s work'";

static void test_a_print_is_kept_with_person_and_purpose(void **state)
{
    struct centre_fixture *centre = *state;
    struct caller desk = centre_caller(KIND_COUNTER, 11, 21, ROLE_BIT_DESK);
    assert_int_equal(centre_number(centre->db, SQL_COUNT), 0);
    centre_must(print(centre, &desk, "the day's work"), "print");
    assert_int_equal(centre_number(centre->db, SQL_COUNT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_head_is_that_of_the_chain, centre_setup, centre_teardown),
        cmocka_unit_test_setup_teardown(test_a_print_is_kept_with_person_and_purpose, centre_setup, centre_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
