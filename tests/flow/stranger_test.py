"""A stranger's client, written from proto/README.md alone, does a day's work against the real server."""
import hashlib
import os
import re
import unittest

import harness
import stranger
from harness import COUNTER, DESK_ROLE, VISIT, VISIT_DAY, VISIT_PLACE, VISIT_PURPOSE

README = os.path.join(harness.SOURCE, "proto", "README.md")


class Vectors(unittest.TestCase):
    """The page's test vectors are what its words say."""

    def test_enrolment_vectors(self):
        with open(README, encoding="utf-8") as file:
            block = re.search(r"```\n(typed .*?)```", file.read(), re.S).group(1)
        values = {line[:20].strip(): line[20:].strip() for line in block.splitlines()}

        def raw(name):
            return bytes.fromhex(values[name])

        code = stranger.normalize_code(values["typed"])
        self.assertEqual(code, values["code"].split()[0])
        memory_kib, passes = (int(n) for n in values["memory_kib, passes"].split(","))
        key = stranger.argon2id(code.encode(), raw("salt"), memory_kib, passes)
        self.assertEqual(key, raw("key"))
        self.assertEqual(hashlib.sha256(raw("authority")).digest(), raw("fingerprint"))
        for side in ("terminal", "server"):
            self.assertEqual(stranger.proof(key, side, raw("exporter"), raw("fingerprint")), raw("proof_" + side))
        self.assertEqual(stranger.check_number(raw("exporter"), raw("fingerprint"), raw("request")),
                         values["check number"])

    def test_every_error_code_is_on_the_page(self):
        with open(README, encoding="utf-8") as file:
            page = dict(re.findall(r"^\| (-\d+) \| `(MDG_ERR_\w+)` \|", file.read(), re.M))
        with open(os.path.join(harness.SOURCE, "common", "error.h"), encoding="utf-8") as file:
            header = {code: name for name, code in re.findall(r"X\((MDG_ERR_\w+), (-\d+),", file.read())}
        self.assertGreater(len(header), 30)
        self.assertEqual(page, header)

    def test_every_call_and_row_is_on_the_page(self):
        """Those that the server serves, with their answers."""
        with open(README, encoding="utf-8") as file:
            page = file.read()
        calls = page[page.index("## 12. Calls"):page.index("## 13. Values")]
        body = stranger.PB["frame"].Body.DESCRIPTOR
        routes = [line.split("\t")[1].split(".") for line in harness.run("routes").stdout.splitlines()[1:]]
        self.assertGreater(len(routes), 40)
        for domain, call in routes:
            arms = body.fields_by_name[domain].message_type
            number = body.fields_by_name[domain].number
            heading = f"**{domain}** (arm {number})"
            self.assertIn(heading, calls)
            section = calls[calls.index(heading):].split("\n**")[0]
            answer = arms.fields_by_number.get(arms.fields_by_name[call].number + 100)
            for name in [call] + ([answer.name] if answer else []):
                with self.subTest(f"{domain}.{call}", name=name):
                    self.assertIn(f"`{name}`", section)
            for arm in arms.fields:
                if arm.number > 200:
                    self.assertIn(f"| {number * 1000 + arm.number} | `{arm.message_type.name}`", page)


class Stranger(harness.CentreCase):
    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)
        cls.centre.enrol("counter 2", COUNTER)
        cls.centre.person("hana", DESK_ROLE)

    def test_hello_brings_the_centre(self):
        with self.centre.connect("counter") as client:
            welcome = client.welcome
            self.assertEqual((welcome.protocol, welcome.zone, welcome.terminal_name, welcome.terminal_kind),
                             (1, "Asia/Tokyo", "counter", COUNTER))
            self.assertEqual(welcome.centre_name, "みどり市民活動センター")
            self.assertEqual(welcome.terminal_id, self.centre.profiles["counter"].terminal_id)
            self.assertEqual(len(welcome.epoch), 16)
            self.assertEqual(len(welcome.authorities), 1)
            self.assertLess(abs(client.offset_us), 5_000_000)

    def test_ping_is_answered(self):
        with self.centre.connect("counter") as client:
            frame = stranger.Frame()
            frame.ping.number = 4711
            client.wire.send_bytes(frame.SerializeToString())
            client.wait(lambda: client.pongs, 10, "the pong")
            self.assertEqual(client.pongs[0].number, 4711)

    def test_sign_in_count_and_follow(self):
        with self.centre.connect("counter") as one, self.centre.connect("counter 2") as two:
            replica = two.catch_up(stranger.Replica())
            self.assertEqual([row.body.visits.visit_place_row.name for row in replica.of_kind(VISIT_PLACE)], ["玄関"])
            self.assertEqual(sorted(row.body.visits.visit_purpose_row.name for row in replica.of_kind(VISIT_PURPOSE)),
                             sorted(["会議", "印刷", "相談"]))
            signed_in = one.sign_in("hana", self.centre.secrets["hana"])
            self.assertEqual((len(signed_in.token), signed_in.roles), (16, DESK_ROLE))
            key = stranger.new_key()
            response = one.count(self.place_id, self.purpose_id, 3, key=key)
            self.assertGreater(response.object_id, 0)
            name = (VISIT, response.object_id)
            two.follow(replica, lambda: name in replica.rows, what="the count on the other screen")
            visit = replica.rows[name].body.visits.visit_row
            self.assertEqual((visit.people, visit.place_id, visit.purpose_id, visit.person_id, visit.count_key,
                              visit.terminal_id),
                             (3, self.place_id, self.purpose_id, signed_in.person_id, key,
                              self.centre.profiles["counter"].terminal_id))
            self.assertEqual(replica.rows[name].rev, response.rev)
            two.follow(replica, lambda: replica.of_kind(VISIT_DAY), what="the day total")
            # Undone, it leaves the other screen.
            one.write("visits", "undo", {"count_key": key})
            two.follow(replica, lambda: name not in replica.rows, what="the undo on the other screen")
            self.assertEqual(replica.resets, 1, "the feed started afresh once only")

    def test_sign_in_is_taken_up_again(self):
        with self.centre.connect("counter") as client:
            token = client.sign_in("hana", self.centre.secrets["hana"]).token
        with self.centre.connect("counter") as client:
            resumed = stranger.content_of(client.call("sign_in", "resume", {"token": token}).body)
            self.assertEqual(resumed.name, "hana")
            client.call("sign_in", "end")
        with self.centre.connect("counter") as client:
            self.assertTrue(client.ask("sign_in", "resume", {"token": token}).HasField("refusal"),
                            "an ended sign-in was taken up again")

    def test_totals_are_read_back(self):
        with self.centre.connect("counter") as client:
            client.sign_in("hana", self.centre.secrets["hana"])
            at_us = 1_750_000_000_000_000  # 2025-06-16 00:06:40 in Tokyo
            for people in (2, 5):
                client.count(self.place_id, self.purpose_id, people, at_us=at_us)
            client.count(self.place_id, 0, 0, at_us=at_us)
            listed = client.read("visits", "totals", {"from_day": 20250616, "to_day": 20250616, "step": 4})
            self.assertEqual([(t.slot, t.purpose_id, t.people, t.lines) for t in listed.totals],
                             [(0, 0, 0, 1), (0, self.purpose_id, 7, 2)])


if __name__ == "__main__":
    harness.main()
