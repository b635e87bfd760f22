"""The demonstration of scripts/run: what the terminals of the sample centre see of each other, live: a booking made at
the lounge, a clash, a consultation, a spell without the network."""
import datetime
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import unicodedata

from sample_centre import (ADVISED, CENTRE, CONSULTANT, COUNTER, DESK_ACCOUNT, DOOR, GROUP, HOST, LOUNGE, MADOGUCHICTL,
                           MADOGUCHID, OFFICE, OFFICE_ACCOUNT, OTHER_GROUP, OTHER_ROOM, ROOM, SAMPLE, VERSION, ZONE,
                           Cable, Failed, Sample, ctl, ctl_json, make_sample, run, start, stop, stop_all)

COLUMNS, SEEN_COLUMN = 104, 20
IS_JAPANESE = next((value for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))),
                   "").startswith("ja")
TITLE, OTHER_TITLE = "作品の講評会", "例会"  # of the bookings that the demonstration makes
TOPIC, WAITING = "運営", "会計の引き継ぎ。電話で折り返しを希望。"
HOURS = 2  # it takes the room for so long


def say(english, japanese):
    return japanese if IS_JAPANESE else english


# --- the screen: who acts at the left edge, who sees it further to the right ----------------------------------------

_screen = threading.Lock()


def width(text):
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text, columns):
    return text + " " * max(columns - width(text), 0)


def show(line=""):
    with _screen:
        print(line, flush=True)


def left(text):
    for line in wrapped(text, COLUMNS):
        show(line)


def right(name, text):
    for line in text.splitlines():
        show(f"{' ' * SEEN_COLUMN}│ {padded(name, 8)} {line}")


def title(text):
    show(f"\n── {text} " + "─" * max(COLUMNS - 4 - width(text), 3))


def wrapped(text, columns):
    """Lines of at most so many columns; broken at a blank where there is one."""
    for line in text.splitlines():
        while width(line) > columns:
            cut = next(i for i in range(len(line), 0, -1) if width(line[:i]) <= columns)
            blank = line.rfind(" ", 0, cut + 1)
            cut = blank if len(line[:blank].strip()) > columns // 3 else cut
            yield line[:cut]
            line = "    " + line[cut:].lstrip()
        yield line


class Watcher:
    """A terminal that follows what happens; what it sees stands further to the right."""

    def __init__(self, profile, name):
        self.name, self.lines, self.changed = name, [], threading.Condition()
        self.process = start([MADOGUCHICTL, "--profile", profile, "watch"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        threading.Thread(target=self.follow, daemon=True).start()
        self.wait_for(r".", 1)

    def follow(self):
        for line in self.process.stdout:
            right(self.name, re.sub(r"^[\d:]{8}  ", "", line.rstrip()))  # its clock is not news here
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()

    def wait_for(self, pattern, count):
        """Until so many of its lines were like that."""
        def is_seen():
            return sum(bool(re.search(pattern, line)) for line in self.lines) >= count

        with self.changed:
            if not self.changed.wait_for(is_seen, timeout=20):
                raise Failed(say(f"{self.name} did not see what happened.", f"{self.name}に届きませんでした。"))

    def stop(self):
        stop(self.process)


# --- the demonstration ----------------------------------------------------------------------------------------------

class Show:
    def __init__(self, sample):
        self.sample = sample
        self.cable = Cable(sample.port + 2, sample.port)
        self.profiles = {COUNTER: sample.counter, OFFICE: sample.office, LOUNGE: sample.lounge, DOOR: sample.door}
        self.people, self.counts, self.kept = 0, 0, 0
        self.watchers = {}

    def act(self, where, *arguments, text_in=None, is_refused=False):
        """One command at a terminal, as it is typed, and what it says."""
        words = " ".join(str(word) if re.fullmatch(r"[\w.:/,-]+", str(word)) else f"'{word}'" for word in arguments)
        words = f"echo '{text_in}' | {words}" if text_in else words
        left(f"{where} $ {words}")
        done = ctl(self.profiles[where], *arguments, text_in=text_in, check=False)
        said = "\n".join("  " + line.removeprefix("madoguchictl: ") for line in (done.stdout + done.stderr).strip().splitlines())
        if (done.returncode != 0) != is_refused:
            raise Failed(f"madoguchictl {words}\n{said}")
        left(said)
        time.sleep(0.3)
        return done

    def watch(self, *names):
        for name in names:
            self.watchers[name] = Watcher(self.profiles[name], name)

    def unwatch(self, *names):
        for name in names:
            self.watchers.pop(name).stop()

    def run(self):
        self.cable.plug()
        self.sample.sign_in(self.sample.counter, DESK_ACCOUNT)
        self.sample.sign_in(self.sample.office, OFFICE_ACCOUNT)
        self.tidy()
        self.book()
        self.consult()
        self.offline()
        self.conclude()
        self.cable.pull()

    # --- a spell without the network

    def count(self, purpose, people):
        self.act(COUNTER, "visit", "count", "--purpose", purpose, "--people", people)
        self.people, self.counts = self.people + people, self.counts + 1
        self.kept += not self.cable.listener

    def total(self, profile):
        totals = ctl_json(profile, "visit", "totals")["totals"]
        return sum(total["people"] for total in totals), sum(total["lines"] for total in totals)

    def offline(self):
        title(say(f"{COUNTER} counts visitors, {OFFICE} watches; then the cable of {COUNTER} is pulled out",
                  f"{COUNTER}が来館者を数え、{OFFICE}が見る。途中で{COUNTER}のケーブルが抜ける"))
        before = self.total(self.sample.counter)
        self.watch(OFFICE)
        self.count("貸室", 5)
        self.count("印刷", 1)
        self.cable.pull()
        left(say("  ✂ the cable is out; people keep coming", "  ✂ ケーブルが抜けた。来館者は続く"))
        self.count("貸室", 4)
        self.count("相談", 1)
        self.intake(WAITING)
        self.check_sealed(WAITING)
        self.cable.plug()
        left(say("  ⇄ the cable is back", "  ⇄ ケーブルを戻す"))
        self.act(COUNTER, "outbox", "send")
        self.watchers[OFFICE].wait_for(rf"[(（]{COUNTER}[)）]", self.counts)
        self.unwatch(OFFICE)
        expected = before[0] + self.people, before[1] + self.counts
        for profile in (self.sample.counter, self.sample.office):
            if self.total(profile) != expected:
                raise Failed(say(f"{expected} was expected.", f"{expected}のはずでした。"))
        show(say(f"{self.people} people in {self.counts} counts, {self.kept} of them and a consultation without the network: "
                 "all there, each once.",
                 f"{self.counts}回で{self.people}人。うち{self.kept}回と相談一件は切断中。すべて一度ずつ届いた。"))

    def check_sealed(self, text):
        for folder, _, names in os.walk(self.sample.counter):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    if text.encode() in file.read():
                        raise Failed(say(f"{name} holds the text in the clear.", f"{name} に平文があります。"))
        left(say(f"  (its text is in no file of {COUNTER}: it waits sealed)", f"  （本文は{COUNTER}のどのファイルにも無い。封をして待つ）"))

    # --- a booking

    def span(self):
        """The first hours from now on in which both rooms are free, within the next weeks."""
        now = datetime.datetime.now(ZONE)
        first = (now + datetime.timedelta(minutes=30 - now.minute % 30)).replace(second=0, microsecond=0)
        last = first + datetime.timedelta(days=30)
        spans = []
        for room in (ROOM, OTHER_ROOM):
            answer = ctl_json(self.sample.lounge, "availability", "--room", room, "--from", f"{first:%F %R}", "--to",
                              f"{last:%F %R}")
            spans.append([(span["from_us"] / 1e6, span["to_us"] / 1e6) for span in answer["spans"]])
        for start_s in sorted({span[0] for one in spans for span in one}):
            if all(any(start_s >= from_s and start_s + HOURS * 3600 <= to_s for from_s, to_s in one) for one in spans):
                start_at = datetime.datetime.fromtimestamp(start_s, ZONE)
                return start_at, start_at + datetime.timedelta(hours=HOURS)
        raise Failed(say("Nothing is free in the next 30 days.", "この30日に空きがありません。"))

    def tidy(self):
        """Calls off what earlier demonstrations booked and closes their cases, so that there is room for this one."""
        today = datetime.datetime.now(ZONE).date()
        listed = ctl_json(self.sample.counter, "booking", "list", "--from", today, "--to", today + datetime.timedelta(days=30))
        for booking in listed["bookings"]:
            if booking["title"] in (TITLE, OTHER_TITLE) and booking["state"] in ("tentative", "confirmed"):
                ctl(self.sample.counter, "booking", "cancel", booking["id"], "--reason", say("demonstration", "実演"))
        for case in ctl_json(self.sample.office, "consultation", "find", TOPIC)["cases"]:
            if not case["is_closed"]:
                ctl(self.sample.office, "consultation", "close", case["number"], "--outcome", "ended")

    def book(self):
        title(say(f"A group books at the {LOUNGE} by its number and PIN; {COUNTER} and {DOOR} see it",
                  f"{LOUNGE}で団体が番号とPINで予約し、{COUNTER}と{DOOR}に届く"))
        self.watch(COUNTER, DOOR)
        self.change_person(LOUNGE, str(GROUP), self.sample.facts["pin"])
        start_at, end_at = self.span()
        self.act(LOUNGE, "booking", "request", "--room", ROOM, "--from", f"{start_at:%F %R}", "--to", f"{end_at:%R}",
                 "--people", 8, "--title", TITLE)
        for name in (COUNTER, DOOR):
            self.watchers[name].wait_for(TITLE, 1)

        title(say("Another group wants the room at that time: refused, with what is free instead",
                  "同じ時間に別の団体：重なりは断られ、空いているところが示される"))
        middle = start_at + datetime.timedelta(minutes=30)
        wish = ("--from", f"{middle:%F %R}", "--to", f"{end_at:%R}", "--group", OTHER_GROUP, "--title", OTHER_TITLE)
        self.act(COUNTER, "booking", "request", "--room", ROOM, *wish, is_refused=True)
        self.act(COUNTER, "booking", "request", "--room", OTHER_ROOM, *wish, "--confirmed")
        self.watchers[COUNTER].wait_for(OTHER_TITLE, 1)
        ctl(self.sample.lounge, "sign-out")
        self.unwatch(COUNTER, DOOR)

    # --- a consultation

    def consult(self):
        title(say(f"A consultation is taken at {COUNTER} and read by its consultant only",
                  f"{COUNTER}が相談を受け、担当だけが読む"))
        case = self.intake("総会の進め方を知りたい。規約はまだ無い。")
        self.act(OFFICE, "consultation", "read", case, is_refused=True)
        self.change_person(OFFICE, CONSULTANT)
        self.act(OFFICE, "consultation", "read", case)
        self.change_person(OFFICE, OFFICE_ACCOUNT)

    def intake(self, text):
        """The number of the case, where the server is there to give it one."""
        done = self.act(COUNTER, "consultation", "intake", "--channel", "visit", "--client", "group", "--group", ADVISED,
                        "--topic", TOPIC, "--follow-up", "today", "--owner", self.sample.facts["consultant"], text_in=text)
        found = re.search(r"\b\d{4}-\d+\b", done.stdout)
        return found and found[0]

    def change_person(self, where, name, secret=None):
        left(f"{where} $ sign-in --name {name}")
        done = self.sample.sign_in(self.profiles[where], name, secret)
        left("  " + done.stdout.splitlines()[1].strip())

    def conclude(self):
        title(say(f"The day at {COUNTER}", f"{COUNTER}の一日"))
        show(f"{COUNTER} $ today")
        show(re.sub(r"^(?=.)", "  ", ctl(self.sample.counter, "today").stdout.strip(), flags=re.MULTILINE))


def demonstrate(sample):
    server = sample.serve()
    Show(sample).run()
    sample.stop(server)
    done = run([MADOGUCHID, "verify", "--data", sample.data])
    show("\nmadoguchid verify")
    show("\n".join("  " + line for line in done.stdout.strip().splitlines()))
    show(say(f"\nIt is all in {sample.folder}. scripts/run --server serves it; then try\n"
             f"  {MADOGUCHICTL} --profile {sample.counter} today",
             f"\nすべて {sample.folder} にあります。scripts/run --server で起動し、次を試せます。\n"
             f"  {MADOGUCHICTL} --profile {sample.counter} today"))


def serve(sample):
    """Until Ctrl+C; the counter's cable stays plugged in."""
    server = sample.serve()
    cable = Cable(sample.port + 2, sample.port)
    cable.plug()
    terminals = " ".join((sample.counter, sample.office, sample.lounge, sample.door))
    accounts = ", ".join((OFFICE_ACCOUNT, DESK_ACCOUNT, CONSULTANT))
    show(say(f"{CENTRE} is served on {HOST}:{sample.port}; Ctrl+C ends it.\n"
             f"Terminals: --profile one of {terminals}\n"
             f"Accounts: {accounts}, passphrase {sample.facts['passphrase']}\n"
             f"At the lounge: {GROUP}, PIN {sample.facts['pin']}",
             f"{CENTRE}を {HOST}:{sample.port} で起動しました。終了は Ctrl+C です。\n"
             f"端末: --profile に次のいずれか {terminals}\n"
             f"アカウント: {accounts}、合言葉: {sample.facts['passphrase']}\n"
             f"ラウンジ: {GROUP}、PIN {sample.facts['pin']}"))
    try:
        code = server.wait()
    except KeyboardInterrupt:
        code = stop(server)
    cable.pull()
    if code != 0:
        raise Failed(f"madoguchid: {code}")


def take_sample():
    """The sample centre: the one that is there, or a new one in the stead of one of another version."""
    sample = Sample(SAMPLE)
    port = None
    if sample.load() and sample.version() != VERSION:
        aside = f"{SAMPLE}.version-{sample.version()}"
        show(say(f"The sample centre is of another version; it now lies in {os.path.relpath(aside)}.",
                 f"見本のセンターは別の版のものです。{os.path.relpath(aside)} に移しました。"))
        shutil.rmtree(aside, ignore_errors=True)
        os.rename(SAMPLE, aside)
        port = sample.port
    if not os.path.exists(sample.facts_path):
        where = os.path.relpath(SAMPLE)
        show(say(f"Making a sample centre in {where} ...", f"見本のセンターを {where} に作っています……"))
        make_sample(port)
        sample.load()
    return sample


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
    sample = take_sample()
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
