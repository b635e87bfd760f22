#include "server/jobs/clock.h"

#include "common/day.h"
#include "server/dispatch/dispatch.h"

#define TICK_MS 5000
#define STEP_US_MIN (120 * US_PER_SECOND) /* as far ahead as a terminal's clock may be */
#define TICKS_A_MINUTE (60000 / TICK_MS)
#define TICKS_AN_HOUR (3600000 / TICK_MS)

static void call_terminals(struct clock *clock, Mdg__Terminals *terminals)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_TERMINALS;
    body.terminals = terminals;
    dispatch_clock_call(clock->options.dispatch, &body);
}

/* A code that was pending when the server ended is good until its time is over. */
static void resume_enrolment(struct clock *clock)
{
    Mdg__EnrolmentResume resume = MDG__ENROLMENT_RESUME__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    terminals.of_case = MDG__TERMINALS__OF_ENROLMENT_RESUME;
    terminals.enrolment_resume = &resume;
    call_terminals(clock, &terminals);
}

static void expire_enrolment(struct clock *clock)
{
    Mdg__EnrolmentExpire expire = MDG__ENROLMENT_EXPIRE__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    terminals.of_case = MDG__TERMINALS__OF_ENROLMENT_EXPIRE;
    terminals.enrolment_expire = &expire;
    call_terminals(clock, &terminals);
}

static void renew_server(struct clock *clock)
{
    Mdg__ServerRenew renew = MDG__SERVER_RENEW__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    terminals.of_case = MDG__TERMINALS__OF_SERVER_RENEW;
    terminals.server_renew = &renew;
    call_terminals(clock, &terminals);
}

static void expire_imports(struct clock *clock)
{
    Mdg__ImportExpire expire = MDG__IMPORT_EXPIRE__INIT;
    Mdg__Imports imports = MDG__IMPORTS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    imports.of_case = MDG__IMPORTS__OF_EXPIRE;
    imports.expire = &expire;
    body.domain_case = MDG__BODY__DOMAIN_IMPORTS;
    body.imports = &imports;
    dispatch_clock_call(clock->options.dispatch, &body);
}

/* Tentative bookings whose day is over: looked for often, found once a day. */
static void lapse_bookings(struct clock *clock)
{
    Mdg__BookingsLapse lapse = MDG__BOOKINGS_LAPSE__INIT;
    Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    bookings.of_case = MDG__BOOKINGS__OF_LAPSE;
    bookings.lapse = &lapse;
    body.domain_case = MDG__BODY__DOMAIN_BOOKINGS;
    body.bookings = &bookings;
    dispatch_clock_call(clock->options.dispatch, &body);
}

static void erase_consultations(struct clock *clock)
{
    Mdg__ConsultationEraseDue erase_due = MDG__CONSULTATION_ERASE_DUE__INIT;
    Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    consultations.of_case = MDG__CONSULTATIONS__OF_ERASE_DUE;
    consultations.erase_due = &erase_due;
    body.domain_case = MDG__BODY__DOMAIN_CONSULTATIONS;
    body.consultations = &consultations;
    dispatch_clock_call(clock->options.dispatch, &body);
}

/* Somebody set the clock, or it was wrong: whoever reads the records later must know. */
static void watch_step(struct clock *clock)
{
    int64_t ahead_us = clock_now_us() - (int64_t)(uv_hrtime() / 1000);
    int64_t step_us = ahead_us - clock->ahead_us;
    if (clock->ticks > 0 && (step_us > STEP_US_MIN || step_us < -STEP_US_MIN))
        dispatch_clock_stepped(clock->options.dispatch, step_us);
    clock->ahead_us = ahead_us;
}

static void on_tick(uv_timer_t *timer)
{
    struct clock *clock = timer->data;
    watch_step(clock);
    if (clock->ticks == 0) resume_enrolment(clock);
    expire_enrolment(clock);
    lapse_bookings(clock);
    if (clock->ticks % TICKS_A_MINUTE == 0) expire_imports(clock);
    if (clock->ticks % TICKS_AN_HOUR == 0) renew_server(clock);
    if (clock->ticks % TICKS_AN_HOUR == 0) erase_consultations(clock);
    clock->ticks++;
}

int clock_start(struct clock *clock, const struct clock_options *options)
{
    *clock = (struct clock){.options = *options};
    int rc = uv_timer_init(options->loop, &clock->timer);
    clock->timer.data = clock;
    return rc == 0 ? uv_timer_start(&clock->timer, on_tick, 0, TICK_MS) : rc;
}

void clock_stop(struct clock *clock)
{
    uv_close((uv_handle_t *)&clock->timer, NULL);
}
