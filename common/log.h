/* common/log.h - one line an event: "2026-11-23T10:00:00.123Z warn visits.count conn=12 rc=MDG_ERR_CLOSED".
 * To stderr, thread-safe (one write a line). No secrets, no citizens' personal data, ever. */
#ifndef MADOGUCHI_COMMON_LOG_H
#define MADOGUCHI_COMMON_LOG_H

enum log_level {
    LOG_DEBUG, /* for developers */
    LOG_INFO,  /* what an operator wants to see on a quiet day */
    LOG_WARN,  /* degraded service */
    LOG_ERROR  /* needs a person */
};

/* Once, before threads start. Under systemd (JOURNAL_STREAM set) lines carry <n> priorities instead of the time. */
void log_open(enum log_level least);
/* event is "place.what"; the rest key=value pairs. Control characters in the line are written as '?'. */
void log_event(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_debug(...) log_event(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_event(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_event(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_ERROR, __VA_ARGS__)

#endif
