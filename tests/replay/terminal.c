/* tests/replay/terminal.c - a real terminal without a screen, on libmadoguchi, driven by lines on stdin:
 *
 *   count SEQ PLACE PURPOSE PEOPLE AT_US   into the outbox, and to the server when it can
 *   cable off | cable on                   pull the network cable, put it back
 *   state                                  what a screen would show
 *   rows                                   the whole replica
 *
 * It says what happened on stdout, a line each: "outbox KEY PEOPLE AT_US" for what lay there at the start,
 * "stored SEQ KEY", "accepted KEY", "refused KEY CODE", "state …", "row HEX", "rows COUNT". The end of stdin closes it.
 *
 *   replay_terminal enrol PROFILE HOST PORT SERVICE_PORT CODE   makes the profile first: "check NNNNNN", "enrolled ID"
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "client/lib/madoguchi.h"
#include "common/bytes.h"

#define LINE_BYTES 256
#define LINES_A_TURN 8 /* each may wait for the disk: the loop must get its turn between */

struct terminal {
    uv_loop_t loop;
    uv_pipe_t in;
    uv_idle_t work; /* runs while lines wait */
    struct mdg_client *client;
    char bytes[65536]; /* what was read and not carried out yet */
    size_t length;
    bool is_at_end;
    int status;
};

static void on_answered(struct mdg_client *client, const struct mdg_outbox_item *item, const Mdg__Refusal *refusal,
                        void *arg)
{
    (void)client;
    (void)arg;
    char hex[2 * MDG_KEY_BYTES + 1];
    bytes_to_hex(item->key, sizeof item->key, hex);
    if (refusal)
        printf("refused %s %d\n", hex, refusal->code);
    else
        printf("accepted %s\n", hex);
}

static void print_waiting(const struct mdg_outbox_item *item, void *arg)
{
    (void)arg;
    char hex[2 * MDG_KEY_BYTES + 1];
    bytes_to_hex(item->key, sizeof item->key, hex);
    const Mdg__VisitCount *count = item->body->visits->count;
    printf("outbox %s %d %" PRId64 "\n", hex, count->people, count->at_us);
}

static void do_count(struct terminal *terminal, const char *line)
{
    long seq;
    Mdg__VisitCount count = MDG__VISIT_COUNT__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    if (sscanf(line, "count %ld %" SCNd64 " %" SCNd64 " %" SCNd32 " %" SCNd64, &seq, &count.place_id, &count.purpose_id,
               &count.people, &count.at_us) != 5) {
        printf("unknown %s\n", line);
        return;
    }
    visits.of_case = MDG__VISITS__OF_COUNT;
    visits.count = &count;
    body.domain_case = MDG__BODY__DOMAIN_VISITS;
    body.visits = &visits;
    uint8_t key[MDG_KEY_BYTES];
    char hex[2 * MDG_KEY_BYTES + 1];
    int rc = mdg_submit(terminal->client, &body, key);
    bytes_to_hex(key, sizeof key, hex);
    if (rc == 0)
        printf("stored %ld %s\n", seq, hex);
    else
        printf("failed %ld %s\n", seq, mdg_error_name(rc));
}

static void do_state(struct terminal *terminal)
{
    struct mdg_state state;
    mdg_client_state(terminal->client, &state);
    printf("state link=%d unsent=%u refused=%u caught_up=%d rev=%" PRId64 " why=%s\n", (int)state.link, state.unsent,
           state.refused, state.is_caught_up, state.replica_rev, mdg_error_name(state.why_offline));
}

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

static void do_rows(struct terminal *terminal)
{
    unsigned count = 0;
    int rc = mdg_replica_each(terminal->client, 0, print_row, &count);
    if (rc != 0) printf("failed rows %s\n", mdg_error_name(rc));
    printf("rows %u\n", count);
}

static void do_line(struct terminal *terminal, const char *line)
{
    if (strncmp(line, "count ", 6) == 0)
        do_count(terminal, line);
    else if (strcmp(line, "cable off") == 0 || strcmp(line, "cable on") == 0)
        mdg_client_set_cable(terminal->client, strcmp(line, "cable on") == 0);
    else if (strcmp(line, "state") == 0)
        do_state(terminal);
    else if (strcmp(line, "rows") == 0)
        do_rows(terminal);
    else
        printf("unknown %s\n", line);
}

static void on_client_closed(void *arg)
{
    struct terminal *terminal = arg;
    uv_close((uv_handle_t *)&terminal->in, NULL);
    uv_close((uv_handle_t *)&terminal->work, NULL);
}

/* Takes one line out of the buffer; false: none is whole. */
static bool next_line(struct terminal *terminal, char line[LINE_BYTES])
{
    const char *end = memchr(terminal->bytes, '\n', terminal->length);
    if (!end) return false;
    size_t length = (size_t)(end - terminal->bytes);
    snprintf(line, LINE_BYTES, "%.*s", (int)length, terminal->bytes);
    terminal->length -= length + 1;
    memmove(terminal->bytes, end + 1, terminal->length);
    return true;
}

static void on_work(uv_idle_t *work)
{
    struct terminal *terminal = work->data;
    char line[LINE_BYTES];
    for (int i = 0; i < LINES_A_TURN; i++) {
        if (next_line(terminal, line)) {
            do_line(terminal, line);
            continue;
        }
        uv_idle_stop(work);
        if (terminal->is_at_end) mdg_client_close(terminal->client, on_client_closed, terminal);
        return;
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct terminal *terminal = handle->data;
    (void)suggested;
    *buf = uv_buf_init(terminal->bytes + terminal->length, (unsigned)(sizeof terminal->bytes - terminal->length));
}

static void on_input(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct terminal *terminal = stream->data;
    (void)buf;
    if (count == UV_ENOBUFS) return; /* the buffer is full: the lines in it come first */
    if (count < 0) {
        terminal->is_at_end = true;
        uv_read_stop(stream);
    } else {
        terminal->length += (size_t)count;
    }
    uv_idle_start(&terminal->work, on_work);
}

static int run_terminal(const char *profile)
{
    static struct terminal terminal; /* its buffer is large for a stack */
    struct mdg_options options = {
        .profile_dir = profile, .program = "replay-terminal 1", .events = {.on_answered = on_answered}};
    int rc = uv_loop_init(&terminal.loop);
    if (rc == 0) rc = mdg_client_new(&terminal.loop, &options, &terminal.client);
    if (rc != 0) {
        fprintf(stderr, "%s: %s\n", profile, mdg_error_name(rc));
        return 1;
    }
    rc = mdg_outbox_each(terminal.client, print_waiting, NULL);
    if (rc != 0) fprintf(stderr, "outbox: %s\n", mdg_error_name(rc));
    printf("started\n");
    uv_pipe_init(&terminal.loop, &terminal.in, 0);
    uv_idle_init(&terminal.loop, &terminal.work);
    terminal.in.data = terminal.work.data = &terminal;
    uv_pipe_open(&terminal.in, 0);
    uv_read_start((uv_stream_t *)&terminal.in, on_room, on_input);
    uv_run(&terminal.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&terminal.loop) == 0 && rc == 0 ? 0 : 1;
}

static void on_check_number(void *arg, const char *number)
{
    (void)arg;
    printf("check %s\n", number);
}

static void on_enrolled(void *arg, int rc, const Mdg__Refusal *refusal, const struct mdg_centre *centre)
{
    (void)refusal;
    *(int *)arg = rc;
    if (rc == 0)
        printf("enrolled %" PRId64 "\n", centre->terminal_id);
    else
        printf("failed enrol %s\n", mdg_error_name(rc));
}

static int run_enrolment(char **words)
{
    uv_loop_t loop;
    int outcome = MDG_ERR_INTERNAL;
    struct mdg_enrol_options options = {.profile_dir = words[0],
                                        .host = words[1],
                                        .port = (unsigned)strtoul(words[2], NULL, 10),
                                        .service_port = (unsigned)strtoul(words[3], NULL, 10),
                                        .code = words[4],
                                        .on_check_number = on_check_number,
                                        .on_done = on_enrolled,
                                        .arg = &outcome};
    int rc = uv_loop_init(&loop);
    if (rc == 0) rc = mdg_enrol(&loop, &options);
    if (rc != 0) {
        fprintf(stderr, "enrol: %s\n", mdg_error_name(rc));
        return 1;
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 && outcome == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN); /* a server that was killed is an error of the write */
    if (argc == 7 && strcmp(argv[1], "enrol") == 0) return run_enrolment(argv + 2);
    if (argc == 2) return run_terminal(argv[1]);
    fprintf(stderr, "usage: replay_terminal PROFILE | replay_terminal enrol PROFILE HOST PORT SERVICE_PORT CODE\n");
    return 2;
}
