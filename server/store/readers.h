/* server/store/readers.h - threads that read, each on its own connection and snapshot. */
#ifndef MADOGUCHI_STORE_READERS_H
#define MADOGUCHI_STORE_READERS_H

struct db;
struct readers;

struct reader_job {
    struct reader_job *next;
    void (*run)(struct reader_job *job, struct db *db); /* reader thread, inside a read transaction */
    void (*done)(struct reader_job *job);               /* reader thread, after it */
};

int readers_new(const char *path, int threads, struct readers **out);
/* Any thread. */
void readers_submit(struct readers *readers, struct reader_job *job);
void readers_stop(struct readers *readers); /* finishes what is queued, joins */
void readers_free(struct readers *readers);

#endif
