"""Starts a real madoguchid in a temporary folder, enrols terminals, makes accounts, and cleans up whatever happens.

Every wait has a limit. A server that ends by itself, or with another exit status than 0 (a sanitizer's finding,
for instance), fails the test that holds it, with the end of its log."""
import atexit
import faulthandler
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stranger  # noqa: E402
from stranger import Client, Enrolment, Gone, Profile, Refused, SocketLink  # noqa: E402

SOURCE = os.environ.get("MADOGUCHI_SOURCE") or os.path.realpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("MADOGUCHI_BUILD") or os.path.join(SOURCE, "build", "asan")
MADOGUCHID = os.path.join(BUILD, "server", "madoguchid")
CLOCK_SHIFT = os.path.join(BUILD, "tests", "clock_shift.so")

COUNTER, OFFICE, LOUNGE, DOOR, COUNCIL, DISPLAY = 1, 2, 3, 4, 5, 6
KIND_NAMES = {COUNTER: "counter", OFFICE: "office", LOUNGE: "lounge", DOOR: "door", COUNCIL: "council",
              DISPLAY: "display"}
DESK_ROLE, OFFICE_ROLE, CONSULTATION_ROLE, GROUP_ROLE, COUNCIL_ROLE, CHAIR_ROLE = 1, 2, 4, 8, 16, 32
ROLE_NAMES = {1: "desk", 2: "office", 4: "consultation", 8: "group", 16: "council", 32: "chair"}

VISIT, VISIT_DAY, VISIT_PLACE, VISIT_PURPOSE, TERMINAL_ROW = 7201, 7202, 7203, 7204, 4201
OFFICE_NAME, OFFICE_SECRET = "jimukyoku", "kawara-ishidatami-3"
MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000

_running = set()


def _clean_up():
    for server in list(_running):
        server.destroy()


atexit.register(_clean_up)


def run(*arguments, timeout=60, check=True, text_in=None, env=None):
    """madoguchid with these arguments; the finished process with its texts."""
    done = subprocess.run([MADOGUCHID, *arguments], capture_output=True, text=True, timeout=timeout, input=text_in,
                          env=env)
    if check and done.returncode != 0:
        raise AssertionError(f"madoguchid {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def wait_until(is_true, timeout, what):
    end = time.monotonic() + timeout
    while not is_true():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(0.02)


def read_line(stream, pattern, timeout, what):
    """Reads lines of a pipe until one matches; its match."""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        end, seen = time.monotonic() + timeout, ""
        while True:
            if not selector.select(max(end - time.monotonic(), 0)):
                raise TimeoutError(f"{what}: not within {timeout} s, but {seen!r}")
            data = os.read(stream.fileno(), 4096).decode("utf-8", "replace")
            seen += data
            found = re.search(pattern, seen)
            if found:
                return found
            if not data:
                raise AssertionError(f"{what}: the output ended with {seen!r}")


class Server:
    """One data directory and the process that serves it."""

    def __init__(self, zone="Asia/Tokyo", settings=None, folder=None, env=None):
        self.folder = folder or tempfile.mkdtemp(prefix="mdg-flow-")
        self.data = os.path.join(self.folder, "data")
        self.log_path = os.path.join(self.folder, "server.log")
        self.settings, self.zone, self.process = dict(settings or {}), zone, None
        self.env = dict(os.environ, **(env or {}))
        self.clock_shift_s = 0  # or the path of a file that holds the seconds, to be changed while it serves
        self.listen, self.enrol_listen = ("127.0.0.1", 0), ("127.0.0.1", 0)
        self.office_code = ""
        _running.add(self)

    def init(self):
        done = run("init", "--data", self.data, "--centre", "みどり市民活動センター", "--zone", self.zone,
                   "--office", OFFICE_NAME)
        self.office_code = re.search(r"\b[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{2}\b", done.stdout).group(0)
        return self

    def arguments(self):
        arguments = ["serve", "--data", self.data, "--listen", "%s:%d" % self.listen,
                     "--enrol-listen", "%s:%d" % self.enrol_listen]
        for key, value in self.settings.items():
            arguments += [f"--{key}", str(value)]
        return arguments

    def environment(self):
        """With the wall clock moved, if a test wants that (clock_shift.c)."""
        if not self.clock_shift_s:
            return self.env
        sanitizer = self.env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        moved = "MDG_CLOCK_SHIFT_FILE" if isinstance(self.clock_shift_s, str) else "MDG_CLOCK_SHIFT_S"
        return dict(self.env, LD_PRELOAD=CLOCK_SHIFT, ASAN_OPTIONS=sanitizer.strip(":"),
                    **{moved: str(self.clock_shift_s)})

    def start(self, timeout=60):
        """Serves; the ports stay the same over restarts."""
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([MADOGUCHID, *self.arguments()], stdout=subprocess.PIPE, stderr=log,
                                            env=self.environment())
        try:
            ready = read_line(self.process.stdout, r"ready listen=([0-9.]+):(\d+) enrol=([0-9.]+):(\d+)", timeout,
                              "the server's ready line")
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(f"{error}\n{self.log_tail()}") from error
        self.listen = (ready[1], int(ready[2]))
        self.enrol_listen = (ready[3], int(ready[4]))
        return self

    def log_tail(self, lines=60):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return f"--- the end of {self.log_path}:\n" + "".join(log.readlines()[-lines:])
        except OSError:
            return ""

    def log_text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout=40):
        """SIGTERM, and a clean end."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.terminate()
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise AssertionError(f"the server did not stop within {timeout} s of SIGTERM\n{self.log_tail()}") from None
        finally:
            process.stdout.close()
        if status != 0:
            raise AssertionError(f"the server ended with status {status}\n{self.log_tail()}")

    def kill(self):
        """As a power cut: no chance to tidy up."""
        process, self.process = self.process, None
        process.kill()
        process.wait(10)
        process.stdout.close()

    def restart(self):
        if self.process is not None:
            self.stop()
        return self.start()

    def verify(self):
        return run("verify", "--data", self.data, timeout=120)

    def console(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        sock.connect(os.path.join(self.data, "console.sock"))
        return Client(SocketLink(sock))

    def destroy(self):
        _running.discard(self)
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process.stdout.close()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)


class Centre:
    """A server with an office terminal, its signed-in office, and a place with purposes."""

    def __init__(self, **options):
        self.server = Server(**options).init().start()
        self.profiles = {}
        self._office = None
        self.secrets = {}
        self._enrol_first()
        with self.profiles["office"].connect(self.server.listen) as client:
            client.call("sign_in", "secret_set", {"name": OFFICE_NAME, "code": self.server.office_code,
                                                  "new_secret": OFFICE_SECRET})

    # -- terminals

    def folder_for(self, name):
        folder = os.path.join(self.server.folder, "terminal-" + name)
        os.makedirs(folder, mode=0o700)
        return folder

    def _enrol_first(self):
        console = subprocess.Popen([MADOGUCHID, "enrol-first", "--data", self.server.data, "--name", "office", "--yes"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            code = read_line(console.stdout, r"code\s+([A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{2})", 30, "the console's code")[1]
            shown = []
            profile = stranger.enrol(self.server.enrol_listen, code, self.folder_for("office"), shown.append)
            number = read_line(console.stdout, r"check number\s+(\d{6})", 30, "the console's check number")[1]
            if [number] != shown:
                raise AssertionError(f"the console shows {number}, the terminal {shown}")
            if console.wait(30) != 0:
                raise AssertionError(f"enrol-first ended with {console.returncode}")
        finally:
            console.kill()
            console.wait(10)
            console.stdout.close()
        self.profiles["office"] = profile

    def enrol(self, name, kind, profile=None, **fields):
        """A new terminal through the office's calls; profile: this one enrols again."""
        if profile is not None:
            fields["terminal_id"] = profile.terminal_id
        else:
            fields.update(name=name, kind=kind)
        code = self.office_write("terminals", "enrol", fields).body.terminals.enrolled_code.code
        folder = profile.folder if profile is not None else self.folder_for(name)
        enrolment = Enrolment(self.server.enrol_listen)
        try:
            enrolment.prove(code)
            request, key_pem = stranger.make_request(folder)
            number = enrolment.apply(request)
            seen = self.office_read("terminals", "enrolment_state")
            if seen.check_number != number:
                raise AssertionError(f"the office sees {seen.check_number}, the terminal {number}")
            self.office_write("terminals", "enrolment_decide", {"is_same": True})
            answer = enrolment.collect()
        finally:
            enrolment.close()
        profile = profile or Profile(folder)
        profile.store(answer.issued.certificate, answer.issued.authorities, key_pem)
        profile.terminal_id, profile.name, profile.kind = answer.terminal_id, answer.terminal_name, answer.kind
        self.profiles[name] = profile
        return profile

    def connect(self, name, **options):
        return self.profiles[name].connect(self.server.listen, **options)

    # -- the office

    @property
    def office(self):
        """A connection where the office is signed in; made again when it was lost."""
        if self._office is None:
            self._office = self.connect("office")
            self._office.sign_in(OFFICE_NAME, OFFICE_SECRET)
        return self._office

    def drop_office(self):
        if self._office is not None:
            self._office.close()
            self._office = None

    def _with_office(self, action):
        for attempt in (1, 2, 3):
            try:
                return action(self.office)
            except Gone:
                self.drop_office()
                if attempt == 3:
                    raise
            except Refused as refused:
                if attempt == 3:
                    raise
                if refused.refusal.name == "MDG_ERR_CONFIRM_NEEDED":
                    self.office.call("sign_in", "confirm", {"secret": OFFICE_SECRET})
                elif refused.refusal.name == "MDG_ERR_SIGN_IN_NEEDED":
                    self.office.sign_in(OFFICE_NAME, OFFICE_SECRET)
                else:
                    raise
        raise AssertionError("unreachable")

    def office_write(self, domain, op, fields=None):
        key = stranger.new_key()
        return self._with_office(lambda office: office.write(domain, op, fields, key))

    def office_read(self, domain, op, fields=None):
        return self._with_office(lambda office: office.read(domain, op, fields))

    # -- places and people

    def place(self, name, purposes, position=1):
        """(place id, {purpose name: id})"""
        place_id = self.office_write("visits", "place_save", {"name": name, "position": position}).object_id
        ids = {}
        for number, purpose in enumerate(purposes, 1):
            ids[purpose] = self.office_write("visits", "purpose_save",
                                             {"place_id": place_id, "name": purpose, "position": number}).object_id
        return place_id, ids

    def person(self, name, roles, secret=None):
        """An account with these roles and a secret; its id. Roles come from the console, so not after there are two
        office accounts."""
        secret = secret or f"tsuru-no-ongaeshi-{len(self.secrets) + 41}"
        created = self.office_write("accounts", "create", {"name": name})
        code = created.body.accounts.created_code.code
        if roles:
            with self.server.console() as console:
                console.write("accounts", "grant", {"name": name, "roles": roles})
        with self.connect("office") as client:
            client.call("sign_in", "secret_set", {"name": name, "code": code, "new_secret": secret})
        self.secrets[name] = secret
        return created.object_id

    def stop(self):
        self.drop_office()
        self.server.stop()

    def destroy(self):
        self.drop_office()
        self.server.destroy()


class CentreCase(unittest.TestCase):
    """Cases that share one centre. settings go to the server's command line."""
    settings = {}
    zone = "Asia/Tokyo"
    centre = None

    @classmethod
    def setUpClass(cls):
        cls.centre = Centre(settings=cls.settings, zone=cls.zone)
        cls.addClassCleanup(cls.centre.destroy)
        cls.server = cls.centre.server
        cls.place_id, cls.purposes = cls.centre.place("玄関", ["会議", "印刷", "相談"])
        cls.purpose_id = cls.purposes["会議"]
        cls.prepare()

    @classmethod
    def prepare(cls):
        """Terminals and people of the file."""

    @classmethod
    def tearDownClass(cls):
        if cls.server.process is not None:
            cls.centre.stop()
        cls.server.verify()

    def setUp(self):
        self.assertTrue(self.server.is_alive(), f"the server is gone\n{self.server.log_tail()}")

    def tearDown(self):
        if self.server.process is not None and self.server.process.poll() is not None:
            self.fail(f"the server died: {self.server.process.returncode}\n{self.server.log_tail()}")

    def refused(self, code, action, *arguments, **options):
        """The refusal with this code ("FORBIDDEN") that the action must meet."""
        try:
            response = action(*arguments, **options)
        except Refused as refused:
            self.check_refusal(refused.refusal, code)
            return refused.refusal
        if hasattr(response, "refusal") and response.HasField("refusal"):
            self.check_refusal(response.refusal, code)
            return response.refusal
        self.fail(f"accepted, where {code} was to come: {response}")

    def check_refusal(self, refusal, code):
        self.assertEqual(refusal.name, "MDG_ERR_" + code, f"another refusal: {refusal}")
        self.assertEqual(stranger.error_name(refusal.code), code, "the number is not the name's")

    def gone(self, code, client, timeout=20):
        """The connection ends, with this goodbye (None: without a word is fine)."""
        gone = client.wait_gone(timeout)
        if code is not None:
            self.assertIsNotNone(gone.goodbye, f"no goodbye: {gone}")
            self.check_refusal(gone.goodbye.refusal, code)
        return gone

    def still_serves(self):
        """The server took no harm: another terminal works."""
        with self.centre.connect("office") as client:
            self.assertEqual(client.welcome.protocol, 1)


def main(limit_s=360):
    """Runs the cases of the calling file; the whole file has a limit of its own."""
    faulthandler.register(signal.SIGALRM, chain=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def too_long(*_):
        raise TimeoutError(f"the file took longer than {limit_s} s")

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(limit_s)
    unittest.main(module="__main__", verbosity=2)
