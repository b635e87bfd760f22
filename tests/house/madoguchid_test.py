#!/usr/bin/env python3
"""The commands of madoguchid as a person at the console meets them: what they make, and how they refuse."""
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import tempfile
import time
import unittest

BUILD = os.environ.get("MADOGUCHI_BUILD") or os.path.realpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "asan"))
MADOGUCHID = os.path.join(BUILD, "server", "madoguchid")
OK, REFUSED, INPUT, DENIED, UNAVAILABLE, CONFIG = range(6)
CODE = r"\b[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{2}\b"


def madoguchid(*arguments, **more):
    environment = {**os.environ, "LANGUAGE": "en", **more.pop("env", {})}
    return subprocess.run([MADOGUCHID, *arguments], capture_output=True, text=True, timeout=60, env=environment, **more)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mdg-house-")
        self.data = os.path.join(self.folder, "data")
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def ends(self, done, code, *says):
        """The exit code, and every text on either output."""
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, code, said)
        for text in says:
            self.assertIn(text, said)
        self.assertNotIn("Sanitizer", said)
        return said

    def init(self, data=None, *more):
        return madoguchid("init", "--data", data or self.data, "--centre", "青葉センター", *more)

    def serve(self, *more, data=None):
        process = subprocess.Popen([MADOGUCHID, "serve", "--data", data or self.data, "--listen", "127.0.0.1:0",
                                    "--enrol-listen", "127.0.0.1:0", *more], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=dict(os.environ, LANGUAGE="en"))
        self.processes.append(process)
        line = process.stdout.readline()
        ready = re.fullmatch(r"ready listen=127\.0\.0\.1:(\d+) enrol=127\.0\.0\.1:(\d+)\n", line)
        self.assertIsNotNone(ready, f"{line!r} {'' if line else process.stderr.read()}")
        return process, int(ready[1]), int(ready[2])

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=30), 0, process.stderr.read())


class Init(Case):
    def test_makes_a_centre(self):
        said = self.ends(self.init(), OK, "青葉センター", "serve", "enrol-first")
        self.assertEqual(len(set(re.findall(CODE, said))), 1)
        for name, mode in (("", 0o700), ("keys", 0o700), ("keys/pepper", 0o600), ("keys/master", 0o600),
                           ("keys/data.keys", 0o600), ("madoguchi.db", 0o600)):
            about = os.stat(os.path.join(self.data, name))
            self.assertEqual(stat.S_IMODE(about.st_mode), mode, name)
        with sqlite3.connect(os.path.join(self.data, "madoguchi.db")) as db:
            code = re.search(CODE, said).group(0)
            everything = "\n".join(db.iterdump())
            self.assertNotIn(code, everything)
            self.assertNotIn(code.replace("-", ""), everything)
            self.assertNotIn("PRIVATE KEY", everything)
        self.ends(madoguchid("verify", "--data", self.data), OK)

    def test_takes_an_empty_directory_and_keys_elsewhere(self):
        os.mkdir(self.data)
        self.ends(self.init(None, "--keys", self.path("secret")), OK, self.path("secret"))
        self.assertTrue(os.path.exists(self.path("secret/master")))
        self.assertFalse(os.path.exists(os.path.join(self.data, "keys")))
        process, _, _ = self.serve("--keys", self.path("secret"))
        self.stop(process)

    def test_refuses_and_leaves_nothing(self):
        self.ends(madoguchid("init", "--centre", "x"), INPUT, "--data")
        self.ends(madoguchid("init", "--data", self.data), INPUT, "--centre")
        self.ends(self.init(None, "--zone", "Asia/Atlantis"), INPUT, "Asia/Atlantis")
        self.ends(self.init(None, "--zone", "../../etc/passwd"), INPUT)
        self.ends(self.init(None, "--office", ""), INPUT, "--office")
        self.ends(self.init(None, "--office", " "), INPUT)  # a name of nothing but a blank
        self.ends(self.init(os.path.join(self.folder, "no", "such")), CONFIG, "No such file")
        self.assertEqual(os.listdir(self.folder), [])

    def test_refuses_what_is_in_use(self):
        self.ends(self.init(), OK)
        before = sorted(os.listdir(self.data)), os.stat(os.path.join(self.data, "madoguchi.db")).st_mtime_ns
        self.ends(self.init(), REFUSED, "already holds a centre")
        self.assertEqual(before, (sorted(os.listdir(self.data)),
                                  os.stat(os.path.join(self.data, "madoguchi.db")).st_mtime_ns))
        os.mkdir(self.path("full"))
        open(self.path("full/letter"), "w").close()
        self.ends(self.init(self.path("full")), REFUSED, "not empty")
        self.assertEqual(os.listdir(self.path("full")), ["letter"])

    def test_never_replaces_keys(self):
        self.ends(self.init(None, "--keys", self.path("secret")), OK)
        with open(self.path("secret/master"), "rb") as file:
            master = file.read()
        self.ends(self.init(self.path("second"), "--keys", self.path("secret")), REFUSED, "already holds keys")
        with open(self.path("secret/master"), "rb") as file:
            self.assertEqual(file.read(), master)
        self.assertFalse(os.path.exists(self.path("second")))


class Serve(Case):
    def test_starts_and_ends_in_good_order(self):
        self.init()
        for number in (signal.SIGTERM, signal.SIGINT):
            process, port, enrol_port = self.serve()
            self.assertNotEqual(port, enrol_port)
            socket.create_connection(("127.0.0.1", port)).close()
            with self.assertRaises(ConnectionRefusedError):  # no code is pending
                socket.create_connection(("127.0.0.1", enrol_port))
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=30), 0, process.stderr.read())
        self.assertFalse(os.path.exists(os.path.join(self.data, "madoguchi.db-wal")))

    def test_signals_while_it_ends(self):
        self.init()
        process, _, _ = self.serve()
        while process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
            time.sleep(0.0005)
        self.assertEqual(process.returncode, 0, process.stderr.read())

    def test_one_at_a_time(self):
        self.init()
        process, _, _ = self.serve()
        said = madoguchid("serve", "--data", self.data, "--listen", "127.0.0.1:0", "--enrol-listen", "127.0.0.1:0")
        self.ends(said, CONFIG, "in use by another madoguchid")
        self.ends(madoguchid("restore", "--data", self.data, "--from", "/nonexistent"), CONFIG, "in use")
        self.stop(process)

    def test_port_in_use(self):
        self.init()
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = "127.0.0.1:%d" % other.getsockname()[1]
            for listen, enrol in ((taken, "127.0.0.1:0"), ("127.0.0.1:0", taken)):
                done = madoguchid("serve", "--data", self.data, "--listen", listen, "--enrol-listen", enrol)
                self.ends(done, CONFIG, "already listens", taken)

    def test_settings(self):
        self.init()
        file = self.path("madoguchid.ini")
        for text, says in (("lissten = 127.0.0.1:0\n", ":1: there is no setting 'lissten'"),
                           ("\nconnections = 0\n", ":2: connections = 0: must be a whole number from 1"),
                           ("log-level = loud\n", "debug, info, warn or error"),
                           ("connections = 5\nconnections-before-hello = 6\n", "must not be more")):
            with self.subTest(text=text):
                with open(file, "w", encoding="utf-8") as out:
                    out.write(text)
                self.ends(madoguchid("serve", "--data", self.data, "--config", file), CONFIG, says)
        self.ends(madoguchid("serve", "--data", self.data, "--config", self.path("none.ini")), CONFIG, "none.ini")
        self.ends(madoguchid("serve", "--listen", "127.0.0.1:0"), INPUT, "--data")
        with open(file, "w", encoding="utf-8") as out:
            out.write(f"data = {self.data}\nlisten = 127.0.0.1:1\nlog-level = warn\n")
        process = subprocess.Popen([MADOGUCHID, "serve", "--config", file, "--listen", "127.0.0.1:0", "--enrol-listen",
                                    "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        self.assertIn("ready", process.stdout.readline())
        self.stop(process)

    def test_without_a_centre_or_its_keys(self):
        self.ends(madoguchid("serve", "--data", self.data), CONFIG, "no centre", "init")
        self.init()
        master = os.path.join(self.data, "keys", "master")
        os.chmod(master, 0o644)
        self.ends(madoguchid("serve", "--data", self.data), CONFIG, "keys", "chmod 600")
        os.remove(master)
        self.ends(madoguchid("serve", "--data", self.data), CONFIG, "keys")

    def test_a_newer_database(self):
        self.init()
        with sqlite3.connect(os.path.join(self.data, "madoguchi.db")) as db:
            db.execute("INSERT INTO migration (number, name) VALUES (9999, '9999_future')")
        db.close()
        for command in ("serve", "verify"):
            self.ends(madoguchid(command, "--data", self.data), CONFIG, "newer")


class Verify(Case):
    def test_finds_a_changed_row_and_says_so(self):
        self.init()
        self.assertRegex(self.ends(madoguchid("verify", "--data", self.data), OK, "audit"), r"\b[0-9a-f]{64}\b")
        with sqlite3.connect(os.path.join(self.data, "madoguchi.db")) as db:
            db.execute("UPDATE audit SET at_us = at_us + 1")
        db.close()
        self.ends(madoguchid("verify", "--data", self.data), REFUSED, "audit trail is broken")

    def test_finds_damage(self):
        self.init()
        with open(os.path.join(self.data, "madoguchi.db"), "r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * 16 * 4096)
        self.ends(madoguchid("verify", "--data", self.data), REFUSED, "damaged", "backup")

    def test_while_the_server_runs(self):
        self.init()
        process, _, _ = self.serve()
        self.ends(madoguchid("verify", "--data", self.data), OK)
        self.stop(process)


class Backup(Case):
    def epoch(self, path):
        db = sqlite3.connect(path)
        try:
            return db.execute("SELECT epoch FROM feed").fetchone()[0]
        finally:
            db.close()

    def test_and_restore(self):
        self.init()
        process, _, _ = self.serve()
        copy = self.path("copy.db")
        self.ends(madoguchid("backup", "--data", self.data, "--to", copy), OK, "keys", "checked")
        self.ends(madoguchid("backup", "--data", self.data, "--to", copy), REFUSED, "there already")
        self.assertEqual(stat.S_IMODE(os.stat(copy).st_mode), 0o600)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("copy.db")], ["copy.db"])
        self.stop(process)

        before = self.epoch(copy)
        self.ends(madoguchid("restore", "--data", self.data, "--from", copy), OK, "before-restore")
        kept = [name for name in os.listdir(self.data) if ".before-restore-" in name]
        self.assertEqual(len(kept), 1)
        self.assertFalse([name for name in os.listdir(self.data) if "restoring" in name])
        self.assertNotEqual(self.epoch(os.path.join(self.data, "madoguchi.db")), before)
        self.assertEqual(self.epoch(os.path.join(self.data, kept[0])), before)
        self.assertEqual(self.epoch(copy), before)
        self.ends(madoguchid("verify", "--data", self.data), OK)
        process, _, _ = self.serve()
        self.stop(process)

    def test_restore_on_a_new_machine(self):
        self.init()
        copy = self.path("copy.db")
        madoguchid("backup", "--data", self.data, "--to", copy)
        os.remove(os.path.join(self.data, "madoguchi.db"))
        self.ends(madoguchid("restore", "--data", self.data, "--from", copy), OK)
        process, _, _ = self.serve()
        self.stop(process)

    def test_restore_refuses_and_changes_nothing(self):
        self.init()
        self.init(self.path("other"))
        copy, foreign, damaged = self.path("copy.db"), self.path("foreign.db"), self.path("damaged.db")
        madoguchid("backup", "--data", self.data, "--to", copy)
        madoguchid("backup", "--data", self.path("other"), "--to", foreign)
        shutil.copy(copy, damaged)
        db = sqlite3.connect(damaged)
        db.execute("UPDATE audit SET at_us = at_us + 1")
        db.commit()
        db.close()
        with open(self.path("letter.txt"), "w", encoding="utf-8") as out:
            out.write("not a database\n" * 1000)

        def there():
            with open(os.path.join(self.data, "madoguchi.db"), "rb") as file:
                return sorted(name for name in os.listdir(self.data) if name != "lock"), file.read()

        stood = there()
        for path, says in ((foreign, "keys"), (damaged, "audit"), (self.path("letter.txt"), ""), (self.path("none"), "none")):
            with self.subTest(path=path):
                done = madoguchid("restore", "--data", self.data, "--from", path)
                self.assertNotEqual(done.returncode, OK)
                self.assertIn(says, done.stderr)
                self.assertEqual(there(), stood)


class Texts(Case):
    def test_help(self):
        said = self.ends(madoguchid("--help"), OK)
        for command in ("init", "serve", "enrol-first", "recover", "grant", "verify", "routes", "backup", "restore"):
            self.assertRegex(said, rf"\n  {command} ")
            self.assertIn("--", self.ends(madoguchid(command, "--help"), OK, command) + "--")
        self.assertIn("--enrol-listen=ADDR:PORT", madoguchid("serve", "--help").stdout)
        self.ends(madoguchid(), INPUT, "init")
        self.ends(madoguchid("frobnicate"), INPUT, "frobnicate", "--help")
        self.ends(madoguchid("verify", "--dta=x"), INPUT, "--dta")
        self.assertRegex(madoguchid("--version").stdout, r"^madoguchid \d+\.\d+\.\d+\n$")

    def test_routes(self):
        lines = self.ends(madoguchid("routes"), OK).splitlines()
        self.assertTrue(all(line.count("\t") == lines[0].count("\t") for line in lines))
        self.assertEqual(len({line.split("\t")[0] for line in lines}), len(lines))
        self.assertTrue([line for line in lines if "visits.count" in line and "counter" in line])

    def test_sample(self):
        sample = self.ends(madoguchid("config", "sample"), OK, ";listen = 0.0.0.0:7443")
        self.init()
        file = self.path("sample.ini")
        with open(file, "w", encoding="utf-8") as out:
            out.write(sample)
        process, _, _ = self.serve("--config", file)
        self.stop(process)

    def test_man(self):
        page = self.ends(madoguchid("man"), OK, ".TH MADOGUCHID 8", ".SS serve", "\\-\\-enrol\\-listen")
        man = shutil.which("man")
        if man:
            done = subprocess.run([man, "--warnings=all", "-l", "-"], input=page, capture_output=True, text=True,
                                  env=dict(os.environ, MANWIDTH="80"))
            self.assertEqual(done.stderr, "")

    def test_japanese(self):
        said = madoguchid("--help", env={"LANGUAGE": "ja", "LC_ALL": "C.UTF-8"}).stdout
        self.assertRegex(said, "[ぁ-ん]")

    def test_console_without_a_server(self):
        self.init()
        for command in (("enrol-first", "--name", "a"), ("recover", "--name", "a"),
                        ("grant", "--name", "a", "--roles", "desk")):
            self.ends(madoguchid(command[0], "--data", self.data, *command[1:]), UNAVAILABLE, "madoguchid serve")
        self.ends(madoguchid("grant", "--data", self.data, "--name", "a", "--roles", "desk,king"), INPUT, "--roles")
        self.ends(madoguchid("enrol-first", "--data", self.data, "--name", "a", "--kind", "kitchen"), INPUT, "--kind")


class Console(Case):
    def test_recover_and_grant(self):
        self.init(None, "--office", "事務局")
        process, _, _ = self.serve()
        self.assertRegex(self.ends(madoguchid("recover", "--data", self.data, "--name", "事務局"), OK), CODE)
        self.assertNotEqual(madoguchid("recover", "--data", self.data, "--name", "nobody").returncode, OK)
        self.ends(madoguchid("grant", "--data", self.data, "--name", "事務局", "--roles", "office,desk"), OK, "事務局")
        self.assertNotEqual(madoguchid("grant", "--data", self.data, "--name", "nobody", "--roles", "desk").returncode, OK)
        self.stop(process)
        self.ends(madoguchid("verify", "--data", self.data), OK)


if __name__ == "__main__":
    unittest.main()
