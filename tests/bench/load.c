/* tests/bench/load.c - the terminals of a bench, all on one loop. Speaks the product's protocol or the bare one.
 *
 *   bench_load MODE full|bare CERTS PORT CONNECTIONS SECONDS [RATE [FIRST]]
 *
 * counts     each connection counts, waits for the reply, counts again
 * push       CONNECTIONS subscribers and one more that writes RATE times a second: from its reply to the last
 * subscriber idle       opens the connections, prints "ready", and leaves at the end of standard input handshake
 * CONNECTIONS handshakes, 32 at a time, each with one call, closed again first      tries to connect until somebody
 * listens, asks one day total (full) or an echo, and tells when it came bookings   as counts, with bookings of 5
 * minutes, none of which clash; FIRST is the number of the first one steady     RATE bookings a second over all
 * connections, whether answers come or not; prints every latency day-view   each connection asks for all rooms of some
 * day of the last ten years, again and again search     each connection searches groups by three kana, again and again
 * catch-up   subscribes from nothing until caught up (full), or has as many bytes as SECONDS says sent (bare)
 *
 * Prints one JSON object. Times are CLOCK_MONOTONIC. */
#include "tests/bench/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "frame.pb-c.h"

#define CONNS_MAX 4096
#define AT_ONCE 32
#define COUNT_BYTES 45
#define PURPOSES 8
#define ROOMS 20
#define SLOT_US (INT64_C(5) * 60 * 1000000)
#define PARTS_MAX 1000

enum mode { COUNTS, PUSH, IDLE, HANDSHAKE, FIRST, CATCH_UP, BOOKINGS, STEADY, DAY_VIEW, SEARCH };
static const char *const MODES[] = {"counts",   "push",     "idle",   "handshake", "first",
                                    "catch-up", "bookings", "steady", "day-view",  "search"};

struct terminal {
    struct wire_conn conn;
    int index;
    uint64_t sent_ns;
    uint64_t id;
    int stage; /* full: 0 hello, 1 subscribe or sign in, 2 ready; bare: 2 at once, or after its S was echoed */
    uint64_t waiting[64]; /* steady: when what is unanswered was sent, in order */
    unsigned waiting_first, waiting_end;
    bool is_used;
};

static struct load {
    uv_loop_t loop;
    struct wire wire;
    enum mode mode;
    bool is_full;
    const char *certs;
    int port, connections, opened, ready, closed;
    double seconds, rate;
    struct terminal *terminals;
    SSL_CTX **contexts;
    int64_t place_id, purpose_ids[PURPOSES], room_ids[ROOMS], base_us;
    char parts[PARTS_MAX][16]; /* three kana each */
    int parts_count;
    long slot; /* the next booking's number */
    int next_steady;

    bool is_running;
    uint64_t start_ns, end_ns;
    uv_timer_t timer;
    uint64_t *latencies;
    size_t count, size;
    /* push */
    uint64_t published_ns;
    int64_t published_rev;
    int got;
    bool has_reply;
    /* catch-up */
    long rows;
    double bytes;
} load;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void latency_add(uint64_t ns)
{
    if (load.count == load.size) {
        load.size = load.size ? load.size * 2 : 65536;
        load.latencies = realloc(load.latencies, load.size * sizeof *load.latencies);
        if (!load.latencies) exit(1);
    }
    load.latencies[load.count++] = ns;
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static double quantile_us(double q)
{
    if (load.count == 0) return 0;
    return (double)load.latencies[(size_t)(q * (double)(load.count - 1))] / 1000.0;
}

static void finish(void)
{
    double elapsed = (double)(now_ns() - load.start_ns) / 1e9;
    qsort(load.latencies, load.count, sizeof *load.latencies, by_value);
    printf("{\"mode\": \"%s\", \"count\": %zu, \"seconds\": %.6f, \"per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": "
           "%.1f,"
           " \"rows\": %ld, \"bytes\": %.0f, \"at_ns\": %llu}\n",
           MODES[load.mode], load.count, elapsed, (double)load.count / elapsed, quantile_us(0.5), quantile_us(0.99),
           load.rows, load.bytes, (unsigned long long)now_ns());
    if (load.mode == STEADY) {
        printf("[");
        for (size_t i = 0; i < load.count; i++)
            printf("%s%llu", i ? "," : "", (unsigned long long)(load.latencies[i] / 1000));
        printf("]\n");
    }
    fflush(stdout);
    _Exit(0);
}

/* --- what is sent ------------------------------------------------------------------------------------- */

static void send_request(struct terminal *terminal, Mdg__Body *body, const uint8_t *key)
{
    Mdg__Request request = MDG__REQUEST__INIT;
    Mdg__Frame frame = MDG__FRAME__INIT;
    uint8_t bytes[1024];
    request.id = ++terminal->id;
    request.body = body;
    if (key) {
        request.request_key.data = (uint8_t *)key;
        request.request_key.len = 16;
    }
    frame.kind_case = MDG__FRAME__KIND_REQUEST;
    frame.request = &request;
    wire_send(&terminal->conn, bytes, mdg__frame__pack(&frame, bytes));
}

static void send_hello(struct terminal *terminal)
{
    Mdg__Hello hello = MDG__HELLO__INIT;
    Mdg__Centre centre = MDG__CENTRE__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    hello.protocol_min = hello.protocol_max = 1;
    hello.terminal_us = now_us();
    centre.of_case = MDG__CENTRE__OF_HELLO;
    centre.hello = &hello;
    body.domain_case = MDG__BODY__DOMAIN_CENTRE;
    body.centre = &centre;
    send_request(terminal, &body, NULL);
}

/* Catching up starts from nothing; the others come back after a short absence, as terminals mostly do. */
static void send_subscribe(struct terminal *terminal, const Mdg__Welcome *welcome)
{
    Mdg__Subscribe subscribe = MDG__SUBSCRIBE__INIT;
    Mdg__Feed feed = MDG__FEED__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    subscribe.subscription = 1;
    if (load.mode != CATCH_UP) {
        subscribe.epoch = welcome->epoch;
        subscribe.since_rev = welcome->rev;
    }
    feed.of_case = MDG__FEED__OF_SUBSCRIBE;
    feed.subscribe = &subscribe;
    body.domain_case = MDG__BODY__DOMAIN_FEED;
    body.feed = &feed;
    send_request(terminal, &body, NULL);
}

static void send_count(struct terminal *terminal)
{
    uint8_t key[16];
    RAND_bytes(key, sizeof key);
    int64_t purpose_id = load.purpose_ids[key[0] % PURPOSES];
    terminal->sent_ns = now_ns();
    if (!load.is_full) {
        uint8_t bytes[COUNT_BYTES] = {'C'};
        int32_t people = 1 + key[1] % 4;
        int64_t at_us = now_us();
        memcpy(bytes + 1, &load.place_id, 8);
        memcpy(bytes + 9, &purpose_id, 8);
        memcpy(bytes + 17, &people, 4);
        memcpy(bytes + 21, &at_us, 8);
        memcpy(bytes + 29, key, 16);
        wire_send(&terminal->conn, bytes, sizeof bytes);
        return;
    }
    Mdg__VisitCount count = MDG__VISIT_COUNT__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    count.place_id = load.place_id;
    count.purpose_id = purpose_id;
    count.people = 1 + key[1] % 4;
    count.at_us = now_us();
    visits.of_case = MDG__VISITS__OF_COUNT;
    visits.count = &count;
    body.domain_case = MDG__BODY__DOMAIN_VISITS;
    body.visits = &visits;
    send_request(terminal, &body, key);
}

/* The sign-in that bench_seed made for this terminal. */
static void send_resume(struct terminal *terminal)
{
    uint8_t token[16];
    Mdg__SignInResume resume = MDG__SIGN_IN_RESUME__INIT;
    Mdg__SignIn sign_in = MDG__SIGN_IN__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    memset(token, 0x5a, sizeof token);
    memcpy(token, &terminal->index, sizeof terminal->index);
    resume.token.data = token;
    resume.token.len = sizeof token;
    sign_in.of_case = MDG__SIGN_IN__OF_RESUME;
    sign_in.resume = &resume;
    body.domain_case = MDG__BODY__DOMAIN_SIGN_IN;
    body.sign_in = &sign_in;
    send_request(terminal, &body, NULL);
}

static void send_booking(struct terminal *terminal)
{
    uint8_t key[16];
    long slot = load.slot++;
    int64_t room_id = load.room_ids[slot % ROOMS], start_us = load.base_us + slot / ROOMS * SLOT_US;
    RAND_bytes(key, sizeof key);
    terminal->sent_ns = now_ns();
    if (!load.is_full) {
        uint8_t bytes[COUNT_BYTES] = {'B'};
        int64_t end_us = start_us + SLOT_US;
        memcpy(bytes + 1, &room_id, 8);
        memcpy(bytes + 9, &start_us, 8);
        memcpy(bytes + 21, &end_us, 8);
        memcpy(bytes + 29, key, 16);
        wire_send(&terminal->conn, bytes, sizeof bytes);
        return;
    }
    Mdg__BookingRequest request = MDG__BOOKING_REQUEST__INIT;
    Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    request.room_id = room_id;
    request.applicant = (char *)"Bench";
    request.title = (char *)"A meeting of the bench";
    request.start_us = start_us;
    request.end_us = start_us + SLOT_US;
    request.people = 8;
    request.is_confirmed = 1;
    bookings.of_case = MDG__BOOKINGS__OF_REQUEST;
    bookings.request = &request;
    body.domain_case = MDG__BODY__DOMAIN_BOOKINGS;
    body.bookings = &bookings;
    send_request(terminal, &body, key);
}

static void send_day_view(struct terminal *terminal)
{
    uint32_t dice;
    RAND_bytes((uint8_t *)&dice, sizeof dice);
    int64_t from_us = load.base_us - (int64_t)(2 + dice % 3600) * 86400 * 1000000;
    terminal->sent_ns = now_ns();
    if (!load.is_full) {
        uint8_t bytes[9] = {'D'};
        memcpy(bytes + 1, &from_us, 8);
        wire_send(&terminal->conn, bytes, sizeof bytes);
        return;
    }
    Mdg__BookingList list = MDG__BOOKING_LIST__INIT;
    Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    list.from_us = from_us;
    list.to_us = from_us + INT64_C(86400) * 1000000;
    bookings.of_case = MDG__BOOKINGS__OF_LIST;
    bookings.list = &list;
    body.domain_case = MDG__BODY__DOMAIN_BOOKINGS;
    body.bookings = &bookings;
    send_request(terminal, &body, NULL);
}

static void send_search(struct terminal *terminal)
{
    uint32_t dice;
    RAND_bytes((uint8_t *)&dice, sizeof dice);
    char *part = load.parts[dice % (uint32_t)load.parts_count];
    terminal->sent_ns = now_ns();
    if (!load.is_full) {
        uint8_t bytes[17] = {'G'};
        memcpy(bytes + 1, part, strlen(part) + 1);
        wire_send(&terminal->conn, bytes, strlen(part) + 2);
        return;
    }
    Mdg__GroupSearch search = MDG__GROUP_SEARCH__INIT;
    Mdg__Groups groups = MDG__GROUPS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    search.text = part;
    search.limit = 20;
    groups.of_case = MDG__GROUPS__OF_SEARCH;
    groups.search = &search;
    body.domain_case = MDG__BODY__DOMAIN_GROUPS;
    body.groups = &groups;
    send_request(terminal, &body, NULL);
}

/* The next call of a terminal that calls, waits, and calls again. */
static void send_next(struct terminal *terminal)
{
    switch (load.mode) {
    case COUNTS:
        send_count(terminal);
        break;
    case BOOKINGS:
        send_booking(terminal);
        break;
    case DAY_VIEW:
        send_day_view(terminal);
        break;
    case SEARCH:
        send_search(terminal);
        break;
    default:
        break;
    }
}

static bool is_closed_loop(void)
{
    return load.mode == COUNTS || load.mode == BOOKINGS || load.mode == DAY_VIEW || load.mode == SEARCH;
}

static bool needs_person(void)
{
    return load.mode == BOOKINGS || load.mode == STEADY || load.mode == DAY_VIEW || load.mode == SEARCH;
}

static void send_day_total(struct terminal *terminal)
{
    Mdg__VisitTotals totals = MDG__VISIT_TOTALS__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    time_t yesterday = time(NULL) - 86400;
    struct tm day;
    gmtime_r(&yesterday, &day);
    totals.from_day = totals.to_day = (day.tm_year + 1900) * 10000 + (day.tm_mon + 1) * 100 + day.tm_mday;
    totals.step = MDG__VISIT_STEP__VISIT_STEP_DAY;
    visits.of_case = MDG__VISITS__OF_TOTALS;
    visits.totals = &totals;
    body.domain_case = MDG__BODY__DOMAIN_VISITS;
    body.visits = &visits;
    send_request(terminal, &body, NULL);
}

/* --- the modes' running ------------------------------------------------------------------------------- */

static void open_next(void);

static void on_publish_time(uv_timer_t *timer)
{
    (void)timer;
    if (now_ns() > load.end_ns) finish();
    if (load.got < load.connections && load.published_ns) return; /* the one before is still on its way */
    load.got = 0;
    load.has_reply = false;
    load.published_ns = now_ns();
    struct terminal *writer = &load.terminals[load.connections];
    if (load.is_full) {
        send_count(writer);
    } else {
        uint8_t bytes[150] = {'P'}; /* as long as a part with a count and its day total */
        wire_send(&writer->conn, bytes, sizeof bytes);
    }
    wire_flush(&load.wire);
}

static void on_steady_time(uv_timer_t *timer)
{
    (void)timer;
    uint64_t now = now_ns();
    if (now > load.end_ns) finish();
    /* As many as are due by now: a late timer does not make fewer. */
    long due = (long)((double)(now - load.start_ns) / 1e9 * load.rate);
    for (; load.next_steady < due; load.next_steady++) {
        struct terminal *terminal = &load.terminals[load.next_steady % load.connections];
        send_booking(terminal);
        terminal->waiting[terminal->waiting_end++ % 64] = terminal->sent_ns;
    }
    wire_flush(&load.wire);
}

static void on_run_end(uv_timer_t *timer)
{
    (void)timer;
    finish();
}

static void begin(void)
{
    if (load.is_running) return;
    load.is_running = true;
    load.start_ns = now_ns();
    load.end_ns = load.start_ns + (uint64_t)(load.seconds * 1e9);
    switch (load.mode) {
    case COUNTS:
    case BOOKINGS:
    case DAY_VIEW:
    case SEARCH:
        uv_timer_start(&load.timer, on_run_end, (uint64_t)(load.seconds * 1000), 0);
        for (int i = 0; i < load.connections; i++) send_next(&load.terminals[i]);
        break;
    case STEADY:
        uv_timer_start(&load.timer, on_steady_time, 1, 1);
        break;
    case PUSH:
        uv_timer_start(&load.timer, on_publish_time, 200, (uint64_t)(1000 / load.rate));
        break;
    case IDLE: {
        char byte;
        printf("ready\n");
        fflush(stdout);
        while (read(0, &byte, 1) > 0) {
        }
        _Exit(0);
    }
    default:
        break;
    }
    wire_flush(&load.wire);
}

/* The publication is over when the writer has its reply and every subscriber has it. The writer's reply comes with the
 * commit; what counts is the time from there. */
static void on_push_arrival(bool is_reply)
{
    static uint64_t reply_ns, last_ns;
    if (is_reply) {
        reply_ns = now_ns();
        load.has_reply = true;
    } else {
        last_ns = now_ns();
        load.got++;
    }
    if (load.has_reply && load.got == load.connections) latency_add(last_ns > reply_ns ? last_ns - reply_ns : 0);
}

static void terminal_ready(struct terminal *terminal)
{
    terminal->stage = 2;
    load.ready++;
    switch (load.mode) {
    case HANDSHAKE:
        latency_add(0);
        wire_close(&terminal->conn);
        return;
    case FIRST:
        latency_add(0);
        finish();
        return;
    default:
        break;
    }
    open_next();
    int all = load.connections + (load.mode == PUSH ? 1 : 0);
    if (load.ready == all && load.mode != CATCH_UP) begin();
}

static void on_part(struct terminal *terminal, const Mdg__Part *part, size_t length)
{
    if (load.mode == CATCH_UP) {
        load.rows += (long)part->n_rows;
        load.bytes += (double)length;
        if (part->is_caught_up) {
            latency_add(now_ns() - terminal->sent_ns);
            finish();
        }
    } else if (terminal->stage == 1) {
        if (part->is_caught_up) terminal_ready(terminal);
    } else if (load.mode == PUSH && load.is_running && part->n_rows > 0 && terminal->index < load.connections) {
        on_push_arrival(false);
    }
}

static void on_full_response(struct terminal *terminal, const Mdg__Response *response)
{
    if (response->refusal) {
        fprintf(stderr, "bench_load: refused: %s %s %s\n", response->refusal->name, response->refusal->field,
                response->refusal->rule);
        exit(1);
    }
    bool is_writer = load.mode == PUSH && terminal->index == load.connections;
    if (terminal->stage == 0) {
        if (load.mode == FIRST) {
            terminal->stage = 1;
            send_day_total(terminal);
        } else if ((load.mode == PUSH && !is_writer) || load.mode == IDLE || load.mode == CATCH_UP) {
            terminal->stage = 1;
            terminal->sent_ns = now_ns();
            send_subscribe(terminal, response->body->centre->welcome);
        } else if (needs_person()) {
            terminal->stage = 1;
            send_resume(terminal);
        } else {
            terminal_ready(terminal);
        }
    } else if (terminal->stage == 1) {
        if (load.mode == FIRST || needs_person()) terminal_ready(terminal); /* subscribers wait for their first part */
    } else if (is_closed_loop()) {
        latency_add(now_ns() - terminal->sent_ns);
        send_next(terminal);
    } else if (load.mode == STEADY) {
        latency_add(now_ns() - terminal->waiting[terminal->waiting_first++ % 64]);
    } else if (is_writer) {
        on_push_arrival(true);
    }
}

static void on_bare_frame(struct terminal *terminal, size_t length)
{
    bool is_writer = load.mode == PUSH && terminal->index == load.connections;
    if (load.mode == CATCH_UP && terminal->stage == 1) {
        load.bytes += (double)length;
        if (load.bytes >= load.seconds) {
            latency_add(now_ns() - terminal->sent_ns);
            finish();
        }
    } else if (terminal->stage < 2) {
        terminal_ready(terminal);
    } else if (is_closed_loop()) {
        latency_add(now_ns() - terminal->sent_ns);
        send_next(terminal);
    } else if (load.mode == STEADY) {
        latency_add(now_ns() - terminal->waiting[terminal->waiting_first++ % 64]);
    } else if (load.mode == PUSH) {
        on_push_arrival(is_writer);
    }
}

static void on_frame(struct wire_conn *conn, const uint8_t *bytes, size_t length)
{
    struct terminal *terminal = conn->data;
    if (!load.is_full) {
        on_bare_frame(terminal, length);
        return;
    }
    Mdg__Frame *frame = mdg__frame__unpack(NULL, length, bytes);
    if (!frame) exit(1);
    if (frame->kind_case == MDG__FRAME__KIND_RESPONSE)
        on_full_response(terminal, frame->response);
    else if (frame->kind_case == MDG__FRAME__KIND_PART)
        on_part(terminal, frame->part, length);
    else if (frame->kind_case == MDG__FRAME__KIND_GOODBYE) {
        fprintf(stderr, "bench_load: goodbye: %s\n", frame->goodbye->refusal ? frame->goodbye->refusal->name : "");
        exit(1);
    }
    mdg__frame__free_unpacked(frame, NULL);
}

static void on_open(struct wire_conn *conn)
{
    struct terminal *terminal = conn->data;
    if (load.is_full) {
        send_hello(terminal);
    } else if (load.mode == CATCH_UP) {
        uint8_t bytes[5] = {'T'};
        uint32_t wanted = (uint32_t)load.seconds;
        memcpy(bytes + 1, &wanted, sizeof wanted);
        terminal->stage = 1;
        terminal->sent_ns = now_ns();
        wire_send(conn, bytes, sizeof bytes);
    } else {
        uint8_t byte = load.mode == PUSH && terminal->index < load.connections ? 'S' : 'E';
        wire_send(conn, &byte, 1);
    }
    wire_flush(&load.wire);
}

static void on_close(struct wire_conn *conn)
{
    struct terminal *terminal = conn->data;
    (void)terminal;
    load.closed++;
    if (load.mode == HANDSHAKE) {
        if (load.closed == load.connections) finish();
        open_next();
    }
}

/* --- opening ------------------------------------------------------------------------------------------ */

static void open_next(void)
{
    int all = load.connections + (load.mode == PUSH ? 1 : 0);
    int gone = load.mode == HANDSHAKE ? load.closed : load.ready;
    while (load.opened < all && load.opened - gone < AT_ONCE) {
        struct terminal *terminal = &load.terminals[load.opened];
        terminal->index = load.opened;
        terminal->conn.data = terminal;
        if (wire_connect(&load.wire, &terminal->conn, load.contexts[load.opened], load.port) != 0) exit(1);
        load.opened++;
    }
}

/* Nobody may be listening yet: knocks until the port is open. */
static void knock(void)
{
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", load.port, &address);
    for (int i = 0; i < 100000; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int rc = connect(fd, (const struct sockaddr *)&address, sizeof address);
        close(fd);
        if (rc == 0) return;
        usleep(200);
    }
    exit(1);
}

static void read_numbers(FILE *file, int64_t *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        long long number;
        if (fscanf(file, "%lld", &number) != 1) exit(1);
        numbers[i] = number;
    }
}

static void read_ids(void)
{
    char path[512], part[16];
    snprintf(path, sizeof path, "%s/ids.txt", load.certs);
    FILE *file = fopen(path, "r");
    if (!file) exit(1);
    read_numbers(file, &load.place_id, 1);
    read_numbers(file, load.purpose_ids, PURPOSES);
    read_numbers(file, load.room_ids, ROOMS);
    read_numbers(file, &load.base_us, 1);
    fclose(file);
    snprintf(path, sizeof path, "%s/parts.txt", load.certs);
    file = fopen(path, "r");
    while (file && load.parts_count < PARTS_MAX && fscanf(file, "%15s", part) == 1)
        snprintf(load.parts[load.parts_count++], sizeof load.parts[0], "%s", part);
    if (file) fclose(file);
    if (load.mode == SEARCH && load.parts_count == 0) exit(1);
}

int main(int argc, char **argv)
{
    if (argc < 7) return 2;
    for (size_t i = 0; i < sizeof MODES / sizeof MODES[0]; i++)
        if (strcmp(argv[1], MODES[i]) == 0) load.mode = (enum mode)i;
    load.is_full = strcmp(argv[2], "full") == 0;
    load.certs = argv[3];
    load.port = atoi(argv[4]);
    load.connections = atoi(argv[5]);
    load.seconds = atof(argv[6]);
    load.rate = argc > 7 ? atof(argv[7]) : 20;
    load.slot = argc > 8 ? atol(argv[8]) : 0;
    int all = load.connections + 1;
    load.terminals = calloc((size_t)all, sizeof *load.terminals);
    load.contexts = calloc((size_t)all, sizeof *load.contexts);
    if (!load.terminals || !load.contexts || all > CONNS_MAX) return 1;
    read_ids();
    uv_loop_init(&load.loop);
    wire_init(&load.wire, &load.loop, false);
    uv_timer_init(&load.loop, &load.timer);
    load.wire.on_open = on_open;
    load.wire.on_frame = on_frame;
    load.wire.on_close = on_close;
    /* The display is the one that may ask day totals by itself. */
    for (int i = 0; i < all; i++) load.contexts[i] = wire_client_context(load.certs, load.mode == FIRST ? -1 : i);
    if (load.mode == FIRST) {
        printf("ready\n");
        fflush(stdout);
        knock();
    }
    load.start_ns = now_ns();
    open_next();
    return uv_run(&load.loop, UV_RUN_DEFAULT);
}
