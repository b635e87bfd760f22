"""Real input through the real thing: three terminals on libmadoguchi count 105 days of visitors over TLS while a cable
is pulled, a terminal is killed and the server is killed; at the end nothing is missing and nothing is there twice.

The file's days are of 2005. Old days are not in a replica (its horizon is two fiscal years), so the day may be moved:
run(dates="published") counts at the very instants of the file, and run(dates="recent") at the same days of the
week and wall-clock times of the latest year in which all 105 days have passed, so that every day's totals travel
through the feed. In both, some people are counted at "now" at another place, so that single lines of today do too."""
import csv
import datetime
import os
import queue
import random
import subprocess
import sys
import threading
import time
import zoneinfo

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "flow"))
import harness  # noqa: E402
import stranger  # noqa: E402
from harness import COUNTER, VISIT, VISIT_DAY, VISIT_PLACE, VISIT_PURPOSE  # noqa: E402

ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
TERMINAL = os.path.join(harness.BUILD, "tests", "replay_terminal")
TOTAL_IN, TOTAL_OUT, HALF_HOURS = 19_597, 18_837, 5_040
HALF_HOUR_STEP = 4
ONLINE = "2"  # as in enum mdg_link
NOW_COUNTS = 60


class Terminal:
    """One replay_terminal process and what is known about what it was told."""

    def __init__(self, centre, name):
        self.centre, self.name = centre, name
        self.profile = os.path.join(centre.server.folder, "profile-" + name)
        self.process, self.lines = None, queue.Queue()
        self.told, self.keys, self.accepted, self.refused = {}, {}, set(), []
        self.next_seq = 0

    def enrol(self):
        server = self.centre.server
        code = self.centre.office_write("terminals", "enrol", {"name": self.name, "kind": COUNTER})
        code = code.body.terminals.enrolled_code.code
        process = subprocess.Popen([TERMINAL, "enrol", self.profile, server.enrol_listen[0], str(server.enrol_listen[1]),
                                    str(server.listen[1]), code], stdout=subprocess.PIPE)
        try:
            number = harness.read_line(process.stdout, r"check (\d{6})", 30, "the terminal's check number")[1]
            seen = self.centre.office_read("terminals", "enrolment_state").check_number
            if seen != number:
                raise AssertionError(f"the office sees {seen}, the terminal {number}")
            self.centre.office_write("terminals", "enrolment_decide", {"is_same": True})
            harness.read_line(process.stdout, r"enrolled (\d+)", 30, "the certificate")
            if process.wait(30) != 0:
                raise AssertionError(f"enrolment of {self.name} ended with {process.returncode}")
        finally:
            process.kill()
            process.wait(10)
            process.stdout.close()

    def start(self):
        self.process = subprocess.Popen([TERMINAL, self.profile], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        self.wait_line("started", 30)

    def _read(self, stream):
        for line in stream:
            self.lines.put(line.split())
        self.lines.put(None)

    def wait_line(self, first, timeout, rows=None):
        """Takes lines in until one that begins so."""
        end = time.monotonic() + timeout
        while True:
            try:
                words = self.lines.get(timeout=max(end - time.monotonic(), 0.01))
            except queue.Empty:
                raise TimeoutError(f"terminal {self.name}: no {first!r} within {timeout} s") from None
            if words is None:
                raise AssertionError(f"terminal {self.name} ended: {self.process.poll()}")
            self._take(words, rows)
            if words[0] == first:
                return words

    def drain(self):
        while True:
            try:
                words = self.lines.get_nowait()
            except queue.Empty:
                return
            if words is None:
                raise AssertionError(f"terminal {self.name} ended by itself: {self.process.poll()}")
            self._take(words)

    def _take(self, words, rows=None):
        if words[0] == "stored":
            self.keys[words[2]] = int(words[1])
        elif words[0] == "accepted":
            self.accepted.add(words[1])
        elif words[0] == "refused":
            self.refused.append(words)
        elif words[0] == "outbox":
            self._found_in_outbox(words)
        elif words[0] == "row" and rows is not None:
            rows.append(bytes.fromhex(words[1]))
        elif words[0] in ("failed", "unknown"):
            raise AssertionError(f"terminal {self.name}: {' '.join(words)}")

    def _found_in_outbox(self, words):
        """After a kill: a count that was stored though its line was not written any more."""
        if words[1] in self.keys:
            return
        people, at_us = int(words[2]), int(words[3])
        stored = set(self.keys.values())
        for seq, count in self.told.items():
            if seq not in stored and (count[2], count[3]) == (people, at_us):
                self.keys[words[1]] = seq
                return
        raise AssertionError(f"terminal {self.name}: its outbox holds a count that nobody made: {words}")

    def say(self, line):
        self.process.stdin.write(line + "\n")

    def count(self, place, purpose, people, at_us):
        self.next_seq += 1
        self.told[self.next_seq] = (place, purpose, people, at_us)
        self.say(f"count {self.next_seq} {place} {purpose} {people} {at_us}")

    def kill(self):
        """kill -9; what it had not stored by then is told again to the next process, as a person would do who sees
        that the number on the screen has not changed."""
        self.process.kill()
        self.process.wait(10)
        self.reader.join(30)
        while not self.lines.empty():
            words = self.lines.get_nowait()
            if words is not None:
                self._take(words)
        self.process.stdin = None
        self.start()
        stored = set(self.keys.values())
        missing = [seq for seq in self.told if seq not in stored]
        for seq in missing:
            self.say("count %d %d %d %d %d" % (seq, *self.told[seq]))
        return len(missing)

    def wait_stored(self, timeout=90):
        harness.wait_until(lambda: self.drain() or len(self.keys) >= len(self.told), timeout,
                           f"terminal {self.name}: its counts stored ({len(self.keys)} of {len(self.told)})")

    def state(self):
        self.say("state")
        return dict(pair.split("=") for pair in self.wait_line("state", 30)[1:])

    def check_waits(self, why):
        """The interruption was one: it is offline, and counts lie in its outbox."""
        harness.wait_until(lambda: self.state()["link"] != ONLINE, 10, f"terminal {self.name} offline, {why}")
        state = self.state()
        if int(state["unsent"]) == 0:
            raise AssertionError(f"terminal {self.name}: nothing waits though {why}: {state}")
        return int(state["unsent"])

    def wait_acknowledged(self, timeout=120):
        """Every count stored and answered by the server, none refused, and the replica caught up."""
        self.wait_stored()
        end = time.monotonic() + timeout
        while True:
            state = self.state()
            if self.refused:
                raise AssertionError(f"terminal {self.name}: refused {self.refused[:3]}")
            if state["unsent"] == "0" and state["caught_up"] == "1":
                return
            if time.monotonic() > end:
                raise TimeoutError(f"terminal {self.name}: not done within {timeout} s: {state}")
            time.sleep(0.2)

    def rows(self):
        packed = []
        self.say("rows")
        count = int(self.wait_line("rows", 60, packed)[1])
        if count != len(packed):
            raise AssertionError(f"terminal {self.name}: {len(packed)} rows, but it says {count}")
        rows = [stranger.PB["frame"].Row.FromString(row) for row in packed]
        return {(row.kind, row.id): row for row in rows}

    def close(self):
        if self.process is None:
            return
        try:
            self.process.stdin.close()
            status = self.process.wait(30)
            if status != 0:
                raise AssertionError(f"terminal {self.name} ended with status {status}")
        finally:
            self.process.kill()
            self.process.wait(10)
            self.process.stdout.close()
            self.process = None


def read_file():
    """[(local start, in, out)]"""
    with open(os.path.join(HERE, "visitors.csv"), encoding="utf-8") as file:
        rows = [(datetime.datetime.fromisoformat(row["start"]), int(row["in"]), int(row["out"]))
                for row in csv.DictReader(file)]
    assert (len(rows), sum(r[1] for r in rows), sum(r[2] for r in rows)) == (HALF_HOURS, TOTAL_IN, TOTAL_OUT)
    return rows


def moved_to_recent(rows):
    """Whole weeks later: from the Sunday nearest to 24 July of the latest year whose 105 days have passed. No hour is
    missing in them, as the clocks go back in autumn but not forward."""
    yesterday = datetime.datetime.now(ZONE).date() - datetime.timedelta(days=1)
    first, days = rows[0][0].date(), (rows[-1][0].date() - rows[0][0].date()).days
    for year in range(yesterday.year, yesterday.year - 3, -1):
        weeks = round((datetime.date(year, 7, 24) - first).days / 7)
        start = first + datetime.timedelta(weeks=weeks)
        if start + datetime.timedelta(days=days) <= yesterday:
            return [(at + datetime.timedelta(weeks=weeks), *counts) for at, *counts in rows]
    raise AssertionError("unreachable")


def local_us(at):
    return int(at.replace(tzinfo=ZONE).timestamp()) * 1_000_000


def make_counts(rows, dice, place, purposes):
    """What the door counts: each half hour's people, some of them in two goes within the half hour."""
    counts = []
    for at, people_in, people_out in rows:
        if people_in == 0 and people_out == 0:
            counts.append((place, 0, 0, local_us(at) + dice.randrange(1800) * 1_000_000))
        for purpose, people in ((purposes["in"], people_in), (purposes["out"], people_out)):
            while people > 0:
                some = dice.randint(1, people) if people > 8 and dice.random() < 0.5 else people
                counts.append((place, purpose, some, local_us(at) + dice.randrange(1800) * 1_000_000))
                people -= some
    return counts


def expected_table(rows, place, purposes):
    table = {}
    for at, people_in, people_out in rows:
        day, slot = at.year * 10000 + at.month * 100 + at.day, at.hour * 2 + at.minute // 30
        if people_in == 0 and people_out == 0:
            table[(day, slot, place, 0)] = 0
        for purpose, people in ((purposes["in"], people_in), (purposes["out"], people_out)):
            if people > 0:
                table[(day, slot, place, purpose)] = people
    return table


def served_table(client, rows, place):
    """The half-hour table of the place as the server gives it, page by page."""
    first, last = rows[0][0], rows[-1][0]
    table, day = {}, first.date()
    while day <= last.date():
        until = min(day + datetime.timedelta(days=6), last.date())
        cursor = ""
        while True:
            listed = client.read("visits", "totals", {
                "from_day": int(day.strftime("%Y%m%d")), "to_day": int(until.strftime("%Y%m%d")),
                "step": HALF_HOUR_STEP, "cursor": cursor})
            for total in listed.totals:
                name = (total.day, total.slot, total.place_id, total.purpose_id)
                if name in table:
                    raise AssertionError(f"the line {name} came twice")
                if total.place_id == place:
                    table[name] = total.people
            cursor = listed.next_cursor
            if not cursor:
                break
        day = until + datetime.timedelta(days=1)
    return table


def first_differences(one, other, what):
    if one == other:
        return
    names = sorted(set(one) ^ set(other)) or [n for n in sorted(one) if one[n] != other[n]]
    shown = "\n".join(f"  {n}: {one.get(n)} / {other.get(n)}" for n in names[:5])
    raise AssertionError(f"{what}: {len(names)} differences, first\n{shown}")


class Replay:
    def __init__(self, seed, dates):
        self.dice = random.Random(seed)
        rows = read_file()
        self.rows = moved_to_recent(rows) if dates == "recent" else rows
        self.centre = harness.Centre(zone="America/Los_Angeles")
        self.terminals = []
        self.started = time.monotonic()

    def log(self, text):
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", flush=True)

    def prepare(self):
        self.door, self.purposes = self.centre.place("door", ["in", "out"])
        self.lounge, self.lounge_purposes = self.centre.place("lounge", ["reading"], position=2)
        self.centre.enrol("watcher", COUNTER)
        for name in ("one", "two", "three"):
            terminal = Terminal(self.centre, name)
            terminal.enrol()
            self.terminals.append(terminal)
        self.centre.person("reader", harness.DESK_ROLE)
        for terminal in self.terminals:
            terminal.start()
        self.log("three terminals enrolled")

    def play(self):
        counts = make_counts(self.rows, self.dice, self.door, self.purposes)
        steps = sorted(self.dice.sample(range(len(counts)), NOW_COUNTS))
        offline_from, server_dies, server_returns, terminal_dies, online_from = (
            int(len(counts) * part) for part in (0.3, 0.42, 0.44, 0.55, 0.7))
        two, three = self.terminals[1:]
        for number, count in enumerate(counts):
            if number == offline_from:
                two.say("cable off")
                self.log(f"cable of two pulled at {number} of {len(counts)}")
            elif number == server_dies:
                self.centre.drop_office()
                self.centre.server.kill()
                self.log(f"server killed at {number}")
            elif number == server_returns:
                waiting = self.terminals[0].check_waits("the server is gone")
                self.centre.server.start()
                self.log(f"server back at {number}; {waiting} counts wait at terminal one")
            elif number == terminal_dies:
                again = three.kill()
                self.log(f"terminal three killed at {number}; {again} counts were not stored yet")
            elif number == online_from:
                waiting = two.check_waits("its cable is pulled")
                two.say("cable on")
                self.log(f"cable of two back at {number}; {waiting} counts wait")
            terminal = self.dice.choice(self.terminals)
            terminal.count(*count)
            if number in steps:
                self.dice.choice(self.terminals).count(self.lounge, self.lounge_purposes["reading"], 1,
                                                       stranger.now_us())
            if number % 50 == 0:
                for terminal in self.terminals:
                    terminal.drain()
            if number % 500 == 0:  # a person does not count faster than the disk: keep the stretches true
                for terminal in self.terminals:
                    terminal.wait_stored()
        self.log(f"{len(counts) + NOW_COUNTS} counts made")
        for terminal in self.terminals:
            terminal.wait_acknowledged()
        self.log("all acknowledged")

    def check_totals(self):
        with self.centre.connect("watcher") as client:
            client.sign_in("reader", self.centre.secrets["reader"])
            served = served_table(client, self.rows, self.door)
            expected = expected_table(self.rows, self.door, self.purposes)
            people = {name: sum(v for n, v in served.items() if n[3] == self.purposes[name]) for name in ("in", "out")}
            if people != {"in": TOTAL_IN, "out": TOTAL_OUT}:
                raise AssertionError(f"totals {people}, not {TOTAL_IN} in and {TOTAL_OUT} out")
            first_differences(served, expected, "half-hour table: server / file")
        self.log(f"totals {people['in']} in, {people['out']} out; {len(served)} lines of the half-hour table equal the file")

    def check_replicas(self, dates):
        with self.centre.connect("watcher") as client:
            view = client.catch_up(stranger.Replica()).rows
        kinds = {kind: sum(1 for row in view.values() if row.kind == kind) for kind, _ in view}
        for kind, count in {VISIT_PLACE: 2, VISIT_PURPOSE: 3}.items():
            if kinds.get(kind) != count:
                raise AssertionError(f"the view holds {kinds.get(kind)} rows of kind {kind}, not {count}")
        if not kinds.get(VISIT) or not kinds.get(VISIT_DAY):
            raise AssertionError(f"the view lacks today's lines or day totals: {kinds}")
        if dates == "recent":
            people = {name: sum(row.body.visits.visit_day_row.people for row in view.values() if row.kind == VISIT_DAY and
                                row.body.visits.visit_day_row.purpose_id == self.purposes[name]) for name in ("in", "out")}
            if people != {"in": TOTAL_IN, "out": TOTAL_OUT}:
                raise AssertionError(f"the day totals of the view sum to {people}")
        for terminal in self.terminals:
            held = terminal.rows()
            if not held:
                raise AssertionError(f"the replica of {terminal.name} is empty")
            first_differences(held, view, f"replica of {terminal.name} / server's view")
        self.log(f"three replicas equal the server's view: {len(view)} rows, by kind {kinds}")

    def finish(self):
        for terminal in self.terminals:
            terminal.close()
        self.centre.stop()
        self.centre.server.verify()
        self.log("verified")

    def destroy(self):
        for terminal in self.terminals:
            if terminal.process is not None:
                terminal.process.kill()
                terminal.process.wait(10)
        self.centre.destroy()


def run(seed, dates):
    replay = Replay(seed, dates)
    try:
        replay.prepare()
        replay.play()
        replay.check_totals()
        replay.check_replicas(dates)
        replay.finish()
    except BaseException:
        print(replay.centre.server.log_tail(), file=sys.stderr)
        raise
    finally:
        replay.destroy()
