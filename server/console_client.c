#include "server/console_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <sodium.h>

#include "common/code.h"
#include "common/day.h"
#include "common/frame.h"
#include "common/locale.h"
#include "common/sentence.h"
#include "server/command.h"
#include "server/store/audit.h"

#define PROTOCOL_VERSION 1
#define PATIENCE_S 30 /* Argon2id behind others in a queue takes seconds */
#define READ_BYTES 4096

struct console {
    int fd;
    uint64_t last_id;
    struct frame_splitter splitter;
    uint64_t awaited_id;
    Mdg__Response *response; /* of the awaited call; owned */
};

/* --- bytes ---------------------------------------------------------------------------------------------- */

static int send_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return errno == EAGAIN ? MDG_ERR_DEADLINE : MDG_ERR_OFFLINE;
        bytes += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static int send_frame(int fd, const Mdg__Frame *frame)
{
    const size_t length = mdg__frame__get_packed_size(frame);
    uint8_t *bytes = malloc(FRAME_HEAD_BYTES + length);
    if (!bytes) return MDG_ERR_MEMORY;
    frame_write_head(bytes, length);
    mdg__frame__pack(frame, bytes + FRAME_HEAD_BYTES);
    int rc = send_all(fd, bytes, FRAME_HEAD_BYTES + length);
    sodium_memzero(bytes, FRAME_HEAD_BYTES + length);
    free(bytes);
    return rc;
}

static void tell(const Mdg__Refusal *refusal)
{
    char sentence[SENTENCE_BYTES];
    refusal_sentence(refusal, sentence, sizeof sentence);
    complain(refusal->code, "%s", sentence);
}

static int on_frame(void *arg, const uint8_t *bytes, size_t length)
{
    struct console *console = arg;
    Mdg__Frame *frame = mdg__frame__unpack(NULL, length, bytes);
    int rc = frame ? 0 : MDG_ERR_MALFORMED;
    if (frame && frame->kind_case == MDG__FRAME__KIND_PING) {
        Mdg__Frame pong = MDG__FRAME__INIT;
        pong.kind_case = MDG__FRAME__KIND_PONG;
        pong.pong = frame->ping;
        rc = send_frame(console->fd, &pong);
    } else if (frame && frame->kind_case == MDG__FRAME__KIND_GOODBYE) {
        const Mdg__Refusal *why = frame->goodbye->refusal;
        if (why) tell(why);
        rc = why && why->code < 0 ? why->code : MDG_ERR_OFFLINE;
    } else if (frame && frame->kind_case == MDG__FRAME__KIND_RESPONSE && frame->response->id == console->awaited_id) {
        console->response = frame->response; /* taken out of its frame */
        frame->response = NULL;
        frame->kind_case = MDG__FRAME__KIND__NOT_SET;
    }
    mdg__frame__free_unpacked(frame, NULL);
    return rc;
}

static int await_response(struct console *console)
{
    uint8_t bytes[READ_BYTES];
    int rc = 0;
    while (rc == 0 && !console->response) {
        ssize_t got = recv(console->fd, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) {
            rc = MDG_ERR_DEADLINE;
        } else if (got <= 0) {
            rc = MDG_ERR_OFFLINE;
        } else {
            rc = frame_splitter_feed(&console->splitter, bytes, (size_t)got, on_frame, console);
        }
    }
    return rc;
}

/* --- calls ---------------------------------------------------------------------------------------------- */

int console_call(struct console *console, Mdg__Body *body, int is_write, Mdg__Response **response)
{
    uint8_t key[REQUEST_KEY_BYTES];
    Mdg__Request request = MDG__REQUEST__INIT;
    Mdg__Frame frame = MDG__FRAME__INIT;
    request.id = console->awaited_id = ++console->last_id;
    request.body = body;
    if (is_write) {
        randombytes_buf(key, sizeof key);
        request.request_key = (ProtobufCBinaryData){sizeof key, key};
    }
    frame.kind_case = MDG__FRAME__KIND_REQUEST;
    frame.request = &request;

    int rc = send_frame(console->fd, &frame);
    if (rc == 0) rc = await_response(console);
    if (rc == MDG_ERR_OFFLINE || rc == MDG_ERR_DEADLINE) complain(rc, "%s", error_sentence(rc));
    if (rc != 0) return rc;

    *response = console->response;
    console->response = NULL;
    if (!(*response)->refusal) return 0;
    tell((*response)->refusal);
    rc = (*response)->refusal->code < 0 ? (*response)->refusal->code : MDG_ERR_INTERNAL;
    mdg__response__free_unpacked(*response, NULL);
    *response = NULL;
    return rc;
}

void console_print_code(const char *code)
{
    char letters[CODE_CHARACTERS + 1], shown[CODE_CHARACTERS + 3];
    if (code_normalize(code, letters) == 0) {
        code_format(letters, shown);
        code = shown;
    }
    printf(_("code %s"), code);
    printf("\n");
    fflush(stdout);
}

static int say_hello(struct console *console)
{
    static char PROGRAM[] = "madoguchid " MDG_VERSION " console";
    Mdg__Hello hello = MDG__HELLO__INIT;
    Mdg__Centre centre = MDG__CENTRE__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Response *response = NULL;
    hello.protocol_min = hello.protocol_max = PROTOCOL_VERSION;
    hello.program = PROGRAM;
    hello.terminal_us = clock_now_us();
    centre.of_case = MDG__CENTRE__OF_HELLO;
    centre.hello = &hello;
    body.domain_case = MDG__BODY__DOMAIN_CENTRE;
    body.centre = &centre;
    int rc = console_call(console, &body, 0, &response);
    if (response) mdg__response__free_unpacked(response, NULL);
    return rc;
}

int console_open(const char *path, struct console **out)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        complain(MDG_ERR_CONFIG, _("the path of the data directory is too long"));
        return MDG_ERR_CONFIG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);

    struct console *console = calloc(1, sizeof *console);
    if (!console) return MDG_ERR_MEMORY;
    frame_splitter_init(&console->splitter, FRAME_BYTES_MAX);
    int rc = sodium_init() < 0 ? MDG_ERR_CRYPTO : 0;
    console->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (rc == 0 && (console->fd < 0 || connect(console->fd, (const struct sockaddr *)&address, sizeof address) != 0)) {
        rc = errno == EACCES ? MDG_ERR_FORBIDDEN : MDG_ERR_OFFLINE;
        complain(rc,
                 _("no server answers at %s (%s). Start it with 'madoguchid serve', and run this as the same user."),
                 path, strerror(errno));
    }
    if (rc == 0) {
        setsockopt(console->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(console->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        rc = say_hello(console);
    }
    if (rc != 0) {
        console_close(console);
        return rc;
    }
    *out = console;
    return 0;
}

void console_close(struct console *console)
{
    if (!console) return;
    if (console->fd >= 0) close(console->fd);
    if (console->response) mdg__response__free_unpacked(console->response, NULL);
    frame_splitter_fini(&console->splitter);
    free(console);
}
