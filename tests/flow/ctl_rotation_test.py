#!/usr/bin/python3
"""The authority changes while a counter of the command line sleeps: it enrols again, and what waited is sent."""
import os
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ctl_test  # noqa: E402
import harness  # noqa: E402


class SleeperTest(unittest.TestCase):
    """On the centre that ctl_test makes, without its cases."""

    @classmethod
    def setUpClass(cls):
        ctl_test.CtlTest.setUpClass()
        cls.addClassCleanup(ctl_test.CtlTest.doClassCleanups)
        cls.on = ctl_test.CtlTest

    def move(self, step):
        moved = self.on.office.run("terminal", "authority", "forward", "--secret-stdin", "--json",
                                   text_in=harness.OFFICE_SECRET + "\n")
        self.assertEqual(moved.returncode, 0, moved.stdout + moved.stderr)
        self.on.office.ok("terminal", "renew")  # takes in the authorities, and renews where it is asked to
        self.assertEqual(self.on.office.ok("terminal", "authority")["step"], step)

    def enrol_again(self):
        """The office names the terminal; its machine still has the profile of before."""
        terminal_id = next(terminal["id"] for terminal in self.on.office.ok("terminal", "list")["terminals"]
                           if terminal["name"] == "受付1")
        command, env = self.on.office.command("terminal", "enrol", "--terminal", str(terminal_id), "--wait", "--yes",
                                              "--secret-stdin")
        office = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        try:
            office.stdin.write((harness.OFFICE_SECRET + "\n").encode())
            office.stdin.close()
            code = harness.read_line(office.stderr, r"Code ([A-Z2-9-]{12})", 30, "the office's code")[1]
            self.on.counter.ok(*self.on.enrol_words, "--code", code)
            self.assertEqual(office.wait(30), 0)
        finally:
            office.kill()
            office.wait(10)
            office.stdout.close()
            office.stderr.close()

    def test_a_renewal_whose_answers_get_lost(self):
        """The writer is held up, so commands that only read end before their renewal is answered. Each asks for the same
        key again: certificates that nobody holds do not pile up until the server refuses more."""
        self.move("announced")
        self.on.counter.ok("status")
        self.move("terminals")
        certificate = os.path.join(self.on.counter.profile, "terminal.pem")
        with open(certificate, encoding="ascii") as file:
            before = file.read()
        for _ in range(5):
            held = sqlite3.connect(os.path.join(self.on.server.data, "madoguchi.db"), isolation_level=None)
            held.execute("BEGIN IMMEDIATE")
            self.on.counter.ok("status")
            held.execute("ROLLBACK")
            held.close()
            time.sleep(0.3)
        with open(certificate, encoding="ascii") as file:
            self.assertEqual(file.read(), before, "an answer came through: this tests nothing")
        self.assertTrue(self.on.counter.ok("terminal", "renew")["is_renewed"])
        self.assertEqual(self.on.counter.ok("status")["link"], "online")
        for _ in range(2):
            self.on.office.run("terminal", "authority", "back", "--secret-stdin", text_in=harness.OFFICE_SECRET + "\n")
            for terminal in (self.on.office, self.on.counter):
                terminal.ok("terminal", "renew")
        self.assertEqual(self.on.office.ok("terminal", "authority")["step"], "stable")

    def test_it_comes_back_with_its_outbox(self):
        self.on.counter.ok("visit", "count", "--purpose", "会議")  # knows the places from here on
        self.on.server.stop()
        kept = self.on.counter.ok("visit", "count", "--place", "玄関", "--purpose", "会議", "--people", "3", "--timeout", "3")
        self.on.server.start()
        for step in ("announced", "terminals", "server", "stable"):
            self.move(step)
        lost = self.on.counter.ok("status", "--timeout", "3")
        self.assertEqual((lost["link"], lost["unsent"]), ("offline", 1), lost)
        self.enrol_again()
        sent = self.on.counter.ok("outbox", "send")
        self.assertEqual((sent["accepted"], sent["refused"]), (1, 0), (kept, sent))


if __name__ == "__main__":
    harness.main()
