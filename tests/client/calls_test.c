/* tests/client/calls_test.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/lib/calls.h"
#include "common/error.h"

#define HOUR_MS 3600000u

struct heard {
    int times, rc;
    uint64_t response_id;
    struct calls *calls; /* for callbacks that start another */
    struct heard *next;
};

static void on_reply(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct heard *heard = arg;
    (void)client;
    heard->times++;
    heard->rc = rc;
    heard->response_id = response ? response->id : 0;
    if (heard->next) {
        uint64_t id;
        assert_int_equal(calls_add(heard->calls, HOUR_MS, on_reply, heard->next, &id), 0);
    }
}

struct fixture {
    uv_loop_t loop;
    struct calls calls;
};

static void fixture_init(struct fixture *fixture)
{
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(calls_init(&fixture->calls, &fixture->loop, NULL), 0);
}

static void fixture_fini(struct fixture *fixture)
{
    calls_end_all(&fixture->calls, MDG_ERR_SHUTTING_DOWN);
    calls_close(&fixture->calls, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
}

static void answer(struct fixture *fixture, uint64_t id)
{
    Mdg__Response response = MDG__RESPONSE__INIT;
    response.id = id;
    calls_answer(&fixture->calls, &response);
}

static void test_answers_find_their_calls(void **state)
{
    struct fixture fixture;
    struct heard heard[3] = {0};
    uint64_t ids[3];
    (void)state;
    fixture_init(&fixture);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(calls_add(&fixture.calls, HOUR_MS, on_reply, &heard[i], &ids[i]), 0);
        assert_true(ids[i] > 0);
        for (int j = 0; j < i; j++) assert_true(ids[j] != ids[i]);
    }
    answer(&fixture, ids[1]);
    answer(&fixture, ids[1]); /* said twice */
    answer(&fixture, 4711);   /* never asked */
    answer(&fixture, ids[2]);
    assert_int_equal(heard[0].times, 0);
    assert_int_equal(heard[1].times, 1);
    assert_int_equal(heard[1].response_id, ids[1]);
    assert_int_equal(heard[2].times, 1);
    fixture_fini(&fixture);
    assert_int_equal(heard[0].times, 1);
    assert_int_equal(heard[0].rc, MDG_ERR_SHUTTING_DOWN);
    assert_int_equal(heard[1].times, 1);
}

static void test_deadlines_come_in_their_order(void **state)
{
    struct fixture fixture;
    struct heard late = {0}, soon = {0}, far = {0};
    uint64_t late_id, soon_id, far_id;
    (void)state;
    fixture_init(&fixture);
    assert_int_equal(calls_add(&fixture.calls, 60, on_reply, &late, &late_id), 0);
    assert_int_equal(calls_add(&fixture.calls, HOUR_MS, on_reply, &far, &far_id), 0);
    assert_int_equal(calls_add(&fixture.calls, 10, on_reply, &soon, &soon_id), 0);
    assert_int_equal(soon.times, 0);
    uint64_t start = uv_hrtime();
    while (soon.times == 0) uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_true(uv_hrtime() - start >= UINT64_C(9000000));
    assert_int_equal(soon.rc, MDG_ERR_DEADLINE);
    assert_int_equal(late.times, 0);
    answer(&fixture, soon_id); /* too late */
    while (late.times == 0) uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(soon.times, 1);
    assert_int_equal(far.times, 0);
    fixture_fini(&fixture);
    assert_int_equal(far.times, 1);
}

static void test_cancelled_calls_end_from_the_loop(void **state)
{
    struct fixture fixture;
    struct heard heard = {0};
    uint64_t id;
    (void)state;
    fixture_init(&fixture);
    assert_int_equal(calls_add(&fixture.calls, HOUR_MS, on_reply, &heard, &id), 0);
    calls_end_later(&fixture.calls, id, UV_ECANCELED);
    calls_end_later(&fixture.calls, id, MDG_ERR_OFFLINE); /* the first end counts */
    calls_end_later(&fixture.calls, id + 1, UV_ECANCELED);
    assert_int_equal(heard.times, 0);
    answer(&fixture, id); /* overtaken */
    assert_int_equal(heard.times, 0);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(heard.times, 1);
    assert_int_equal(heard.rc, UV_ECANCELED);
    fixture_fini(&fixture);
    assert_int_equal(heard.times, 1);
}

static void test_a_lost_connection_ends_all_but_new_ones(void **state)
{
    struct fixture fixture;
    struct heard new_one = {0};
    struct heard heard[2] = {{.calls = &fixture.calls, .next = &new_one}, {0}};
    uint64_t ids[2];
    (void)state;
    fixture_init(&fixture);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(calls_add(&fixture.calls, HOUR_MS, on_reply, &heard[i], &ids[i]), 0);
    }
    calls_end_later(&fixture.calls, ids[1], UV_ECANCELED);
    calls_end_all(&fixture.calls, MDG_ERR_OFFLINE);
    assert_int_equal(heard[0].rc, MDG_ERR_OFFLINE);
    assert_int_equal(heard[1].rc, UV_ECANCELED);
    assert_int_equal(new_one.times, 0);
    answer(&fixture, ids[1] + 1);
    assert_int_equal(new_one.times, 1);
    fixture_fini(&fixture);
    assert_int_equal(heard[0].times + heard[1].times + new_one.times, 3);
}

static void test_a_forgotten_call_is_silent(void **state)
{
    struct fixture fixture;
    struct heard heard = {0};
    uint64_t id;
    (void)state;
    fixture_init(&fixture);
    assert_int_equal(calls_add(&fixture.calls, 0, on_reply, &heard, &id), 0);
    calls_forget(&fixture.calls, id);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    fixture_fini(&fixture);
    assert_int_equal(heard.times, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_find_their_calls),
        cmocka_unit_test(test_deadlines_come_in_their_order),
        cmocka_unit_test(test_cancelled_calls_end_from_the_loop),
        cmocka_unit_test(test_a_lost_connection_ends_all_but_new_ones),
        cmocka_unit_test(test_a_forgotten_call_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
