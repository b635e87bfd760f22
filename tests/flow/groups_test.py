"""Groups: written down, registered, found, ended; their PIN at the lounge, and a contact that nobody meets by chance."""
import datetime
import os
import sqlite3
import zoneinfo

import ctl_terminal
import harness
import stranger
from ctl_terminal import DENIED, REFUSED
from frames_test import field, request_bytes
from harness import CONSULTATION_ROLE, COUNCIL, COUNCIL_ROLE, COUNTER, DESK_ROLE, DISPLAY, DOOR, LOUNGE, OFFICE, \
    OFFICE_NAME, OFFICE_SECRET

GROUP_ROW = 10201
MARKER = "080-4711-0815 みずたま"
TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")


def day(days=0):
    at = datetime.datetime.now(TOKYO) + datetime.timedelta(days=days)
    return at.year * 10000 + at.month * 100 + at.day


def contact(op, group_id, **fields):
    """Groups.contact_set as a message: the contact is one of its own."""
    call = stranger.PB["groups"].GroupContactSet(id=group_id)
    call.contact.SetInParent()
    for name, value in fields.items():
        setattr(call.contact, name, value)
    return call


class Groups(harness.CentreCase):
    @classmethod
    def prepare(cls):
        for name, kind in (("counter", COUNTER), ("lounge", LOUNGE), ("lounge 2", LOUNGE), ("council", COUNCIL),
                           ("display", DISPLAY)):
            cls.centre.enrol(name, kind)
        cls.centre.enrol("door", DOOR, room_id=1)
        cls.centre.person("hana", DESK_ROLE)
        cls.centre.person("advisor", CONSULTATION_ROLE)
        cls.centre.person("member", COUNCIL_ROLE)

    def at(self, terminal, person=None, secret=None):
        client = self.centre.connect(terminal)
        self.addCleanup(client.close)
        if person:
            client.sign_in(person, secret or self.centre.secrets[person])
        return client

    def make(self, name, reading="", **fields):
        fields = dict({"name": name, "reading": reading, "from_day": day(-30), "to_day": day(300)}, **fields)
        return self.centre.office_write("groups", "save", fields).object_id

    def get(self, group_id):
        return self.centre.office_read("groups", "get", {"id": group_id})

    def pin(self, group_id):
        """(name to sign in with, PIN)"""
        answer = self.centre.office_write("groups", "pin_issue", {"id": group_id})
        return str(self.get(group_id).group.number), answer.body.groups.pin_issued.pin

    def audit(self, operation):
        with sqlite3.connect(os.path.join(self.server.data, "madoguchi.db")) as db:
            return db.execute("SELECT object_id, outcome, person_id FROM audit WHERE operation = ? ORDER BY seq",
                              (operation,)).fetchall()

    # -- the book

    def test_number_taken(self):
        first = self.make("ひとつめ", number=701)
        response = self.office_ask("save", {"name": "ふたつめ", "number": 701})
        self.check_refusal(response.refusal, "CONFLICT")
        self.assertEqual((response.refusal.field, response.refusal.rule, response.object_id), ("number", "number_taken", first))
        self.assertEqual([a.value for a in response.refusal.args], ["ひとつめ"])

    def office_ask(self, op, fields):
        return self.centre.office.ask("groups", op, fields, stranger.new_key())

    def test_bad_input(self):
        name = {"name": "みどりの会"}
        for what, op, fields, field, rule in (
                ("a name of 10,000 bytes", "save", {"name": "a" * 10_000}, "name", "length"),
                ("a reading of 10,000 bytes", "save", dict(name, reading="あ" * 3333), "reading", "length"),
                ("a note of 10,000 bytes", "save", dict(name, note="a" * 10_000), "note", "length"),
                ("no name", "save", {}, "name", "length"),
                ("a blank name", "save", {"name": "　"}, "name", "required"),
                ("an escape in the name", "save", {"name": "み\x1b[2Jどり"}, "name", "text"),
                ("a line feed in the name", "save", {"name": "み\nどり"}, "name", "text"),
                ("a C1 control in the reading", "save", dict(name, reading="み\x85"), "reading", "text"),
                ("kanji in the reading", "save", dict(name, reading="緑の会"), "reading", "kana"),
                ("a number below 0", "save", dict(name, number=-1), "number", "range"),
                ("a number of 7 digits", "save", dict(name, number=1_000_000), "number", "range"),
                ("a term without its end", "save", dict(name, from_day=20260401), "to_day", "required"),
                ("a term that ends first", "save", dict(name, from_day=20260401, to_day=20260331), "to_day", "before_from"),
                ("no such day", "save", dict(name, from_day=20260431, to_day=20270331), "from_day", "day"),
                ("a term of a century", "save", dict(name, from_day=20260401, to_day=21260331), "to_day", "too_long"),
                ("a search for nothing", "search", {"text": "", "limit": 10}, "text", "length"),
                ("a search for blanks", "search", {"text": " 　", "limit": 10}, "text", "required"),
                ("a search of 10,000 bytes", "search", {"text": "a" * 10_000, "limit": 10}, "text", "length"),
                ("a search without limit", "search", {"text": "a"}, "limit", "range"),
                ("a search for 101", "search", {"text": "a", "limit": 101}, "limit", "range"),
                ("a contact without content", "contact_set", {"id": 1}, "contact", "required"),
                ("an end without reason", "end", {"id": 1, "last_day": 20260401}, "reason", "length"),
        ):
            with self.subTest(what):
                refusal = self.refused("INVALID", self.office_ask, op, fields)
                self.assertEqual((refusal.field.split(".")[-1], refusal.rule), (field, rule))
        refusal = self.refused("INVALID", self.office_ask, "contact_set", contact("set", 1, phone="1" * 10_000))
        self.assertEqual((refusal.field.split(".")[-1], refusal.rule), ("phone", "length"))
        self.still_serves()

    def test_bytes_that_are_not_utf8(self):
        office = self.at("office", OFFICE_NAME, OFFICE_SECRET)
        for number, text in ((3, b"\xe3\x81"), (4, b"\xc0\xaf"), (5, b"\xed\xa0\x80"), (8, b"\x8e\xf3\x95\x74")):
            with self.subTest(field=number):
                save = field(1, (field(3, "み".encode()) if number != 3 else b"") + field(number, text))
                office.wire.send_bytes(request_bytes(field(10, save), 9000 + number, stranger.new_key()))
                refusal = office.response(9000 + number).refusal
                self.check_refusal(refusal, "INVALID")
                self.assertEqual(refusal.rule, "text")

    def test_desk_drafts_and_office_registers(self):
        desk = self.at("counter", "hana")
        self.refused("FORBIDDEN", desk.ask, "groups", "save", {"name": "下書き", "from_day": day(), "to_day": day(9)},
                     stranger.new_key())
        draft = desk.write("groups", "save", {"name": "下書き", "reading": "したがき"}).object_id
        hit = self.get(draft)
        self.assertEqual((hit.group.from_day, hit.group.to_day), (0, 0))
        for op, fields in (("renew", {"id": draft, "to_day": day(9), "rev": hit.rev}), ("pin_issue", {"id": draft}),
                           ("end", {"id": draft, "last_day": day(), "reason": "x", "rev": hit.rev})):
            self.refused("FORBIDDEN", desk.ask, "groups", op, fields, stranger.new_key())
        self.refused("STATE", self.office_ask, "pin_issue", {"id": draft})
        fields = {"id": draft, "rev": hit.rev, "name": "登録した会", "from_day": day(), "to_day": day(365)}
        registered = self.centre.office_write("groups", "save", fields)
        self.refused("FORBIDDEN", desk.ask, "groups", "save", {"id": draft, "rev": registered.rev, "name": "受付で直す"},
                     stranger.new_key())
        self.assertEqual(self.get(draft).group.name, "登録した会")

    def test_stale_version_is_refused_with_both(self):
        group = self.make("はじめの名")
        seen = self.get(group)
        fields = {"id": group, "rev": seen.rev, "from_day": seen.group.from_day, "to_day": seen.group.to_day}
        self.centre.office_write("groups", "save", dict(fields, name="つぎの名"))
        response = self.office_ask("save", dict(fields, name="おくれた名"))
        self.check_refusal(response.refusal, "STALE")
        now = response.body.groups.save_stale
        self.assertEqual((now.group.name, response.object_id), ("つぎの名", group))
        self.assertGreater(now.rev, seen.rev)
        self.centre.office_write("groups", "save", dict(fields, name="みた上での名", rev=now.rev))
        self.assertEqual(self.get(group).group.name, "みた上での名")

    def test_search_at_the_counter(self):
        green = self.make("緑の合唱団", "ミドリノガッショウダン")
        deep = self.make("ふかみどりの会", "ふかみどりのかい")
        desk = self.at("counter", "hana")

        def found(text, **more):
            return [hit.id for hit in desk.read("groups", "search", dict({"text": text, "limit": 10}, **more)).groups]
        for text in ("みどりの", "ミドリノ", "ﾐﾄﾞﾘﾉ"):
            self.assertEqual([i for i in found(text) if i in (green, deep)], [green, deep], text)
        self.assertEqual(found("ガツシヨウ"), [green])
        self.centre.office_write("groups", "end", {"id": deep, "rev": self.get(deep).rev, "last_day": day(), "reason": "解散"})
        self.assertEqual(found("ふかみどり"), [])
        self.assertEqual(found("ふかみどり", with_ended=True), [deep])

    def test_feed_to_desk_and_office_only(self):
        group = self.make("ひびき朗読会", "ひびきろうどくかい")
        for terminal, sees in (("counter", True), ("office", True), ("lounge", False), ("door", False), ("council", False),
                               ("display", False)):
            with self.subTest(terminal), self.centre.connect(terminal) as client:
                replica = stranger.Replica()
                client.catch_up(replica)
                self.assertEqual((GROUP_ROW, group) in replica.rows, sees)
                if not sees:
                    self.assertEqual(replica.of_kind(GROUP_ROW), [])

    # -- who may

    def test_others_are_refused(self):
        group = self.make("だれかの会")
        calls = (("save", {"name": "x"}), ("renew", {"id": group, "to_day": day(9)}), ("pin_issue", {"id": group}),
                 ("end", {"id": group, "last_day": day(), "reason": "x"}), ("search", {"text": "会", "limit": 5}),
                 ("get", {"id": group}), ("contact_get", {"id": group}), ("contact_set", contact("set", group, phone="1")))
        for terminal, person in (("council", "member"), ("lounge", "member"), ("door", None), ("display", None)):
            client = self.at(terminal, person)
            for op, fields in calls:
                with self.subTest(f"{op} at the {terminal}"):
                    response = client.ask("groups", op, fields, stranger.new_key())
                    self.assertIn(response.refusal.name, ("MDG_ERR_FORBIDDEN", "MDG_ERR_SIGN_IN_NEEDED"))
        advisor = self.at("office", "advisor")
        self.assertEqual(advisor.read("groups", "get", {"id": group}).group.name, "だれかの会")
        self.refused("FORBIDDEN", advisor.ask, "groups", "contact_set", contact("set", group, phone="1"), stranger.new_key())

    # -- the lounge

    def test_pin_and_lounge(self):
        group = self.make("ラウンジの会")
        name, pin = self.pin(group)
        self.assertRegex(pin, r"^\d{6}$")
        own = self.at("lounge", name, pin)
        self.assertEqual(own.read("groups", "get", {}).id, group)
        self.refused("FORBIDDEN", own.ask, "groups", "search", {"text": "会", "limit": 5})
        self.refused("WRONG_SECRET", self.at("counter").ask, "sign_in", "start", {"name": name, "secret": pin})
        _, other_pin = self.pin(group)
        self.refused("SIGN_IN_NEEDED", own.ask, "groups", "get", {})
        if other_pin != pin:
            self.refused("WRONG_SECRET", self.at("lounge 2").ask, "sign_in", "start", {"name": name, "secret": pin})
        own = self.at("lounge", name, other_pin)
        self.centre.office_write("groups", "end", {"id": group, "rev": self.get(group).rev, "last_day": day(), "reason": "解散"})
        self.refused("SIGN_IN_NEEDED", own.ask, "groups", "get", {})
        self.refused("WRONG_SECRET", own.ask, "sign_in", "start", {"name": name, "secret": other_pin})
        self.centre.office_write("groups", "renew", {"id": group, "rev": self.get(group).rev, "to_day": day(100)})
        self.assertEqual(self.at("lounge", name, other_pin).read("groups", "get", {}).id, group)

    def test_pin_guessed_until_locked(self):
        """At one lounge: 5 wrong ones lock the group's number there, and nowhere else."""
        name, pin = self.pin(self.make("さぐられる会"))
        guesser = self.at("lounge")
        wrong = [guess for guess in (f"{n:06}" for n in range(10)) if guess != pin]
        for guess in wrong[:5]:
            self.refused("WRONG_SECRET", guesser.ask, "sign_in", "start", {"name": name, "secret": guess})
        refusal = self.refused("LOCKED", guesser.ask, "sign_in", "start", {"name": name, "secret": pin})
        self.assertGreater(refusal.retry_after_ms, 14 * 60_000)
        self.assertTrue(self.at("lounge 2", name, pin).read("groups", "get", {}).id)
        person = next(a for a in self.centre.office_read("accounts", "list").accounts if a.name == name)
        self.assertEqual(person.roles, harness.GROUP_ROLE)

    def test_another_groups_contact(self):
        mine, other = self.make("わたしの会"), self.make("となりの会")
        self.centre.office_write("groups", "contact_set", contact("set", other, phone="042-000-0000"))
        own = self.at("lounge", *self.pin(mine))
        for group in (other, 999_999):
            for op, fields in (("get", {"id": group}), ("contact_get", {"id": group}),
                               ("contact_set", contact("set", group, phone="1"))):
                with self.subTest(op, group=group):
                    refusal = self.refused("NOT_FOUND", own.ask, "groups", op, fields, stranger.new_key())
                    self.assertEqual((refusal.field, refusal.rule), ("id", "group"))
        own.write("groups", "contact_set", contact("set", 0, phone="042-111-1111", representative="佐藤"))
        self.assertEqual(own.read("groups", "contact_get", {"id": mine}).phone, "042-111-1111")
        self.assertEqual(self.centre.office_read("groups", "contact_get", {"id": other}).phone, "042-000-0000")

    # -- the contact

    def test_contact_rests_sealed_and_reading_it_is_recorded(self):
        group = self.make("連絡先の会")
        desk = self.at("counter", "hana")
        with self.centre.connect("counter") as watcher:
            replica = stranger.Replica()
            watcher.catch_up(replica)
            before = replica.rows[(GROUP_ROW, group)].rev
            desk.write("groups", "contact_set", contact("set", group, phone=MARKER, address="緑町 1-2-3", mail="a@example.jp",
                                                        representative="田中 花"))
            watcher.follow(replica, lambda: replica.rows[(GROUP_ROW, group)].rev > before)
            for row in replica.rows.values():
                self.assertNotIn(MARKER.encode(), row.SerializeToString())
        reads = len(self.audit("groups.contact_get"))
        answer = desk.read("groups", "contact_get", {"id": group})
        self.assertEqual((answer.phone, answer.address, answer.mail, answer.representative),
                         (MARKER, "緑町 1-2-3", "a@example.jp", "田中 花"))
        self.refused("NOT_FOUND", desk.ask, "groups", "contact_get", {"id": 999_999})
        audited = self.audit("groups.contact_get")[reads:]
        self.assertEqual([(row[0], row[1] == 0) for row in audited], [(group, True), (0, False)])
        self.assertTrue(audited[0][2], "who read it")

        self.centre.drop_office()
        self.server.restart()
        desk = self.at("counter", "hana")
        self.assertEqual(desk.read("groups", "contact_get", {"id": group}).phone, MARKER)
        for folder, _, files in os.walk(self.server.folder):
            for name in files:
                path = os.path.join(folder, name)
                if not os.path.isfile(path):
                    continue  # the console's socket
                with open(path, "rb") as file:
                    held = file.read()
                for text in (MARKER, "緑町 1-2-3", "田中 花"):
                    self.assertNotIn(text.encode(), held, path)

    def test_contact_without_its_keys(self):
        """A backup without the key file gives back everything but the contacts, and says so."""
        group = self.make("鍵をなくした会")
        self.centre.office_write("groups", "contact_set", contact("set", group, phone="042-222-2222"))
        self.centre.drop_office()
        self.server.stop()
        keys = os.path.join(self.server.data, "keys", "data.keys")
        os.rename(keys, keys + ".away")
        self.server.start()
        refusal = self.refused("NOT_FOUND", self.office_ask, "contact_get", {"id": group})
        self.assertEqual(refusal.rule, "key_lost")
        self.assertIn("data.keys error=missing", self.server.log_text())
        self.assertEqual(self.get(group).group.name, "鍵をなくした会")
        self.centre.drop_office()
        self.server.stop()
        os.rename(keys + ".away", keys)
        self.server.start()
        self.assertEqual(self.centre.office_read("groups", "contact_get", {"id": group}).phone, "042-222-2222")

    # -- the command line

    def test_command_line(self):
        office = ctl_terminal.CtlTerminal(self.centre, "ctl office", OFFICE)
        office.sign_in(OFFICE_NAME, OFFICE_SECRET)
        saved = office.ok("group", "save", "--name", "水玉クラブ", "--reading", "みずたまくらぶ", "--field", "文化", "--from",
                          "2026-04-01", "--to", "2027-03-31")
        number = str(saved["number"])
        self.assertEqual((saved["name"], saved["from_day"], saved["to_day"]), ("水玉クラブ", 20260401, 20270331))
        self.assertEqual(office.ok("group", "save", number, "--note", "第二木曜")["field"], "文化")
        self.assertIn("水玉クラブ", [g["name"] for g in office.ok("group", "list")["groups"]])
        for options in ((), ("--offline",)):
            with self.subTest(" ".join(options) or "online"):
                found = office.ok("group", "search", "ﾐｽﾞﾀﾏ", *options)
                self.assertEqual(([g["name"] for g in found["groups"]], found["total"]), (["水玉クラブ"], 1))
        self.assertEqual(office.ok("group", "show", "水玉クラブ")["note"], "第二木曜")
        office.ok("group", "contact", number, "--phone", "042-333-3333", "--representative", "鈴木")
        office.ok("group", "contact", number, "--mail", "mizu@example.jp")
        shown = office.ok("group", "contact", number)
        self.assertEqual((shown["phone"], shown["mail"], shown["representative"]), ("042-333-3333", "mizu@example.jp", "鈴木"))
        pin = office.ok("group", "pin", number)
        lounge = ctl_terminal.CtlTerminal(self.centre, "ctl lounge", LOUNGE)
        lounge.sign_in(pin["name"], pin["pin"])
        self.assertEqual(lounge.ok("group", "show")["name"], "水玉クラブ")
        self.assertEqual(lounge.ok("group", "contact")["phone"], "042-333-3333")
        self.assertEqual(lounge.fails(DENIED, "group", "search", "みずたま")["error"]["name"], "MDG_ERR_FORBIDDEN")
        office.ok("group", "renew", number, "--to", "2028-03-31")
        office.ok("group", "end", number, "--reason", "解散")
        self.assertEqual(office.ok("group", "search", "みずたま")["groups"], [])
        self.assertEqual(len(office.ok("group", "search", "みずたま", "--with-ended", "--offline")["groups"]), 1)
        self.assertEqual(office.fails(REFUSED, "group", "pin", number)["error"]["refusal"]["rule"], "group_ended")
        self.assertIn("ありません", office.run("group", "show", "だれも知らない会", language="ja").stderr)


if __name__ == "__main__":
    harness.main()
