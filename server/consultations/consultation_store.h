/* server/consultations/consultation_store.h - cases, and the notices of who read another's. Nothing here holds text or
 * contact: those are entries (consultation_entries.h). Reading on any connection, changing on the writer thread only.
 * Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_CONSULTATIONS_CONSULTATION_STORE_H
#define MADOGUCHI_CONSULTATIONS_CONSULTATION_STORE_H

#include "server/consultations/consultation_rules.h"
#include "server/store/turn.h"

struct db;

struct consultation {
    int64_t id;
    int32_t fiscal_year, number; /* number: given by consultation_insert() */
    int64_t opened_us;
    int32_t opened_day;
    int channel, client;
    int64_t group_id; /* 0: none */
    char topic[CONSULTATION_TOPIC_BYTES_MAX + 1];
    int32_t people;
    int64_t owner_id;      /* 0: nobody's yet */
    int32_t follow_up_day; /* 0: none */
    int outcome;           /* 0: open */
    char referral[CONSULTATION_REFERRAL_BYTES_MAX + 1];
    int64_t closed_us; /* 0: open */
    int32_t erase_day; /* 0: open */
    bool is_erased;
    int32_t minutes, entries; /* of its entries */
    int64_t rev;
};

typedef int consultation_cb(void *arg, const struct consultation *c);

/* Stores a new case under the next number of its fiscal year, which is put into *c. */
int consultation_insert(struct turn *turn, struct consultation *c);
/* Stores all that can change. */
int consultation_update(struct turn *turn, const struct consultation *c);

/* owner_id not 0: only if it is this owner's. MDG_ERR_NOT_FOUND. */
int consultation_get(struct db *db, int64_t id, int64_t owner_id, struct consultation *c);
int consultation_by_number(struct db *db, int32_t fiscal_year, int32_t number, struct consultation *c);

struct consultation_filter {
    bool with_closed;
    int64_t before_id;        /* 0: from the newest */
    int64_t owner_id;         /* 0: whoever's */
    int32_t from_day, to_day; /* opened; 0: any */
};
/* Newest first, until cb returns something else than 0, which is returned. */
int consultation_each(struct db *db, const struct consultation_filter *filter, consultation_cb *cb, void *arg);
/* By rev; from since_rev 0 on closed cases are left out, as nobody has them. */
int consultation_each_changed(struct db *db, int64_t since_rev, int limit, consultation_cb *cb, void *arg);
/* Cases whose personal parts are to be erased by that day, the oldest first. */
int consultation_each_due(struct db *db, int32_t day, int limit, consultation_cb *cb, void *arg);

/* Forgets what the statistics do not need, and writes the line of the ledger. */
int consultation_erase(struct turn *turn, int64_t case_id, int64_t now_us, int64_t rev);

/* --- notices ------------------------------------------------------------------------------------------ */

struct consultation_notice {
    int64_t id, case_id, owner_id, reader_id, at_us;
    int32_t day;
    char reason[CONSULTATION_REASON_BYTES_MAX + 1];
    int64_t rev;
};

typedef int consultation_notice_cb(void *arg, const struct consultation_notice *notice);

int consultation_notice_insert(struct turn *turn, const struct consultation_notice *notice);
int consultation_notice_each_changed(struct db *db, int32_t from_day, int64_t since_rev, int limit,
                                     consultation_notice_cb *cb, void *arg);

/* What is kept beside the entries agrees with them; complaint is allocated. MDG_ERR_CORRUPT. */
int consultation_verify(struct db *db, char **complaint);

#endif
