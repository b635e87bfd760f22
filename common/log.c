#include "common/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 1024

/* The process has one stderr, so this is the process's: set once, before threads start. */
static struct {
    enum log_level least;
    bool has_journal;
} log_sink = {LOG_INFO, false};

static const struct {
    const char *name;
    int priority; /* syslog's, for the journal */
} LEVELS[] = {
    [LOG_DEBUG] = {"debug", 7},
    [LOG_INFO] = {"info", 6},
    [LOG_WARN] = {"warn", 4},
    [LOG_ERROR] = {"error", 3},
};

void log_open(enum log_level least)
{
    log_sink.least = least;
    log_sink.has_journal = getenv("JOURNAL_STREAM") != NULL;
}

static size_t line_begin(char *line, size_t size, enum log_level level, const char *event)
{
    int length;
    if (log_sink.has_journal) {
        length = snprintf(line, size, "<%d>%s ", LEVELS[level].priority, event);
    } else {
        struct timespec now;
        struct tm utc;
        char stamp[32];
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &utc);
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
        length = snprintf(line, size, "%s.%03ldZ %s %s ", stamp, now.tv_nsec / 1000000, LEVELS[level].name, event);
    }
    return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (level < log_sink.least) return;
    char line[LINE_BYTES];
    size_t room = sizeof line - 1; /* for the line feed */
    size_t length = line_begin(line, room, level, event);
    va_list args;
    va_start(args, format);
    int added = vsnprintf(line + length, room - length, format, args);
    va_end(args);
    if (added > 0) length += (size_t)added < room - length ? (size_t)added : room - length - 1;

    /* A peer's text must not forge a line or drive a terminal. */
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) line[i] = '?';
    }
    while (length > 0 && line[length - 1] == ' ') length--;
    line[length++] = '\n';
    /* One write a line, so lines of several threads do not mix. If nobody reads stderr there is nobody to tell. */
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}
