/* server/consultations/consultation_entries.h - what was said: text and contact of each entry, packed and sealed under
 * a data key. An open case lies under "open", a closed one under the key of its month of retention. Writer thread for
 * changes; reading on any connection. Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_CONSULTATIONS_CONSULTATION_ENTRIES_H
#define MADOGUCHI_CONSULTATIONS_CONSULTATION_ENTRIES_H

#include "server/consultations/consultation_store.h"
#include "server/keys/keys.h"

struct arena;

struct consultation_entry {
    int64_t id, case_id, at_us, received_us, person_id, terminal_id;
    int32_t minutes;
    const Mdg__ConsultationContent *content; /* read: in the arena; NULL: erased, or its key is not here */
};

/* Seals and stores it under the key that the case has now. */
int consultation_entry_insert(struct turn *turn, const struct keys *keys, const struct consultation *c,
                              const struct consultation_entry *entry);

/* Oldest first from after_id on, at most as many as fit into bytes when packed, but one at least; *has_more says
 * whether there are others. The array and what it points at lie in the arena. */
int consultation_entries_read(struct db *db, const struct keys *keys, int64_t case_id, int64_t after_id, size_t bytes,
                              struct arena *arena, struct consultation_entry **entries, size_t *count, bool *has_more);

/* The case was just closed: takes its entries from the key of open cases into that of its month. */
int consultation_entries_close(struct turn *turn, const struct keys *keys, const struct consultation *c);

/* Destroys the keys of months that are over by this day, once nothing that lies under them is still to be erased:
 * *destroyed of them; name is the last one. */
int consultation_keys_destroy(struct turn *turn, const struct keys *keys, int32_t today, int64_t now_us, int *destroyed,
                              char name[CONSULTATION_KEY_NAME_BYTES]);
/* Whether it would find one. */
int consultation_keys_are_due(struct db *db, int32_t today, bool *is_due);

#endif
