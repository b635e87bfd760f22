"""The demonstration of scripts/run: a sample centre with two terminals, made on first use, and what they see of each
other while the network of one of them comes and goes. Only the programs of the build are used: madoguchid and
madoguchictl. The "cable" is a relay between the counter and the server."""
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unicodedata

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("MADOGUCHI_BUILD") or os.path.join(ROOT, "build", "release")
MADOGUCHID = os.path.join(BUILD, "server", "madoguchid")
MADOGUCHICTL = os.path.join(BUILD, "client", "madoguchictl")
SAMPLE = os.path.join(ROOT, "var", "sample")
HOST = "127.0.0.1"
CENTRE, OFFICE_ACCOUNT, DESK_ACCOUNT = "みどり市民活動センター", "事務局", "受付"
COUNTER, OFFICE = "受付1", "事務室"
PLACE, PURPOSES = "窓口", ("相談", "貸室", "印刷")
CODE = r"\b[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{2}\b"
LEFT_COLUMNS = 60

IS_JAPANESE = next((value for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))),
                   "").startswith("ja")


def say(english, japanese):
    return japanese if IS_JAPANESE else english


class Failed(Exception):
    """What went wrong, for the person at the terminal."""


# --- the screen: the counter on the left, the office on the right -------------------------------------------------

_screen = threading.Lock()


def width(text):
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def show(line):
    with _screen:
        print(line, flush=True)


def left(text):
    for line in text.splitlines():
        show(f"{line}{' ' * max(LEFT_COLUMNS - width(line), 0)} │")


def right(text):
    for line in text.splitlines():
        show(f"{' ' * LEFT_COLUMNS} │ {line}")


def title(text):
    show(f"\n── {text} " + "─" * max(100 - width(text), 3))


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
    return run([MADOGUCHICTL, "--profile", profile, *arguments], text_in, check)


def ctl_json(profile, *arguments):
    return json.loads(ctl(profile, "--json", *arguments).stdout)


def read_until(stream, pattern, what):
    seen = ""
    for line in stream:
        seen += line
        found = re.search(pattern, line)
        if found:
            return found
    raise Failed(f"{what}: {seen or '-'}")


# --- the sample centre ---------------------------------------------------------------------------------------------

class Sample:
    """Paths and ports of a centre under var/; port: server, port + 1: enrolment, port + 2: the counter's cable."""

    def __init__(self, folder):
        self.folder = folder
        self.data, self.counter, self.office = (os.path.join(folder, name) for name in ("centre", "counter", "office"))
        self.facts_path = os.path.join(folder, "sample.json")
        self.facts = {}

    def exists(self):
        return os.path.exists(self.facts_path)

    def load(self):
        with open(self.facts_path, encoding="utf-8") as file:
            self.facts = json.load(file)

    @property
    def port(self):
        return self.facts["port"]

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


def enrol_at(profile, sample, code, service_port):
    ctl(profile, "enrol", "--server", f"{HOST}:{sample.port + 1}", "--port", str(service_port), "--code", code)


def make_office(sample, code):
    """The first terminal is let in at the console; then its office account gets a passphrase."""
    console = start([MADOGUCHID, "enrol-first", "--data", sample.data, "--name", OFFICE, "--kind", "office", "--yes"],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    enrol_at(sample.office, sample, read_until(console.stdout, CODE, "enrol-first").group(0), sample.port)
    console.stdout.read()
    if console.wait(timeout=20) != 0:
        raise Failed("enrol-first")
    _running.remove(console)
    secret = sample.facts["passphrase"]
    ctl(sample.office, "set-secret", "--name", OFFICE_ACCOUNT, "--code", code, "--secret-stdin", text_in=secret + "\n")
    ctl(sample.office, "sign-in", "--name", OFFICE_ACCOUNT, "--secret-stdin", text_in=secret + "\n")


def make_counter(sample):
    """Every other terminal is let in by the office, which confirms with its passphrase."""
    secret = sample.facts["passphrase"] + "\n"
    answer = ctl(sample.office, "--json", "terminal", "enrol", "--name", COUNTER, "--kind", "counter", "--secret-stdin",
                 text_in=secret)
    machine = start([MADOGUCHICTL, "--profile", sample.counter, "enrol", "--server", f"{HOST}:{sample.port + 1}", "--port",
                     str(sample.port + 2), "--code", json.loads(answer.stdout)["code"]],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while json.loads(ctl(sample.office, "--json", "terminal", "state", "--secret-stdin", text_in=secret).stdout)["step"] != "compare":
        if time.monotonic() > end or machine.poll() is not None:
            raise Failed(f"madoguchictl enrol: {machine.poll()}")
        time.sleep(0.1)
    ctl(sample.office, "terminal", "decide", "--same", "--secret-stdin", text_in=secret)
    if machine.wait(timeout=20) != 0:
        raise Failed(f"madoguchictl enrol: {machine.returncode}")
    _running.remove(machine)


def make_book(sample):
    ctl(sample.office, "visit", "place", "save", "--name", PLACE, "--position", "1")
    for position, purpose in enumerate(PURPOSES, 1):
        ctl(sample.office, "visit", "purpose", "save", "--place", PLACE, "--name", purpose, "--position", str(position))
    secret = sample.facts["passphrase"] + "\n"
    answer = ctl(sample.office, "--json", "account", "create", "--name", DESK_ACCOUNT, "--secret-stdin", text_in=secret)
    run([MADOGUCHID, "grant", "--data", sample.data, "--name", DESK_ACCOUNT, "--roles", "desk"])
    ctl(sample.counter, "set-secret", "--name", DESK_ACCOUNT, "--code", json.loads(answer.stdout)["code"], "--secret-stdin",
        text_in=secret)
    ctl(sample.office, "sign-out")


def sign_in(sample):
    """A sign-in ends by itself after some hours, so each demonstration begins with one."""
    for profile, name in ((sample.counter, DESK_ACCOUNT), (sample.office, OFFICE_ACCOUNT)):
        ctl(profile, "sign-in", "--name", name, "--secret-stdin", text_in=sample.facts["passphrase"] + "\n")


def make_sample():
    """All or nothing: made beside, renamed when it stands."""
    making = Sample(SAMPLE + ".new")
    shutil.rmtree(making.folder, ignore_errors=True)
    os.makedirs(making.folder, mode=0o700)
    try:
        port = int(os.environ.get("MADOGUCHI_PORT", "7443"))
    except ValueError:
        raise Failed("MADOGUCHI_PORT must be a number") from None
    making.facts = {"port": port, "passphrase": secrets.token_urlsafe(12)}
    done = run([MADOGUCHID, "init", "--data", making.data, "--centre", CENTRE, "--office", OFFICE_ACCOUNT])
    server = making.serve()
    make_office(making, re.search(CODE, done.stdout).group(0))
    cable = Cable(port + 2, port)
    cable.plug()
    make_counter(making)
    make_book(making)
    cable.pull()
    if stop(server) != 0:
        raise Failed("madoguchid")
    server.stdout.close()
    with open(making.facts_path, "w", encoding="utf-8") as file:
        json.dump(making.facts, file, ensure_ascii=False, indent=1)
    os.rename(making.folder, SAMPLE)


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


# --- the demonstration ---------------------------------------------------------------------------------------------

class Show:
    def __init__(self, sample):
        self.sample = sample
        self.cable = Cable(sample.port + 2, sample.port)
        self.people, self.counts = 0, 0
        self.seen = threading.Condition()
        self.lines = 0

    def watch(self):
        """The office follows; what it sees stands on the right."""
        watcher = start([MADOGUCHICTL, "--profile", self.sample.office, "watch"], stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT)

        def follow():
            for line in watcher.stdout:
                right(line.rstrip())
                with self.seen:
                    self.lines += bool(re.search(rf"[(（]{COUNTER}[)）]", line))
                    self.seen.notify_all()

        threading.Thread(target=follow, daemon=True).start()
        return watcher

    def count(self, purpose, people):
        left(f"{COUNTER} $ visit count --purpose {purpose} --people {people}")
        done = ctl(self.sample.counter, "visit", "count", "--place", PLACE, "--purpose", purpose, "--people", str(people))
        self.people, self.counts = self.people + people, self.counts + 1
        left("  " + done.stdout.strip())
        time.sleep(0.4)

    def await_seen(self):
        with self.seen:
            if not self.seen.wait_for(lambda: self.lines >= self.counts, timeout=10):
                raise Failed(say("The office did not see every count.", "事務室に届かない件数があります。"))
        time.sleep(0.2)

    def total(self, profile):
        totals = ctl_json(profile, "visit", "totals")["totals"]
        return sum(total["people"] for total in totals), sum(total["lines"] for total in totals)

    def run(self):
        title(say(f"{CENTRE}: {COUNTER} counts, {OFFICE} watches", f"{CENTRE}：{COUNTER}が数え、{OFFICE}が見る"))
        self.cable.plug()
        sign_in(self.sample)
        people_before, counts_before = self.total(self.sample.counter)
        watcher = self.watch()
        time.sleep(0.8)
        self.count("相談", 2)
        self.count("貸室", 5)
        self.count("印刷", 1)
        self.await_seen()

        title(say(f"The cable of {COUNTER} is pulled out; people keep coming", f"{COUNTER}のケーブルが抜けた。来館者は続く"))
        self.cable.pull()
        self.count("相談", 1)
        self.count("貸室", 4)
        self.count("印刷", 3)

        title(say("The cable is put back", "ケーブルを戻す"))
        self.cable.plug()
        left(f"{COUNTER} $ outbox send")
        left("\n".join("  " + line for line in ctl(self.sample.counter, "outbox", "send").stdout.strip().splitlines()))
        self.await_seen()
        stop(watcher)
        self.conclude(people_before, counts_before)

    def conclude(self, people_before, counts_before):
        title(say("What both see now", "両方に見えているもの"))
        at_counter, at_office = self.total(self.sample.counter), self.total(self.sample.office)
        for where, (people, counts) in ((COUNTER, at_counter), (OFFICE, at_office)):
            show(say(f"{where}: {people} people in {counts} counts today", f"{where}：今日は{counts}回で{people}人"))
        expected = people_before + self.people, counts_before + self.counts
        self.cable.pull()
        if at_counter != expected or at_office != expected:
            raise Failed(say(f"{expected} was expected.", f"{expected}のはずでした。"))
        show(say(f"Counted just now: {self.people} people in {self.counts} counts, 3 of them without the network. Nothing is lost.",
                 f"今回数えたのは{self.counts}回で{self.people}人、うち3回は切断中。何も失われていません。"))


def demonstrate(sample):
    server = sample.serve()
    Show(sample).run()
    if stop(server) != 0:
        raise Failed("madoguchid")
    server.stdout.close()
    done = run([MADOGUCHID, "verify", "--data", sample.data])
    show("\nmadoguchid verify")
    show("\n".join("  " + line for line in done.stdout.strip().splitlines()))
    show(say(f"\nIt is all in {sample.folder}. scripts/run --server serves it; then try\n"
             f"  {MADOGUCHICTL} --profile {sample.office} watch",
             f"\nすべて {sample.folder} にあります。scripts/run --server で起動し、次を試せます。\n"
             f"  {MADOGUCHICTL} --profile {sample.office} watch"))


def serve(sample):
    """Until Ctrl+C; the counter's cable stays plugged in."""
    server = sample.serve()
    cable = Cable(sample.port + 2, sample.port)
    cable.plug()
    show(say(f"{CENTRE} is served on {HOST}:{sample.port}; Ctrl+C ends it.\n"
             f"Terminals: --profile {sample.counter}, --profile {sample.office}\n"
             f"Accounts: {OFFICE_ACCOUNT} and {DESK_ACCOUNT}, passphrase {sample.facts['passphrase']}",
             f"{CENTRE}を {HOST}:{sample.port} で起動しました。終了は Ctrl+C です。\n"
             f"端末: --profile {sample.counter}、--profile {sample.office}\n"
             f"アカウント: {OFFICE_ACCOUNT}、{DESK_ACCOUNT}、合言葉: {sample.facts['passphrase']}"))
    try:
        code = server.wait()
    except KeyboardInterrupt:
        code = stop(server)
    cable.pull()
    if code != 0:
        raise Failed(f"madoguchid: {code}")


def on_end(_number, _frame):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, on_end)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    # The programs' words in the language of this terminal; their letters are UTF-8 whatever the locale.
    if IS_JAPANESE:
        os.environ["LANGUAGE"] = "ja"
    if "UTF-8" not in (os.environ.get("LC_ALL") or os.environ.get("LANG") or "").upper():
        os.environ["LC_ALL"] = "C.UTF-8"
    sample = Sample(SAMPLE)
    if not sample.exists():
        show(say("Making a sample centre in var/sample ...", "見本のセンターを var/sample に作っています……"))
        make_sample()
    sample.load()
    if "--server" in sys.argv[1:]:
        serve(sample)
    else:
        demonstrate(sample)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        print(f"scripts/run: {failed}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        stop_all()
