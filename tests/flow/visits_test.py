"""Counting and correcting: what is taken, what is refused, and that a key counts once whatever is repeated."""
import datetime
import zoneinfo

import harness
import stranger
from harness import COUNTER, DAY_US, DESK_ROLE, MINUTE_US, VISIT

TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")


def local_us(*parts):
    return int(datetime.datetime(*parts, tzinfo=TOKYO).timestamp()) * 1_000_000


def months_ago(number):
    """(first instant, YYYYMM, a day YYYYMMDD in it) of a month that is over."""
    month = datetime.datetime.now(TOKYO).replace(day=1, hour=12, minute=0, second=0, microsecond=0)
    for _ in range(number):
        month = (month - datetime.timedelta(days=1)).replace(day=1)
    return int(month.timestamp()) * 1_000_000, month.year * 100 + month.month, month.year * 10000 + month.month * 100 + 1


class Visits(harness.CentreCase):
    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)
        cls.centre.enrol("counter 2", COUNTER)
        cls.centre.person("hana", DESK_ROLE)
        cls.other_place, cls.other_purposes = cls.centre.place("二階", ["講座"], position=2)

    def counter(self, name="counter", person=None):
        client = self.centre.connect(name)
        self.addCleanup(client.close)
        if person:
            client.sign_in(person, self.centre.secrets[person])
        return client

    def fields(self, client, **changes):
        return dict({"place_id": self.place_id, "purpose_id": self.purpose_id, "people": 1,
                     "at_us": client.server_now_us()}, **changes)

    def lines_of(self, day, step=2):
        """{(place, purpose): (people, lines)} of one day."""
        with self.centre.connect("counter") as client:
            client.sign_in("hana", self.centre.secrets["hana"])
            listed = client.read("visits", "totals", {"from_day": day, "to_day": day, "step": step})
            return {(t.place_id, t.purpose_id): (t.people, t.lines) for t in listed.totals}

    # -- exactly once

    def test_same_key_and_content_is_answered_as_the_first_time(self):
        client = self.counter()
        key, at_us = stranger.new_key(), local_us(2026, 5, 6, 10)
        fields = self.fields(client, people=7, at_us=at_us)
        first = client.call("visits", "count", fields, key)
        for again in (client, self.counter("counter"), self.counter("counter 2")):
            response = again.call("visits", "count", fields, key)
            self.assertEqual((response.object_id, response.rev), (first.object_id, first.rev))
        self.assertEqual(self.lines_of(20260506), {(self.place_id, self.purpose_id): (7, 1)})

    def test_same_key_many_times_at_once(self):
        client = self.counter()
        key = stranger.new_key()
        body = stranger.body_of("visits", "count", self.fields(client, people=3, at_us=local_us(2026, 5, 7, 10)))
        ids = [client.send_request(body, key) for _ in range(50)]
        answers = {(r.object_id, r.rev) for r in map(client.response, ids)}
        self.assertEqual(len(answers), 1)
        self.assertEqual(self.lines_of(20260507), {(self.place_id, self.purpose_id): (3, 1)})

    def test_same_key_with_other_content(self):
        client = self.counter()
        key = stranger.new_key()
        fields = self.fields(client, people=2, at_us=local_us(2026, 5, 8, 10))
        first = client.call("visits", "count", fields, key)
        for name, other in (("people", {"people": 3}), ("time", {"at_us": fields["at_us"] + 1}),
                            ("estimate", {"is_estimate": True})):
            with self.subTest(name):
                self.refused("KEY_REUSED", client.ask, "visits", "count", dict(fields, **other), key)
        self.refused("KEY_REUSED", client.ask, "visits", "undo", {"count_key": key}, key)
        self.assertEqual(client.call("visits", "count", fields, key).object_id, first.object_id)
        self.assertEqual(self.lines_of(20260508), {(self.place_id, self.purpose_id): (2, 1)})

    def test_a_refusal_is_remembered_too(self):
        client = self.counter()
        key = stranger.new_key()
        fields = self.fields(client, place_id=987_654_321)
        first = self.refused("NOT_FOUND", client.ask, "visits", "count", fields, key)
        again = self.refused("NOT_FOUND", client.ask, "visits", "count", fields, key)
        self.assertEqual((first.field, first.rule), (again.field, again.rule))
        self.refused("KEY_REUSED", client.ask, "visits", "count", dict(fields, place_id=self.place_id), key)

    def test_a_refusal_at_the_door_is_not_remembered(self):
        client = self.counter()
        key = stranger.new_key()
        self.refused("INVALID", client.ask, "visits", "count", self.fields(client, people=-1), key)
        client.call("visits", "count", self.fields(client, at_us=local_us(2026, 5, 9, 10)), key)

    # -- what may be counted

    def test_numbers_out_of_range(self):
        client = self.counter()
        for name, field, changes in (
                ("negative", "people", {"people": -1}), ("ten thousand", "people", {"people": 10_000}),
                ("the least there is", "people", {"people": -2**31}), ("the most there is", "people", {"people": 2**31 - 1}),
                ("place below 0", "place_id", {"place_id": -5}), ("purpose below 0", "purpose_id", {"purpose_id": -5}),
                ("time below 0", "at_us", {"at_us": -1}), ("end of time", "at_us", {"at_us": 2**63 - 1})):
            with self.subTest(name):
                refusal = self.refused("INVALID", client.ask, "visits", "count", self.fields(client, **changes),
                                       stranger.new_key())
                self.assertEqual(refusal.field, field)

    def test_most_people_at_once(self):
        client = self.counter()
        client.count(self.place_id, self.purpose_id, 9999, at_us=local_us(2026, 5, 10, 10))
        self.assertEqual(self.lines_of(20260510), {(self.place_id, self.purpose_id): (9999, 1)})

    def test_future(self):
        client = self.counter()
        now = client.server_now_us()
        client.count(self.place_id, self.purpose_id, 1, at_us=now + 100_000_000)
        for name, at_us in (("130 seconds ahead", now + 130_000_000), ("a year ahead", now + 365 * DAY_US),
                            ("a thousand years ahead", now + 365_000 * DAY_US)):
            with self.subTest(name):
                refusal = self.refused("INVALID", client.ask, "visits", "count", self.fields(client, at_us=at_us),
                                       stranger.new_key())
                self.assertEqual(refusal.field, "at_us")

    def test_far_past_is_taken(self):
        client = self.counter()
        client.count(self.place_id, self.purpose_id, 4, at_us=local_us(2003, 2, 1, 9, 30))
        self.assertEqual(self.lines_of(20030201), {(self.place_id, self.purpose_id): (4, 1)})

    def test_place_and_purpose_belong_together(self):
        client = self.counter()
        for name, changes in (("purpose of another place", {"purpose_id": self.other_purposes["講座"]}),
                              ("no such purpose", {"purpose_id": 123_456_789}), ("no purpose", {"purpose_id": 0}),
                              ("no such place", {"place_id": 123_456_789}), ("no place", {"place_id": 0}),
                              ("nobody, but a purpose", {"people": 0})):
            with self.subTest(name):
                response = client.ask("visits", "count", self.fields(client, **changes), stranger.new_key())
                self.assertTrue(response.HasField("refusal"), f"accepted: {response}")
                self.assertIn(stranger.error_name(response.refusal.code), ("INVALID", "NOT_FOUND"))

    def test_looked_and_nobody_there(self):
        client = self.counter()
        client.count(self.place_id, 0, 0, at_us=local_us(2026, 5, 11, 10))
        self.assertEqual(self.lines_of(20260511), {(self.place_id, 0): (0, 1)})

    def test_retired_place_is_not_offered(self):
        place, purposes = self.centre.place("旧館", ["閲覧"], position=8)
        self.centre.office_write("visits", "place_save", {"id": place, "name": "旧館", "position": 8, "is_retired": True})
        client = self.counter()
        response = client.ask("visits", "count", self.fields(client, place_id=place, purpose_id=purposes["閲覧"]),
                              stranger.new_key())
        self.assertTrue(response.HasField("refusal"), "counted at a place that is retired")

    # -- undo

    def test_undo_of_the_last(self):
        client = self.counter()
        replica = client.catch_up(stranger.Replica())
        key = stranger.new_key()
        response = client.count(self.place_id, self.purpose_id, 5, key=key)
        client.follow(replica, lambda: (VISIT, response.object_id) in replica.rows, what="the count")
        client.write("visits", "undo", {"count_key": key})
        client.follow(replica, lambda: (VISIT, response.object_id) not in replica.rows, what="the undo")
        # The count itself, sent once more by a slow outbox, is answered as then and does not come back.
        again = client.ask("visits", "undo", {"count_key": key}, stranger.new_key())
        self.assertTrue(again.HasField("refusal"), "undone twice")

    def test_undo_is_for_the_own_terminal_and_the_same_day(self):
        client = self.counter()
        key, old = stranger.new_key(), stranger.new_key()
        client.count(self.place_id, self.purpose_id, 1, key=key)
        client.count(self.place_id, self.purpose_id, 1, key=old, at_us=client.server_now_us() - 3 * DAY_US)
        other = self.counter("counter 2")
        for name, who, which in (("another terminal's", other, key), ("no count", client, stranger.new_key())):
            with self.subTest(name):
                self.refused("NOT_FOUND", who.ask, "visits", "undo", {"count_key": which}, stranger.new_key())
        with self.subTest("of another day"):
            response = client.ask("visits", "undo", {"count_key": old}, stranger.new_key())
            self.assertTrue(response.HasField("refusal"), "a count of another day was undone")
        for length in (0, 15, 17):
            with self.subTest(length=length):
                self.refused("INVALID", client.ask, "visits", "undo", {"count_key": b"k" * length}, stranger.new_key())

    # -- correction and closing

    def test_correction_leaves_both_lines(self):
        client = self.counter(person="hana")
        at_us = local_us(2026, 5, 12, 10)
        visit_id = client.count(self.place_id, self.purpose_id, 12, at_us=at_us).object_id
        fix = {"visit_id": visit_id, "people": 2, "reason": "二重に数えた"}
        self.refused("FORBIDDEN", client.ask, "visits", "correct", fix, stranger.new_key())
        for reason in ("", "x" * 201):
            with self.subTest(reason=len(reason)):
                self.assertTrue(self.centre.office.ask("visits", "correct", dict(fix, reason=reason),
                                                       stranger.new_key()).HasField("refusal"))
        self.centre.office_write("visits", "correct", fix)
        self.assertEqual(self.lines_of(20260512)[(self.place_id, self.purpose_id)][0], 2)
        listed = client.read("visits", "list", {"from_us": at_us, "to_us": at_us + MINUTE_US})
        people = sorted(v.people for v in listed.visits)
        self.assertEqual(people, [-10, 12], "the first line and the difference")
        line = next(v for v in listed.visits if v.people < 0)
        self.assertEqual((line.corrects_id, line.reason), (visit_id, "二重に数えた"))

    def test_correction_of_nothing(self):
        response = self.centre.office.ask("visits", "correct", {"visit_id": 55_555_555, "people": 1, "reason": "?"},
                                          stranger.new_key())
        self.check_refusal(response.refusal, "NOT_FOUND")

    def test_closed_period(self):
        client = self.counter()
        at_us, month, day = months_ago(3)
        before = client.count(self.place_id, self.purpose_id, 5, at_us=at_us)
        self.centre.office_write("visits", "period_close", {"month": month})
        self.refused("CLOSED", client.ask, "visits", "count", self.fields(client, at_us=at_us), stranger.new_key())
        # A correction of what lies in it is dated today.
        self.centre.office_write("visits", "correct", {"visit_id": before.object_id, "people": 4, "reason": "閉じた後"})
        self.assertEqual(self.lines_of(day), {(self.place_id, self.purpose_id): (5, 1)})
        # Its neighbours are open.
        client.count(self.place_id, self.purpose_id, 1, at_us=months_ago(4)[0])
        client.count(self.place_id, self.purpose_id, 1, at_us=months_ago(2)[0])

    def test_a_month_that_is_not_over_cannot_be_closed(self):
        for month in (months_ago(0)[1], 299901, 202613, 0):
            with self.subTest(month=month):
                self.assertTrue(self.centre.office.ask("visits", "period_close", {"month": month},
                                                       stranger.new_key()).HasField("refusal"))

    # -- reading back

    def test_spans_upside_down_and_too_wide(self):
        client = self.counter(person="hana")
        for name, fields in (("upside down", {"from_day": 20260502, "to_day": 20260501, "step": 2}),
                             ("no day", {"from_day": 20260230, "to_day": 20260301, "step": 2}),
                             ("no days", {"step": 2}), ("a cursor of nobody", {"from_day": 20260501, "to_day": 20260502,
                                                                               "step": 2, "cursor": "zzz"})):
            with self.subTest(name):
                self.refused("INVALID", client.ask, "visits", "totals", fields)

    def test_steps_agree(self):
        client = self.counter(person="hana")
        for hour, minute, people in ((9, 0, 1), (9, 29, 2), (9, 30, 4), (23, 59, 8), (0, 0, 16)):
            client.count(self.place_id, self.purpose_id, people, at_us=local_us(2026, 4, 20, hour, minute))

        def table(step):
            listed = client.read("visits", "totals", {"from_day": 20260401, "to_day": 20260430, "step": step})
            return [(t.day, t.slot, t.people, t.lines) for t in listed.totals]

        self.assertEqual(table(4), [(20260420, 0, 16, 1), (20260420, 18, 3, 2), (20260420, 19, 4, 1), (20260420, 47, 8, 1)])
        self.assertEqual(table(3), [(20260420, 0, 16, 1), (20260420, 18, 7, 3), (20260420, 46, 8, 1)])
        self.assertEqual(table(2), [(20260420, 0, 31, 5)])
        self.assertEqual(table(1), [(20260401, 0, 31, 5)])

    def test_list_in_pages(self):
        client = self.counter(person="hana")
        from_us = local_us(2026, 3, 3, 10)
        sent = [client.send_request(stranger.body_of("visits", "count", self.fields(client, at_us=from_us + i)),
                                    stranger.new_key()) for i in range(1200)]
        ids = [client.response(request).object_id for request in sent]
        found, after = [], {}
        for _ in range(50):
            listed = client.read("visits", "list", {"from_us": from_us, "to_us": from_us + 1200, **after})
            found += [v.id for v in listed.visits]
            if not listed.has_more:
                break
            after = {"after_id": listed.visits[-1].id, "after_us": listed.visits[-1].at_us}
        self.assertEqual(found, ids)

    # -- the council looks later (patrol: several days at once, one after another)

    def test_patrol_of_several_places(self):
        """A round through the house: one request a place, all in flight, each counted once and in order."""
        client = self.counter()
        rounds = []
        for hour in range(9, 17):
            for place, purpose in ((self.place_id, self.purpose_id), (self.other_place, self.other_purposes["講座"])):
                body = stranger.body_of("visits", "count", {"place_id": place, "purpose_id": purpose, "people": hour,
                                                            "at_us": local_us(2026, 2, 2, hour)})
                rounds.append(client.send_request(body, stranger.new_key()))
        revs = [client.response(request).rev for request in rounds]
        self.assertEqual(revs, sorted(revs), "writes of one connection are carried out in their order")
        self.assertEqual(self.lines_of(20260202), {(self.place_id, self.purpose_id): (100, 8),
                                                   (self.other_place, self.other_purposes["講座"]): (100, 8)})


if __name__ == "__main__":
    harness.main()
