#include "client/ctl/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "client/ctl/output.h"
#include "common/day.h"
#include "common/locale.h"

#define SECRET_BYTES_MAX 512
#define BUSY_WAIT_MS 1000u /* where the server names no time */
#define INTERRUPT_BYTE 3   /* Ctrl+C */

void ctl_init(struct ctl *ctl)
{
    *ctl = (struct ctl){0};
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

void ctl_fini(struct ctl *ctl)
{
    if (ctl->client) {
        bool is_closed = false;
        mdg_client_close(ctl->client, on_closed, &is_closed);
        while (!is_closed && uv_run(&ctl->loop, UV_RUN_ONCE) != 0) {
        }
        ctl->client = NULL;
    }
    if (ctl->has_loop) {
        uv_run(&ctl->loop, UV_RUN_DEFAULT); /* close callbacks of what is left */
        uv_loop_close(&ctl->loop);
    }
    if (ctl->answer) json_decref(ctl->answer);
    if (ctl->refusal) json_decref(ctl->refusal);
    if (ctl->refused) mdg__response__free_unpacked(ctl->refused, NULL);
}

int ctl_fail(struct ctl *ctl, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ctl->problem, sizeof ctl->problem, format, args);
    va_end(args);
    ctl->error = code;
    return code;
}

int ctl_refused(struct ctl *ctl, const Mdg__Refusal *refusal)
{
    refusal_sentence(refusal, ctl->problem, sizeof ctl->problem);
    if (ctl->refusal) json_decref(ctl->refusal);
    ctl->refusal = refusal_json(refusal);
    ctl->error = refusal->code != 0 ? refusal->code : MDG_ERR_INTERNAL;
    return ctl->error;
}

/* --- the loop ----------------------------------------------------------------------------------------- */

static void on_timeout(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle->data = NULL;
}

static int loop_need(struct ctl *ctl)
{
    if (ctl->has_loop) return 0;
    int rc = uv_loop_init(&ctl->loop);
    ctl->has_loop = rc == 0;
    return rc;
}

int ctl_run_until(struct ctl *ctl, const bool *is_done, unsigned timeout_ms)
{
    uv_timer_t timer;
    bool is_over = false;
    int rc = loop_need(ctl);
    if (rc == 0) rc = uv_timer_init(&ctl->loop, &timer);
    if (rc != 0) return rc;
    timer.data = &is_over;
    uv_timer_start(&timer, on_timeout, timeout_ms, 0);
    while (!is_over && !(is_done && *is_done)) uv_run(&ctl->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, on_timer_closed);
    while (timer.data) uv_run(&ctl->loop, UV_RUN_NOWAIT); /* the handle lies on our stack */
    return is_done && *is_done ? 0 : MDG_ERR_DEADLINE;
}

void ctl_wait(struct ctl *ctl, unsigned ms)
{
    ctl_run_until(ctl, NULL, ms);
}

/* --- the client --------------------------------------------------------------------------------------- */

static void on_state(struct mdg_client *client, const struct mdg_state *state, void *arg)
{
    struct ctl *ctl = arg;
    (void)client;
    ctl->state = *state;
    ctl->state.person_name = NULL; /* borrowed until the next event only */
    if (state->is_caught_up) ctl->has_caught_up = true;
    if (state->link == MDG_LINK_ONLINE || (state->link == MDG_LINK_OFFLINE && state->why_offline != 0))
        ctl->has_settled = true;
    if (ctl->on_state) ctl->on_state(ctl, state);
}

static void on_row(struct mdg_client *client, const Mdg__Row *row, void *arg)
{
    struct ctl *ctl = arg;
    (void)client;
    if (ctl->on_row) ctl->on_row(ctl, row);
}

static void on_answered(struct mdg_client *client, const struct mdg_outbox_item *item, const Mdg__Refusal *refusal,
                        void *arg)
{
    struct ctl *ctl = arg;
    (void)client;
    if (ctl->on_answered) ctl->on_answered(ctl, item, refusal);
}

bool ctl_is_online(const struct ctl *ctl)
{
    return ctl->state.link == MDG_LINK_ONLINE;
}

/* Catching up has its own wait: offline after all, or caught up. */
static void wait_caught_up(struct ctl *ctl, unsigned timeout_ms)
{
    uint64_t end_ms = uv_hrtime() / 1000000 + timeout_ms;
    while (!ctl->has_caught_up && ctl_is_online(ctl)) {
        uint64_t now_ms = uv_hrtime() / 1000000;
        if (now_ms >= end_ms) break;
        ctl_run_until(ctl, &ctl->has_caught_up, end_ms - now_ms < 100 ? (unsigned)(end_ms - now_ms) : 100u);
    }
}

int ctl_open(struct ctl *ctl, unsigned flags)
{
    const struct mdg_options options = {
        .profile_dir = ctl->options.profile_dir,
        .program = "madoguchictl " MDG_VERSION,
        .without_feed = !(flags & CTL_FEED),
        .without_outbox = !(flags & CTL_OUTBOX),
        .without_sign_in = (flags & CTL_NO_SIGN_IN) != 0,
        .events = {.on_state = on_state, .on_row = on_row, .on_answered = on_answered, .arg = ctl}};
    int rc = loop_need(ctl);
    if (rc == 0) rc = mdg_client_new(&ctl->loop, &options, &ctl->client);
    if (rc == MDG_ERR_CONFIG)
        return ctl_fail(ctl, rc, _("This machine is not enrolled: %s holds no profile. Please enrol it first."),
                        options.profile_dir);
    if (rc == MDG_ERR_CORRUPT)
        return ctl_fail(ctl, rc, _("The outbox in %s is damaged. Please keep the file and tell the office."),
                        options.profile_dir);
    if (rc != 0) return rc;
    struct mdg_centre centre;
    mdg_client_centre(ctl->client, &centre);
    if (centre.zone && *centre.zone) day_zone_set(centre.zone);

    if (flags & CTL_UNPLUGGED) {
        mdg_client_set_cable(ctl->client, false);
        return 0;
    }
    ctl_run_until(ctl, &ctl->has_settled, ctl->options.timeout_ms);
    if ((flags & CTL_FEED) && ctl_is_online(ctl)) wait_caught_up(ctl, ctl->options.timeout_ms);
    mdg_client_centre(ctl->client, &centre); /* the welcome may have told another zone */
    if (centre.zone && *centre.zone) day_zone_set(centre.zone);
    if (ctl_is_online(ctl) || (flags & CTL_MAY_OFFLINE)) return 0;
    return ctl->state.why_offline != 0 ? ctl->state.why_offline : MDG_ERR_OFFLINE;
}

/* --- calls -------------------------------------------------------------------------------------------- */

struct asked {
    bool is_done;
    int rc;
    Mdg__Response *response; /* a copy of ours */
};

static Mdg__Response *response_copy(const Mdg__Response *response)
{
    size_t length = mdg__response__get_packed_size(response);
    uint8_t *bytes = malloc(length + 1);
    if (!bytes) return NULL;
    mdg__response__pack(response, bytes);
    Mdg__Response *copy = mdg__response__unpack(NULL, length, bytes);
    OPENSSL_cleanse(bytes, length);
    free(bytes);
    return copy;
}

static void on_reply(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct asked *asked = arg;
    (void)client;
    asked->rc = rc;
    if (rc == 0) {
        asked->response = response_copy(response);
        if (!asked->response) asked->rc = MDG_ERR_MEMORY;
    }
    asked->is_done = true;
}

/* Once, without judging the answer. */
static int ask_once(struct ctl *ctl, const Mdg__Body *body, const uint8_t *key, Mdg__Response **out)
{
    struct asked asked = {0};
    *out = NULL;
    int rc = mdg_call(ctl->client, body, key, ctl->options.timeout_ms, on_reply, &asked, NULL);
    if (rc != 0) return rc;
    while (!asked.is_done) uv_run(&ctl->loop, UV_RUN_ONCE); /* its own deadline ends it */
    *out = asked.response;
    return asked.rc;
}

/* Gives the own passphrase once more, on this connection. */
static int confirm(struct ctl *ctl)
{
    char *secret = NULL;
    Mdg__Response *response = NULL;
    int rc = ctl_secret(ctl, _("Your passphrase once more: "), &secret);
    if (rc != 0) return rc;
    Mdg__SignInConfirm message = MDG__SIGN_IN_CONFIRM__INIT;
    message.secret = secret;
    Mdg__SignIn sign_in = MDG__SIGN_IN__INIT;
    sign_in.of_case = MDG__SIGN_IN__OF_CONFIRM;
    sign_in.confirm = &message;
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_SIGN_IN;
    body.sign_in = &sign_in;
    rc = ask_once(ctl, &body, NULL, &response);
    if (rc == 0 && response->refusal) rc = ctl_refused(ctl, response->refusal);
    if (response) mdg__response__free_unpacked(response, NULL);
    secret_free(secret);
    return rc;
}

bool ctl_busy_wait(uint32_t retry_after_ms, uint64_t left_ms, unsigned *wait_ms)
{
    *wait_ms = retry_after_ms > 0 ? retry_after_ms : BUSY_WAIT_MS;
    return *wait_ms < left_ms;
}

static uint64_t left_until(uint64_t end_ms)
{
    uint64_t now_ms = uv_hrtime() / 1000000;
    return now_ms < end_ms ? end_ms - now_ms : 0;
}

int ctl_call(struct ctl *ctl, const Mdg__Body *body, enum ctl_access access, const uint8_t *key, Mdg__Response **out)
{
    uint8_t own_key[MDG_KEY_BYTES];
    uint64_t end_ms = uv_hrtime() / 1000000 + ctl->options.timeout_ms;
    bool has_confirmed = false;
    if (out) *out = NULL;
    if (access == CTL_WRITE && !key) {
        mdg_key_new(own_key);
        key = own_key;
    }
    for (;;) {
        Mdg__Response *response = NULL;
        int rc = ask_once(ctl, body, access == CTL_WRITE ? key : NULL, &response);
        if (rc != 0) return rc;
        if (!response->refusal) {
            if (out)
                *out = response;
            else
                mdg__response__free_unpacked(response, NULL);
            return 0;
        }
        unsigned wait_ms = 0;
        uint32_t retry_after_ms = response->refusal->retry_after_ms;
        rc = ctl_refused(ctl, response->refusal);
        if (ctl->refused) mdg__response__free_unpacked(ctl->refused, NULL);
        ctl->refused = response;
        if (rc == MDG_ERR_CONFIRM_NEEDED && !has_confirmed) {
            has_confirmed = true;
            if (confirm(ctl) != 0) return ctl->error;
        } else if (rc == MDG_ERR_BUSY && ctl_busy_wait(retry_after_ms, left_until(end_ms), &wait_ms)) {
            ctl_wait(ctl, wait_ms);
        } else {
            return rc;
        }
    }
}

/* --- secrets ------------------------------------------------------------------------------------------ */

void secret_free(char *secret)
{
    if (!secret) return;
    OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

/* Byte by byte, so that nothing of it stays in stdio's buffer and the next line is left for the next secret. */
static int line_read(int fd, char *line, size_t size)
{
    size_t length = 0;
    char byte;
    ssize_t got;
    while ((got = read(fd, &byte, 1)) == 1 && byte != '\n') {
        if (byte == INTERRUPT_BYTE) return UV_ECANCELED;
        if (length + 1 >= size) return MDG_ERR_INVALID;
        line[length++] = byte;
    }
    if (got != 1 && length == 0) return MDG_ERR_INVALID;
    if (length > 0 && line[length - 1] == '\r') length--;
    line[length] = '\0';
    return 0;
}

int ctl_secret(struct ctl *ctl, const char *prompt, char **out)
{
    char line[SECRET_BYTES_MAX];
    struct termios before, without_echo;
    int rc;
    *out = NULL;
    if (ctl->options.is_secret_stdin) {
        rc = line_read(STDIN_FILENO, line, sizeof line);
    } else {
        if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
            return ctl_fail(ctl, MDG_ERR_INVALID,
                            _("A passphrase is needed. Please run it in a terminal, or give --secret-stdin."));
        without_echo = before;
        without_echo.c_lflag &= ~(tcflag_t)(ECHO | ISIG); /* Ctrl+C comes as a byte, so that the echo is put back */
        fputs(prompt, stderr);
        fflush(stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &without_echo);
        rc = line_read(STDIN_FILENO, line, sizeof line);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (rc == 0) {
        *out = strdup(line);
        if (!*out) rc = MDG_ERR_MEMORY;
    } else {
        ctl_fail(ctl, rc, _("No passphrase was given."));
    }
    OPENSSL_cleanse(line, sizeof line);
    return rc;
}
