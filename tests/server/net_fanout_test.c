/* tests/server/net_fanout_test.c - whoever subscribes gets every part once, in order and without a hole, however slowly
 * it reads. The real net/ with subscribers on the console's socket; dispatch and the feed are played here. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/frame.h"
#include "common/tls_stream.h"
#include "server/net/net.h"

#define PART_HEAD_BYTES 17 /* from_rev, to_rev, is it a catch-up */
#define TURNS 60
#define VIEW ((struct feed_view){VIEW_DESK, 0})

/* ---- dispatch and feed, played ---- */

static struct {
    uint64_t conn_id; /* of the last request */
    int watchers;
    int asked; /* catch-ups so far */
    int64_t asked_rev;
    uint64_t asked_tag;
    bool is_answering;  /* catch-ups are answered at once, up to head */
    int64_t head, step; /* a catch-up goes step revs far at most; 0: to the head */
    size_t part_bytes;
    int failing; /* so many catch-ups fail first */
} played;

static uv_loop_t loop;
static struct net *net;
static struct dispatch_events events;

int dispatch_decode(const uint8_t *bytes, size_t length, struct arena *arena, Mdg__Frame **frame)
{
    static Mdg__Request request = MDG__REQUEST__INIT;
    static Mdg__Frame decoded = MDG__FRAME__INIT;
    (void)bytes;
    (void)length;
    arena_init(arena, 0);
    decoded.kind_case = MDG__FRAME__KIND_REQUEST;
    decoded.request = &request;
    *frame = &decoded;
    return 0;
}

int dispatch_request(struct dispatch *dispatch, struct session *session, const Mdg__Frame *frame, struct arena *arena)
{
    (void)dispatch;
    (void)frame;
    arena_fini(arena);
    session->caller.has_hello = true;
    played.conn_id = session->conn_id;
    return 0;
}

void dispatch_admit(struct dispatch *dispatch, uint64_t conn_id, int64_t terminal_id, const char *serial,
                    void (*done)(void *arg, uint64_t conn_id, int rc, const struct caller *caller))
{
    (void)dispatch;
    (void)conn_id;
    (void)terminal_id;
    (void)serial;
    (void)done;
}

void dispatch_session_closed(struct dispatch *dispatch, const struct session *session)
{
    (void)dispatch;
    (void)session;
}

void dispatch_clock_minute(struct dispatch *dispatch, const int64_t *terminal_ids, size_t count)
{
    (void)dispatch;
    (void)terminal_ids;
    (void)count;
}

void dispatch_audit_refusal(struct dispatch *dispatch, const struct caller *caller, const char *operation, int code)
{
    (void)dispatch;
    (void)caller;
    (void)operation;
    (void)code;
}

struct feed *dispatch_feed(struct dispatch *dispatch)
{
    (void)dispatch;
    return NULL;
}

void feed_part_free(struct feed_part *part)
{
    if (!part) return;
    free(part->bytes);
    free(part);
}

void feed_watch(struct feed *feed, struct feed_view view)
{
    (void)feed;
    (void)view;
    played.watchers++;
}

void feed_unwatch(struct feed *feed, struct feed_view view)
{
    (void)feed;
    (void)view;
    played.watchers--;
}

static struct feed_part *part_new(int64_t from_rev, int64_t to_rev, uint64_t tag)
{
    struct feed_part *part = calloc(1, sizeof *part);
    size_t content = PART_HEAD_BYTES + played.part_bytes;
    part->view = VIEW;
    part->from_rev = from_rev;
    part->to_rev = to_rev;
    part->tag = tag;
    part->is_caught_up = true;
    part->length = FRAME_HEAD_BYTES + content;
    part->bytes = calloc(1, part->length);
    frame_write_head(part->bytes, content);
    bytes_put_i64(part->bytes + FRAME_HEAD_BYTES, from_rev);
    bytes_put_i64(part->bytes + FRAME_HEAD_BYTES + 8, to_rev);
    part->bytes[FRAME_HEAD_BYTES + 16] = tag != 0;
    return part;
}

static void deliver(struct feed_part *part)
{
    events.on_parts(events.arg, part);
    events.on_turn_end(events.arg);
}

static void answer_catch_up(void)
{
    uint64_t tag = played.asked_tag;
    played.asked_tag = 0;
    int64_t to_rev = played.head;
    if (played.step > 0 && to_rev > played.asked_rev + played.step) to_rev = played.asked_rev + played.step;
    struct feed_part *part = part_new(played.asked_rev, to_rev, tag);
    part->is_caught_up = to_rev == played.head;
    if (played.failing > 0) {
        played.failing--;
        part->rc = MDG_ERR_BUSY;
    }
    deliver(part);
}

int feed_catch_up(struct feed *feed, struct feed_view view, int64_t from_rev, uint64_t tag)
{
    (void)feed;
    (void)view;
    assert_int_equal(played.asked_tag, 0); /* one at a time for a connection */
    played.asked++;
    played.asked_rev = from_rev;
    played.asked_tag = tag;
    return 0;
}

static void turn(int turns)
{
    for (int i = 0; i < turns; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        if (played.is_answering && played.asked_tag != 0) answer_catch_up();
    }
}

/* A live change: the head moves on. */
static void publish(int64_t revs)
{
    int64_t from_rev = played.head;
    played.head += revs;
    deliver(part_new(from_rev, played.head, 0));
}

/* ---- a subscriber ---- */

struct subscriber {
    int fd;
    uint64_t conn_id;
    int64_t rev; /* it has everything up to here */
    int parts, live_parts;
    bool is_closed;
    struct frame_splitter splitter;
};

static int on_part(void *arg, const uint8_t *bytes, size_t length)
{
    struct subscriber *subscriber = arg;
    assert_true(length >= PART_HEAD_BYTES);
    int64_t from_rev = 0, to_rev = 0;
    for (int i = 0; i < 8; i++) {
        from_rev = from_rev << 8 | bytes[i];
        to_rev = to_rev << 8 | bytes[8 + i];
    }
    assert_int_equal(from_rev, subscriber->rev);
    assert_true(to_rev >= from_rev);
    subscriber->rev = to_rev;
    subscriber->parts++;
    subscriber->live_parts += bytes[16] == 0;
    return 0;
}

/* Takes what is there, at most `most` bytes. */
static size_t take(struct subscriber *subscriber, size_t most)
{
    static uint8_t buffer[65536];
    size_t total = 0;
    while (total < most) {
        size_t want = most - total < sizeof buffer ? most - total : sizeof buffer;
        ssize_t got = read(subscriber->fd, buffer, want);
        if (got == 0) subscriber->is_closed = true;
        if (got <= 0) break;
        assert_int_equal(frame_splitter_feed(&subscriber->splitter, buffer, (size_t)got, on_part, subscriber), 0);
        total += (size_t)got;
    }
    return total;
}

static void take_everything(struct subscriber *subscriber)
{
    for (int quiet = 0; quiet < TURNS;) {
        turn(1);
        quiet = take(subscriber, SIZE_MAX) > 0 ? 0 : quiet + 1;
    }
}

static char console_path[64];

static struct subscriber *subscriber_new(int64_t since_rev)
{
    struct subscriber *subscriber = calloc(1, sizeof *subscriber);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", console_path);
    subscriber->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(subscriber->fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(subscriber->fd, F_SETFL, O_NONBLOCK);
    assert_int_equal(write(subscriber->fd, "\0\0\0\1x", 5), 5); /* any request: it tells us the connection's id */
    played.conn_id = 0;
    turn(TURNS);
    assert_true(played.conn_id != 0);
    subscriber->conn_id = played.conn_id;
    subscriber->rev = since_rev;
    frame_splitter_init(&subscriber->splitter, FRAME_BYTES_MAX);
    const struct effect effect = {.kind = EFFECT_SUBSCRIBED, .view = VIEW, .rev = since_rev};
    events.on_effect(events.arg, subscriber->conn_id, &effect);
    return subscriber;
}

static void subscriber_free(struct subscriber *subscriber)
{
    close(subscriber->fd);
    frame_splitter_fini(&subscriber->splitter);
    free(subscriber);
    turn(TURNS);
}

/* ---- the house ---- */

static int on_context(void *arg, bool is_enrolment, SSL_CTX **out)
{
    (void)arg;
    (void)is_enrolment;
    return tls_context_new(true, out);
}

static int open_house(void **state)
{
    (void)state;
    struct net_options options = {.loop = &loop,
                                  .listen = "127.0.0.1:0",
                                  .enrol_listen = "127.0.0.1:0",
                                  .console_path = console_path,
                                  .tls_context = on_context};
    net_limits_default(&options.limits);
    options.limits.ring_parts = 8;
    options.limits.ring_bytes = 1000 * 1000;
    snprintf(console_path, sizeof console_path, "/tmp/mdg-fanout-%ld.sock", (long)getpid());
    memset(&played, 0, sizeof played);
    played.is_answering = true;
    played.head = 100;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(net_new(&options, &net), 0);
    events = net_events(net);
    return net_start(net, (struct dispatch *)&played); /* only handed back to us */
}

static int close_house(void **state)
{
    (void)state;
    net_free(net);
    assert_int_equal(played.watchers, 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

/* ---- tests ---- */

static void test_catch_up_then_live(void **state)
{
    static const int64_t SINCE[] = {0, 1, 99, 100};
    (void)state;
    for (size_t i = 0; i < sizeof SINCE / sizeof SINCE[0]; i++) {
        struct subscriber *subscriber = subscriber_new(SINCE[i]);
        take_everything(subscriber);
        assert_int_equal(subscriber->rev, played.head);
        assert_int_equal(subscriber->parts, 1); /* who is at the head is told so */
        for (int change = 0; change < 20; change++) publish(1 + change % 3);
        take_everything(subscriber);
        assert_int_equal(subscriber->rev, played.head);
        assert_true(subscriber->live_parts > 0);
        subscriber_free(subscriber);
    }
}

static void test_far_behind_takes_several_parts(void **state)
{
    (void)state;
    played.step = 30;
    struct subscriber *subscriber = subscriber_new(0);
    take_everything(subscriber);
    assert_int_equal(subscriber->rev, 100);
    assert_int_equal(subscriber->parts, 4);
    assert_int_equal(played.asked, 4);
    subscriber_free(subscriber);
}

static void test_changes_while_catching_up(void **state)
{
    (void)state;
    played.is_answering = false;
    struct subscriber *subscriber = subscriber_new(40);
    turn(TURNS);
    publish(2); /* before the database was read */
    answer_catch_up();
    publish(3); /* after it */
    take_everything(subscriber);
    assert_int_equal(subscriber->rev, 105);
    assert_int_equal(played.asked, 1);
    subscriber_free(subscriber);
}

/* The socket is full: the ring goes on without this one, which falls back to the database. */
static void test_slow_reader(void **state)
{
    (void)state;
    struct subscriber *slow = subscriber_new(100), *quick = subscriber_new(100);
    take_everything(slow);
    take_everything(quick);
    int asked = played.asked;
    played.part_bytes = 100 * 1000;
    for (int change = 0; change < 50; change++) {
        publish(1);
        take_everything(quick);
    }
    assert_int_equal(quick->rev, played.head);
    assert_int_equal(quick->live_parts, 50);
    assert_int_equal(played.asked, asked);
    while (slow->rev < played.head && take(slow, 3000) > 0) turn(3);
    take_everything(slow);
    assert_int_equal(slow->rev, played.head);
    assert_true(played.asked > asked);
    assert_true(slow->parts < quick->parts);
    assert_false(slow->is_closed);
    subscriber_free(slow);
    subscriber_free(quick);
}

/* At midnight a part may carry horizons alone: it begins and ends at the same rev. */
static void test_part_without_a_rev_comes_once(void **state)
{
    (void)state;
    struct subscriber *subscriber = subscriber_new(100);
    take_everything(subscriber);
    publish(0);
    take_everything(subscriber);
    publish(0);
    publish(5);
    take_everything(subscriber);
    assert_int_equal(subscriber->rev, 105);
    assert_int_equal(subscriber->live_parts, 3);
    subscriber_free(subscriber);
}

static void test_hole_in_the_live_parts(void **state)
{
    (void)state;
    struct subscriber *subscriber = subscriber_new(100);
    take_everything(subscriber);
    int asked = played.asked;
    played.head = 110;
    publish(5);
    take_everything(subscriber);
    assert_int_equal(subscriber->rev, 115);
    assert_int_equal(played.asked, asked + 1);
    subscriber_free(subscriber);
}

static void test_failed_catch_up_is_asked_again(void **state)
{
    (void)state;
    played.failing = 1;
    struct subscriber *subscriber = subscriber_new(7);
    take_everything(subscriber);
    assert_int_equal(subscriber->parts, 0);
    for (int i = 0; i < 150 && subscriber->parts == 0; i++) { /* the sweep comes each second */
        usleep(20 * 1000);
        turn(2);
        take(subscriber, SIZE_MAX);
    }
    assert_int_equal(subscriber->rev, 100);
    subscriber_free(subscriber);
}

static void test_leaving(void **state)
{
    (void)state;
    struct subscriber *stays = subscriber_new(100), *leaves = subscriber_new(100), *goes = subscriber_new(100);
    assert_int_equal(played.watchers, 1); /* once for a view, not for each */
    take_everything(stays);
    take_everything(leaves);
    const struct effect effect = {.kind = EFFECT_UNSUBSCRIBED};
    events.on_effect(events.arg, leaves->conn_id, &effect);
    subscriber_free(goes); /* with its catch-up on the way or just sent */
    publish(1);
    take_everything(stays);
    take_everything(leaves);
    assert_int_equal(stays->rev, 101);
    assert_int_equal(leaves->rev, 100);
    subscriber_free(stays);
    assert_int_equal(played.watchers, 0);
    publish(1); /* nobody is there for it */
    subscriber_free(leaves);
}

static void test_subscribing_again_while_asked(void **state)
{
    (void)state;
    played.is_answering = false;
    struct subscriber *subscriber = subscriber_new(10);
    turn(TURNS);
    struct feed_part *of_the_first = part_new(10, 100, played.asked_tag);
    played.asked_tag = 0;
    const struct effect effect = {.kind = EFFECT_SUBSCRIBED, .view = VIEW, .rev = 50};
    events.on_effect(events.arg, subscriber->conn_id, &effect);
    subscriber->rev = 50;
    deliver(of_the_first);
    take_everything(subscriber);
    assert_int_equal(subscriber->parts, 0);
    played.is_answering = true;
    take_everything(subscriber);
    assert_int_equal(subscriber->rev, 100);
    assert_int_equal(subscriber->parts, 1);
    subscriber_free(subscriber);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_catch_up_then_live, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_far_behind_takes_several_parts, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_changes_while_catching_up, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_slow_reader, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_part_without_a_rev_comes_once, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_hole_in_the_live_parts, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_failed_catch_up_is_asked_again, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_leaving, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_subscribing_again_while_asked, open_house, close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
