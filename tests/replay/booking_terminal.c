/* tests/replay/booking_terminal.c - a real terminal without a screen, on libmadoguchi, that keys in bookings:
 *
 *   booking_terminal PROFILE PLAN NAME SECRET
 *
 * signs in and sends what the plan says, a line each: "record SEQ ROOM START_US END_US TITLE…" or "request …", several
 * at once. What got no answer is sent again under its key until it has one. Then it obeys stdin: "state", "rows"; its
 * end closes the terminal. On stdout, a line each: "signed in", "answer SEQ accepted ID", "answer SEQ refused NAME ID
 * RULE", "unanswered SEQ NAME", "done COUNT", "state …", "row HEX", "rows COUNT".
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "client/lib/madoguchi.h"
#include "common/bytes.h"

#define LINE_BYTES 512
#define IN_FLIGHT_MAX 8
#define ANSWER_MS 20000u
#define AGAIN_MS 200u

struct line {
    struct terminal *terminal;
    char *text; /* owned */
    uint8_t key[MDG_KEY_BYTES];
};

struct terminal {
    uv_loop_t loop;
    uv_pipe_t in;
    uv_timer_t again;
    struct mdg_client *client;
    const char *name, *secret;
    struct line *lines; /* owned */
    size_t count, next, answered;
    struct line *waiting[IN_FLIGHT_MAX]; /* without an answer, to be sent again */
    size_t waiting_count, in_flight;
    bool is_signed_in, is_closing;
    char input[LINE_BYTES];
    size_t input_length;
};

static void pump(struct terminal *terminal);

/* --- one line and its answer */

static bool is_to_be_asked_again(int rc, const Mdg__Response *response)
{
    if (rc != 0) return true;
    int code = response->refusal ? response->refusal->code : 0;
    return code == MDG_ERR_BUSY || code == MDG_ERR_SIGN_IN_NEEDED || code == MDG_ERR_SHUTTING_DOWN;
}

static void on_answer(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct line *line = arg;
    struct terminal *terminal = line->terminal;
    long seq = 0;
    (void)client;
    terminal->in_flight--;
    sscanf(line->text, "%*s %ld", &seq);
    if (rc == MDG_ERR_SHUTTING_DOWN && terminal->is_closing) return;
    if (is_to_be_asked_again(rc, response)) {
        printf("unanswered %ld %s\n", seq, mdg_error_name(rc != 0 ? rc : response->refusal->code));
        terminal->waiting[terminal->waiting_count++] = line;
        return; /* the timer sends it again */
    }
    if (response->refusal)
        printf("answer %ld refused %s %" PRId64 " %s\n", seq, mdg_error_name(response->refusal->code),
               response->object_id, response->refusal->rule[0] ? response->refusal->rule : "-");
    else
        printf("answer %ld accepted %" PRId64 "\n", seq, response->object_id);
    if (++terminal->answered == terminal->count) printf("done %zu\n", terminal->count);
    pump(terminal);
}

static int send_line(struct terminal *terminal, struct line *line)
{
    char op[16], title[LINE_BYTES] = "";
    Mdg__BookingRecord record = MDG__BOOKING_RECORD__INIT;
    Mdg__BookingRequest request = MDG__BOOKING_REQUEST__INIT;
    Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    if (sscanf(line->text, "%15s %*d %" SCNd64 " %" SCNd64 " %" SCNd64 " %511[^\n]", op, &record.room_id,
               &record.start_us, &record.end_us, title) != 5) {
        fprintf(stderr, "not a line of a plan: %s\n", line->text);
        exit(2);
    }
    record.title = request.title = title;
    record.applicant = request.applicant = (char *)"NYC";
    request.room_id = record.room_id;
    request.start_us = record.start_us;
    request.end_us = record.end_us;
    bool is_record = strcmp(op, "record") == 0;
    bookings.of_case = is_record ? MDG__BOOKINGS__OF_RECORD : MDG__BOOKINGS__OF_REQUEST;
    if (is_record)
        bookings.record = &record;
    else
        bookings.request = &request;
    body.domain_case = MDG__BODY__DOMAIN_BOOKINGS;
    body.bookings = &bookings;
    int rc = mdg_call(terminal->client, &body, line->key, ANSWER_MS, on_answer, line, NULL);
    if (rc == 0) terminal->in_flight++;
    return rc;
}

/* Those first that were sent before. Offline, everything stays where it is until the timer comes again. */
static void pump(struct terminal *terminal)
{
    if (!terminal->is_signed_in || terminal->is_closing) return;
    while (terminal->waiting_count > 0) {
        if (send_line(terminal, terminal->waiting[terminal->waiting_count - 1]) != 0) return;
        terminal->waiting_count--;
    }
    while (terminal->in_flight < IN_FLIGHT_MAX && terminal->next < terminal->count) {
        struct line *line = &terminal->lines[terminal->next];
        if (send_line(terminal, line) != 0) return;
        terminal->next++;
    }
}

/* --- signing in, once; the library takes it up again after each connection */

static void on_signed_in(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct terminal *terminal = arg;
    (void)client;
    if (rc == 0 && response->refusal) rc = response->refusal->code;
    if (rc == MDG_ERR_BUSY) return; /* the timer asks again */
    if (rc != 0) {
        fprintf(stderr, "sign-in: %s\n", mdg_error_name(rc));
        exit(1);
    }
    terminal->is_signed_in = true;
    printf("signed in\n");
    pump(terminal);
}

static void on_again(uv_timer_t *timer)
{
    struct terminal *terminal = timer->data;
    static bool has_asked;
    struct mdg_state state;
    mdg_client_state(terminal->client, &state);
    if (state.link != MDG_LINK_ONLINE) return;
    if (!terminal->is_signed_in && !has_asked)
        has_asked = mdg_sign_in(terminal->client, terminal->name, terminal->secret, on_signed_in, terminal) == 0;
    pump(terminal);
}

/* --- what stdin asks for */

static void print_row(const Mdg__Row *row, void *arg)
{
    size_t length = mdg__row__get_packed_size(row);
    uint8_t *packed = malloc(length);
    char *hex = malloc(2 * length + 1);
    if (!packed || !hex) abort();
    mdg__row__pack(row, packed);
    bytes_to_hex(packed, length, hex);
    printf("row %s\n", hex);
    free(hex);
    free(packed);
    ++*(unsigned *)arg;
}

static void obey(struct terminal *terminal, const char *line)
{
    struct mdg_state state;
    unsigned count = 0;
    mdg_client_state(terminal->client, &state);
    if (strcmp(line, "state") == 0) {
        printf("state link=%d caught_up=%d rev=%" PRId64 "\n", (int)state.link, state.is_caught_up, state.replica_rev);
    } else if (strcmp(line, "rows") == 0) {
        int rc = mdg_replica_each(terminal->client, 0, print_row, &count);
        if (rc != 0) printf("failed rows %s\n", mdg_error_name(rc));
        printf("rows %u\n", count);
    }
}

static void on_client_closed(void *arg)
{
    struct terminal *terminal = arg;
    uv_close((uv_handle_t *)&terminal->in, NULL);
    uv_close((uv_handle_t *)&terminal->again, NULL);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct terminal *terminal = handle->data;
    (void)suggested;
    *buf = uv_buf_init(terminal->input + terminal->input_length,
                       (unsigned)(sizeof terminal->input - 1 - terminal->input_length));
}

static void on_input(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct terminal *terminal = stream->data;
    char *end;
    (void)buf;
    if (count < 0) {
        uv_read_stop(stream);
        terminal->is_closing = true;
        mdg_client_close(terminal->client, on_client_closed, terminal);
        return;
    }
    terminal->input_length += (size_t)count;
    terminal->input[terminal->input_length] = '\0';
    while ((end = strchr(terminal->input, '\n'))) {
        *end = '\0';
        obey(terminal, terminal->input);
        terminal->input_length -= (size_t)(end + 1 - terminal->input);
        memmove(terminal->input, end + 1, terminal->input_length + 1);
    }
}

static void read_plan(struct terminal *terminal, const char *path)
{
    char text[LINE_BYTES];
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(2);
    }
    while (fgets(text, sizeof text, file)) {
        terminal->lines = realloc(terminal->lines, (terminal->count + 1) * sizeof *terminal->lines);
        if (!terminal->lines) abort();
        struct line *line = &terminal->lines[terminal->count++];
        *line = (struct line){.terminal = terminal, .text = strdup(text)};
        mdg_key_new(line->key);
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    static struct terminal terminal;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN); /* a server that was killed is an error of the write */
    if (argc != 5) {
        fprintf(stderr, "usage: booking_terminal PROFILE PLAN NAME SECRET\n");
        return 2;
    }
    struct mdg_options options = {.profile_dir = argv[1], .program = "booking-terminal 1"};
    terminal.name = argv[3];
    terminal.secret = argv[4];
    read_plan(&terminal, argv[2]);
    int rc = uv_loop_init(&terminal.loop);
    if (rc == 0) rc = mdg_client_new(&terminal.loop, &options, &terminal.client);
    if (rc != 0) {
        fprintf(stderr, "%s: %s\n", argv[1], mdg_error_name(rc));
        return 1;
    }
    uv_pipe_init(&terminal.loop, &terminal.in, 0);
    uv_timer_init(&terminal.loop, &terminal.again);
    terminal.in.data = terminal.again.data = &terminal;
    uv_timer_start(&terminal.again, on_again, 0, AGAIN_MS);
    uv_pipe_open(&terminal.in, 0);
    uv_read_start((uv_stream_t *)&terminal.in, on_room, on_input);
    uv_run(&terminal.loop, UV_RUN_DEFAULT);
    for (size_t i = 0; i < terminal.count; i++) free(terminal.lines[i].text);
    free(terminal.lines);
    return uv_loop_close(&terminal.loop) == 0 ? 0 : 1;
}
