/* tests/flow/clock_shift.c - preloaded into a program, moves its wall clock by MDG_CLOCK_SHIFT_S seconds, or by what
 * the file MDG_CLOCK_SHIFT_FILE holds at that moment, so that tests can let certificates expire, days pass and clocks
 * jump. The monotonic clock, which time-outs use, stays. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t shift_s(void)
{
    const char *text = getenv("MDG_CLOCK_SHIFT_S"), *path = getenv("MDG_CLOCK_SHIFT_FILE");
    char held[24];
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t length = file < 0 ? -1 : read(file, held, sizeof held - 1);
    if (file >= 0) close(file);
    if (length > 0) {
        held[length] = '\0';
        text = held;
    }
    return text ? (time_t)strtoll(text, NULL, 10) : 0;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *at)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, at);
    if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += shift_s();
    return rc;
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

__attribute__((visibility("default"))) time_t time(time_t *at)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return (time_t)-1;
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
