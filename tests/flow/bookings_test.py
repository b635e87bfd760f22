"""Rooms and bookings: who may ask, grant, change and call off; what a clash tells whom; what each screen shows; what no
input may do."""
import datetime
import itertools
import os
import sqlite3
import zoneinfo

import ctl_terminal
import harness
import stranger
from ctl_terminal import DENIED, INPUT, REFUSED
from harness import CONSULTATION_ROLE, COUNCIL, COUNCIL_ROLE, COUNTER, DESK_ROLE, DISPLAY, DOOR, HOUR_US, LOUNGE, MINUTE_US
from stranger import Waited

TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")
ROOM, BOOKING, LIMITS = 9201, 11201, 11202
TENTATIVE, CONFIRMED, IN_USE, ENDED, REJECTED, CANCELLED, NO_SHOW, LAPSED = range(1, 9)
EVERY_DAY = 255


def local_day(days=0):
    at = datetime.datetime.now(TOKYO) + datetime.timedelta(days=days)
    return at.year * 10000 + at.month * 100 + at.day


def at(days, hour, minute=0):
    day = datetime.datetime.now(TOKYO).date() + datetime.timedelta(days=days)
    return int(datetime.datetime.combine(day, datetime.time(hour, minute), TOKYO).timestamp()) * 1_000_000


class Bookings(harness.CentreCase):
    @classmethod
    def prepare(cls):
        write = cls.centre.office_write
        span = stranger.PB["hours"].OpenSpan
        write("hours", "save", {"from_day": local_day(), "spans": [span(days=EVERY_DAY, open_minute=600,
                                                                        close_minute=1035)]})
        cls.rooms = {}
        for position, (name, kind, capacity, always) in enumerate((("和室", 1, 10, False), ("洋室", 1, 40, False),
                                                                   ("ホール", 1, 200, True), ("展示", 3, 0, True)), 1):
            cls.rooms[name] = write("rooms", "save", {"name": name, "kind": kind, "capacity": capacity, "position": position,
                                                      "is_always_open": always}).object_id
        for name, kind in (("counter", COUNTER), ("counter 2", COUNTER), ("lounge", LOUNGE), ("council", COUNCIL),
                           ("display", DISPLAY)):
            cls.centre.enrol(name, kind)
        cls.centre.enrol("door", DOOR, room_id=cls.rooms["和室"])
        cls.centre.person("hana", DESK_ROLE)
        cls.centre.person("soudan", CONSULTATION_ROLE)
        cls.centre.person("member", COUNCIL_ROLE)
        cls.groups = {}
        for number, name in ((71, "すみれ会"), (72, "もみじ会")):
            group = write("groups", "save", {"number": number, "name": name, "from_day": local_day(-30),
                                             "to_day": local_day(300)}).object_id
            pin = write("groups", "pin_issue", {"id": group}).body.groups.pin_issued.pin
            cls.groups[name] = (group, str(number), pin)
        cls.days = itertools.count(2)  # every case books days of its own

    def at(self, terminal, person=None):
        client = self.centre.connect(terminal)
        self.addCleanup(client.close)
        if person in self.groups:
            client.sign_in(*self.groups[person][1:])
        elif person:
            client.sign_in(person, self.centre.secrets[person])
        return client

    def desk(self):
        return self.at("counter", "hana")

    def fields(self, day, from_hour=10, to_hour=12, room="和室", **changes):
        return dict({"room_id": self.rooms[room], "applicant": "田中", "title": "コーラス", "start_us": at(day, from_hour),
                     "end_us": at(day, to_hour), "people": 8, "is_confirmed": True}, **changes)

    def ask(self, client, op, **fields):
        return client.ask("bookings", op, fields, stranger.new_key())

    def book(self, client, day, from_hour=10, to_hour=12, **changes):
        response = client.write("bookings", "request", self.fields(day, from_hour, to_hour, **changes))
        return response.body.bookings.requested.booking

    def get(self, booking_id):
        return self.centre.office_read("bookings", "get", {"booking_id": booking_id}).booking

    # -- a booking's life

    def test_from_the_lounge_to_the_door(self):
        """A group asks at the lounge; counter and board see it; the counter grants it; the door of the room shows it."""
        lounge, desk, board, door = self.at("lounge", "すみれ会"), self.desk(), self.at("display"), self.at("door")
        screens = [(client, client.catch_up(stranger.Replica())) for client in (desk, board, door)]
        now = stranger.now_us()
        fields = {"room_id": self.rooms["ホール"], "title": "例会", "start_us": now + MINUTE_US, "end_us": now + HOUR_US}
        asked = lounge.write("bookings", "request", fields).body.bookings.requested.booking
        self.assertEqual((asked.state, asked.group_id, asked.title), (TENTATIVE, self.groups["すみれ会"][0], "例会"))
        name = (BOOKING, asked.id)
        for client, replica in screens[:2]:
            client.follow(replica, lambda replica=replica: name in replica.rows, what="the request")
        self.assertEqual(screens[0][1].rows[name].body.bookings.booking_row.title, "例会")
        self.assertEqual(screens[1][1].rows[name].body.bookings.booking_row.title, "", "the public board shows a title")
        granted = desk.write("bookings", "confirm", {"booking_id": asked.id, "rev": asked.rev})
        self.assertEqual(granted.body.bookings.confirmed.booking.state, CONFIRMED)
        # Moved to another room, it is still not the door's.
        moved = desk.write("bookings", "change", {"booking_id": asked.id, "rev": granted.rev, "room_id": self.rooms["展示"],
                                                  "start_us": asked.start_us, "end_us": asked.end_us, "title": "例会"})
        client, replica = screens[2]
        self.assertNotIn(name, replica.rows)
        row = self.centre.office_read("bookings", "get", {"booking_id": asked.id}).booking
        self.assertEqual((row.room_id, row.rev), (self.rooms["展示"], moved.rev))

    def test_the_door_shows_its_room_and_opens_it(self):
        desk, door, board = self.desk(), self.at("door"), self.at("display")
        self.centre.office_write("rooms", "save", self.room_as_it_is("和室", is_always_open=True))
        try:
            now = stranger.now_us()
            own = self.book(desk, 0, start_us=now, end_us=now + HOUR_US, title="茶道")
            other = self.book(desk, 0, room="ホール", start_us=now + 2 * HOUR_US, end_us=now + 3 * HOUR_US)
            replica, public = door.catch_up(stranger.Replica()), board.catch_up(stranger.Replica())
            shown = {row.id: row.body.bookings.booking_row for row in replica.of_kind(BOOKING)}
            self.assertIn(own.id, shown)
            self.assertNotIn(other.id, shown)
            self.assertEqual((shown[own.id].title, shown[own.id].applicant, shown[own.id].person_id), ("茶道", "", 0))
            self.assertEqual({row.body.bookings.booking_row.applicant for row in public.of_kind(BOOKING)}, {""})
            self.refused("NOT_FOUND", self.ask, door, "start", booking_id=other.id, rev=other.rev)
            self.refused("FORBIDDEN", self.ask, door, "cancel", booking_id=own.id, rev=own.rev, reason="?")
            started = door.write("bookings", "start", {"booking_id": own.id, "rev": own.rev})
            ended = door.write("bookings", "end", {"booking_id": own.id, "rev": started.rev})
            self.assertEqual(ended.body.bookings.ended.booking.state, ENDED)
            door.follow(replica, lambda: replica.rows[(BOOKING, own.id)].rev == ended.rev, what="the end")
            self.assertLess(self.get(own.id).end_us, own.end_us, "what is left of the time is not free")
        finally:
            self.centre.office_write("rooms", "save", self.room_as_it_is("和室", is_always_open=False))

    def test_a_door_that_moves_to_another_room_sees_that_one(self):
        desk, day, door = self.desk(), next(self.days), self.at("door")
        here, there = self.book(desk, day), self.book(desk, day, room="洋室", title="英会話")
        replica = door.catch_up(stranger.Replica())
        self.assertIn((BOOKING, here.id), replica.rows)
        change = {"terminal_id": self.centre.profiles["door"].terminal_id, "name": "door"}
        try:
            self.centre.office_write("terminals", "change", dict(change, room_id=self.rooms["洋室"]))
            door.wait_gone()
            moved = self.at("door")
            fresh = moved.catch_up(stranger.Replica())
            self.assertIn((BOOKING, there.id), fresh.rows)
            self.assertNotIn((BOOKING, here.id), fresh.rows)
            answer = moved.subscribe(stranger.Replica())
            self.assertEqual(answer.view, f"door {self.rooms['洋室']}", "a replica could not tell that it is another view")
            moved.close()
        finally:
            self.centre.office_write("terminals", "change", dict(change, room_id=self.rooms["和室"]))

    def room_as_it_is(self, name, **changes):
        office = self.centre.office
        replica = office.catch_up(stranger.Replica())
        row = replica.rows[(ROOM, self.rooms[name])]
        office.call("feed", "unsubscribe", {"subscription": 1})
        room = row.body.rooms.room_row
        return dict({"id": room.id, "name": room.name, "kind": room.kind, "capacity": room.capacity, "position": room.position,
                     "note": room.note, "is_always_open": room.is_always_open, "rev": row.rev}, **changes)

    def test_steps_in_the_wrong_state(self):
        desk, day = self.desk(), next(self.days)
        booking = self.book(desk, day)
        for op, fields in (("confirm", {}), ("reject", {"reason": "?"}), ("end", {}), ("start", {}), ("no_show", {})):
            with self.subTest(op):
                self.refused("STATE", self.ask, desk, op, booking_id=booking.id, rev=booking.rev, **fields)
        cancelled = desk.write("bookings", "cancel", {"booking_id": booking.id, "rev": booking.rev, "reason": "雨"})
        for op in ("cancel", "change"):
            with self.subTest(op):
                fields = {"reason": "?"} if op == "cancel" else self.change_of(booking)
                self.refused("STATE", self.ask, desk, op, **dict(fields, booking_id=booking.id, rev=cancelled.rev))
        kept = self.get(booking.id)
        self.assertEqual((kept.state, kept.reason), (CANCELLED, "雨"))
        self.assertGreater(kept.person_id, 0)
        self.assertGreater(kept.changed_us, 0)
        with sqlite3.connect(os.path.join(self.server.data, "madoguchi.db")) as db:
            rows = db.execute("SELECT operation, reason FROM audit WHERE object_id = ? AND outcome = 0 ORDER BY seq",
                              (booking.id,)).fetchall()
        self.assertEqual(rows, [("bookings.request", None), ("bookings.cancel", "雨")])

    def change_of(self, booking, **changes):
        return dict({"booking_id": booking.id, "rev": booking.rev, "room_id": booking.room_id, "start_us": booking.start_us,
                     "end_us": booking.end_us, "title": booking.title, "people": booking.people}, **changes)

    # -- clashes

    def test_a_clash_at_the_counter(self):
        desk, day = self.desk(), next(self.days)
        first = self.book(desk, day)
        response = self.ask(self.at("counter 2", "hana"), "request", **self.fields(day, 11, 13))
        self.check_refusal(response.refusal, "CONFLICT")
        self.assertEqual((response.refusal.field, response.refusal.rule, response.object_id),
                         ("start_us", "clash", first.id))
        answer = response.body.bookings.requested
        self.assertEqual((answer.clash.id, answer.clash.title, answer.clash.applicant), (first.id, "コーラス", "田中"))
        self.assertEqual([(a.room_id, a.start_us) for a in answer.alternatives],
                         [(self.rooms["和室"], at(day, 12)), (self.rooms["洋室"], at(day, 11)),
                          (self.rooms["和室"], at(day + 1, 11))])
        for free in answer.alternatives:
            with self.subTest(free=free.start_us):
                self.book(desk, day, room_id=free.room_id, start_us=free.start_us, end_us=free.end_us)
        next(self.days)

    def test_a_clash_at_the_lounge_tells_room_and_times_only(self):
        day = next(self.days)
        own = self.at("lounge", "すみれ会")
        fields = self.fields(day, is_confirmed=False, applicant="", title="内緒の会", is_public=True)
        first = own.write("bookings", "request", fields).body.bookings.requested.booking
        own.call("sign_in", "end")
        other = self.at("lounge", "もみじ会")
        response = self.ask(other, "request", **fields)
        self.check_refusal(response.refusal, "CONFLICT")
        clash = response.body.bookings.requested.clash
        self.assertEqual((clash.room_id, clash.start_us, clash.end_us), (first.room_id, first.start_us, first.end_us))
        self.assertEqual((clash.title, clash.applicant, clash.group_id, clash.person_id, clash.people), ("", "", 0, 0, 0))
        self.assertGreater(len(response.body.bookings.requested.alternatives), 0)

    def test_the_same_key_is_answered_as_the_first_time(self):
        desk, day = self.desk(), next(self.days)
        key, lost = stranger.new_key(), stranger.new_key()
        first = desk.call("bookings", "request", self.fields(day), key)
        again = desk.call("bookings", "request", self.fields(day), key)
        self.assertEqual((again.object_id, again.rev), (first.object_id, first.rev))
        for _ in range(2):
            response = desk.ask("bookings", "request", self.fields(day, 11, 12), lost)
            self.check_refusal(response.refusal, "CONFLICT")
            self.assertEqual((response.refusal.rule, response.object_id), ("clash", first.object_id))

    # -- edits

    def test_a_stale_edit_brings_both_versions(self):
        one, two, day = self.desk(), self.at("counter 2", "hana"), next(self.days)
        booking = self.book(one, day)
        changed = one.write("bookings", "change", self.change_of(booking, title="合唱"))
        late = self.change_of(booking, start_us=at(day, 14), end_us=at(day, 16))
        response = self.ask(two, "change", **late)
        self.check_refusal(response.refusal, "STALE")
        now = response.body.bookings.changed.booking
        self.assertEqual((now.rev, now.title, now.start_us), (changed.rev, "合唱", booking.start_us))
        self.assertEqual(self.get(booking.id).title, "合唱", "silently overwritten")
        two.write("bookings", "change", dict(late, rev=now.rev, title=now.title))
        for op, fields in (("cancel", {"reason": "?"}), ("start", {}), ("no_show", {})):
            with self.subTest(op):
                self.refused("STALE", self.ask, one, op, booking_id=booking.id, rev=booking.rev, **fields)

    def test_a_stale_room(self):
        room = self.room_as_it_is("展示")
        self.centre.office_write("rooms", "save", dict(room, note="鍵は受付"))
        response = self.centre.office.ask("rooms", "save", dict(room, note="別"), stranger.new_key())
        self.check_refusal(response.refusal, "STALE")
        self.assertEqual(response.body.rooms.saved.room.note, "鍵は受付")

    # -- whose

    def test_a_group_and_anothers_booking(self):
        day = next(self.days)
        own = self.at("lounge", "すみれ会")
        booking = own.write("bookings", "request", self.fields(day, is_confirmed=False)).body.bookings.requested.booking
        other = self.at("lounge", "もみじ会")
        absent = {"booking_id": 4711}
        for op, fields in (("get", {}), ("cancel", {"rev": booking.rev, "reason": "?"}), ("change", self.change_of(booking))):
            with self.subTest(op):
                fields = dict(fields, booking_id=booking.id)
                forbidden = self.refused("NOT_FOUND", self.ask, other, op, **fields)
                missing = self.refused("NOT_FOUND", self.ask, other, op, **dict(fields, **absent))
                self.assertEqual((forbidden.field, forbidden.rule), (missing.field, missing.rule))
        for op in ("confirm", "start", "no_show"):
            with self.subTest(op):
                self.refused("FORBIDDEN", self.ask, other, op, booking_id=booking.id, rev=booking.rev)
        span = {"from_us": at(day, 0), "to_us": at(day + 1, 0)}
        self.assertEqual([b.id for b in own.read("bookings", "list", span).bookings], [booking.id])
        for ask in (span, dict(span, group_id=self.groups["すみれ会"][0])):
            self.assertEqual(len(other.read("bookings", "list", ask).bookings), 0)
        self.refused("NOT_FOUND", self.ask, other, "request", **self.fields(
            day, 13, 14, is_confirmed=False, group_id=self.groups["すみれ会"][0]))
        self.refused("FORBIDDEN", self.ask, other, "request", **self.fields(day, 13, 14))
        self.refused("FORBIDDEN", self.ask, other, "confirm", booking_id=booking.id, rev=booking.rev)

    def test_who_may_not(self):
        day = next(self.days)
        calls = (("request", self.fields(day)), ("confirm", {"booking_id": 1}), ("record", self.fields(day)),
                 ("list", {"from_us": 1, "to_us": 2}), ("get", {"booking_id": 1}), ("limits_save", {}))
        for terminal, person in (("council", "member"), ("display", None), ("door", None), ("lounge", None)):
            client = self.at(terminal, person)
            for op, fields in calls:
                fields = {name: value for name, value in fields.items()
                          if name in stranger.PB["bookings"].DESCRIPTOR.message_types_by_name[
                              stranger.PB["bookings"].Bookings.DESCRIPTOR.fields_by_name[op].message_type.name].fields_by_name}
                with self.subTest(terminal=terminal, op=op):
                    response = self.ask(client, op, **fields)
                    self.assertIn(response.refusal.name, ("MDG_ERR_FORBIDDEN", "MDG_ERR_SIGN_IN_NEEDED"))
        desk = self.desk()
        self.refused("FORBIDDEN", desk.ask, "rooms", "save", {"name": "x", "kind": 1}, stranger.new_key())
        self.refused("FORBIDDEN", self.ask, desk, "limits_save", longest_minutes=60)
        self.refused("FORBIDDEN", self.ask, desk, "record", **{k: v for k, v in self.fields(-9).items() if k != "is_confirmed"})

    # -- what is free, without sign-in

    def test_availability_without_sign_in(self):
        desk, day = self.desk(), next(self.days)
        self.book(desk, day, 12, 14)
        span = {"from_us": at(day, 0), "to_us": at(day + 1, 0)}
        for terminal in ("lounge", "display", "counter 2"):
            with self.subTest(terminal):
                free = self.at(terminal).read("rooms", "availability", dict(span, room_id=self.rooms["和室"]))
                self.assertEqual([(s.from_us, s.to_us) for s in free.spans],
                                 [(at(day, 10), at(day, 12)), (at(day, 14), at(day, 17, 15))])
        door = self.at("door")
        self.assertEqual({s.room_id for s in door.read("rooms", "availability", span).spans}, {self.rooms["和室"]})
        self.refused("NOT_FOUND", door.ask, "rooms", "availability", dict(span, room_id=self.rooms["洋室"]))
        lounge = self.at("lounge")
        many = lounge.read("rooms", "availability", dict(span, people=100))
        self.assertEqual({s.room_id for s in many.spans}, {self.rooms["ホール"], self.rooms["展示"]})
        for name, fields, field in (("upside down", {"from_us": at(day, 12), "to_us": at(day, 10)}, "to_us"),
                                    ("two months", {"from_us": at(day, 0), "to_us": at(day + 62, 0)}, "to_us"),
                                    ("before time", {"from_us": -1, "to_us": at(day, 0)}, "from_us")):
            with self.subTest(name):
                self.assertEqual(self.refused("INVALID", lounge.ask, "rooms", "availability", fields).field, field)

    # -- bad input

    def test_bad_requests_name_field_and_rule(self):
        desk, day = self.desk(), next(self.days)
        cases = (
            ("ends before it starts", {"end_us": at(day, 9)}, "INVALID", "end_us", "before_start"),
            ("ends as it starts", {"end_us": at(day, 10)}, "INVALID", "end_us", "before_start"),
            ("lasts for years", {"room_id": self.rooms["ホール"], "end_us": at(day + 800, 10)}, "INVALID", "end_us", "longest"),
            ("a room that does not exist", {"room_id": 999_999}, "NOT_FOUND", "room_id", "room"),
            ("no room", {"room_id": 0}, "INVALID", "room_id", "range"),
            ("a negative room", {"room_id": -3}, "INVALID", "room_id", "range"),
            ("before the centre opens", {"start_us": at(day, 9, 59)}, "INVALID", "start_us", "opening_hours"),
            ("after it closes", {"start_us": at(day, 17), "end_us": at(day, 17, 16)}, "INVALID", "start_us", "opening_hours"),
            ("at night", {"start_us": at(day, 2), "end_us": at(day, 3)}, "INVALID", "start_us", "opening_hours"),
            ("over night", {"end_us": at(day + 1, 12)}, "INVALID", "start_us", "opening_hours"),
            ("yesterday", {"start_us": at(-1, 10), "end_us": at(-1, 12)}, "INVALID", "start_us", "past"),
            ("the beginning of time", {"start_us": 1, "end_us": 2}, "INVALID", "start_us", "past"),
            ("the end of time", {"start_us": 2**63 - 2, "end_us": 2**63 - 1}, "INVALID", "start_us", "range"),
            ("before time", {"start_us": -5}, "INVALID", "start_us", "range"),
            ("too far ahead", {"start_us": at(400, 10), "end_us": at(400, 12)}, "INVALID", "start_us", "ahead"),
            ("a name of 10,000 bytes", {"applicant": "x" * 10_000}, "INVALID", "applicant", "length"),
            ("a title of 10,000 bytes", {"title": "題" * 3_334}, "INVALID", "title", "length"),
            ("no title", {"title": ""}, "INVALID", "title", "length"),
            ("control characters", {"title": "a\x07b"}, "INVALID", "title", "text"),
            ("a line feed", {"title": "a\nb"}, "INVALID", "title", "text"),
            ("C1 controls", {"applicant": "a\x85b"}, "INVALID", "applicant", "text"),
            ("nobody asks", {"applicant": ""}, "INVALID", "applicant", "required"),
            ("no such group", {"group_id": 12_345}, "NOT_FOUND", "group_id", "group"),
            ("fewer than nobody", {"people": -1}, "INVALID", "people", "range"),
            ("a million", {"people": 1_000_000}, "INVALID", "people", "range"),
            ("no day of the calendar", {"lapse_day": 20_261_341}, "INVALID", "lapse_day", "day"),
            ("held beyond its day", {"lapse_day": local_day(day + 1)}, "INVALID", "lapse_day", "after_start"),
        )
        for name, changes, code, field, rule in cases:
            with self.subTest(name):
                refusal = self.refused(code, self.ask, desk, "request", **self.fields(day, **changes))
                self.assertEqual((refusal.field, refusal.rule), (field, rule))
        self.assertEqual(len(desk.read("bookings", "list", {"from_us": at(day, 0), "to_us": at(day + 1, 0),
                                                            "with_ended": True}).bookings), 0, "something was stored")
        self.book(desk, day)

    def test_invalid_utf_8(self):
        desk, day = self.desk(), next(self.days)
        frame = stranger.Frame()
        frame.request.id, frame.request.request_key = 900_001, stranger.new_key()
        frame.request.body.CopyFrom(stranger.body_of("bookings", "request", self.fields(day, title="QQQQ")))
        data = frame.SerializeToString()
        self.assertEqual(data.count(b"QQQQ"), 1)
        for bad in (b"\xff\xfe\xfd\xfc", b"\xc0\xaf\xc0\xaf", b"ab\xe3\x81", b"\xed\xa0\x80x"):
            with self.subTest(bad):
                frame.request.request_key = stranger.new_key()
                desk.wire.send_bytes(frame.SerializeToString().replace(b"QQQQ", bad))
                refusal = desk.response(900_001).refusal
                self.check_refusal(refusal, "INVALID")
                self.assertEqual((refusal.field, refusal.rule), ("title", "text"))

    def test_bad_rooms(self):
        office = self.centre.office
        for name, fields, code, field in (
                ("no name", {"name": "", "kind": 1}, "INVALID", "name"),
                ("10,000 bytes", {"name": "x" * 10_000, "kind": 1}, "INVALID", "name"),
                ("no kind", {"name": "新室"}, "INVALID", "kind"), ("an unknown kind", {"name": "新室", "kind": 9}, "INVALID", "kind"),
                ("a negative capacity", {"name": "新室", "kind": 1, "capacity": -1}, "INVALID", "capacity"),
                ("the same name", {"name": "和室", "kind": 1}, "CONFLICT", "name"),
                ("the same name in other letters", {"name": "ﾎｰﾙ", "kind": 1}, "CONFLICT", "name"),
                ("none of that number", {"id": 31337, "name": "新室", "kind": 1}, "NOT_FOUND", "id")):
            with self.subTest(name):
                refusal = self.refused(code, office.ask, "rooms", "save", fields, stranger.new_key())
                self.assertEqual(refusal.field, field)

    def test_a_closed_day_and_a_retired_room(self):
        desk, day = self.desk(), next(self.days)
        self.centre.office_write("hours", "closed_save", {"from_day": local_day(day), "to_day": local_day(day),
                                                          "reason": "点検"})
        refusal = self.refused("INVALID", self.ask, desk, "request", **self.fields(day))
        self.assertEqual((refusal.field, refusal.rule), ("start_us", "closed"))
        self.book(desk, day, room="ホール")  # always open
        room = self.centre.office_write("rooms", "save", {"name": "旧館", "kind": 1, "position": 9,
                                                          "is_always_open": True}).object_id
        self.rooms["旧館"] = room
        self.centre.office_write("rooms", "save", self.room_as_it_is("旧館", is_retired=True))
        refusal = self.refused("STATE", self.ask, desk, "request", **self.fields(day, room_id=room))
        self.assertEqual(refusal.rule, "room_retired")

    # -- records and limits

    def test_records(self):
        record = {"room_id": self.rooms["和室"], "applicant": "佐藤", "title": "朝市", "start_us": at(-2000, 3),
                  "end_us": at(-1999, 5)}
        done = self.centre.office_write("bookings", "record", record)
        stored = done.body.bookings.recorded.booking
        self.assertEqual((stored.state, stored.is_record), (ENDED, True))
        response = self.centre.office.ask("bookings", "record", record, stranger.new_key())
        self.check_refusal(response.refusal, "CONFLICT")
        self.assertEqual(response.object_id, stored.id)
        too_long = dict(record, start_us=at(-1990, 0), end_us=at(-1500, 0))
        refusal = self.refused("INVALID", self.centre.office.ask, "bookings", "record", too_long, stranger.new_key())
        self.assertEqual((refusal.field, refusal.rule), ("end_us", "longest"))

    # -- what waited, and the clock

    def test_a_request_that_waited(self):
        day = next(self.days)
        client = self.desk()
        made_us = stranger.now_us()
        client.close()
        client = self.centre.connect("counter")
        self.addCleanup(client.close)
        token = client.sign_in("hana", self.centre.secrets["hana"]).token
        made_us = stranger.now_us()
        client.call("sign_in", "end")
        waited = Waited(token=token, made_us=made_us)
        first = client.write("bookings", "request", self.fields(day), waited=waited)
        response = client.ask("bookings", "request", self.fields(day, 11, 13), stranger.new_key(), waited)
        self.check_refusal(response.refusal, "CONFLICT")
        self.assertEqual(response.object_id, first.object_id)
        self.assertEqual(len(response.body.bookings.requested.alternatives), 3)
        nobody = client.ask("bookings", "request", self.fields(day, 13, 14), stranger.new_key(), Waited(made_us=made_us))
        self.assertTrue(nobody.HasField("refusal"), "booked without anybody")
        self.refused("INVALID", client.ask, "bookings", "confirm", {"booking_id": 1}, stranger.new_key(), waited)
        # At the lounge nothing waits: there is no outbox that could have kept it.
        lounge = self.at("lounge", "すみれ会")
        refusal = self.refused("INVALID", lounge.ask, "bookings", "request", self.fields(day, 13, 14, is_confirmed=False),
                               stranger.new_key(), Waited(token=token, made_us=stranger.now_us()))
        self.assertEqual((refusal.field, refusal.rule), ("waited", "may_not_wait"))

    def test_tentative_ones_lapse_by_the_clock(self):
        desk, day = self.desk(), next(self.days) + 2
        held = self.book(desk, day, is_confirmed=False, lapse_day=local_day(1))
        self.assertEqual((held.state, held.lapse_day), (TENTATIVE, local_day(1)))
        granted = self.book(desk, day, 13, 14)
        try:
            for shift_days, state in ((1, TENTATIVE), (2, LAPSED)):
                self.centre.stop()
                self.server.clock_shift_s = shift_days * 86400
                self.server.start()
                if state == LAPSED:
                    harness.wait_until(lambda: self.get(held.id).state == LAPSED, 30, "the clock to let it lapse")
                else:
                    self.assertEqual(self.get(held.id).state, TENTATIVE)
            self.assertEqual(self.get(held.id).person_id, 0)
            self.assertEqual(self.get(granted.id).state, CONFIRMED)
        finally:
            self.centre.drop_office()
            self.server.clock_shift_s = 0
            self.server.restart()
        self.book(self.desk(), day)  # its place is free

    # -- the command line

    def test_command_line(self):
        day = next(self.days)
        terminal = ctl_terminal.CtlTerminal(self.centre, "ctl counter", COUNTER)
        date = (datetime.datetime.now(TOKYO) + datetime.timedelta(days=day)).strftime("%Y-%m-%d")
        span = ("--room", "和室", "--from", f"{date} 10:00", "--to", "12:00", "--title", "囲碁")
        terminal.fails(DENIED, "booking", "request", *span, "--applicant", "山本")
        terminal.sign_in("hana", self.centre.secrets["hana"])
        self.assertIn("和室", [room["name"] for room in terminal.ok("room", "list")["rooms"]])
        free = terminal.ok("availability", "--room", "和室", "--from", date)["spans"]
        self.assertEqual([(s["from_us"], s["to_us"]) for s in free], [(at(day, 10), at(day, 17, 15))])
        booking = terminal.ok("booking", "request", *span, "--group", "すみれ会", "--people", "12")
        self.assertEqual((booking["state"], booking["room"], booking["is_over_capacity"]), ("tentative", "和室", True))
        clash = terminal.fails(REFUSED, "booking", "request", *span, "--applicant", "山本")
        refusal = clash["error"]["refusal"]
        self.assertEqual(refusal["clash"]["id"], booking["id"])
        self.assertEqual([a["room"] for a in refusal["alternatives"]], ["和室", "洋室", "和室"])
        shown = terminal.run("booking", "request", *span, "--applicant", "山本", language="ja")
        self.assertEqual(shown.returncode, REFUSED)
        for part in ("部屋がふさがっています", "先の予約：和室", "囲碁", "空き：和室", "空き：洋室"):
            self.assertIn(part, shown.stderr)
        number = str(booking["id"])
        confirmed = terminal.ok("booking", "confirm", number)
        self.assertEqual(confirmed["state"], "confirmed")
        stale = terminal.fails(REFUSED, "booking", "change", number, "--title", "将棋", "--rev", str(booking["rev"]))
        self.assertEqual(stale["error"]["refusal"]["booking"]["rev"], confirmed["rev"])
        moved = terminal.ok("booking", "change", number, "--from", f"{date} 14:00", "--title", "将棋")
        self.assertEqual((moved["start_us"], moved["end_us"], moved["title"]), (at(day, 14), at(day, 16), "将棋"))
        terminal.fails(REFUSED, "booking", "start", number)
        listed = terminal.ok("booking", "list", "--from", date)["bookings"]
        self.assertEqual([b["id"] for b in listed], [booking["id"]])
        self.assertEqual(terminal.ok("booking", "cancel", number, "--reason", "雨")["state"], "cancelled")
        self.assertEqual(terminal.ok("booking", "show", number)["reason"], "雨")
        self.assertEqual(terminal.ok("booking", "list", "--from", date)["bookings"], [])
        self.assertEqual(len(terminal.ok("booking", "list", "--from", date, "--all")["bookings"]), 1)
        terminal.fails(INPUT, "booking", "request", "--room", "和室", "--from", "soon", "--to", "12:00", "--title", "x")
        terminal.fails(REFUSED, "booking", "show", "4711")
        terminal.fails(DENIED, "booking", "record", *span, "--applicant", "山本")
        terminal.fails(DENIED, "room", "save", "--name", "新室")

    def test_command_line_offline(self):
        day = next(self.days)
        terminal = ctl_terminal.CtlTerminal(self.centre, "ctl offline", COUNTER)
        terminal.sign_in("hana", self.centre.secrets["hana"])
        terminal.ok("room", "list")
        date = (datetime.datetime.now(TOKYO) + datetime.timedelta(days=day)).strftime("%Y-%m-%d")
        span = ("--room", "和室", "--from", f"{date} 10:00", "--to", "12:00", "--title", "囲碁", "--applicant", "山本")
        self.centre.stop()
        try:
            kept = terminal.ok("booking", "request", *span)
            self.assertEqual((kept["is_waiting"], kept["unsent"]), (True, 1))
        finally:
            self.server.start()
        harness.wait_until(lambda: terminal.ok("outbox", "send")["unsent"] == 0, 60, "the booking to be sent")
        self.assertEqual([b["title"] for b in terminal.ok("booking", "list", "--from", date)["bookings"]], ["囲碁"])


if __name__ == "__main__":
    harness.main()
