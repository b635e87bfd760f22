#!/usr/bin/python3
"""The command line against a real server: two terminals from enrolment to totals, in both languages."""
import json
import os
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

CTL = os.path.join(harness.BUILD, "client", "madoguchictl")
OK, REFUSED, INPUT, DENIED, UNAVAILABLE, CONFIG = range(6)
OFFICE_SECRET = harness.OFFICE_SECRET


class Ctl:
    """madoguchictl with one profile."""

    def __init__(self, folder, name):
        self.profile = os.path.join(folder, "profile-" + name)

    def command(self, *words, language="en"):
        env = dict(os.environ, LANGUAGE=language, MADOGUCHI_PROFILE=self.profile)
        return [CTL, *words], env

    def run(self, *words, text_in=None, language="en", timeout=60):
        command, env = self.command(*words, language=language)
        return subprocess.run(command, env=env, capture_output=True, text=True, input=text_in, timeout=timeout)

    def ok(self, *words, **options):
        """The JSON document of a command that must succeed."""
        done = self.run(*words, "--json", **options)
        if done.returncode != OK:
            raise AssertionError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def start(self, *words):
        command, env = self.command(*words)
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class CtlTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server().init().start()
        cls.addClassCleanup(cls.server.destroy)
        cls.office = Ctl(cls.server.folder, "office")
        cls.counter = Ctl(cls.server.folder, "counter")
        cls.enrol_words = ("enrol", "--server", "%s:%d" % cls.server.enrol_listen, "--port", str(cls.server.listen[1]))
        cls.enrol_office()
        cls.office.ok("set-secret", "--name", harness.OFFICE_NAME, "--code", cls.server.office_code, "--secret-stdin",
                      text_in=OFFICE_SECRET + "\n")
        cls.sign_in_office()
        cls.enrol_counter()
        cls.make_place()

    @classmethod
    def enrol_office(cls):
        console = subprocess.Popen([harness.MADOGUCHID, "enrol-first", "--data", cls.server.data, "--name", "事務室",
                                    "--yes"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            code = harness.read_line(console.stdout, r"code\s+([A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{2})", 30, "the code")[1]
            enrolled = cls.office.ok(*cls.enrol_words, "--code", code.lower())
            number = harness.read_line(console.stdout, r"check number\s+(\d{6})", 30, "the check number")[1]
            assert enrolled["check_number"] == number, f"{enrolled} but the console shows {number}"
            assert enrolled["terminal"] == "事務室" and enrolled["kind"] == "office", enrolled
            assert console.wait(30) == 0
        finally:
            console.kill()
            console.wait(10)
            console.stdout.close()

    @classmethod
    def sign_in_office(cls):
        signed_in = cls.office.ok("sign-in", "--name", harness.OFFICE_NAME, "--secret-stdin",
                                  text_in=OFFICE_SECRET + "\n")
        assert signed_in["roles"] == ["office"], signed_in

    @classmethod
    def enrol_counter(cls):
        """The office's side asks for the passphrase once more and waits for the machine by itself."""
        command, env = cls.office.command("terminal", "enrol", "--name", "受付1", "--kind", "counter", "--wait", "--yes",
                                          "--secret-stdin")
        office = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        try:
            office.stdin.write((OFFICE_SECRET + "\n").encode())
            office.stdin.close()
            code = harness.read_line(office.stderr, r"Code ([A-Z2-9-]{12})", 30, "the office's code")[1]
            enrolled = cls.counter.ok(*cls.enrol_words, "--code", code)
            assert enrolled["kind"] == "counter", enrolled
            assert office.wait(30) == 0
        finally:
            office.kill()
            office.wait(10)
            office.stdout.close()
            office.stderr.close()

    @classmethod
    def make_place(cls):
        cls.place_id = cls.office.ok("visit", "place", "save", "--name", "玄関", "--position", "1")["place_id"]
        for position, name in enumerate(("会議", "印刷"), 1):
            cls.office.ok("visit", "purpose", "save", "--name", name, "--position", str(position))

    @classmethod
    def tearDownClass(cls):
        if cls.server.process is not None:
            cls.server.stop()
        cls.server.verify()

    def people(self, purpose):
        totals = self.office.ok("visit", "totals", "--by", "day")["totals"]
        return sum(total["people"] for total in totals if total["purpose"] == purpose)

    def check_exit(self, ctl, code, *words, says=None, **options):
        """Ends with this exit code, one sentence on stderr, and a JSON document that names the error."""
        done = ctl.run(*words, "--json", **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        error = json.loads(done.stdout)["error"]
        self.assertEqual(done.stderr.strip().splitlines()[-1], error["sentence"])
        if says:
            self.assertIn(says, error["sentence"])
        return error

    # --- counting

    def test_count_undo_totals(self):
        before = self.people("会議")
        counted = self.counter.ok("visit", "count", "--purpose", "会議", "--people", "3")
        self.assertFalse(counted["is_waiting"])
        self.assertRegex(counted["key"], r"^[0-9a-f]{32}$")
        self.counter.ok("visit", "count", "--purpose", "会議", "--people", "2", "--now")
        self.assertEqual(self.people("会議"), before + 5)
        self.counter.ok("visit", "undo")
        self.assertEqual(self.people("会議"), before + 3)
        self.counter.ok("visit", "undo", "--key", counted["key"])
        self.assertEqual(self.people("会議"), before)
        self.check_exit(self.counter, REFUSED, "visit", "undo", "--key", counted["key"], says="taken back already")

    def test_correction_and_list(self):
        before = self.people("印刷")
        self.counter.ok("visit", "count", "--purpose", "印刷", "--people", "7")
        line = [visit for visit in self.office.ok("visit", "list")["visits"] if visit["people"] == 7][-1]
        self.office.ok("visit", "correct", str(line["id"]), "--people", "4", "--reason", "数えちがい")
        self.assertEqual(self.people("印刷"), before + 4)
        reasons = [visit["reason"] for visit in self.office.ok("visit", "list")["visits"]]
        self.assertIn("数えちがい", reasons)

    def test_watch_sees_it(self):
        watch = self.office.start("watch", "--json", "--for", "40")
        try:
            first = harness.read_line(watch.stdout, r"(\{.*\})\n", 30, "the link's line")
            self.assertEqual(json.loads(first[1])["link"], "online")
            self.counter.ok("visit", "count", "--purpose", "会議", "--people", "6")
            seen = harness.read_line(watch.stdout, r"(\{[^\n]*\"visit\":[^\n]*\})\n", 30, "the count's line")
            visit = json.loads(seen[1])["visit"]
            self.assertEqual((visit["people"], visit["purpose"], visit["place"]), (6, "会議", "玄関"))
            watch.terminate()
            self.assertEqual(watch.wait(20), OK)
        finally:
            watch.kill()
            watch.wait(10)
            watch.stdout.close()
            watch.stderr.close()

    def test_watch_ends_when_nobody_reads_it(self):
        watch = self.office.start("watch", "--json", "--for", "60")
        try:
            harness.read_line(watch.stdout, r"(\{.*\})\n", 30, "the link's line")
            watch.stdout.close()
            self.counter.ok("visit", "count", "--purpose", "会議")
            self.assertNotEqual(watch.wait(20), -13)  # SIGPIPE
        finally:
            watch.kill()
            watch.wait(10)
            watch.stderr.close()

    def test_watch_all_begins_with_what_is_there(self):
        lines = self.office.run("watch", "--all", "--json", "--lines", "3").stdout.splitlines()
        self.assertEqual([json.loads(line)["event"] for line in lines], ["link", "row", "row"])

    def test_certificate_is_not_due(self):
        renewal = self.counter.ok("terminal", "renew")
        self.assertFalse(renewal["is_renewed"])
        self.assertLess(renewal["due_us"], renewal["certificate_until_us"])

    def test_offline_is_kept_and_sent_later(self):
        before = self.people("会議")
        self.server.stop()
        kept = self.counter.run("visit", "count", "--purpose", "会議", "--people", "8", "--timeout", "3", language="ja")
        self.assertEqual(kept.returncode, OK, kept.stderr)
        self.assertIn("未送信 1件", kept.stdout)
        self.assertEqual(self.counter.ok("outbox", "list")["items"][0]["call"], "visits.count")
        self.check_exit(self.office, UNAVAILABLE, "visit", "totals", "--timeout", "3")
        self.server.start()
        self.assertEqual(self.counter.ok("outbox", "send")["accepted"], 1)
        self.assertEqual(self.counter.ok("outbox", "list")["items"], [])
        self.assertEqual(self.people("会議"), before + 8)

    def test_each_undo_takes_back_another_count(self):
        """Also while nothing can be sent: what an undo in the outbox is for is not found a second time."""
        before = self.people("会議")
        self.counter.ok("visit", "count", "--purpose", "会議", "--people", "9")
        self.server.stop()
        for people in ("3", "4"):
            self.counter.ok("visit", "count", "--purpose", "会議", "--people", people, "--timeout", "3")
        undone = [self.counter.ok("visit", "undo", "--timeout", "3")["undone_key"] for _ in range(3)]
        self.server.start()
        self.assertEqual(len(set(undone)), 3, undone)
        sent = self.counter.ok("outbox", "send")
        self.assertEqual((sent["accepted"], sent["refused"]), (5, 0))
        self.assertEqual(self.people("会議"), before)

    def test_refused_later_is_kept_until_dismissed(self):
        self.server.stop()
        self.counter.ok("visit", "count", "--purpose", "会議", "--at", "2099-01-01 13:00", "--timeout", "3")
        self.server.start()
        self.check_exit(self.counter, REFUSED, "outbox", "send")
        item = self.counter.ok("outbox", "list")["items"][0]
        self.assertEqual((item["state"], item["refusal"]["rule"]), ("refused", "future"))
        self.assertIn("時刻がまだ先です", self.counter.run("outbox", "list", language="ja").stdout)
        self.counter.ok("outbox", "dismiss", str(item["number"]))
        self.assertEqual(self.counter.ok("outbox", "list")["items"], [])

    def test_counting_beside_a_watch_of_the_same_terminal(self):
        watch = self.counter.start("watch", "--json", "--for", "40")
        try:
            harness.read_line(watch.stdout, r"(\{.*\})\n", 30, "the link's line")
            before = self.people("会議")
            for _ in range(3):
                self.assertFalse(self.counter.ok("visit", "count", "--purpose", "会議")["is_waiting"])
            self.assertEqual(self.people("会議"), before + 3)
        finally:
            watch.terminate()
            self.assertEqual(watch.wait(20), OK)
            watch.stdout.close()
            watch.stderr.close()

    # --- files

    def import_file(self, text):
        path = os.path.join(self.server.folder, "counts.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_import_twice_counts_once(self):
        path = self.import_file("start,minutes,in,out\n2025-07-24T13:00,30,5,2\n2025-07-24T13:30,30,0,0\n"
                                "2025-07-24T14:00,30,1,\n")
        words = ("import", "visits", path, "--map", "in=会議", "--map", "out=印刷")
        for _ in (1, 2):
            done = self.counter.ok(*words)
            self.assertEqual((done["accepted"], done["refused"], done["nobody"], done["people"]), (4, 0, 1, 8))
        totals = self.office.ok("visit", "totals", "--from", "2025-07-24", "--by", "half-hour")["totals"]
        lines = sorted((total["slot"], total["purpose"], total["people"]) for total in totals if total["purpose_id"])
        self.assertEqual(lines, sorted([(26, "会議", 5), (26, "印刷", 2), (28, "会議", 1)]))
        self.assertEqual([total["slot"] for total in totals if not total["purpose_id"]], [27])

    def test_import_with_a_bad_line_sends_nothing(self):
        path = self.import_file("start,in\n2025-07-25T13:00,5\n2025-07-25T13:30,-1\nsoon,1\n")
        done = self.counter.run("import", "visits", path, "--map", "in=会議", "--json")
        self.assertEqual(done.returncode, INPUT)
        problems = json.loads(done.stdout)["problems"]
        self.assertEqual([(problem["line"], problem["field"]) for problem in problems], [(3, "in"), (4, "start")])
        self.assertEqual(self.office.ok("visit", "totals", "--from", "2025-07-25")["totals"], [])

    # --- the office

    def test_lists_and_status(self):
        names = {terminal["name"]: terminal["kind"] for terminal in self.office.ok("terminal", "list")["terminals"]}
        self.assertEqual(names, {"事務室": "office", "受付1": "counter"})
        accounts = self.office.ok("account", "list")["accounts"]
        self.assertIn(harness.OFFICE_NAME, [account["name"] for account in accounts])
        status = self.counter.ok("status")
        self.assertEqual((status["link"], status["kind"], status["unsent"]), ("online", "counter", 0))
        self.assertGreater(status["rows"]["visit_purpose"], 1)
        self.assertGreater(status["certificate_until_us"], time.time() * 1e6)

    def test_account_from_code_to_sign_in(self):
        made = self.office.ok("account", "create", "--name", "受付 太郎", "--reading", "うけつけ たろう",
                              "--secret-stdin", text_in=OFFICE_SECRET + "\n")
        self.assertRegex(made["code"], r"^[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{2}$")
        secret = "yanagi-no-eda-17"
        self.counter.ok("set-secret", "--name", "受付 太郎", "--code", made["code"], "--secret-stdin",
                        text_in=secret + "\n")
        self.office.ok("account", "disable", "受付 太郎", "--secret-stdin", text_in=OFFICE_SECRET + "\n")
        accounts = {account["name"]: account for account in self.office.ok("account", "list")["accounts"]}
        self.assertTrue(accounts["受付 太郎"]["is_disabled"])
        self.assertEqual(accounts["受付 太郎"]["reading"], "うけつけ たろう")

    # --- words and exit codes

    def test_exit_codes(self):
        self.check_exit(self.counter, INPUT, "visit", "count", "--poeple", "3", says="--poeple")
        self.check_exit(self.counter, INPUT, "visit", "count", "--purpose", "会議", "--people", "-3")
        self.check_exit(self.counter, REFUSED, "visit", "count", "--purpose", "水泳", says="会議")
        self.check_exit(self.counter, DENIED, "account", "list", says="sign in")
        nobody = Ctl(self.server.folder, "nobody")
        self.check_exit(nobody, CONFIG, "status", says="not enrolled")
        self.check_exit(nobody, INPUT, *self.enrol_words, "--code", "AAAA", says="4-4-2")

    def test_wrong_passphrase_says_not_which(self):
        error = self.check_exit(self.counter, DENIED, "sign-in", "--name", "だれか", "--secret-stdin",
                                text_in="wrong-wrong-wrong\n")
        self.assertEqual(error["name"], "MDG_ERR_WRONG_SECRET")

    def test_japanese(self):
        done = self.counter.run("visit", "count", "--purpose", "印刷", language="ja")
        self.assertEqual((done.returncode, done.stdout), (OK, "玄関・印刷: 1人 数えました。\n"))
        done = self.counter.run("visit", "count", "--at", "2020-01-01 13:00", "--people", "0", language="ja")
        self.assertEqual(done.returncode, INPUT)
        self.assertIn("--people には1から9999までの数を入れてください。", done.stderr)
        table = self.office.run("visit", "totals", language="ja").stdout
        self.assertRegex(table, r"\d{4}/\d\d/\d\d\([日月火水木金土]\)")
        self.assertIn("madoguchictl", self.counter.run("--help", language="ja").stdout)

    def test_completion_and_man_page(self):
        done = self.counter.run("--completion")
        self.assertEqual(done.returncode, OK)
        words = subprocess.run(["bash", "-c", done.stdout + "\nCOMP_WORDS=(madoguchictl visit pl); COMP_CWORD=2; "
                                "_madoguchictl; echo ${COMPREPLY[@]}; COMP_WORDS=(madoguchictl visit totals --by ''); "
                                "COMP_CWORD=4; _madoguchictl; echo ${COMPREPLY[@]}"],
                               capture_output=True, text=True, timeout=20)
        self.assertEqual(words.stdout.split("\n")[:2], ["place", "month day hour half-hour"], words.stderr)
        page = self.counter.run("--man").stdout
        self.assertTrue(re.match(r"\.TH MADOGUCHICTL 1", page))
        self.assertIn("visit count", page)


if __name__ == "__main__":
    unittest.main(verbosity=2)
