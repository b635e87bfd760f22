/* client/lib/outbox.h - the writes that wait, in the order of their making, durable when outbox_add() returns.
 * An item leaves it when the server has accepted it, or when a person has dealt with its refusal. */
#ifndef MADOGUCHI_CLIENT_LIB_OUTBOX_H
#define MADOGUCHI_CLIENT_LIB_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#include "client/lib/madoguchi.h"
#include "client/lib/profile.h"

#define OUTBOX_KEPT_DAYS 400 /* as long as the server remembers keys */

struct outbox;

/* MDG_ERR_CORRUPT: damaged, and left as it is. MDG_ERR_NEWER, MDG_ERR_DISK_FULL, MDG_ERR_IO. The caller frees *out. */
int outbox_open(const char *path, struct outbox **out);
void outbox_close(struct outbox *outbox);

struct outbox_entry {
    struct mdg_outbox_item item; /* body and refusal are owned, person_name points into sign_in_name */
    int64_t offset_us;           /* server's clock minus this one, when it was made */
    size_t token_length;
    uint8_t token[SIGN_IN_TOKEN_BYTES];
    char sign_in_name[PROFILE_TEXT_BYTES];
};
void outbox_entry_fini(struct outbox_entry *entry);

/* Stores item.key, .body, .made_us, offset and author; sets item.number. */
int outbox_add(struct outbox *outbox, struct outbox_entry *entry);
/* The first unsent one with a number above after; the caller calls outbox_entry_fini(). MDG_ERR_NOT_FOUND. One whose
 * bytes are damaged is passed over and refused with MDG_ERR_CORRUPT and this rule. */
#define OUTBOX_RULE_UNREADABLE "unreadable"
int outbox_next(struct outbox *outbox, int64_t after, struct outbox_entry *entry);
/* Here a damaged one has an empty body, or an empty refusal. */
int outbox_get(struct outbox *outbox, int64_t number, struct outbox_entry *entry);
int outbox_each(struct outbox *outbox, void (*each)(const struct mdg_outbox_item *item, void *arg), void *arg);

/* The server's answer. Need not be durable: repeated, it would answer the same. */
int outbox_accept(struct outbox *outbox, int64_t number);
int outbox_refuse(struct outbox *outbox, int64_t number, const Mdg__Refusal *refusal);
/* Marks unsent ones made before then as too old to send. */
int outbox_age(struct outbox *outbox, int64_t before_us);
/* MDG_ERR_STATE: unsent. MDG_ERR_NOT_FOUND. */
int outbox_dismiss(struct outbox *outbox, int64_t number);

/* Takes in what other processes of this terminal did since. */
int outbox_recount(struct outbox *outbox);
int64_t outbox_last_number(const struct outbox *outbox); /* of what was ever made here */
unsigned outbox_unsent(const struct outbox *outbox);
unsigned outbox_refused(const struct outbox *outbox); /* and too old */

#endif
