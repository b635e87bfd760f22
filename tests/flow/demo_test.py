#!/usr/bin/python3
"""The demonstration of scripts/run, from nothing, and again on the same sample in the other language."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

DEMO = os.path.join(harness.SOURCE, "scripts", "demo.py")
DAY = r"\d{4}/\d\d/\d\d\(\w+\)"


def free_ports(count):
    """The first of so many ports in a row that nobody has now."""
    for port in range(20000 + os.getpid() % 20000, 60000, count):
        try:
            for each in range(port, port + count):
                socket.create_server(("127.0.0.1", each)).close()
            return port
        except OSError:
            continue
    raise AssertionError("no ports")


class DemoTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="madoguchi-demo-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.sample = os.path.join(self.folder, "sample")
        self.port = free_ports(3)

    def demonstrate(self, language, port=None):
        env = dict(os.environ, MADOGUCHI_BUILD=harness.BUILD, MADOGUCHI_SAMPLE=self.sample, LANGUAGE=language, LC_ALL="C")
        env.pop("MADOGUCHI_PORT", None)
        if port:
            env["MADOGUCHI_PORT"] = str(port)
        done = subprocess.run([sys.executable, "-u", DEMO], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, encoding="utf-8", timeout=200)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_twice(self):
        said = self.demonstrate("en", self.port)
        for expected in (rf"│ 受付1 +会議室A {DAY} [\d:–]+  tentative  つばめ写真クラブ: 作品の講評会",
                         rf"│ 扉A +会議室A {DAY} [\d:–]+  tentative  作品の講評会\n",
                         rf"There already: 会議室A {DAY}", rf"Free: 会議室B {DAY}",
                         rf"│ 受付1 +会議室B {DAY} [\d:–]+  confirmed  さくら読書会: 例会", "Your roles do not allow this",
                         r"Case \d+-1\. That you read it was recorded", "waits sealed", "each once",
                         "Head of the record", "Nothing was found wrong"):
            self.assertRegex(said, expected)
        self.assertNotRegex(said, r"│ 扉A.*(会議室B|例会|つばめ)")
        self.assertEqual(len(re.findall("規約はまだ無い", said)), 2, "typed once, read once")
        said = self.demonstrate("ja")
        for expected in ("仮予約  作品の講評会", "今の役割ではできません", r"相談 \d+-3。読んだことを記録しました", "一度ずつ届いた"):
            self.assertRegex(said, expected)

    def test_of_another_version(self):
        """It is put aside, not lost; the new one keeps its port."""
        os.mkdir(self.sample)
        with open(os.path.join(self.sample, "sample.json"), "w", encoding="utf-8") as file:
            json.dump({"port": self.port, "passphrase": "x"}, file)
        self.assertIn("version-1", self.demonstrate("en"))
        self.assertTrue(os.path.exists(self.sample + ".version-1/sample.json"))
        with open(os.path.join(self.sample, "sample.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["port"], self.port)


if __name__ == "__main__":
    unittest.main()
