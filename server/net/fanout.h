/* server/net/fanout.h - from a view's live parts to its subscribers. Each view has one ring of encoded parts; a
 * connection keeps only the rev it has been sent and its place in the ring. Who fell behind the ring, or has just
 * come, gets what lies between from the database, one part at a time. Loop thread. */
#ifndef MADOGUCHI_NET_FANOUT_H
#define MADOGUCHI_NET_FANOUT_H

#include "server/net/state.h"

/* A subscription that begins after rev; an earlier one of this connection ends. */
void fanout_join(struct conn *conn, struct feed_view view, int64_t rev);
void fanout_leave(struct conn *conn);
/* Takes a list of parts, live ones and catch-ups. */
void fanout_take(struct net *net, struct feed_part *parts);

/* The next part for this connection, borrowed until the loop's next turn; NULL: nothing there (a catch-up may have
 * been asked for). Call fanout_sent() once its bytes are on their way. */
const struct feed_part *fanout_next(struct conn *conn);
void fanout_sent(struct conn *conn, const struct feed_part *part);
/* Asks again where asking has failed. */
void fanout_retry(struct conn *conn);
void fanout_free_all(struct net *net);

#endif
