"""What a house does to a server: wrong disks, two at once, ports in use, power cuts. Nothing acknowledged is lost, and
what stops it says what to do."""
import contextlib
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

import harness
import stranger
from harness import COUNTER, VISIT
from stranger import Gone

CONFIG_STATUS = 5


class Starting(unittest.TestCase):
    """Without a served centre: the reasons not to start."""

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server().init()
        cls.addClassCleanup(cls.server.destroy)

    def fails(self, *arguments, says, status=CONFIG_STATUS):
        done = harness.run(*arguments, check=False, timeout=30)
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, text)
        self.assertNotIn("ready", done.stdout)
        for word in says:
            self.assertIn(word, text)
        return text

    def serve(self, data=None, listen="127.0.0.1:0", enrol="127.0.0.1:0"):
        return "serve", "--data", data or self.server.data, "--listen", listen, "--enrol-listen", enrol

    def test_no_centre_there(self):
        with tempfile.TemporaryDirectory() as empty:
            self.fails(*self.serve(data=os.path.join(empty, "nothing")), says=["init"])

    def test_init_over_a_centre(self):
        before = os.stat(os.path.join(self.server.data, "madoguchi.db")).st_mtime_ns
        done = harness.run("init", "--data", self.server.data, "--centre", "もうひとつ", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(self.server.data, done.stdout + done.stderr)
        self.assertEqual(os.stat(os.path.join(self.server.data, "madoguchi.db")).st_mtime_ns, before)

    def test_database_of_a_newer_program(self):
        with tempfile.TemporaryDirectory(prefix="mdg-newer-") as folder:
            data = os.path.join(folder, "data")
            shutil.copytree(self.server.data, data, ignore=shutil.ignore_patterns("*.sock"))
            with sqlite3.connect(os.path.join(data, "madoguchi.db")) as db:
                db.execute("INSERT INTO migration (number, name) VALUES (9999, '9999_from_the_future')")
            db.close()
            with open(os.path.join(data, "madoguchi.db"), "rb") as file:
                before = file.read()
            self.fails(*self.serve(data=data), says=["newer"])
            with open(os.path.join(data, "madoguchi.db"), "rb") as file:
                self.assertEqual(file.read(), before, "a database that it does not know was touched")

    def test_keys_missing_or_open_to_others(self):
        for name, harm in (("missing", lambda path: os.rename(path, path + ".gone")),
                           ("readable by others", lambda path: os.chmod(path, 0o644)),
                           ("cut short", lambda path: os.truncate(path, 5))):
            with self.subTest(name), tempfile.TemporaryDirectory(prefix="mdg-keys-") as folder:
                data = os.path.join(folder, "data")
                shutil.copytree(self.server.data, data, ignore=shutil.ignore_patterns("*.sock"))
                harm(os.path.join(data, "keys", "pepper"))
                self.fails(*self.serve(data=data), says=["pepper"])

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            done = harness.run(*self.serve(listen=address), check=False, timeout=30)
            self.assertIn(done.returncode, (4, CONFIG_STATUS), done.stderr)
            self.assertIn(address, done.stdout + done.stderr)

    def test_wrong_settings(self):
        for name, extra in (("unknown", ["--no-such-thing", "1"]), ("not a number", ["--connections", "many"]),
                            ("out of range", ["--connections", "0"]), ("not an address", ["--listen", "nowhere"])):
            with self.subTest(name):
                done = harness.run("serve", "--data", self.server.data, *extra, check=False, timeout=30)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(extra[0].lstrip("-"), done.stderr)

    def test_data_directory_in_use(self):
        self.server.start()
        try:
            text = self.fails(*self.serve(), says=[self.server.data])
            self.assertIn("in use", text)
            self.assertTrue(self.server.is_alive())
        finally:
            self.server.stop()


class Serving(harness.CentreCase):
    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)
        cls.centre.enrol("counter 2", COUNTER)

    def tearDown(self):
        if self.server.process is None:  # a case that failed must not take the others with it
            self.server.start()
        super().tearDown()

    def people_now(self):
        """People in today's lines, as a terminal sees them."""
        with self.centre.connect("counter 2") as client:
            replica = client.catch_up(stranger.Replica())
        return {row.id: row.body.visits.visit_row.people for row in replica.of_kind(VISIT)}

    def count_until_cut(self, keys, cut):
        """Counts without a pause until the connection is gone; {key: object id} of what was acknowledged."""
        acknowledged, sent, self.last_gone = {}, {}, None
        with self.centre.connect("counter") as client:
            try:
                for number, (key, body) in enumerate(keys):
                    sent[client.send_request(body, key)] = key
                    if number == len(keys) // 2:
                        threading.Thread(target=cut).start()
                    client.pump(0)
                while True:
                    client.pump(5)
            except Gone as gone:
                self.last_gone = gone
            for request, response in client.responses.items():
                if not response.HasField("refusal"):
                    acknowledged[sent[request]] = response.object_id
        return acknowledged

    def make_counts(self, number):
        at_us = stranger.now_us()
        return [(stranger.new_key(), stranger.body_of("visits", "count", {
            "place_id": self.place_id, "purpose_id": self.purpose_id, "people": 1, "at_us": at_us + i}))
            for i in range(number)]

    def check_nothing_lost(self, counts, acknowledged, before):
        held = self.people_now()
        missing = [i for i in acknowledged.values() if i not in held]
        self.assertEqual(missing, [], f"{len(missing)} of {len(acknowledged)} acknowledged counts are lost")
        # The terminal sends all of it again; what was acknowledged is answered as then.
        with self.centre.connect("counter") as client:
            for key, body in counts:
                response = client.response(client.send_request(body, key))
                self.assertFalse(response.HasField("refusal"), response.refusal)
                if key in acknowledged:
                    self.assertEqual(response.object_id, acknowledged[key])
        self.assertEqual(sum(self.people_now().values()), before + len(counts), "each count is there once")

    def test_kill_9_keeps_what_was_acknowledged(self):
        before = sum(self.people_now().values())
        counts = self.make_counts(1500)
        self.centre.drop_office()
        process = self.server.process
        acknowledged = self.count_until_cut(counts, process.kill)
        process.wait(10)
        process.stdout.close()
        self.server.process = None
        self.assertGreater(len(acknowledged), 10, "nothing was acknowledged before the cut")
        self.server.start()
        self.check_nothing_lost(counts, acknowledged, before)

    def test_takes_all_the_open_files_it_may(self):
        """A connection is a file; the usual soft limit is below what we promise."""
        self.centre.stop()
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
        try:
            self.server.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        with open(f"/proc/{self.server.process.pid}/limits", encoding="ascii") as file:
            files = next(line for line in file if line.startswith("Max open files")).split()
        self.assertEqual(files[3], files[4], "soft and hard differ")

    def test_sigterm_answers_what_is_in_flight(self):
        before = sum(self.people_now().values())
        counts = self.make_counts(1500)
        self.centre.drop_office()
        acknowledged = self.count_until_cut(counts, self.server.process.terminate)
        self.assertEqual(self.server.process.wait(30), 0, self.server.log_tail())
        self.server.process.stdout.close()
        self.server.process = None
        self.assertIsNotNone(self.last_gone.goodbye, "it went without a word")
        self.check_refusal(self.last_gone.goodbye.refusal, "SHUTTING_DOWN")
        self.assertGreater(len(acknowledged), 10)
        self.server.start()
        self.check_nothing_lost(counts, acknowledged, before)

    def test_sigterm_says_goodbye_to_the_idle(self):
        client = self.centre.connect("counter")
        self.addCleanup(client.close)
        self.centre.drop_office()
        begun = time.monotonic()
        self.server.stop()
        self.assertLess(time.monotonic() - begun, 15)
        self.gone("SHUTTING_DOWN", client)
        self.server.start()

    def test_backup_and_restore_of_the_live_database(self):
        copy = os.path.join(self.server.folder, "copy.db")
        with self.centre.connect("counter") as client:
            client.count(self.place_id, self.purpose_id, 1)
        kept = self.people_now()
        harness.run("backup", "--data", self.server.data, "--to", copy)
        with self.centre.connect("counter") as client:
            client.count(self.place_id, self.purpose_id, 1)
        done = harness.run("restore", "--data", self.server.data, "--from", copy, check=False)
        self.assertNotEqual(done.returncode, 0, "restored under a running server")
        self.centre.stop()
        harness.run("restore", "--data", self.server.data, "--from", copy)
        self.server.start()
        self.assertEqual(self.people_now(), kept)

    def test_verify_finds_what_was_altered(self):
        """Behind the server's back: an audit row, a line, a total."""
        with self.centre.connect("counter") as client:
            client.count(self.place_id, self.purpose_id, 2)
        self.centre.stop()
        self.server.verify()
        database = os.path.join(self.server.data, "madoguchi.db")
        for name, sql in (("who", "UPDATE audit SET person_id = person_id + 1 WHERE seq = 3"),
                          ("what came of it", "UPDATE audit SET outcome = -10041 WHERE seq = 3"),
                          ("a row taken out", "DELETE FROM audit WHERE seq = 3"),
                          ("a line", "UPDATE visit SET people = people + 1 WHERE id = (SELECT max(id) FROM visit)"),
                          ("a day", "UPDATE visit_day SET people = people + 1"),
                          ("a half hour", "UPDATE visit_slot SET lines = lines + 1")):
            with self.subTest(name):
                kept = database + ".kept"
                shutil.copy(database, kept)
                with sqlite3.connect(database) as db:
                    self.assertGreater(db.execute(sql).rowcount, 0)
                db.close()
                done = harness.run("verify", "--data", self.server.data, check=False)
                self.assertEqual(done.returncode, 1, f"verify found nothing: {done.stdout}{done.stderr}")
                shutil.move(kept, database)
                for rest in ("-wal", "-shm"):
                    if os.path.exists(database + rest):
                        os.remove(database + rest)
        self.server.verify()
        self.server.start()

    def test_a_file_that_is_no_backup(self):
        path = os.path.join(self.server.folder, "not-a-copy.db")
        with open(path, "wb") as file:
            file.write(os.urandom(100_000))
        self.centre.stop()
        done = harness.run("restore", "--data", self.server.data, "--from", path, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.server.start()
        self.assertIn(path, done.stderr)


class ClockJumps(harness.CentreCase):
    """Somebody sets the server's clock two hours ahead while it serves."""

    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)

    def test_it_is_noted_and_counting_goes_on(self):
        with tempfile.TemporaryDirectory(prefix="mdg-clock-") as folder:
            shift = os.path.join(folder, "seconds")
            with open(shift, "w", encoding="ascii") as file:
                file.write("0")
            self.server.stop()
            self.server.clock_shift_s = shift
            self.server.start()
            counter = self.centre.connect("counter")
            self.addCleanup(counter.close)
            before = counter.count(self.place_id, self.purpose_id, 1)
            with open(shift, "w", encoding="ascii") as file:
                file.write("7200")
            harness.wait_until(self.steps, 20, "the step in the audit trail")
            self.assertEqual(self.steps(), [("forward", 7200)])
            after = counter.count(self.place_id, self.purpose_id, 1)
            self.assertGreater(after.rev, before.rev)
            self.assertIn("clock.step seconds=7200", self.server.log_text())

    def steps(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.server.data}/madoguchi.db?mode=ro", uri=True)) as db:
            return [(rule, round(seconds, -1)) for rule, seconds in
                    db.execute("SELECT rule, object_id FROM audit WHERE operation = 'clock.step'")]


class FullDisk(unittest.TestCase):
    """On a small file system of its own."""

    def test_full_disk(self):
        folder = tempfile.mkdtemp(prefix="mdg-full-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True, check=False).returncode == 0
        if not mounted:
            self.skipTest("needs root and a kernel that mounts tmpfs")
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=False)
        centre = harness.Centre(folder=folder)
        self.addCleanup(centre.destroy)
        place, purposes = centre.place("玄関", ["会議"])
        centre.enrol("counter", COUNTER)
        with centre.connect("counter") as client:
            fields = {"place_id": place, "purpose_id": purposes["会議"], "people": 1}
            first = client.count(place, purposes["会議"], 1)
            self.fill(os.path.join(folder, "filler"))
            refused = []
            for number in range(400):  # what was allocated already may take a few more
                key, content = stranger.new_key(), dict(fields, at_us=stranger.now_us())
                response = client.ask("visits", "count", content, key)
                if response.HasField("refusal"):
                    self.assertEqual(response.refusal.name, "MDG_ERR_DISK_FULL", str(response.refusal))
                    refused.append((key, content))
                if len(refused) == 3:
                    break
            self.assertEqual(len(refused), 3, "the disk did not fill")
            accepted = number + 1 - 3
            replica = client.catch_up(stranger.Replica())  # reading goes on
            self.assertEqual(len(replica.of_kind(VISIT)), 1 + accepted)
            os.remove(os.path.join(folder, "filler"))
            for key, content in refused:
                response = client.call("visits", "count", content, key, timeout=10)
                client.follow(replica, lambda: (VISIT, response.object_id) in replica.rows, what="the count after all")
            self.assertEqual(len(replica.of_kind(VISIT)), 1 + accepted + 3)
            self.assertIn((VISIT, first.object_id), replica.rows)
        centre.stop()
        centre.server.verify()

    @staticmethod
    def fill(path):
        """To the last byte."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        for size in (65536, 4096, 1):
            try:
                while os.write(file, b"\0" * size) > 0:
                    pass
            except OSError:
                pass
        os.close(file)


if __name__ == "__main__":
    harness.main()
