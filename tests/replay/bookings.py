"""Real input through the real thing: eight terminals on libmadoguchi key in 13,378 published bookings over TLS, all at
once, while the server is killed in the middle. The bookings overlap as they were published. In the end no two accepted
ones of a room overlap, each refused one names an accepted one that it overlaps, every line has exactly one answer, and
every terminal's replica is what the server would show it.

The days of the file lie behind the horizon of a replica, so some bookings of these days are asked for as well."""
import csv
import datetime
import os
import random
import subprocess
import sys
import threading
import time
import unicodedata
import zoneinfo

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "flow"))
sys.path.insert(0, HERE)
import harness  # noqa: E402
import stranger  # noqa: E402
from harness import COUNTER, OFFICE_NAME, OFFICE_SECRET  # noqa: E402
from visitors import Terminal as EnrolledTerminal  # noqa: E402
from visitors import first_differences  # noqa: E402

ZONE = zoneinfo.ZoneInfo("America/New_York")
TERMINAL = os.path.join(harness.BUILD, "tests", "booking_terminal")
LINES, ROOMS, TERMINALS, ACCEPTED = 13_378, 1_265, 8, range(9_000, 11_001)
ROOM, BOOKING, LIMITS = 9201, 11201, 11202
LONGEST_DAYS, SLOT_US = 200, 1_800_000_000
NOW_LINES = 200


def read_file():
    """[(room, start_us, end_us, title)]. Names of some facilities carry control characters, as they were published; nobody
    could type those, and no room may have them."""
    def local_us(text):
        return int(datetime.datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * 1_000_000

    with open(os.path.join(HERE, "bookings.csv"), encoding="utf-8") as file:
        rows = [("".join(c for c in row["room"] if unicodedata.category(c) != "Cc"), local_us(row["start"]), local_us(row["end"]), row["title"]) for row in csv.DictReader(file)]
    assert (len(rows), len({row[0] for row in rows})) == (LINES, ROOMS)
    return rows


class Terminal(EnrolledTerminal):
    """One booking_terminal process, its plan and the answers it got."""

    def __init__(self, centre, name):
        super().__init__(centre, name)
        self.answers, self.unanswered, self.is_done = {}, 0, False

    def start_with(self, plan):
        path = os.path.join(self.centre.server.folder, f"plan-{self.name}")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in plan)
        self.process = subprocess.Popen([TERMINAL, self.profile, path, OFFICE_NAME, OFFICE_SECRET], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()

    def _take(self, words, rows=None):
        if words[0] == "answer":
            seq = int(words[1])
            if seq in self.answers:
                raise AssertionError(f"terminal {self.name}: line {seq} was answered twice")
            self.answers[seq] = words[2:]
        elif words[0] == "unanswered":
            self.unanswered += 1
        elif words[0] == "done":
            self.is_done = True
        elif words[0] == "row" and rows is not None:
            rows.append(bytes.fromhex(words[1]))
        elif words[0] == "failed":
            raise AssertionError(f"terminal {self.name}: {' '.join(words)}")

    def wait_caught_up(self, rev, timeout=60):
        end = time.monotonic() + timeout
        while True:
            state = self.state()
            if state["caught_up"] == "1" and int(state["rev"]) >= rev:
                return
            if time.monotonic() > end:
                raise TimeoutError(f"terminal {self.name}: not caught up with {rev}: {state}")
            time.sleep(0.1)


class Replay:
    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.lines = read_file()
        self.centre = harness.Centre(zone="America/New_York")
        self.terminals, self.plans, self.calls = [], [[] for _ in range(TERMINALS)], {}
        self.started = time.monotonic()

    def log(self, text):
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", flush=True)

    def prepare(self):
        for number in range(TERMINALS):
            terminal = Terminal(self.centre, f"counter {number}")
            terminal.enrol()
            self.terminals.append(terminal)
        self.centre.enrol("watcher", COUNTER)
        self.centre.office_write("bookings", "limits_save", {"longest_minutes": LONGEST_DAYS * 1440, "ahead_days": 180,
                                                             "hold_days": 7})
        self.rooms = {}
        names = sorted({line[0] for line in self.lines})
        office = self.centre.office
        sent = [(name, office.send_request(stranger.body_of("rooms", "save", {
            "name": name, "kind": 1, "position": number, "is_always_open": True}), stranger.new_key()))
            for number, name in enumerate(names)]
        for name, request in sent:
            response = office.response(request)
            if response.HasField("refusal"):
                raise AssertionError(f"room {name!r}: {response.refusal}")
            self.rooms[name] = response.object_id
        self.log(f"{TERMINALS} terminals enrolled, {len(self.rooms)} rooms made")

    def plan(self):
        """Every line to one of the terminals, in an order of the dice; among them requests for the next days."""
        calls = [("record", self.rooms[room], start, end, title) for room, start, end, title in self.lines]
        base = (stranger.now_us() // SLOT_US + 48) * SLOT_US
        rooms = self.dice.sample(sorted(self.rooms.values()), 5)
        for _ in range(NOW_LINES):
            start = base + self.dice.randrange(96) * SLOT_US
            calls.append(("request", self.dice.choice(rooms), start, start + self.dice.randint(1, 6) * SLOT_US, "now"))
        self.dice.shuffle(calls)
        for seq, call in enumerate(calls):
            self.calls[seq] = call
            op, room, start, end, title = call
            self.plans[self.dice.randrange(TERMINALS)].append(f"{op} {seq} {room} {start} {end} {title}")

    def answered(self):
        for terminal in self.terminals:
            terminal.drain()
        return sum(len(terminal.answers) for terminal in self.terminals)

    def play(self):
        for terminal, plan in zip(self.terminals, self.plans):
            terminal.start_with(plan)
        dies = self.dice.randint(4_000, 8_000)
        harness.wait_until(lambda: self.answered() >= dies, 120, f"{dies} answers")
        self.centre.drop_office()
        self.centre.server.kill()
        self.log(f"server killed after {self.answered()} answers")
        harness.wait_until(lambda: self.answered() < 0 or all(
            t.unanswered or t.is_done or t.state()["link"] != "2" for t in self.terminals), 20, "terminals offline")
        self.centre.server.start()
        harness.wait_until(lambda: self.answered() == len(self.calls), 180, "every line answered")
        again = sum(terminal.unanswered for terminal in self.terminals)
        if again == 0:
            raise AssertionError("the kill interrupted nothing")
        self.log(f"{len(self.calls)} lines answered, {again} times an answer was missing and the line was sent again")

    def check_answers(self):
        answers = {}
        for terminal, plan in zip(self.terminals, self.plans):
            expected = {int(line.split()[1]) for line in plan}
            if set(terminal.answers) != expected:
                raise AssertionError(f"terminal {terminal.name}: answers to other lines than it sent")
            answers.update(terminal.answers)
        accepted = {int(words[1]): self.calls[seq] for seq, words in answers.items() if words[0] == "accepted"}
        self.count = {"record": 0, "request": 0}
        for call in accepted.values():
            self.count[call[0]] += 1
        if len(accepted) != sum(1 for words in answers.values() if words[0] == "accepted"):
            raise AssertionError("two lines were accepted as one booking")
        for seq, words in answers.items():
            if words[0] == "accepted":
                continue
            _, room, start, end, _ = self.calls[seq]
            if words[1] != "MDG_ERR_CONFLICT" or words[3] != "clash":
                raise AssertionError(f"line {seq} {self.calls[seq]}: invalid: {words}")
            first = accepted.get(int(words[2]))
            if first is None or first[1] != room or first[2] >= end or first[3] <= start:
                raise AssertionError(f"line {seq} {self.calls[seq]}: refused for {words[2]}, which is {first}")
        self.accepted = accepted
        if self.count["record"] not in ACCEPTED:
            raise AssertionError(f"{self.count['record']} accepted")
        self.log(f"accepted {self.count['record']}, clashes {LINES - self.count['record']}, invalid 0; "
                 f"of {NOW_LINES} requests {self.count['request']}")

    def check_stored(self):
        """Read back by call, page by page: what was accepted and nothing else, and nothing overlaps."""
        stored = {}
        for year in range(2016, datetime.datetime.now(ZONE).year + 2):
            from_us = int(datetime.datetime(year, 1, 1, tzinfo=ZONE).timestamp()) * 1_000_000
            to_us = int(datetime.datetime(year + 1, 1, 1, tzinfo=ZONE).timestamp()) * 1_000_000
            page = {"from_us": from_us, "to_us": to_us}
            while True:
                listed = self.centre.office_read("bookings", "list", page)
                stored.update({b.id: (b.room_id, b.start_us, b.end_us) for b in listed.bookings})
                if not listed.has_more:
                    break
                page.update(after_us=listed.bookings[-1].start_us, after_id=listed.bookings[-1].id)
        first_differences(stored, {n: call[1:4] for n, call in self.accepted.items()}, "bookings: server / answers")
        rooms = {}
        for room, start, end in stored.values():
            rooms.setdefault(room, []).append((start, end))
        for room, spans in rooms.items():
            spans.sort()
            for (_, end), (start, _) in zip(spans, spans[1:]):
                if start < end:
                    raise AssertionError(f"room {room}: two bookings overlap at {start}")
        self.log(f"{len(stored)} bookings read back; no two of a room overlap")

    def check_replicas(self):
        with self.centre.connect("watcher") as client:
            replica = client.catch_up(stranger.Replica())
            view = replica.rows
        kinds = {kind: sum(1 for k, _ in view if k == kind) for kind, _ in view}
        expected = {ROOM: ROOMS, BOOKING: self.count["request"], LIMITS: 1,
                    harness.TERMINAL_ROW: TERMINALS + 2}  # the office and the watcher
        if kinds != expected:
            raise AssertionError(f"the view holds {kinds}, not {expected}")
        for terminal in self.terminals:
            terminal.wait_caught_up(replica.rev)
            first_differences(terminal.rows(), view, f"replica of {terminal.name} / server's view")
        self.log(f"{TERMINALS} replicas equal the server's view: {len(view)} rows, by kind {kinds}")

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


def run(seed):
    replay = Replay(seed)
    try:
        replay.prepare()
        replay.plan()
        replay.play()
        replay.check_answers()
        replay.check_stored()
        replay.check_replicas()
        replay.finish()
    except BaseException:
        print(replay.centre.server.log_tail(), file=sys.stderr)
        raise
    finally:
        replay.destroy()
