#include "server/net/fanout.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/log.h"

struct fan_view {
    struct fan_view *next;
    struct feed_view view;
    struct link subscribers;
    struct feed_part **parts; /* ring_parts places; part seq stands at seq % ring_parts */
    uint64_t first_seq, end_seq;
    size_t bytes;
};

static bool view_equals(struct feed_view a, struct feed_view b)
{
    return a.name == b.name && a.scope == b.scope;
}

static struct fan_view *view_find(const struct net *net, struct feed_view view)
{
    for (struct fan_view *fan = net->views; fan; fan = fan->next) {
        if (view_equals(fan->view, view)) return fan;
    }
    return NULL;
}

static struct fan_view *view_new(struct net *net, struct feed_view view)
{
    struct fan_view *fan = calloc(1, sizeof *fan);
    if (!fan) return NULL;
    fan->parts = calloc(net->limits->ring_parts, sizeof *fan->parts);
    if (!fan->parts) {
        free(fan);
        return NULL;
    }
    fan->view = view;
    link_init(&fan->subscribers);
    fan->next = net->views;
    net->views = fan;
    feed_watch(dispatch_feed(net->dispatch), view);
    return fan;
}

static struct feed_part **ring_place(const struct net *net, const struct fan_view *fan, uint64_t seq)
{
    return &fan->parts[seq % net->limits->ring_parts];
}

static void ring_drop_first(const struct net *net, struct fan_view *fan)
{
    struct feed_part **place = ring_place(net, fan, fan->first_seq++);
    fan->bytes -= (*place)->length;
    feed_part_free(*place);
    *place = NULL;
}

static void ring_clear(const struct net *net, struct fan_view *fan)
{
    while (fan->first_seq < fan->end_seq) ring_drop_first(net, fan);
}

static void view_free(struct net *net, struct fan_view *fan)
{
    for (struct fan_view **at = &net->views; *at; at = &(*at)->next) {
        if (*at == fan) {
            *at = fan->next;
            break;
        }
    }
    ring_clear(net, fan);
    free(fan->parts);
    free(fan);
}

void fanout_free_all(struct net *net)
{
    while (net->views) view_free(net, net->views);
}

static void ask(struct conn *conn)
{
    int rc = feed_catch_up(dispatch_feed(conn->net->dispatch), conn->view->view, conn->sent_rev, conn->session.conn_id);
    conn->fan_state = rc == 0 ? FAN_ASKED : FAN_BEHIND; /* the sweep asks again */
}

void fanout_join(struct conn *conn, struct feed_view view, int64_t rev)
{
    fanout_leave(conn);
    struct fan_view *fan = view_find(conn->net, view);
    if (!fan) fan = view_new(conn->net, view); /* watched before the catch-up, so no change falls between */
    if (!fan) {
        conn_goodbye(conn, MDG_ERR_MEMORY, conn_retry_after_ms(conn));
        return;
    }
    conn->view = fan;
    conn->sent_rev = rev;
    link_append(&fan->subscribers, &conn->subscriber);
    /* Also who is at the head already: the part tells it so. */
    ask(conn);
}

static void catch_up_drop(struct conn *conn)
{
    struct feed_part *first = conn->catch_up;
    conn->catch_up = first->next;
    feed_part_free(first);
}

void fanout_leave(struct conn *conn)
{
    struct fan_view *fan = conn->view;
    while (conn->catch_up) catch_up_drop(conn);
    conn->fan_state = FAN_NONE;
    conn->view = NULL;
    if (!fan) return;
    link_remove(&conn->subscriber);
    if (!link_is_alone(&fan->subscribers)) return;
    feed_unwatch(dispatch_feed(conn->net->dispatch), fan->view);
    view_free(conn->net, fan);
}

static void take_live(struct net *net, struct feed_part *part)
{
    struct fan_view *fan = view_find(net, part->view);
    if (!fan) { /* made before the last subscriber left */
        feed_part_free(part);
        return;
    }
    bool has_parts = fan->first_seq < fan->end_seq;
    /* After a pause in watching: what lies before the hole joins nothing any more. */
    if (has_parts && (*ring_place(net, fan, fan->end_seq - 1))->to_rev != part->from_rev) ring_clear(net, fan);
    while (fan->first_seq < fan->end_seq && (fan->end_seq - fan->first_seq >= net->limits->ring_parts ||
                                             fan->bytes + part->length > net->limits->ring_bytes)) {
        ring_drop_first(net, fan);
    }
    *ring_place(net, fan, fan->end_seq++) = part;
    fan->bytes += part->length;
    for (struct link *at = fan->subscribers.next; at != &fan->subscribers; at = at->next) {
        struct conn *conn = LINK_OWNER(at, struct conn, subscriber);
        if (conn->fan_state == FAN_LIVE) conn_mark_dirty(conn);
    }
}

static void take_catch_up(struct net *net, struct feed_part *part)
{
    struct conn *conn = net_conn(net, part->tag);
    bool is_wanted = conn && conn->fan_state == FAN_ASKED && view_equals(conn->view->view, part->view);
    struct feed_part **end = is_wanted ? &conn->catch_up : NULL;
    int64_t rev = is_wanted ? conn->sent_rev : 0;
    for (; is_wanted && *end; end = &(*end)->next) rev = (*end)->to_rev;
    if (is_wanted && part->rc != 0) {
        log_warn("feed.catch_up", "conn=%llu rev=%lld rc=%s", (unsigned long long)part->tag, (long long)conn->sent_rev,
                 mdg_error_name(part->rc));
        conn->fan_state = FAN_BEHIND; /* the sweep asks again */
    } else if (is_wanted && part->from_rev == rev) {
        *end = part;
        conn_mark_dirty(conn);
        return;
    }
    feed_part_free(part); /* of a subscription that has ended */
}

void fanout_take(struct net *net, struct feed_part *parts)
{
    while (parts) {
        struct feed_part *part = parts;
        parts = part->next;
        part->next = NULL;
        if (part->tag != 0) {
            take_catch_up(net, part);
        } else {
            take_live(net, part);
        }
    }
}

/* The first part that holds something after rev. */
static uint64_t ring_find(const struct net *net, const struct fan_view *fan, int64_t rev)
{
    uint64_t seq = fan->end_seq;
    while (seq > fan->first_seq) {
        const struct feed_part *before = *ring_place(net, fan, seq - 1);
        if (before->from_rev < rev && before->to_rev <= rev) break;
        seq--;
    }
    return seq;
}

const struct feed_part *fanout_next(struct conn *conn)
{
    const struct net *net = conn->net;
    const struct fan_view *fan = conn->view;
    if (conn->catch_up) return conn->catch_up;
    if (conn->fan_state != FAN_LIVE) return NULL;

    if (conn->next_seq < fan->first_seq) { /* too slow for the ring */
        ask(conn);
        return NULL;
    }
    for (; conn->next_seq < fan->end_seq; conn->next_seq++) {
        const struct feed_part *part = *ring_place(net, fan, conn->next_seq);
        if (part->from_rev == conn->sent_rev) return part;
        if (part->to_rev > conn->sent_rev) { /* it begins elsewhere: there would be a hole or a step back */
            ask(conn);
            return NULL;
        }
    }
    return NULL;
}

void fanout_sent(struct conn *conn, const struct feed_part *part)
{
    conn->sent_rev = part->to_rev;
    if (part != conn->catch_up) {
        conn->next_seq++;
        return;
    }
    bool is_caught_up = part->is_caught_up;
    catch_up_drop(conn);
    if (conn->catch_up) return;
    if (is_caught_up) {
        conn->fan_state = FAN_LIVE;
        conn->next_seq = ring_find(conn->net, conn->view, conn->sent_rev);
    } else {
        ask(conn); /* the database reads on while the socket drains */
    }
}

void fanout_retry(struct conn *conn)
{
    if (conn->fan_state == FAN_BEHIND) ask(conn);
}
