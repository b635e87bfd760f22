/* tests/flow/race_terminals.c - eight real terminals on one loop that want the same slot at the same moment, round
 * after round:
 *
 *   race_terminals NAME SECRET ROOM FIRST_US STEP_US ROUNDS PROFILE…
 *
 * Each signs in, then all send a request for [FIRST_US + n STEP_US, + STEP_US) without waiting for each other, and the
 * next round begins when all have their answers. A round is a line: "round N winner K booking ID"; whatever is not as
 * it must be is said on stderr and ends it with 1: not exactly one winner, a loser who does not learn who has the slot,
 * an alternative that is not of the right length, or none at all.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "client/lib/madoguchi.h"

#define RACERS_MAX 16
#define ANSWER_MS 30000u

struct race;

struct racer {
    struct race *race;
    struct mdg_client *client;
    bool has_asked, is_signed_in, has_won, is_closed;
    int64_t object_id;
    Mdg__BookingAnswer *answer; /* a loser's; owned */
};

struct race {
    uv_loop_t loop;
    uv_timer_t look;
    const char *name, *secret;
    int64_t room, first_us, step_us;
    long rounds, round, wins[RACERS_MAX], alternatives;
    int count, answered;
    bool has_begun;
    struct racer racers[RACERS_MAX];
    int status;
};

static void fail(struct race *race, const char *what)
{
    fprintf(stderr, "round %ld: %s\n", race->round, what);
    race->status = 1;
}

/* --- one round */

static int64_t start_of(const struct race *race)
{
    return race->first_us + race->round * race->step_us;
}

static void round_start(struct race *race);

static void check_loser(struct race *race, const struct racer *racer, int64_t winner_id)
{
    const Mdg__BookingAnswer *answer = racer->answer;
    if (racer->object_id != winner_id) fail(race, "a loser was told another booking");
    if (!answer || !answer->clash || answer->clash->id != winner_id || answer->clash->room_id != race->room ||
        answer->clash->start_us != start_of(race) || !answer->clash->applicant[0] || !answer->clash->title[0]) {
        fail(race, "a loser does not learn who has it");
        return;
    }
    if (answer->n_alternatives == 0) fail(race, "a loser does not learn what is free");
    for (size_t i = 0; i < answer->n_alternatives; i++) {
        const Mdg__BookingAlternative *free = answer->alternatives[i];
        race->alternatives++;
        if (free->end_us - free->start_us != race->step_us) fail(race, "an alternative of another length");
        if (free->room_id == race->room && free->start_us < start_of(race) + race->step_us &&
            free->end_us > start_of(race))
            fail(race, "an alternative that is not free");
    }
}

static void round_end(struct race *race)
{
    int winner = -1, winners = 0;
    for (int i = 0; i < race->count; i++) {
        if (!race->racers[i].has_won) continue;
        winner = i;
        winners++;
    }
    if (winners != 1) {
        fail(race, "not exactly one winner");
        return;
    }
    race->wins[winner]++;
    for (int i = 0; i < race->count; i++)
        if (i != winner) check_loser(race, &race->racers[i], race->racers[winner].object_id);
    printf("round %ld winner %d booking %" PRId64 "\n", race->round, winner, race->racers[winner].object_id);
    if (race->status == 0 && ++race->round < race->rounds) round_start(race);
}

static Mdg__BookingAnswer *answer_copy(const Mdg__Response *response)
{
    const Mdg__Body *body = response->body;
    if (!body || body->domain_case != MDG__BODY__DOMAIN_BOOKINGS ||
        body->bookings->of_case != MDG__BOOKINGS__OF_REQUESTED)
        return NULL;
    size_t length = mdg__booking_answer__get_packed_size(body->bookings->requested);
    uint8_t *bytes = malloc(length + 1);
    if (!bytes) abort();
    mdg__booking_answer__pack(body->bookings->requested, bytes);
    Mdg__BookingAnswer *copy = mdg__booking_answer__unpack(NULL, length, bytes);
    free(bytes);
    return copy;
}

static void on_answer(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct racer *racer = arg;
    struct race *race = racer->race;
    (void)client;
    if (race->status != 0) return;
    if (rc != 0) {
        fail(race, mdg_error_name(rc));
        return;
    }
    racer->has_won = !response->refusal;
    racer->object_id = response->object_id;
    if (response->refusal && response->refusal->code != MDG_ERR_CONFLICT) fail(race, response->refusal->name);
    if (response->refusal) racer->answer = answer_copy(response);
    if (++race->answered == race->count) round_end(race);
}

static void round_start(struct race *race)
{
    race->answered = 0;
    for (int i = 0; i < race->count; i++) {
        struct racer *racer = &race->racers[(race->round + i) % race->count]; /* nobody always calls first */
        char applicant[32];
        uint8_t key[MDG_KEY_BYTES];
        Mdg__BookingRequest request = MDG__BOOKING_REQUEST__INIT;
        Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
        Mdg__Body body = MDG__BODY__INIT;
        snprintf(applicant, sizeof applicant, "terminal %d", (int)((race->round + i) % race->count));
        if (racer->answer) mdg__booking_answer__free_unpacked(racer->answer, NULL);
        racer->answer = NULL;
        racer->has_won = false;
        request.room_id = race->room;
        request.applicant = applicant;
        request.title = (char *)"race";
        request.start_us = start_of(race);
        request.end_us = request.start_us + race->step_us;
        request.is_confirmed = true;
        bookings.of_case = MDG__BOOKINGS__OF_REQUEST;
        bookings.request = &request;
        body.domain_case = MDG__BODY__DOMAIN_BOOKINGS;
        body.bookings = &bookings;
        mdg_key_new(key);
        int rc = mdg_call(racer->client, &body, key, ANSWER_MS, on_answer, racer, NULL);
        if (rc != 0) fail(race, mdg_error_name(rc));
    }
}

/* --- before and after */

static void on_signed_in(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct racer *racer = arg;
    (void)client;
    if (rc == 0 && response->refusal) rc = response->refusal->code;
    if (rc == MDG_ERR_BUSY)
        racer->has_asked = false; /* too many at once: the timer asks again */
    else if (rc != 0)
        fail(racer->race, mdg_error_name(rc));
    else
        racer->is_signed_in = true;
}

static void on_closed(void *arg)
{
    ((struct racer *)arg)->is_closed = true;
}

static void close_all(struct race *race)
{
    uv_close((uv_handle_t *)&race->look, NULL);
    for (int i = 0; i < race->count; i++) mdg_client_close(race->racers[i].client, on_closed, &race->racers[i]);
}

/* Until all have signed in; then only to see the end. */
static void on_look(uv_timer_t *timer)
{
    struct race *race = timer->data;
    int ready = 0;
    for (int i = 0; race->status == 0 && i < race->count; i++) {
        struct racer *racer = &race->racers[i];
        struct mdg_state state;
        mdg_client_state(racer->client, &state);
        if (racer->is_signed_in) ready++;
        if (racer->has_asked || state.link != MDG_LINK_ONLINE) continue;
        racer->has_asked = mdg_sign_in(racer->client, race->name, race->secret, on_signed_in, racer) == 0;
    }
    if (race->status != 0 || race->round == race->rounds) {
        close_all(race);
    } else if (ready == race->count && !race->has_begun) {
        race->has_begun = true;
        round_start(race);
    }
}

int main(int argc, char **argv)
{
    static struct race race;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    race.count = argc - 7;
    if (race.count < 2 || race.count > RACERS_MAX) {
        fprintf(stderr, "usage: race_terminals NAME SECRET ROOM FIRST_US STEP_US ROUNDS PROFILE PROFILE...\n");
        return 2;
    }
    race.name = argv[1];
    race.secret = argv[2];
    race.room = strtoll(argv[3], NULL, 10);
    race.first_us = strtoll(argv[4], NULL, 10);
    race.step_us = strtoll(argv[5], NULL, 10);
    race.rounds = strtol(argv[6], NULL, 10);
    int rc = uv_loop_init(&race.loop);
    for (int i = 0; rc == 0 && i < race.count; i++) {
        struct mdg_options options = {
            .profile_dir = argv[7 + i], .program = "race 1", .without_feed = true, .without_outbox = true};
        race.racers[i].race = &race;
        rc = mdg_client_new(&race.loop, &options, &race.racers[i].client);
    }
    if (rc != 0) {
        fprintf(stderr, "%s\n", mdg_error_name(rc));
        return 1;
    }
    uv_timer_init(&race.loop, &race.look);
    race.look.data = &race;
    uv_timer_start(&race.look, on_look, 0, 100);
    uv_run(&race.loop, UV_RUN_DEFAULT);
    for (int i = 0; i < race.count; i++)
        if (race.racers[i].answer) mdg__booking_answer__free_unpacked(race.racers[i].answer, NULL);
    printf("alternatives %ld\n", race.alternatives);
    for (int i = 0; i < race.count; i++) printf("wins %d %ld\n", i, race.wins[i]);
    return uv_loop_close(&race.loop) == 0 ? race.status : 1;
}
