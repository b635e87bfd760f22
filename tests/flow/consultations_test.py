"""Consultations over real connections: who may do what to whose case, that the text is nowhere but where it belongs, and
that what was taken in without the network arrives once, with its author."""
import contextlib
import ctypes
import os
import sqlite3

import ctl_test
import harness
import stranger
from harness import CONSULTATION_ROLE, COUNCIL, COUNCIL_ROLE, COUNTER, DAY_US, DESK_ROLE, DISPLAY, DOOR, GROUP_ROLE, LOUNGE, \
    OFFICE, OFFICE_NAME, OFFICE_SECRET
from stranger import Waited

HEAD, NOTICE = 12201, 12202
VISIT, PERSON = 1, 1  # channel, client
SOLVED = 1
CALLS = ("intake", "add", "follow_up", "close", "find", "read", "assign")

# server/README.md 10, written out by hand: terminal, role -> what is possible with an own case. Everything else is refused.
MAY = {
    ("counter", "desk"): {"intake", "add", "find"},
    ("counter", "office"): {"find", "close", "assign"},
    ("private counter", "desk"): {"intake", "add", "find"},
    ("private counter", "office"): {"find", "close", "assign"},
    ("private counter", "consultation"): set(CALLS),
    ("office", "office"): {"find", "close", "assign"},
    ("office", "consultation"): set(CALLS),
}
# And with somebody else's: an own one is needed for the rest.
MAY_OTHERS = {"add", "find"}
TERMINALS = ("counter", "private counter", "office", "lounge", "council", "door", "display")
ROLES = ("desk", "office", "consultation", "group", "council", "nobody")


def seal(public_half, content):
    sodium = ctypes.CDLL("libsodium.so.23")
    sodium.sodium_init()
    plain = content.SerializeToString()
    box = ctypes.create_string_buffer(len(plain) + 48)
    if sodium.crypto_box_seal(box, plain, ctypes.c_ulonglong(len(plain)), public_half) != 0:
        raise ValueError("crypto_box_seal")
    return box.raw


def files_with(folder, marker):
    """The files below folder that hold these bytes, in UTF-8 or UTF-16."""
    found = []
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    data = file.read()
                if marker.encode() in data or marker.encode("utf-16-le") in data:
                    found.append(os.path.relpath(path, folder))
    return found


class Case(harness.CentreCase):
    at_desk = None

    @classmethod
    def tearDownClass(cls):
        if cls.at_desk is not None:
            cls.at_desk.close()
        super().tearDownClass()

    @classmethod
    def prepare(cls):
        for name, kind, more in (("counter", COUNTER, {}), ("private counter", COUNTER, {"is_private": True}),
                                 ("lounge", LOUNGE, {}), ("council", COUNCIL, {}), ("door", DOOR, {"room_id": 7}),
                                 ("display", DISPLAY, {})):
            cls.centre.enrol(name, kind, **more)
        cls.ids = {name: cls.centre.person(name, role) for name, role in
                   (("desk", DESK_ROLE), ("consultation", CONSULTATION_ROLE), ("colleague", CONSULTATION_ROLE),
                    ("group", GROUP_ROLE), ("council", COUNCIL_ROLE))}
        cls.centre.secrets["office"] = OFFICE_SECRET

    def at(self, terminal, person=None):
        client = self.centre.connect(terminal)
        self.addCleanup(client.close)
        if person:
            client.sign_in(OFFICE_NAME if person == "office" else person, self.centre.secrets[person])
        return client

    def fields(self, client, **changes):
        return dict({"at_us": client.server_now_us(), "channel": VISIT, "client": PERSON, "topic": "助成金", "minutes": 10,
                     "plain": {"text": "何かの相談", "contact": "山田"}}, **changes)

    def counter_desk(self):
        """One connection for what is only the way to a test's matter; a terminal may have four."""
        cls = type(self)
        if cls.at_desk is None:
            cls.at_desk = self.centre.connect("counter")
            cls.at_desk.sign_in("desk", self.centre.secrets["desk"])
        return cls.at_desk

    def open_case(self, owner="consultation", **changes):
        client = self.counter_desk()
        fields = self.fields(client, **changes)
        if owner:
            fields.setdefault("owner_id", self.ids[owner])
        return client.write("consultations", "intake", fields).object_id

    def head(self, case_id):
        client = self.counter_desk()
        after = 0
        while True:
            found = client.read("consultations", "find", {"with_closed": True, "after_id": after})
            for case in found.cases:
                if case.id == case_id:
                    return case
            after = found.cases[-1].id

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(f"file:{self.server.data}/madoguchi.db?mode=ro", uri=True)) as db:
            return db.execute(sql, values).fetchall()


class Rights:
    """At which terminal, in which role, and whose case."""

    def ask(self, client, call, case_id):
        rev = self.head(case_id).rev if call in ("follow_up", "close", "assign") else 0
        fields = {"intake": lambda: self.fields(client), "find": dict, "read": lambda: {"case_id": case_id},
                  "add": lambda: {"case_id": case_id, "at_us": client.server_now_us(), "plain": {"text": "続き"}},
                  "follow_up": lambda: {"case_id": case_id, "day": 0, "rev": rev},
                  "close": lambda: {"case_id": case_id, "outcome": SOLVED, "rev": rev},
                  "assign": lambda: {"case_id": case_id, "owner_id": self.ids["colleague"], "rev": rev}}[call]()
        response = client.ask("consultations", call, fields, b"" if call in ("find", "read") else stranger.new_key())
        return response.refusal.name[8:] if response.HasField("refusal") else ""

    def test_each_role_at_each_terminal(self):
        untouched = self.open_case("consultation")
        for terminal in TERMINALS:
            for role in ROLES:
                client = self.centre.connect(terminal)
                with self.subTest(terminal, role=role), client:
                    if role != "nobody":
                        name = OFFICE_NAME if role == "office" else role
                        response = client.ask("sign_in", "start", {"name": name, "secret": self.centre.secrets[role]})
                        self.assertEqual(response.HasField("refusal") and (terminal, role) in MAY, False)
                    may = MAY.get((terminal, role), set())
                    for call in CALLS:
                        own = self.ask(client, call, self.open_case("consultation") if call in may else untouched)
                        self.assertEqual(own == "", call in may, f"{call} of an own case: {own or 'accepted'}")
                        if call not in may:
                            self.assertIn(own, ("FORBIDDEN", "SIGN_IN_NEEDED"))
        self.assertEqual((self.head(untouched).entries, self.head(untouched).owner_id), (1, self.ids["consultation"]))

    def test_others_cases(self):
        for terminal in ("office", "private counter"):
            client = self.at(terminal, "consultation")
            for call in CALLS[1:]:
                for owner in ("colleague", None):
                    with self.subTest(terminal, call=call, owner=owner):
                        got = self.ask(client, call, self.open_case(owner))
                        wanted = "" if call in MAY_OTHERS else "FORBIDDEN" if call == "read" else "NOT_FOUND"
                        self.assertEqual(got, wanted)

    def test_absent_is_as_anothers(self):
        client = self.at("office", "consultation")
        other = self.open_case("colleague")
        for call, fields in (("close", {"outcome": SOLVED, "rev": 1}), ("follow_up", {"rev": 1}),
                             ("assign", {"owner_id": self.ids["colleague"], "rev": 1})):
            answers = [client.ask("consultations", call, dict(fields, case_id=case), stranger.new_key()).refusal
                       for case in (other, 1 << 41)]
            with self.subTest(call):
                self.assertEqual(answers[0].SerializeToString(), answers[1].SerializeToString())

    def test_a_consultant_at_a_public_counter(self):
        """Signed in as what else they are, or not at all."""
        with self.centre.connect("counter") as client:
            self.refused("WRONG_SECRET", client.ask, "sign_in", "start",
                         {"name": "consultation", "secret": self.centre.secrets["consultation"]})
        both = self.centre.person("both", DESK_ROLE | CONSULTATION_ROLE)
        case = self.open_case(None, owner_id=both)
        self.refused("FORBIDDEN", self.at("counter", "both").ask, "consultations", "read", {"case_id": case})
        self.assertEqual(len(self.at("private counter", "both").read("consultations", "read", {"case_id": case}).entries), 1)


class Reading:
    """What is read, and what is told of it."""

    def audited(self, case_id):
        return self.rows("SELECT person_id, outcome, reason FROM audit WHERE operation = 'consultations.read' AND"
                         " object_id = ? ORDER BY seq", case_id)

    def test_each_reading_is_recorded_before_the_text_leaves(self):
        case = self.open_case()
        client = self.at("office", "consultation")
        for readings in (1, 2, 3):
            client.read("consultations", "read", {"case_id": case})
            self.assertEqual(self.audited(case), [(self.ids["consultation"], 0, None)] * readings)

    def test_anothers_case_with_a_reason(self):
        case = self.open_case()
        office, counter = self.at("office"), self.at("counter")
        views = [(client, client.catch_up(stranger.Replica())) for client in (office, counter)]
        client = self.at("office", "colleague")
        self.refused("FORBIDDEN", client.ask, "consultations", "read", {"case_id": case})
        text = client.read("consultations", "read", {"case_id": case, "reason": "担当が急病"})
        self.assertEqual(text.entries[0].content.text, "何かの相談")
        refused, read = self.audited(case)
        self.assertEqual((refused[0], refused[2]), (self.ids["colleague"], None))
        self.assertNotEqual(refused[1], 0)
        self.assertEqual(read, (self.ids["colleague"], 0, "担当が急病"))
        for (viewer, replica), reason in zip(views, ("担当が急病", "")):
            def notices(replica=replica):
                return [row.body.consultations.notice_row for (kind, _), row in replica.rows.items() if kind == NOTICE]
            viewer.follow(replica, lambda n=notices: any(notice.case_id == case for notice in n()), 5, "the notice")
            notice = next(notice for notice in notices() if notice.case_id == case)
            self.assertEqual((notice.owner_id, notice.reader_id, notice.reason),
                             (self.ids["consultation"], self.ids["colleague"], reason))

    def test_a_second_person_adds_without_reading(self):
        case = self.open_case()
        counter = self.at("counter", "desk")
        found = counter.read("consultations", "find", {"text": "助成"})
        self.assertIn(case, [head.id for head in found.cases])
        counter.write("consultations", "add", {"case_id": case, "at_us": counter.server_now_us(), "minutes": 7,
                                               "plain": {"text": "また来られた"}})
        self.refused("FORBIDDEN", counter.ask, "consultations", "read", {"case_id": case})
        text = self.at("office", "consultation").read("consultations", "read", {"case_id": case})
        self.assertEqual([entry.content.text for entry in text.entries], ["何かの相談", "また来られた"])
        self.assertEqual([entry.person_id for entry in text.entries], [self.ids["desk"]] * 2)
        self.assertEqual((text.head.minutes, text.head.entries), (17, 2))

    def test_a_case_from_begin_to_end(self):
        case = self.open_case(None)
        viewer = self.at("counter")
        replica = viewer.catch_up(stranger.Replica())
        self.assertEqual(replica.rows[(HEAD, case)].body.consultations.head_row.owner_id, 0)
        office = self.at("office", "office")
        office.write("consultations", "assign", {"case_id": case, "owner_id": self.ids["consultation"],
                                                 "rev": self.head(case).rev})
        client = self.at("office", "consultation")
        stale = self.head(case).rev
        client.write("consultations", "follow_up", {"case_id": case, "day": 20301231, "rev": stale})
        response = client.ask("consultations", "close", {"case_id": case, "outcome": SOLVED, "rev": stale},
                              stranger.new_key())
        self.check_refusal(response.refusal, "STALE")
        now = response.body.consultations.close_stale
        self.assertEqual((now.id, now.follow_up_day), (case, 20301231))
        client.write("consultations", "close", {"case_id": case, "outcome": SOLVED, "rev": now.rev})
        viewer.follow(replica, lambda: (HEAD, case) not in replica.rows, 5, "the closed case leaves the view")
        text = client.read("consultations", "read", {"case_id": case})
        self.assertEqual(text.entries[0].content.text, "何かの相談")
        self.assertTrue(text.head.is_closed)


class BadInput:
    """Fields and boxes that break a rule."""

    def test_clear_refusals(self):
        client = self.at("counter", "desk")
        before = self.rows("SELECT count(*) FROM consultation")
        for name, changes, field, rule in (
                ("a follow-up in the past", {"follow_up_day": 20200101}, "follow_up_day", "past"),
                ("a follow-up on no day", {"follow_up_day": 20310231}, "follow_up_day", "day"),
                ("in the future", {"at_us": client.server_now_us() + DAY_US}, "at_us", "future"),
                ("two years ago", {"at_us": client.server_now_us() - 730 * DAY_US}, "at_us", "too_long_ago"),
                ("a topic of 10,000 bytes", {"topic": "あ" * 3333}, "topic", "length"),
                ("a bell in the topic", {"topic": "ベ\aル"}, "topic", "text"),
                ("a bell in the text", {"plain": {"text": "ベ\aル"}}, "plain.text", "text"),
                ("lines in the topic", {"topic": "一\n二"}, "topic", "text"),
                ("a text over its length", {"plain": {"text": "x" * 20001}}, "plain.text", "length"),
                ("no text", {"plain": {"contact": "山田"}}, "plain.text", "length"),
                ("more minutes than a day has", {"minutes": 1441}, "minutes", "range"),
                ("an unknown channel", {"channel": 99}, "channel", "unknown"),
                ("a group that is not there", {"group_id": 5}, "group_id", "group"),
                ("an owner of the desk", {"owner_id": self.ids["desk"]}, "owner_id", "consultant")):
            with self.subTest(name):
                response = client.ask("consultations", "intake", self.fields(client, **changes), stranger.new_key())
                self.assertTrue(response.HasField("refusal"), "accepted")
                self.assertEqual((response.refusal.field, response.refusal.rule), (field, rule))
        self.assertEqual(self.rows("SELECT count(*) FROM consultation"), before)
        case = self.open_case()
        consultant = self.at("office", "consultation")
        response = consultant.ask("consultations", "follow_up", {"case_id": case, "day": 20200101, "rev": self.head(case).rev},
                                  stranger.new_key())
        self.assertEqual((response.refusal.field, response.refusal.rule), ("day", "past"))

    def test_boxes(self):
        client = self.at("counter", "desk")
        content = stranger.PB["consultations"].ConsultationContent
        key = client.welcome.intake_key
        self.assertEqual(len(key), 32)
        good = seal(key, content(text="箱の中"))
        for name, box, rule in (("another's key", seal(os.urandom(32), content(text="箱の中")), "box"),
                                ("altered", good[:-1] + bytes([good[-1] ^ 1]), "box"), ("cut", good[:-1], "box"),
                                ("short", b"x" * 47, "length"), ("a bell inside", seal(key, content(text="\a")), "text"),
                                ("too long inside", seal(key, content(text="x" * 20001)), "length"),
                                ("nothing inside", seal(key, content()), "required")):
            with self.subTest(name):
                fields = self.fields(client, sealed=box)
                del fields["plain"]
                response = client.ask("consultations", "intake", fields, stranger.new_key())
                self.check_refusal(response.refusal, "INVALID")
                self.assertEqual(response.refusal.rule, rule)
        fields = self.fields(client, sealed=good, owner_id=self.ids["consultation"])
        del fields["plain"]
        case = client.write("consultations", "intake", fields).object_id
        text = self.at("office", "consultation").read("consultations", "read", {"case_id": case})
        self.assertEqual(text.entries[0].content.text, "箱の中")


class Waiting:
    """Writes that waited, as a terminal of any make sends them."""

    def box(self, client, text):
        return seal(client.welcome.intake_key, stranger.PB["consultations"].ConsultationContent(text=text))

    def token(self):
        client = self.centre.connect("counter")
        token = client.sign_in("desk", self.centre.secrets["desk"]).token
        made_us = stranger.now_us()
        client.close()
        return token, made_us

    def test_once_with_its_author(self):
        token, made_us = self.token()
        client = self.at("counter")
        fields = self.fields(client, sealed=self.box(client, "待っていた"), owner_id=self.ids["consultation"])
        del fields["plain"]
        key = stranger.new_key()
        self.refused("TOKEN", client.ask, "consultations", "intake", fields, stranger.new_key(),
                     Waited(token=b"x" * 16, made_us=made_us))
        self.refused("SIGN_IN_NEEDED", client.ask, "consultations", "intake", fields, stranger.new_key(),
                     Waited(made_us=made_us))
        cases = [client.call("consultations", "intake", fields, key, Waited(token=token, made_us=made_us)).object_id
                 for _ in range(3)]
        self.assertEqual(len(set(cases)), 1)
        text = self.at("office", "consultation").read("consultations", "read", {"case_id": cases[0]})
        self.assertEqual([(e.content.text, e.person_id) for e in text.entries], [("待っていた", self.ids["desk"])])

    def test_an_entry_that_comes_after_the_closing(self):
        case = self.open_case()
        token, made_us = self.token()
        owner = self.at("office", "consultation")
        owner.write("consultations", "close", {"case_id": case, "outcome": SOLVED, "rev": self.head(case).rev})
        client = self.at("counter", "desk")
        fields = {"case_id": case, "at_us": made_us, "sealed": self.box(client, "終わる前に聞いた")}
        self.refused("STATE", client.ask, "consultations", "add", fields, stranger.new_key())
        client.call("consultations", "add", fields, stranger.new_key(), Waited(token=token, made_us=made_us))
        text = owner.read("consultations", "read", {"case_id": case})
        self.assertEqual(text.entries[1].content.text, "終わる前に聞いた")


class Online(Rights, Reading, BadInput, Waiting, Case):
    """One centre for all of them."""
    settings = {"narrow-request-rate": 1000, "narrow-request-burst": 1000}


class Nowhere(Case):
    """The marker stands in texts and contacts; it may be found nowhere but in the answer to its consultant."""
    MARKER = "夕焼けの鬼ごっこ7731"

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.desk = cls.enrol_ctl("受付2", "counter")
        cls.desk.ok("sign-in", "--name", "desk", "--secret-stdin", text_in=cls.centre.secrets["desk"] + "\n")
        cls.room = cls.enrol_ctl("相談室", "office")
        cls.room.ok("sign-in", "--name", "consultation", "--secret-stdin",
                    text_in=cls.centre.secrets["consultation"] + "\n")

    @classmethod
    def enrol_ctl(cls, name, kind):
        ctl = ctl_test.Ctl(cls.server.folder, name)
        number = {"counter": COUNTER, "office": OFFICE}[kind]
        code = cls.centre.office_write("terminals", "enrol", {"name": name, "kind": number}).body.terminals.enrolled_code.code
        process = ctl.start("enrol", "--server", "%s:%d" % cls.server.enrol_listen, "--port", str(cls.server.listen[1]),
                            "--code", code)
        try:
            harness.wait_until(lambda: cls.centre.office_read("terminals", "enrolment_state").check_number, 30, "the machine")
            cls.centre.office_write("terminals", "enrolment_decide", {"is_same": True})
            if process.wait(30) != 0:
                raise AssertionError(process.stderr.read().decode())
        finally:
            process.kill()
            process.wait(10)
            process.stdout.close()
            process.stderr.close()
        return ctl

    def intake(self, text, *more, **options):
        return self.desk.ok("consultation", "intake", "--channel", "visit", "--client", "person", "--topic", "印刷機",
                            "--owner", str(self.ids["consultation"]), *more, text_in=text, **options)

    def nowhere(self):
        self.assertEqual(files_with(self.server.folder, self.MARKER), [])

    def read(self, number):
        return self.room.ok("consultation", "read", number)

    def test_from_the_counter_to_its_consultant(self):
        parts = []
        viewers = [self.at(terminal) for terminal in ("counter", "office", "council", "lounge", "door", "display")]
        replicas = [viewer.catch_up(stranger.Replica()) for viewer in viewers]
        made = self.intake(f"{self.MARKER} 山田\n一行目 {self.MARKER}\n二行目\n", "--contact", "--minutes", "15")
        self.assertFalse(made["is_waiting"])
        self.assertRegex(made["number"], r"^\d{4}-\d+$")
        self.desk.ok("consultation", "add", made["number"], text_in=f"また {self.MARKER}")
        self.nowhere()
        read = self.read(made["number"])
        self.assertEqual([entry["text"] for entry in read["entries"]],
                         [f"一行目 {self.MARKER}\n二行目", f"また {self.MARKER}"])
        self.assertEqual(read["entries"][0]["contact"], f"{self.MARKER} 山田")
        self.room.ok("consultation", "follow-up", made["number"], "--on", "2030-01-31")
        found = self.desk.ok("consultation", "find", "印刷")["cases"]
        self.assertEqual([case["follow_up_day"] for case in found if case["number"] == made["number"]], [20300131])
        for viewer, replica in zip(viewers, replicas):
            viewer.subscribe(replica)
            viewer.follow(replica, lambda r=replica: r.is_caught_up)
            parts += [row.SerializeToString() for row in replica.rows.values()]
        self.assertEqual([part for part in parts if self.MARKER.encode() in part], [])
        self.assertTrue(any("印刷機".encode() in part for part in parts), "no head came at all")
        for kind, viewer, replica in zip(("council", "lounge", "door", "display"), viewers[2:], replicas[2:]):
            self.assertEqual([k for k in replica.rows if k[0] // 1000 == 12], [], kind)
        self.room.ok("consultation", "close", made["number"], "--outcome", "referred", "--referral", "市の窓口")
        self.nowhere()
        self.server.kill()  # nothing is tidied up
        self.nowhere()
        self.server.start()
        self.centre.drop_office()
        self.assertEqual(len(self.read(made["number"])["entries"]), 2)
        self.nowhere()

    def test_without_the_network(self):
        before = self.rows("SELECT count(*) FROM consultation")[0][0]
        self.centre.drop_office()
        self.server.kill()
        made = self.intake(f"圏外で {self.MARKER}", timeout=120)
        self.assertTrue(made["is_waiting"])
        listed = self.desk.ok("outbox", "list")["items"]
        self.assertEqual([(item["call"], item["person"]) for item in listed], [("consultations.intake", "desk")])
        self.nowhere()
        done = self.desk.run("outbox", "list")
        self.assertNotIn(self.MARKER, done.stdout + done.stderr)
        self.server.start()
        self.assertEqual(self.desk.ok("outbox", "send")["accepted"], 1)
        self.assertEqual(self.desk.ok("outbox", "send")["accepted"], 0)
        self.assertEqual(self.rows("SELECT count(*) FROM consultation")[0][0], before + 1)
        number = self.room.ok("consultation", "find")["cases"][0]["number"]
        entries = self.read(number)["entries"]
        self.assertEqual([(entry["text"], entry["person_id"]) for entry in entries],
                         [(f"圏外で {self.MARKER}", self.ids["desk"])])
        self.nowhere()

    def test_refusals_in_sentences(self):
        made = self.intake("短い相談")
        for words, code, says in (
                (("consultation", "read", made["number"]), ctl_test.DENIED, "roles"),
                (("consultation", "read", "2026"), ctl_test.REFUSED, "no case"),
                (("consultation", "read", "二つ目"), ctl_test.INPUT, "2026-17"),
                (("consultation", "find", "--from", "きのう"), ctl_test.INPUT, "--from")):
            with self.subTest(words):
                done = self.desk.run(*words)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(says, done.stderr)
        done = self.desk.run("consultation", "intake", "--channel", "visit", "--client", "person", "--topic", "印刷機",
                             text_in="")
        self.assertEqual(done.returncode, ctl_test.INPUT, done.stderr)
        done = self.desk.run("consultation", "intake", "--channel", "visit", "--client", "person", "--topic", "印刷機",
                             "--follow-up", "2020-01-01", text_in="相談", language="ja")
        self.assertIn("過ぎ", done.stderr)
        self.assertEqual(done.returncode, ctl_test.INPUT, done.stderr)
        shown = self.room.run("consultation", "read", made["number"])
        self.assertIn("短い相談", shown.stdout)


class Retention(Case):
    def test_the_clock_erases(self):
        marker = "三年後には"
        kept, gone = self.open_case(topic="残る"), self.open_case(plain={"text": marker, "contact": marker})
        client = self.at("office", "consultation")
        client.write("consultations", "close", {"case_id": gone, "outcome": SOLVED, "rev": self.head(gone).rev})
        client.close()
        self.assertEqual(self.rows("SELECT key_name = 'open' FROM consultation_entry ORDER BY id"), [(1,), (0,)])
        self.counter_desk().close()
        type(self).at_desk = None
        self.centre.stop()
        self.server.clock_shift_s = (3 * 366 + 32) * 86400  # the month is over as well
        self.server.start()
        harness.wait_until(lambda: self.rows("SELECT destroyed_us <> 0 FROM consultation_key") == [(1,)], 30, "the clock")
        self.assertEqual(self.rows("SELECT case_id FROM consultation_erasure"), [(gone,)])
        self.assertEqual(self.rows("SELECT content IS NULL FROM consultation_entry ORDER BY id"), [(0,), (1,)])
        self.assertEqual(self.rows("SELECT topic, minutes, outcome FROM consultation WHERE id = ?", gone),
                         [("助成金", 10, SOLVED)])
        self.assertEqual(len(self.rows("SELECT 1 FROM audit WHERE operation = 'consultations.erase_due'")), 1)
        self.server.stop()
        self.server.clock_shift_s = 0
        self.assertEqual(self.rows("SELECT is_erased FROM consultation WHERE id = ?", kept), [(0,)])


if __name__ == "__main__":
    harness.main()
