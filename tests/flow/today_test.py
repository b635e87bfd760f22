#!/usr/bin/python3
"""The desk's day against a real server: out of the replica, with and without the server, on paper, and live."""
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ctl_terminal  # noqa: E402
import harness  # noqa: E402
import stranger  # noqa: E402
from ctl_terminal import CONFIG, DENIED, INPUT  # noqa: E402
from harness import CONSULTATION_ROLE, COUNTER, DESK_ROLE, HOUR_US, MINUTE_US  # noqa: E402

TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")
SUPPRESSIONS = os.path.join(harness.SOURCE, "tests", "print", "lsan.supp")
EVERY_DAY = 255


def day_of(moment):
    return int(moment.strftime("%Y%m%d"))


def in_us(moment):
    return int(moment.timestamp()) * 1_000_000


def today():
    return datetime.datetime.now(TOKYO)


class Today(harness.CentreCase):
    @classmethod
    def prepare(cls):
        os.environ["LSAN_OPTIONS"] = f"suppressions={SUPPRESSIONS}:print_suppressions=0"
        cls.centre.person("山吹", DESK_ROLE)
        cls.desk = ctl_terminal.CtlTerminal(cls.centre, "受付1", COUNTER)
        cls.desk.sign_in("山吹", cls.centre.secrets["山吹"])
        write = cls.centre.office_write
        span = stranger.PB["hours"].OpenSpan
        write("hours", "save", {"from_day": day_of(today()),
                                "spans": [span(days=EVERY_DAY, open_minute=0, close_minute=1440)]})
        cls.rooms = {name: write("rooms", "save", {"name": name, "kind": 1, "position": position, "capacity": 20,
                                                   "is_always_open": True}).object_id
                     for position, name in enumerate(("会議室A", "会議室B", "相談室"), 1)}
        cls.group = write("groups", "save", {"name": "さくら読書会", "reading": "さくらどくしょかい", "number": 12,
                                             "from_day": 20260401, "to_day": 20290331}).object_id

    def book(self, room, start, hours, **fields):
        fields = {"room_id": self.rooms[room], "start_us": in_us(start), "end_us": in_us(start) + int(hours * HOUR_US),
                  "title": "例会", "people": 8, **fields}
        return self.centre.office_write("bookings", "request", fields).object_id

    def room(self, document, name):
        return next(room for room in document["rooms"] if room["name"] == name)

    def test_a_day(self):
        """Bookings of tomorrow, so that the time of the test's running does not matter."""
        morning = (today() + datetime.timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
        later = morning + datetime.timedelta(hours=4)
        first = self.book("会議室A", morning, 2, group_id=self.group, is_confirmed=True)
        hold = self.book("会議室A", later, 1, applicant="山田", title="練習")
        advice = self.book("相談室", morning, 1, applicant="田中花子", title="離婚", is_confirmed=True)
        day = morning.strftime("%Y-%m-%d")
        seen = self.desk.ok("today", "--day", day)
        self.assertEqual(seen["day"], day_of(morning))
        self.assertTrue(seen["era_date"].startswith("令和"))
        self.assertTrue(seen["is_online"])
        self.assertEqual((seen["hours"]["is_open"], seen["hours"]["close_minute"]), (True, 1440))
        self.assertEqual([(b["id"], b["who"], b["purpose"], b["state"]) for b in seen["bookings"]],
                         [(first, "さくら読書会", "例会", "confirmed"), (hold, "山田", "練習", "tentative"),
                          (advice, "Consultation", "", "confirmed")])
        self.assertEqual([b["id"] for b in seen["pending"] if b["id"] == hold], [hold])
        self.assertIsNone(self.room(seen, "会議室A")["now"])
        self.assertEqual(self.room(seen, "会議室A")["next"]["id"], first)
        self.assertIsNone(self.room(seen, "会議室B")["next"])
        self.assertGreater(seen["audit"]["seq"], 0)
        text = self.desk.run("today", "--day", day, language="ja").stdout
        for words in (morning.strftime("%Y/%m/%d"), "10:00–12:00  ● 予約済", "さくら読書会  例会  8人", "△ 仮予約", "承認待ち",
                      "相談", "記録の先頭"):
            self.assertIn(words, text)
        for secret in ("田中花子", "離婚"):
            self.assertNotIn(secret, text + json.dumps(seen, ensure_ascii=False))

    def test_now_and_next(self):
        now = today().replace(second=0, microsecond=0)
        if not 1 <= now.hour <= 21:
            self.skipTest("around midnight there is no room for what was and will be")
        is_now = self.book("会議室B", now + datetime.timedelta(minutes=15), 0.5, group_id=self.group, is_confirmed=True)
        before = self.room(self.desk.ok("today"), "会議室B")
        self.assertEqual((before["now"], before["next"]["id"]), (None, is_now))
        self.centre.office_write("bookings", "start", {"booking_id": is_now, "rev": before["next"]["rev"]})
        seen = self.room(self.desk.ok("today"), "会議室B")
        self.assertEqual((seen["now"]["id"], seen["now"]["state"], seen["next"]), (is_now, "in_use", None))
        self.centre.office_write("bookings", "end", {"booking_id": is_now, "rev": seen["now"]["rev"]})
        seen = self.desk.ok("today")
        self.assertIsNone(self.room(seen, "会議室B")["now"])
        self.assertEqual([b["state"] for b in seen["bookings"] if b["id"] == is_now], ["ended"])

    def test_counts_and_follow_ups(self):
        before = self.desk.ok("today")
        self.desk.ok("visit", "count", "--purpose", "印刷", "--people", "3")
        plain = {"text": "秘密の話", "contact": "田中花子"}
        self.centre.person("桔梗", CONSULTATION_ROLE)
        with self.centre.connect("office") as consultant:
            consultant.sign_in("桔梗", self.centre.secrets["桔梗"])
            case = consultant.write("consultations", "intake",
                                    {"at_us": in_us(today()) - MINUTE_US, "channel": 1, "client": 1, "topic": "設立",
                                     "minutes": 20, "people": 1, "follow_up_day": day_of(today()), "plain": plain})
        seen = self.desk.ok("today")
        self.assertEqual(seen["people"], before["people"] + 3)
        counted = {count["purpose"]: count["people"] for count in seen["counts"]}
        self.assertGreaterEqual(counted["印刷"], 3)
        self.assertIn("会議", counted)
        self.assertEqual([c["id"] for c in seen["follow_ups"]], [case.object_id])
        self.assertFalse(seen["follow_ups"][0]["is_overdue"])
        text = self.desk.run("today", language="ja").stdout
        self.assertRegex(text, r"相-20\d\d-\d{3}")
        for secret in ("秘密", "田中", "設立"):
            self.assertNotIn(secret, text)

    def printed(self, path):
        return re.sub(r"[ \n]+", "", subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True,
                                                    check=True, timeout=60).stdout)

    def audit_rows(self):
        head = self.centre.office_read("audit", "head")
        return head.seq

    def test_on_paper(self):
        path = os.path.join(self.server.folder, "sheet.pdf")
        rows = self.audit_rows()
        done = self.desk.ok("today", "--pdf", path, "--purpose", "朝の準備", language="ja")
        self.assertEqual((done["file"], done["pages"]), (path, 1))
        self.assertGreater(self.audit_rows(), rows, "a print leaves a row in the record")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertFalse(os.path.exists(path + ".part"))
        text = self.printed(path)
        for words in ("みどり市民活動センター", "本日の予定", "受付1", "山吹", "目的朝の準備", "記録の先頭", "会議室A", "来館の集計",
                      "1会議", "2印刷", "1/1"):
            self.assertIn(words, text)
        self.desk.fails(INPUT, "today", "--purpose", "なし")
        self.desk.fails(INPUT, "today", "--pdf", path, "--purpose", "長" * 27)
        self.desk.fails(CONFIG, "today", "--pdf", os.path.join(self.server.folder, "nowhere", "sheet.pdf"))
        self.desk.fails(INPUT, "today", "--day", "2026-13-01")
        self.desk.fails(INPUT, "today", "--day", (today() - datetime.timedelta(days=32)).strftime("%Y-%m-%d"))

    def test_nobody_signed_in_prints_nothing(self):
        terminal = ctl_terminal.CtlTerminal(self.centre, "受付2", COUNTER)
        path = os.path.join(self.server.folder, "nobody.pdf")
        seen = terminal.ok("today")
        self.assertIsNone(seen["audit"])
        self.assertEqual(len(seen["rooms"]), 3)
        terminal.fails(DENIED, "today", "--pdf", path)
        self.assertFalse(os.path.exists(path))

    def test_live(self):
        """Not a terminal: the lines that changed, each with the time."""
        command, env = self.desk.command("watch", "--today", "--for", "60", language="ja")
        watch = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            harness.read_line(watch.stdout, r"ここまでの来館", 40, "the day")
            self.desk.ok("visit", "count", "--purpose", "会議", "--people", "77")
            told = harness.read_line(watch.stdout, r"\d\d:\d\d:\d\d  .*会議 (\d+)", 40, "the count")
            self.assertGreaterEqual(int(told[1]), 77)
            watch.terminate()
            self.assertEqual(watch.wait(20), 0, watch.stderr.read().decode())
        finally:
            watch.kill()
            watch.wait(10)
            watch.stdout.close()
            watch.stderr.close()
        lines = self.desk.run("watch", "--today", "--lines", "1", "--json").stdout.splitlines()
        self.assertEqual(len(lines), 1)
        self.assertEqual(json.loads(lines[0])["day"], day_of(today()))
        self.desk.fails(INPUT, "watch", "--today", "--all")

    def test_without_the_server(self):
        """The replica's day, and since when; what was printed meanwhile is recorded afterwards."""
        self.desk.ok("today")
        stopped = time.time()
        self.server.stop()
        try:
            path = os.path.join(self.server.folder, "offline.pdf")
            seen = self.desk.ok("today", "--timeout", "3")
            self.assertFalse(seen["is_online"])
            self.assertEqual(len(seen["rooms"]), 3)
            self.assertIsNone(seen["audit"])
            self.assertLessEqual(seen["heard_us"] / 1e6, stopped + 1)
            self.assertGreater(seen["heard_us"] / 1e6, stopped - 600)
            self.assertIn("サーバーにつながっていません", self.desk.run("today", "--timeout", "3", language="ja").stdout)
            self.desk.ok("today", "--pdf", path, "--timeout", "3", language="ja")
            self.assertIn("からサーバーにつながっていません", self.printed(path))
        finally:
            self.server.start()
        rows = self.audit_rows()
        self.desk.ok("status")  # sends what waited
        harness.wait_until(lambda: self.audit_rows() > rows, 30, "the print's row in the record")


if __name__ == "__main__":
    if not shutil.which("pdftotext"):
        print("pdftotext is missing (package poppler-utils)")
        sys.exit(77)
    harness.main()
