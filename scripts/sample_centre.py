"""The sample centre of scripts/run: the programs of the build, the cable of the counter, and what is made once in
var/sample. Only madoguchid and madoguchictl are used."""
import datetime
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
import zoneinfo

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("MADOGUCHI_BUILD") or os.path.join(ROOT, "build", "release")
MADOGUCHID = os.path.join(BUILD, "server", "madoguchid")
MADOGUCHICTL = os.path.join(BUILD, "client", "madoguchictl")
SAMPLE = os.environ.get("MADOGUCHI_SAMPLE") or os.path.join(ROOT, "var", "sample")
VERSION = 2  # of what stands below: a sample of another version is put aside and made anew

HOST = "127.0.0.1"
ZONE = zoneinfo.ZoneInfo("Asia/Tokyo")
CENTRE = "みどり市民活動センター"
OFFICE_ACCOUNT, DESK_ACCOUNT, CONSULTANT = "事務局", "受付", "桔梗"
COUNTER, OFFICE, LOUNGE, DOOR = "受付1", "事務室", "ラウンジ", "扉A"
PLACE, PURPOSES = "窓口", ("相談", "貸室", "印刷")
ROOM, OTHER_ROOM = "会議室A", "会議室B"
ROOMS = ((ROOM, "room", 12), (OTHER_ROOM, "room", 20), ("印刷室", "room", 6), ("ロビー", "lobby", 40))
GROUP, OTHER_GROUP = 127, 88  # the first has a PIN for the lounge
ADVISED = 42
GROUPS = ((ADVISED, "みどりの会", "みどりのかい", "環境"), (OTHER_GROUP, "さくら読書会", "さくらどくしょかい", "文化"),
          (GROUP, "つばめ写真クラブ", "つばめしゃしんくらぶ", "文化"), (203, "桜木町 花だんの会", "さくらぎちょう かだんのかい", "まちづくり"),
          (311, "朗読ひびき", "ろうどくひびき", "福祉"))
CODE = r"\b[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{2}\b"


class Failed(Exception):
    """What went wrong, for the person at the terminal."""


# --- programs ------------------------------------------------------------------------------------------------------

_running = []


def start(arguments, **more):
    process = subprocess.Popen(arguments, text=True, stdin=subprocess.DEVNULL, **more)
    _running.append(process)
    return process


def stop(process):
    """SIGTERM to what we started ourselves, and its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
    if process in _running:
        _running.remove(process)
    return process.wait()


def stop_all():
    for process in list(_running):
        stop(process)


def run(arguments, text_in=None, check=True):
    done = subprocess.run(arguments, text=True, capture_output=True, timeout=60, input=text_in or "")
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(os.path.basename(arguments[0]) if i == 0 else a for i, a in enumerate(arguments))}\n"
                     f"{done.stdout}{done.stderr}")
    return done


def ctl(profile, *arguments, text_in=None, check=True):
    return run([MADOGUCHICTL, "--profile", profile, *map(str, arguments)], text_in, check)


def ctl_json(profile, *arguments, text_in=None):
    return json.loads(ctl(profile, "--json", *arguments, text_in=text_in).stdout)


def read_until(stream, pattern, what):
    seen = ""
    for line in stream:
        seen += line
        found = re.search(pattern, line)
        if found:
            return found
    raise Failed(f"{what}: {seen or '-'}")


# --- the cable -----------------------------------------------------------------------------------------------------

class Cable:
    """Carries bytes between the counter and the server while it is plugged in."""

    def __init__(self, port, to_port):
        self.port, self.to_port = port, to_port
        self.listener, self.ends, self.lock = None, set(), threading.Lock()

    def plug(self):
        try:
            self.listener = socket.create_server((HOST, self.port))
        except OSError as error:
            raise Failed(f"{HOST}:{self.port}: {error.strerror}") from error
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection((HOST, self.to_port))
            except OSError:
                return
            with self.lock:
                self.ends |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    def carry(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            self.cut(end)

    def cut(self, end):
        with self.lock:
            self.ends.discard(end)
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()

    def pull(self):
        if self.listener:
            try:
                self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accept() that waits
            except OSError:
                pass
            self.listener.close()
            self.listener = None
        for end in list(self.ends):
            self.cut(end)


# --- the sample centre ---------------------------------------------------------------------------------------------

class Sample:
    """Paths and ports of a centre under var/; port: server, port + 1: enrolment, port + 2: the counter's cable."""

    def __init__(self, folder):
        self.folder = folder
        self.data, self.counter, self.office, self.lounge, self.door = (
            os.path.join(folder, name) for name in ("centre", "counter", "office", "lounge", "door"))
        self.facts_path = os.path.join(folder, "sample.json")
        self.facts = {}

    def load(self):
        """False: there is none."""
        if not os.path.exists(self.facts_path):
            return False
        with open(self.facts_path, encoding="utf-8") as file:
            self.facts = json.load(file)
        return True

    def version(self):
        return self.facts.get("version", 1)

    @property
    def port(self):
        return self.facts["port"]

    @property
    def secret(self):
        return self.facts["passphrase"] + "\n"

    def serve(self):
        log = open(os.path.join(self.folder, "server.log"), "a", encoding="utf-8")
        server = start([MADOGUCHID, "serve", "--data", self.data, "--listen", f"{HOST}:{self.port}", "--enrol-listen",
                        f"{HOST}:{self.port + 1}"], stdout=subprocess.PIPE, stderr=log)
        log.close()
        if not server.stdout.readline().startswith("ready "):
            server.wait()
            with open(os.path.join(self.folder, "server.log"), encoding="utf-8") as text:
                raise Failed("".join(text.readlines()[-3:]))
        return server

    def stop(self, server):
        if stop(server) != 0:
            raise Failed("madoguchid")
        server.stdout.close()

    def sign_in(self, profile, name, secret=None):
        """A sign-in ends by itself after some hours, so each demonstration begins with one."""
        return ctl(profile, "sign-in", "--name", name, "--secret-stdin", text_in=f"{secret}\n" if secret else self.secret)


def make_office(sample, code):
    """The first terminal is let in at the console; then its office account gets a passphrase."""
    console = start([MADOGUCHID, "enrol-first", "--data", sample.data, "--name", OFFICE, "--kind", "office", "--yes"],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    first = read_until(console.stdout, CODE, "enrol-first").group(0)
    ctl(sample.office, "enrol", "--server", f"{HOST}:{sample.port + 1}", "--port", sample.port, "--code", first)
    console.stdout.read()
    if console.wait(timeout=20) != 0:
        raise Failed("enrol-first")
    _running.remove(console)
    ctl(sample.office, "set-secret", "--name", OFFICE_ACCOUNT, "--code", code, "--secret-stdin", text_in=sample.secret)
    sample.sign_in(sample.office, OFFICE_ACCOUNT)


def make_terminal(sample, profile, service_port, name, *options):
    """Every other terminal is let in by the office, which confirms with its passphrase."""
    code = ctl_json(sample.office, "terminal", "enrol", "--name", name, *options, "--secret-stdin",
                    text_in=sample.secret)["code"]
    machine = start([MADOGUCHICTL, "--profile", profile, "enrol", "--server", f"{HOST}:{sample.port + 1}", "--port",
                     str(service_port), "--code", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while ctl_json(sample.office, "terminal", "state", "--secret-stdin", text_in=sample.secret)["step"] != "compare":
        if time.monotonic() > end or machine.poll() is not None:
            raise Failed(f"madoguchictl enrol: {machine.poll()}")
        time.sleep(0.1)
    ctl(sample.office, "terminal", "decide", "--same", "--secret-stdin", text_in=sample.secret)
    if machine.wait(timeout=20) != 0:
        raise Failed(f"madoguchictl enrol: {machine.returncode}")
    _running.remove(machine)


def make_account(sample, name, reading, role):
    """Its number."""
    code = ctl_json(sample.office, "account", "create", "--name", name, "--reading", reading, "--secret-stdin",
                    text_in=sample.secret)["code"]
    run([MADOGUCHID, "grant", "--data", sample.data, "--name", name, "--roles", role])
    ctl(sample.office, "set-secret", "--name", name, "--code", code, "--secret-stdin", text_in=sample.secret)
    sample.sign_in(sample.office, OFFICE_ACCOUNT)
    accounts = ctl_json(sample.office, "account", "list")["accounts"]
    return next(account["id"] for account in accounts if account["name"] == name)


def make_book(sample):
    ctl(sample.office, "visit", "place", "save", "--name", PLACE, "--position", "1")
    for position, purpose in enumerate(PURPOSES, 1):
        ctl(sample.office, "visit", "purpose", "save", "--place", PLACE, "--name", purpose, "--position", position)


def fiscal_year():
    today = datetime.datetime.now(ZONE).date()
    return today.year - (today.month < 4)


def make_groups(sample):
    """Registered until the end of the next fiscal year; one may book at the lounge by itself."""
    first, last = f"{fiscal_year()}-04-01", f"{fiscal_year() + 2}-03-31"
    for number, name, reading, field in GROUPS:
        ctl(sample.office, "group", "save", "--number", number, "--name", name, "--reading", reading, "--field", field,
            "--from", first, "--to", last)
    sample.facts["pin"] = ctl_json(sample.office, "group", "pin", GROUP)["pin"]


def make_rooms(sample):
    """The number of the one that has a door."""
    for position, (name, kind, capacity) in enumerate(ROOMS, 1):
        ctl(sample.office, "room", "save", "--name", name, "--kind", kind, "--capacity", capacity, "--position", position)
    return next(room["id"] for room in ctl_json(sample.office, "room", "list")["rooms"] if room["name"] == ROOM)


def make_hours(sample):
    """Short days until the next fiscal year begins, long weekdays from then on; closed over the new year."""
    today, next_year = datetime.datetime.now(ZONE).date(), fiscal_year() + 1
    rest = "sat,sun,holidays=13:00-17:15"
    ctl(sample.office, "hours", "set", "--from", today, "--open", "weekdays=10:00-17:15", "--open", rest)
    ctl(sample.office, "hours", "set", "--from", f"{next_year}-04-01", "--open", "weekdays=10:00-21:00", "--open", rest)
    ctl(sample.office, "closed", "add", "--from", f"{today.year}-12-29", "--to", f"{today.year + 1}-01-03", "--reason", "年末年始")


def make_sample(port=None):
    """All or nothing: made beside, renamed when it stands."""
    making = Sample(SAMPLE + ".new")
    shutil.rmtree(making.folder, ignore_errors=True)
    os.makedirs(making.folder, mode=0o700)
    try:
        port = int(os.environ.get("MADOGUCHI_PORT") or port or 7443)
    except ValueError:
        raise Failed("MADOGUCHI_PORT must be a number") from None
    making.facts = {"version": VERSION, "port": port, "passphrase": secrets.token_urlsafe(12), "pin": ""}
    done = run([MADOGUCHID, "init", "--data", making.data, "--centre", CENTRE, "--office", OFFICE_ACCOUNT])
    server = making.serve()
    make_office(making, re.search(CODE, done.stdout).group(0))
    cable = Cable(port + 2, port)
    cable.plug()
    make_terminal(making, making.counter, port + 2, COUNTER, "--kind", "counter")
    make_terminal(making, making.lounge, port, LOUNGE, "--kind", "lounge")
    make_terminal(making, making.door, port, DOOR, "--kind", "door", "--room", make_rooms(making))
    make_account(making, DESK_ACCOUNT, "うけつけ", "desk")
    making.facts["consultant"] = make_account(making, CONSULTANT, "ききょう", "consultation")
    make_book(making)
    make_hours(making)
    make_groups(making)
    ctl(making.office, "sign-out")
    cable.pull()
    making.stop(server)
    with open(making.facts_path, "w", encoding="utf-8") as file:
        json.dump(making.facts, file, ensure_ascii=False, indent=1)
    os.rename(making.folder, SAMPLE)
