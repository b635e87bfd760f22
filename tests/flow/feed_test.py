"""The change feed: parts that join, whatever happened between them."""
import collections
import datetime
import os
import threading
import time
import zoneinfo

import harness
import stranger
from harness import COUNCIL, COUNTER, DISPLAY, LOUNGE, TERMINAL_ROW, VISIT, VISIT_DAY, VISIT_PLACE, \
    VISIT_PURPOSE
from stranger import Replica

CONNECTIONS = 200
PARTS_KEPT = 1024  # of each view, by the server, for those who are a little behind


class FeedCase(harness.CentreCase):
    settings = {"terminal-connections": 64, "address-connections": 64, "request-rate": 100000, "request-burst": 100000}

    @classmethod
    def prepare(cls):
        for name, kind in (("counter", COUNTER), ("counter 2", COUNTER), ("lounge", LOUNGE), ("council", COUNCIL),
                           ("display", DISPLAY)):
            cls.centre.enrol(name, kind)

    def connect(self, name="counter", **options):
        client = self.centre.connect(name, **options)
        self.addCleanup(client.close)
        return client

    def count_many(self, client, number, **changes):
        """Counts, many in flight; their object ids in order."""
        at_us = changes.pop("at_us", None) or client.server_now_us()
        sent = [client.send_request(stranger.body_of("visits", "count", dict(
            {"place_id": self.place_id, "purpose_id": self.purpose_id, "people": 1, "at_us": at_us}, **changes)),
            stranger.new_key()) for _ in range(number)]
        ids = []
        for request in sent:
            response = client.response(request)
            self.assertFalse(response.HasField("refusal"), response.refusal)
            ids.append(response.object_id)
        return ids

    def fresh(self, name="counter"):
        with self.centre.connect(name) as client:
            return client.catch_up(Replica()).rows

    def check_equal(self, replica, name="counter", what=""):
        self.assertEqual({n: r.SerializeToString(deterministic=True) for n, r in replica.rows.items()},
                         {n: r.SerializeToString(deterministic=True) for n, r in self.fresh(name).items()}, what)


class Feed(FeedCase):
    def test_parts_join_while_others_write(self):
        """Replica.take() fails at the first hole, at rows out of order and at parts that are too large."""
        reader, writers = self.connect(), [self.connect("counter 2") for _ in range(3)]
        replica = reader.catch_up(Replica())
        ids = []
        threads = [threading.Thread(target=lambda w=w: ids.extend(self.count_many(w, 300))) for w in writers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(len(ids), 900)
        last = max(ids)
        reader.follow(replica, lambda: all((VISIT, i) in replica.rows for i in (last, min(ids))) and replica.is_caught_up,
                      timeout=30, what="all counts")
        self.assertEqual(replica.resets, 1)
        self.check_equal(replica)

    def test_catching_up_after_absence(self):
        reader = self.connect()
        replica = reader.catch_up(Replica())
        reader.close()
        writer = self.connect("counter 2")
        ids = self.count_many(writer, 700)
        again = self.connect()
        again.catch_up(replica)
        self.assertEqual(replica.resets, 1, "it started afresh though it could join")
        self.assertTrue(all((VISIT, i) in replica.rows for i in ids))
        self.check_equal(replica)

    def test_undone_while_away(self):
        reader, writer = self.connect(), self.connect("counter 2")
        key = stranger.new_key()
        visit = writer.count(self.place_id, self.purpose_id, 1, key=key).object_id
        replica = reader.catch_up(Replica())
        self.assertIn((VISIT, visit), replica.rows)
        reader.close()
        writer.write("visits", "undo", {"count_key": key})
        self.connect().catch_up(replica)
        self.assertNotIn((VISIT, visit), replica.rows)
        self.check_equal(replica)

    def test_a_row_that_changed_often_comes_once(self):
        name = ""
        place = self.centre.office_write("visits", "place_save", {"name": "変わる", "position": 7}).object_id
        reader = self.connect()
        replica = reader.catch_up(Replica())
        reader.close()
        for number in range(10):
            name = f"変わる {number}"
            self.centre.office_write("visits", "place_save", {"id": place, "name": name, "position": 7})
        client = self.connect()
        client.subscribe(replica)
        rows = []
        while not replica.is_caught_up:
            client.wait(lambda: client.parts, 20, "a part")
            part = client.parts.popleft()
            rows += [row for row in part.rows if (row.kind, row.id) == (VISIT_PLACE, place)]
            replica.take(part)
        self.assertEqual([row.body.visits.visit_place_row.name for row in rows], [name])

    def test_nothing_new(self):
        reader = self.connect()
        replica = reader.catch_up(Replica())
        parts = replica.parts
        again = self.connect()
        again.catch_up(replica)
        self.assertTrue(replica.is_caught_up)
        self.assertLessEqual(replica.parts, parts + 2)

    def test_horizon(self):
        """Old lines are not in the view; their day totals are, back to last fiscal year."""
        writer = self.connect("counter 2")
        tokyo = zoneinfo.ZoneInfo("Asia/Tokyo")
        today = datetime.datetime.now(tokyo).replace(hour=12, minute=0, second=0, microsecond=0)
        year = today.year if today.month >= 4 else today.year - 1
        days = {"in the horizon": today.replace(year=year - 1, month=4, day=1),
                "before it": today.replace(year=year - 1, month=3, day=31)}
        lines = {}
        for name, day in days.items():
            lines[name] = self.count_many(writer, 1, at_us=int(day.timestamp()) * 1_000_000)[0]
        rows = self.fresh()
        day_rows = {row.body.visits.visit_day_row.day for row in rows.values() if row.kind == VISIT_DAY}
        self.assertIn(int(days["in the horizon"].strftime("%Y%m%d")), day_rows)
        self.assertNotIn(int(days["before it"].strftime("%Y%m%d")), day_rows)
        for name, visit in lines.items():
            self.assertNotIn((VISIT, visit), rows, f"a line of another day ({name})")
        for row in rows.values():
            if row.kind in (VISIT, VISIT_DAY):
                self.assertGreater(row.day, 20000101, "a row of the horizon's kinds has its day")

    def test_views_hold_what_their_terminals_may_see(self):
        self.connect("counter 2").count(self.place_id, self.purpose_id, 1)
        for name, wanted, unwanted in (("counter", {VISIT, VISIT_DAY, VISIT_PLACE, VISIT_PURPOSE, TERMINAL_ROW}, set()),
                                       ("office", {VISIT, VISIT_DAY, VISIT_PLACE, VISIT_PURPOSE, TERMINAL_ROW}, set()),
                                       ("council", set(), {VISIT, TERMINAL_ROW}),
                                       ("lounge", set(), {VISIT, VISIT_DAY, TERMINAL_ROW}),
                                       ("display", set(), {VISIT, VISIT_DAY, TERMINAL_ROW})):
            with self.subTest(name):
                kinds = {kind for kind, _ in self.fresh(name)}
                self.assertLessEqual(wanted, kinds)
                self.assertEqual(kinds & unwanted, set())

    def test_a_view_of_another_kind_of_terminal(self):
        for name, view in (("lounge", "office"), ("counter", "office"), ("council", "desk"), ("display", "desk"),
                           ("counter", "nonsense")):
            with self.subTest(f"{view} at the {name}"):
                response = self.connect(name).ask("feed", "subscribe", {"subscription": 1, "view": view})
                self.assertTrue(response.HasField("refusal"), "subscribed")
                self.assertIn(stranger.error_name(response.refusal.code), ("FORBIDDEN", "INVALID", "NOT_FOUND"))

    def test_subscription_numbers(self):
        client = self.connect()
        for number in (0, 3, 2**32 - 1):
            with self.subTest(number=number):
                self.refused("INVALID", client.ask, "feed", "subscribe", {"subscription": number})
        self.refused("INVALID", client.ask, "feed", "subscribe", {"subscription": 1, "epoch": b"x" * 17})
        self.refused("INVALID", client.ask, "feed", "subscribe", {"subscription": 1, "since_rev": -1})

    def test_a_rev_that_never_was_starts_afresh(self):
        client = self.connect()
        replica = client.catch_up(Replica())
        rows = dict(replica.rows)
        replica.rev += 1_000_000
        client.catch_up(replica)
        self.assertEqual(replica.resets, 2)
        self.assertEqual(set(rows) - set(replica.rows), set())

    def test_another_epoch_starts_afresh(self):
        client = self.connect()
        replica = client.catch_up(Replica())
        replica.epoch = os.urandom(16)
        client.catch_up(replica)
        self.assertEqual(replica.resets, 2)
        self.assertEqual(replica.epoch, client.welcome.epoch)

    def test_subscribing_again_and_leaving(self):
        client, writer = self.connect(), self.connect("counter 2")
        replica = client.catch_up(Replica())
        client.catch_up(replica)
        client.call("feed", "unsubscribe", {"subscription": 1})
        client.parts.clear()
        writer.count(self.place_id, self.purpose_id, 1)
        client.pump(0.7)
        self.assertEqual(len(client.parts), 0, "changes come though nobody wants them")
        client.catch_up(replica)
        self.check_equal(replica)

    def test_restore_changes_the_epoch(self):
        writer = self.connect("counter 2")
        writer.count(self.place_id, self.purpose_id, 1)
        copy = os.path.join(self.server.folder, "feed-copy.db")
        harness.run("backup", "--data", self.server.data, "--to", copy)
        lost = writer.count(self.place_id, self.purpose_id, 1).object_id
        reader = self.connect()
        replica = reader.catch_up(Replica())
        epoch = replica.epoch
        self.centre.stop()
        harness.run("restore", "--data", self.server.data, "--from", copy)
        self.server.start()
        again = self.connect()
        self.assertNotEqual(again.welcome.epoch, epoch)
        again.catch_up(replica)
        self.assertEqual(replica.resets, 2, "it did not start afresh")
        self.assertNotIn((VISIT, lost), replica.rows, "a row of before the restore stayed")
        self.check_equal(replica)

    def test_two_hundred_followers(self):
        clients, replicas = [], []
        for number in range(CONNECTIONS):
            client = self.connect(("counter", "counter 2", "office", "council")[number % 4])
            clients.append(client)
            replicas.append(client.catch_up(Replica()))
        writer = self.connect("counter 2")
        place = self.centre.office_write("visits", "place_save", {"name": "みんなへ", "position": 9}).object_id
        begun = time.monotonic()
        for client, replica in zip(clients, replicas):
            client.follow(replica, lambda: (VISIT_PLACE, place) in replica.rows, timeout=20, what="the change everywhere")
        took = time.monotonic() - begun
        self.assertLess(took, 20)
        visit = writer.count(self.place_id, self.purpose_id, 1).object_id
        seen = collections.Counter()
        for number, (client, replica) in enumerate(zip(clients, replicas)):
            if number % 4 == 3:
                continue  # the council's view has no lines
            client.follow(replica, lambda: (VISIT, visit) in replica.rows, timeout=20, what="the count everywhere")
            seen[number % 4] += 1
        self.assertEqual(sum(seen.values()), CONNECTIONS * 3 // 4)
        for client in clients:
            client.close()


class SlowReader(FeedCase):
    def test_a_slow_reader_falls_back_to_the_database(self):
        """It does not read while its socket fills up and more commits go by than the server keeps parts of; then it gets
        everything, in order, in fewer parts than there were commits, and was not cut."""
        slow = self.connect(receive_buffer=4096)
        replica = slow.catch_up(Replica())
        writer = self.connect("counter 2")
        ids = []
        for _ in range(4):
            ids += self.count_many(writer, 2000)
        filled = len(ids)
        for _ in range(PARTS_KEPT + 76):
            ids.append(writer.count(self.place_id, self.purpose_id, 1).object_id)
        parts = []
        take = replica.take
        replica.take = lambda part: (parts.append(sum(row.kind == VISIT for row in part.rows)), take(part))
        slow.follow(replica, lambda: (VISIT, ids[-1]) in replica.rows and replica.is_caught_up, timeout=40, what="all of it")
        self.assertEqual([i for i in ids if (VISIT, i) not in replica.rows], [])
        self.assertEqual(replica.resets, 1)
        self.assertLess(len(parts), len(ids) - filled, "a part for each commit: nothing was caught up from the database")
        del replica.take
        self.check_equal(replica)


class TheNextDay(harness.CentreCase):
    """With the server's clock moved on: yesterday's lines leave the view though nobody touched them."""

    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)

    def test_lines_of_yesterday_leave(self):
        with self.centre.connect("counter") as client:
            visit = client.count(self.place_id, self.purpose_id, 3).object_id
            replica = client.catch_up(Replica())
            self.assertIn((VISIT, visit), replica.rows)
        self.centre.stop()
        self.server.clock_shift_s = 86400
        self.server.start()
        with self.centre.connect("counter") as client:
            client.catch_up(replica)
            self.assertNotIn((VISIT, visit), replica.rows, "yesterday's line stayed")
            self.assertEqual(sum(row.body.visits.visit_day_row.people for row in replica.of_kind(VISIT_DAY)), 3)
            self.assertEqual(replica.resets, 1)

    def tearDown(self):
        super().tearDown()
        self.centre.drop_office()


if __name__ == "__main__":
    harness.main()
