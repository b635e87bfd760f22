/* tests/client/client_test.c - a client without a server: what it says, keeps, and how it ends. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>

#include "client/lib/madoguchi.h"
#include "client/lib/profile.h"
#include "client/lib/client.h"
#include "common/day.h"
#include "server/keys/authority.h"
#include "tests/client/temp_dir.h"

struct fixture {
    char dir[TEMP_PATH_BYTES];
    uv_loop_t loop;
    struct mdg_client *client;
    int replies, last_rc, states;
    bool is_closed;
};

/* A port on which nobody listens: bound, then given back. */
static unsigned free_port(void)
{
    uv_loop_t loop;
    uv_tcp_t tcp;
    struct sockaddr_in address;
    int length = sizeof address;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_tcp_init(&loop, &tcp), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_bind(&tcp, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_tcp_getsockname(&tcp, (struct sockaddr *)&address, &length), 0);
    uv_close((uv_handle_t *)&tcp, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return ntohs(address.sin_port);
}

static void make_profile(struct fixture *fixture, uint32_t kind, int64_t from_us)
{
    struct der authority, authority_key, request, key, certificate;
    struct profile profile = {.port = free_port(), .terminal_id = 3, .terminal_kind = kind};
    char serial[CERTIFICATE_SERIAL_HEX_BYTES];
    snprintf(profile.dir, sizeof profile.dir, "%s", fixture->dir);
    snprintf(profile.host, sizeof profile.host, "127.0.0.1");
    snprintf(profile.server_name, sizeof profile.server_name, "%s", SERVER_NAME);
    snprintf(profile.centre_name, sizeof profile.centre_name, "みどり");
    assert_int_equal(authority_create("みどり", from_us, &authority, &authority_key), 0);
    assert_int_equal(enrolment_request_new(&request, &key), 0);
    assert_int_equal(authority_issue_terminal(&authority, &authority_key, request.bytes, request.length, 3, from_us,
                                              from_us + TERMINAL_LIFE_US, &certificate, serial),
                     0);
    ProtobufCBinaryData pinned = {authority.length, authority.bytes};
    assert_int_equal(profile_save_authorities(&profile, &pinned, 1), 0);
    assert_int_equal(profile_save_identity(&profile, &key, &certificate), 0);
    assert_int_equal(profile_save(&profile), 0);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    temp_dir_make(fixture->dir);
    *state = fixture;
    return uv_loop_init(&fixture->loop);
}

static void on_closed(void *arg)
{
    ((struct fixture *)arg)->is_closed = true;
}

static void close_client(struct fixture *fixture)
{
    mdg_client_close(fixture->client, on_closed, fixture);
    assert_false(fixture->is_closed);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true(fixture->is_closed);
    fixture->client = NULL;
    fixture->is_closed = false;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->client) close_client(fixture);
    assert_int_equal(uv_loop_close(&fixture->loop), 0); /* nothing was left on the loop */
    temp_dir_remove(fixture->dir);
    free(fixture);
    return 0;
}

static void on_state(struct mdg_client *client, const struct mdg_state *is, void *arg)
{
    (void)client;
    (void)is;
    ((struct fixture *)arg)->states++;
}

static void on_reply(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct fixture *fixture = arg;
    (void)client;
    assert_null(response);
    fixture->replies++;
    fixture->last_rc = rc;
}

static int open_client(struct fixture *fixture)
{
    const struct mdg_options options = {
        .profile_dir = fixture->dir, .program = "client_test", .events = {.on_state = on_state, .arg = fixture}};
    return mdg_client_new(&fixture->loop, &options, &fixture->client);
}

static struct mdg_state state_of(struct fixture *fixture)
{
    struct mdg_state is;
    mdg_client_state(fixture->client, &is);
    return is;
}

static void run_until_link(struct fixture *fixture, enum mdg_link link)
{
    uint64_t end_ns = uv_hrtime() + UINT64_C(5000000000);
    while (state_of(fixture).link != link && uv_hrtime() < end_ns) uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_int_equal(state_of(fixture).link, link);
}

static int submit_count(struct fixture *fixture)
{
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    Mdg__VisitCount count = MDG__VISIT_COUNT__INIT;
    uint8_t key[MDG_KEY_BYTES];
    count.people = 2;
    visits.of_case = MDG__VISITS__OF_COUNT;
    visits.count = &count;
    body.domain_case = MDG__BODY__DOMAIN_VISITS;
    body.visits = &visits;
    return mdg_submit(fixture->client, &body, key);
}

static void test_without_a_server_it_keeps_and_tries_again(void **state)
{
    struct fixture *fixture = *state;
    Mdg__Body body = MDG__BODY__INIT;
    assert_int_equal(open_client(fixture), MDG_ERR_CONFIG);
    make_profile(fixture, MDG__TERMINAL_KIND__TERMINAL_COUNTER, clock_now_us());
    assert_int_equal(open_client(fixture), 0);
    assert_true(state_of(fixture).offline_since_us > 0);
    run_until_link(fixture, MDG_LINK_CONNECTING);
    run_until_link(fixture, MDG_LINK_OFFLINE);
    assert_int_equal(state_of(fixture).why_offline, UV_ECONNREFUSED);
    int64_t since_us = state_of(fixture).offline_since_us;
    run_until_link(fixture, MDG_LINK_CONNECTING); /* by itself, after the back-off */
    assert_true(fixture->client->failures > 0);
    run_until_link(fixture, MDG_LINK_OFFLINE);
    assert_int_equal(state_of(fixture).offline_since_us, since_us); /* since the first */

    assert_int_equal(mdg_call(fixture->client, &body, NULL, 10, on_reply, fixture, NULL), MDG_ERR_OFFLINE);
    assert_int_equal(mdg_sign_in(fixture->client, "a", "b", on_reply, fixture), MDG_ERR_OFFLINE);
    assert_int_equal(mdg_sign_out(fixture->client, on_reply, fixture), 0);
    assert_int_equal(fixture->replies, 0);
    fixture->states = 0;
    for (int i = 0; i < 3; i++) assert_int_equal(submit_count(fixture), 0);
    assert_int_equal(state_of(fixture).unsent, 3);
    assert_int_equal(fixture->states, 0); /* told from the loop only */
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_int_equal(fixture->states, 1);
    assert_int_equal(fixture->replies, 1);
    assert_int_equal(fixture->last_rc, MDG_ERR_OFFLINE);

    close_client(fixture);
    assert_int_equal(open_client(fixture), 0);
    assert_int_equal(state_of(fixture).unsent, 3);
}

static void test_closing_answers_what_is_open(void **state)
{
    struct fixture *fixture = *state;
    make_profile(fixture, MDG__TERMINAL_KIND__TERMINAL_OFFICE, clock_now_us());
    assert_int_equal(open_client(fixture), 0);
    run_until_link(fixture, MDG_LINK_CONNECTING);
    assert_int_equal(mdg_sign_out(fixture->client, on_reply, fixture), 0);
    mdg_client_close(fixture->client, on_closed, fixture);
    assert_int_equal(submit_count(fixture), MDG_ERR_SHUTTING_DOWN);
    mdg_client_close(fixture->client, NULL, NULL); /* said twice */
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true(fixture->is_closed);
    assert_int_equal(fixture->replies, 1);
    fixture->client = NULL;
}

/* A server that takes everybody in and falls over each time is not asked twice a second. */
static void test_being_online_alone_does_not_end_the_failures(void **state)
{
    struct fixture *fixture = *state;
    make_profile(fixture, MDG__TERMINAL_KIND__TERMINAL_COUNTER, clock_now_us());
    assert_int_equal(open_client(fixture), 0);
    fixture->client->failures = 4;
    run_until_link(fixture, MDG_LINK_CONNECTING);
    client_went_online(fixture->client);
    assert_int_equal(fixture->client->failures, 4);
    run_until_link(fixture, MDG_LINK_OFFLINE); /* refused, without having been open */
    assert_int_equal(fixture->client->failures, 5);
}

static void run_offline(struct fixture *fixture, uint64_t ms)
{
    uint64_t end_ns = uv_hrtime() + ms * 1000000;
    while (uv_hrtime() < end_ns) {
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
        assert_int_equal(state_of(fixture).link, MDG_LINK_OFFLINE);
    }
}

/* Expired by this machine's clock: tried when that was set, or a person put another one there and time has passed. */
static void test_an_expired_certificate_waits_for_the_clock(void **state)
{
    struct fixture *fixture = *state;
    make_profile(fixture, MDG__TERMINAL_KIND__TERMINAL_COUNTER, clock_now_us() - TERMINAL_LIFE_US - US_PER_DAY);
    assert_int_equal(open_client(fixture), 0);
    run_offline(fixture, 1200);
    assert_int_equal(state_of(fixture).why_offline, MDG_ERR_CERTIFICATE_EXPIRED);
    assert_int_equal(submit_count(fixture), 0); /* its outbox stays */

    fixture->client->tried.wall_us -= 61 * US_PER_SECOND; /* as if the clock had been set */
    int64_t before_us = fixture->client->tried.wall_us;
    run_offline(fixture, 1200);
    assert_true(fixture->client->tried.wall_us > before_us + 30 * US_PER_SECOND); /* tried, and the same again */
    assert_int_equal(state_of(fixture).why_offline, MDG_ERR_CERTIFICATE_EXPIRED);

    make_profile(fixture, MDG__TERMINAL_KIND__TERMINAL_COUNTER, clock_now_us()); /* for the time that it is now */
    run_offline(fixture, 1200);
    assert_int_equal(state_of(fixture).why_offline, MDG_ERR_CERTIFICATE_EXPIRED);
    fixture->client->tried.steady_ns -= UINT64_C(300000000000);
    uint64_t end_ns = uv_hrtime() + UINT64_C(5000000000);
    while (state_of(fixture).why_offline != UV_ECONNREFUSED && uv_hrtime() < end_ns)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_int_equal(state_of(fixture).why_offline, UV_ECONNREFUSED);
}

/* The offset was measured while this machine's clock was wrong; the clock has been set since. */
static void test_an_old_offset_does_not_make_a_certificate_old(void **state)
{
    struct fixture *fixture = *state;
    make_profile(fixture, MDG__TERMINAL_KIND__TERMINAL_COUNTER, clock_now_us());
    assert_int_equal(open_client(fixture), 0);
    fixture->client->profile.clock_offset_us = TERMINAL_LIFE_US + US_PER_DAY;
    run_until_link(fixture, MDG_LINK_CONNECTING);
}

static void test_which_kinds_keep_what_on_disk(void **state)
{
    static const struct {
        uint32_t kind;
        bool has_files;
    } CASES[] = {
        {MDG__TERMINAL_KIND__TERMINAL_COUNTER, true},  {MDG__TERMINAL_KIND__TERMINAL_OFFICE, true},
        {MDG__TERMINAL_KIND__TERMINAL_LOUNGE, false},  {MDG__TERMINAL_KIND__TERMINAL_DOOR, false},
        {MDG__TERMINAL_KIND__TERMINAL_COUNCIL, false}, {MDG__TERMINAL_KIND__TERMINAL_DISPLAY, false},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char path[TEMP_PATH_BYTES + 32];
        make_profile(fixture, CASES[i].kind, clock_now_us());
        assert_int_equal(open_client(fixture), 0);
        int rc = submit_count(fixture);
        if (rc != (CASES[i].has_files ? 0 : MDG_ERR_FORBIDDEN)) fail_msg("kind %u: %d", (unsigned)CASES[i].kind, rc);
        close_client(fixture);
        static const char *const NAMES[] = {"replica.db", "outbox.db"};
        for (size_t j = 0; j < 2; j++) {
            snprintf(path, sizeof path, "%s/%s", fixture->dir, NAMES[j]);
            if ((access(path, F_OK) == 0) != CASES[i].has_files)
                fail_msg("kind %u: %s", (unsigned)CASES[i].kind, NAMES[j]);
            unlink(path);
        }
    }
}

static void test_the_cable(void **state)
{
    struct fixture *fixture = *state;
    make_profile(fixture, MDG__TERMINAL_KIND__TERMINAL_COUNTER, clock_now_us());
    assert_int_equal(open_client(fixture), 0);
    run_until_link(fixture, MDG_LINK_CONNECTING);
    mdg_client_set_cable(fixture->client, false);
    assert_int_equal(state_of(fixture).link, MDG_LINK_OFFLINE);
    assert_int_equal(state_of(fixture).why_offline, MDG_ERR_OFFLINE);
    run_offline(fixture, 1200);
    mdg_client_set_cable(fixture->client, true);
    run_until_link(fixture, MDG_LINK_CONNECTING);
}

static void test_when_a_certificate_is_renewed(void **state)
{
    static const struct {
        int64_t from_us, until_us, now_us;
        bool is_due;
    } CASES[] = {{0, 90, 0, false},  {0, 90, 59, false},   {0, 90, 60, true},
                 {0, 90, 200, true}, {30, 120, 89, false}, {30, 120, 90, true}};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (renew_is_due(CASES[i].from_us, CASES[i].until_us, CASES[i].now_us) != CASES[i].is_due)
            fail_msg("case %zu", i);
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_without_a_server_it_keeps_and_tries_again),
        CASE(test_closing_answers_what_is_open),
        CASE(test_being_online_alone_does_not_end_the_failures),
        CASE(test_an_expired_certificate_waits_for_the_clock),
        CASE(test_an_old_offset_does_not_make_a_certificate_old),
        CASE(test_which_kinds_keep_what_on_disk),
        CASE(test_the_cable),
        cmocka_unit_test(test_when_a_certificate_is_renewed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
