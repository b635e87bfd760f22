"""Measures a release build beside its references, in alternating rounds of one run.

    scripts/bench [--json FILE] [--rounds N] [--quick] [NAME ...]

Each figure is a ratio of medians. `spread` is the reference against itself: the distance between its quartiles over
its median. Where the ratio lies nearer to the goal than that, `holds` is "undecided".
"""
import argparse
import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata

BUILD = os.environ["MADOGUCHI_BUILD"]
MADOGUCHID = f"{BUILD}/server/madoguchid"
BARE, LOAD, SEED = (f"{BUILD}/tests/bench/bench_{name}" for name in ("bare", "load", "seed"))
GROUPS = os.path.join(os.path.dirname(__file__), "..", "replay", "groups.csv")
TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
ZONE = "Asia/Tokyo"
TERMINALS = 1001
FULL_PORT, ENROL_PORT, BARE_PORT = 21443, 21444, 21445  # below the ephemeral range


def quartile_spread(values):
    if len(values) < 3:
        return float("inf")
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / statistics.median(values)


class Result:
    def __init__(self, name, unit, reference, goal, at_least, aim=None):
        self.name, self.unit, self.reference = name, unit, reference
        self.goal, self.at_least, self.aim = goal, at_least, aim
        self.values, self.references, self.extra = [], [], {}
        self.known_spread = None  # of rounds that were pooled

    def add(self, value, reference):
        self.values.append(value)
        self.references.append(reference)

    def as_json(self):
        value, reference = statistics.median(self.values), statistics.median(self.references)
        ratio = value / reference
        spread = quartile_spread(self.references) if self.known_spread is None else self.known_spread
        holds = None
        if self.goal is not None:
            holds = ratio >= self.goal if self.at_least else ratio <= self.goal
            if abs(ratio - self.goal) / self.goal < spread:
                holds = "undecided"
        return {"name": self.name, "value": round(value, 3), "unit": self.unit, "reference": self.reference,
                "reference_value": round(reference, 3), "ratio": round(ratio, 3), "goal": self.goal, "aim": self.aim,
                "holds": holds, "spread": round(spread, 3), "rounds": len(self.values), **self.extra}


# --- the programs ------------------------------------------------------------------------------------------

class Program:
    def __init__(self, arguments, ready=r"ready"):
        self.started_ns = time.monotonic_ns()
        self.errors = tempfile.TemporaryFile("w+")  # a pipe that nobody empties would stop the program
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.line = self.process.stdout.readline()
        if not re.search(ready, self.line):
            self.errors.seek(0)
            raise SystemExit(f"{arguments[0]}: {self.line}{self.errors.read()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        self.errors.seek(0)
        return self.errors.read()

    def cpu_s(self):
        """Of all its threads, in nanoseconds by the scheduler: ticks are too coarse for a handshake."""
        tasks = f"/proc/{self.process.pid}/task"
        total_ns = 0
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/schedstat") as file:
                total_ns += int(file.read().split()[0])
        return total_ns / 1e9

    def pss_kib(self):
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1])


class Full(Program):
    kind = "full"
    port = FULL_PORT

    def __init__(self, data):
        super().__init__([MADOGUCHID, "serve", "--data", data, "--listen", f"127.0.0.1:{FULL_PORT}", "--enrol-listen",
                          f"127.0.0.1:{ENROL_PORT}", "--log-level", "info", "--request-rate", "1000000",
                          "--request-burst", "1000000", "--narrow-request-rate", "1000000", "--narrow-request-burst",
                          "1000000", "--accept-rate", "1000000", "--connections", "5000",
                          "--connections-before-hello", "5000", "--address-connections", "5000"])


class Bare(Program):
    kind = "bare"
    port = BARE_PORT

    def __init__(self, certs, database=None):
        super().__init__([BARE, certs, str(BARE_PORT)] + ([database, ZONE] if database else []))


def load(mode, server, certs, connections, seconds, rate=20, first=0):
    done = subprocess.run([LOAD, mode, server.kind, certs, str(server.port), str(connections), str(seconds), str(rate),
                           str(first)], capture_output=True, text=True, timeout=300)
    if done.returncode != 0 or not done.stdout:
        raise SystemExit(f"bench_load {mode} {server.kind}: {done.stderr}")
    lines = done.stdout.splitlines()
    return json.loads(lines[0]) | {"latencies_us": json.loads(lines[1]) if len(lines) > 1 else []}


def percentile(values, share):
    return sorted(values)[int(share * (len(values) - 1))]


def write_groups(path, parts_path):
    """The groups of the replay as bench_seed reads them, and parts of three kana to search for."""
    parts = []
    with open(GROUPS, encoding="utf-8") as source, open(path, "w", encoding="utf-8") as target:
        for number, row in enumerate(csv.DictReader(source), 1):
            target.write(f"{number}\t{row['name']}\t{row['kana']}\n")
            kana = unicodedata.normalize("NFKC", row["kana"]).translate(TO_HIRAGANA)
            if len(kana) > 12 and number % 7 == 0:
                parts.append(kana[5:8])
    with open(parts_path, "w", encoding="utf-8") as target:
        target.write("\n".join(parts[:1000]) + "\n")


class Bench:
    def __init__(self, arguments):
        self.rounds, self.quick = arguments.rounds, arguments.quick
        self.folder = tempfile.mkdtemp(prefix="madoguchi-bench-", dir=os.environ.get("MADOGUCHI_BENCH_DIR"))
        self.data, self.certs = f"{self.folder}/data", f"{self.folder}/certs"
        self.bare_db = f"{self.folder}/bare.db"
        os.mkdir(self.certs)
        subprocess.run([MADOGUCHID, "init", "--data", self.data, "--centre", "Bench", "--zone", ZONE, "--office", "Bench"],
                       check=True, capture_output=True)
        counts = 50_000 if self.quick else 1_000_000
        started = time.monotonic()
        bookings = 5_000 if self.quick else 100_000
        write_groups(f"{self.folder}/groups.tsv", f"{self.certs}/parts.txt")
        subprocess.run([SEED, self.data, self.certs, str(TERMINALS), "10", str(counts), str(bookings),
                        f"{self.folder}/groups.tsv"], check=True)
        shutil.copy(f"{self.data}/madoguchi.db", self.bare_db)
        size = os.path.getsize(self.bare_db) / 2**20
        self.first = {"full": 0, "bare": 0}  # numbers of bookings that are free
        print(f"seeded {counts} counts and {bookings} bookings over ten years, {size:.0f} MiB, in {time.monotonic() - started:.0f} s", flush=True)

    def close(self):
        shutil.rmtree(self.folder)

    # --- durable counts ------------------------------------------------------------------------------------

    def counts(self, connections):
        result = Result(f"counts_{connections}", "counts/s", "bare pipeline",
                        {1: None, 32: 0.75, 200: None}[connections], True, 0.9 if connections == 32 else None)
        seconds = 1 if self.quick else 3
        full, bare = Full(self.data), Bare(self.certs, self.bare_db)
        p99, bare_p99 = [], []
        for _ in range(self.rounds):
            reference = load("counts", bare, self.certs, connections, seconds)
            value = load("counts", full, self.certs, connections, seconds)
            result.add(value["per_second"], reference["per_second"])
            p99.append(value["p99_us"])
            bare_p99.append(reference["p99_us"])
        batches = re.search(r"commits=(\d+) rows=(\d+)", full.stop())
        bare_batches = re.search(r"commits=(\d+) rows=(\d+)", bare.stop())
        measured_s = seconds * self.rounds
        result.extra = {"p99_us": statistics.median(p99), "reference_p99_us": statistics.median(bare_p99),
                        "commits_per_s": round(int(batches[1]) / measured_s, 1),
                        "rows_per_commit": round(int(batches[2]) / int(batches[1]), 2),
                        "reference_rows_per_commit": round(int(bare_batches[2]) / int(bare_batches[1]), 2)}
        return [result]

    # --- durable bookings ----------------------------------------------------------------------------------

    def book(self, mode, server, connections, seconds, rate=20):
        done = load(mode, server, self.certs, connections, seconds, rate, self.first[server.kind])
        self.first[server.kind] += done["count"] + 2 * connections + 1000  # also those that were not answered
        return done

    def bookings(self, connections):
        result = Result(f"bookings_{connections}", "bookings/s", "bare pipeline, one probe",
                        0.75 if connections == 32 else None, True, 0.9 if connections == 32 else None)
        seconds = 1 if self.quick else 3
        full, bare = Full(self.data), Bare(self.certs, self.bare_db)
        p99, bare_p99 = [], []
        for _ in range(self.rounds):
            reference = self.book("bookings", bare, connections, seconds)
            value = self.book("bookings", full, connections, seconds)
            result.add(value["per_second"], reference["per_second"])
            p99.append(value["p99_us"])
            bare_p99.append(reference["p99_us"])
        full.stop()
        bare.stop()
        result.extra = {"p99_us": statistics.median(p99), "reference_p99_us": statistics.median(bare_p99)}
        return [result]

    def booking_p99_200(self):
        result = Result("booking_p99_200", "us", "bare pipeline, one probe", 2, False, 1.5)
        full, bare = Full(self.data), Bare(self.certs, self.bare_db)
        pooled, bare_pooled = [], []
        for _ in range(max(self.rounds, 9)):
            reference = self.book("steady", bare, 200, 1 if self.quick else 4, 200)["latencies_us"]
            value = self.book("steady", full, 200, 1 if self.quick else 4, 200)["latencies_us"]
            bare_pooled += reference
            pooled += value
            result.add(percentile(value, 0.99), percentile(reference, 0.99))
        full.stop()
        bare.stop()
        spread = quartile_spread(result.references)
        pool = Result("booking_p99_200", "us", "bare pipeline, one probe", 2, False, 1.5)
        pool.add(percentile(pooled, 0.99), percentile(bare_pooled, 0.99))
        pool.known_spread = spread
        pool.extra = {"p50_us": percentile(pooled, 0.5), "reference_p50_us": percentile(bare_pooled, 0.5)}
        return [pool]

    # --- reading beside others -----------------------------------------------------------------------------

    def closed_loop(self, name, mode, connections, reference_name, goal):
        result = Result(name, "us p99", reference_name, goal, False)
        full, bare = Full(self.data), Bare(self.certs, self.bare_db)
        seconds = 1 if self.quick else 3
        for _ in range(self.rounds):
            reference = load(mode, bare, self.certs, connections, seconds)
            value = load(mode, full, self.certs, connections, seconds)
            result.add(value["p99_us"], reference["p99_us"])
        full.stop()
        bare.stop()
        return [result]

    def day_view(self):
        return self.closed_loop("day_view", "day-view", 64, "bare SQL and round trip", 2)

    def group_search(self):
        return self.closed_loop("group_search", "search", 8, "plain scan and round trip", 3)

    # --- one change to every terminal ----------------------------------------------------------------------

    def push(self, connections):
        p50 = Result(f"push_{connections}_p50", "us", "bare fan-out", 1.3, False, 1.15)
        p99 = Result(f"push_{connections}_p99", "us", "bare fan-out", 1.3, False, 1.15)
        full, bare = Full(self.data), Bare(self.certs)
        seconds = 2 if self.quick else 5
        for _ in range(self.rounds):
            reference = load("push", bare, self.certs, connections, seconds)
            value = load("push", full, self.certs, connections, seconds)
            p50.add(value["p50_us"], reference["p50_us"])
            p99.add(value["p99_us"], reference["p99_us"])
        full.stop()
        bare.stop()
        return [p50, p99]

    # --- memory and handshakes -----------------------------------------------------------------------------

    def idle_kib(self, server, connections):
        base = server.pss_kib()
        process = subprocess.Popen([LOAD, "idle", server.kind, self.certs, str(server.port), str(connections), "1"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if "ready" not in process.stdout.readline():
            raise SystemExit("bench_load idle")
        time.sleep(1)
        used = server.pss_kib() - base
        process.communicate("")
        return used / connections

    def idle_memory(self):
        result = Result("idle_memory", "KiB/terminal", "bare mutual TLS", 1.5, False, 1.25)
        for _ in range(self.rounds):
            bare = Bare(self.certs)
            reference = self.idle_kib(bare, 1000)
            bare.stop()
            full = Full(self.data)
            load("counts", full, self.certs, 1, 0.2)  # its own buffers are warm before the base is taken
            result.add(self.idle_kib(full, 1000), reference)
            full.stop()
        return [result]

    def handshake_full(self):
        result = Result("handshake_full", "us of server CPU", "bare mutual TLS", 1.25, False, 1.1)
        full, bare = Full(self.data), Bare(self.certs)
        count = 300 if self.quick else 1000
        for _ in range(self.rounds):
            pair = []
            for server in (full, bare):
                before = server.cpu_s()
                load("handshake", server, self.certs, count, 1)
                pair.append((server.cpu_s() - before) / count * 1e6)
            result.add(*pair)
        full.stop()
        bare.stop()
        return [result]

    # --- ten years -----------------------------------------------------------------------------------------

    def first_answer_ms(self, kind):
        """From the start of the process to the first answer; somebody knocks from before on."""
        knocking = subprocess.Popen([LOAD, "first", kind.kind, self.certs, str(kind.port), "1", "1"],
                                    stdout=subprocess.PIPE, text=True)
        knocking.stdout.readline()
        server = Full(self.data) if kind is Full else Bare(self.certs)
        answer = json.loads(knocking.communicate(timeout=60)[0].splitlines()[-1])
        server.stop()
        return (answer["at_ns"] - server.started_ns) / 1e6

    def start_10y(self):
        result = Result("start_10y", "ms", "bare TLS server's start", 4, False, 2)
        for _ in range(self.rounds):
            reference = self.first_answer_ms(Bare)
            result.add(self.first_answer_ms(Full), reference)
        return [result]

    def read_rows_ms(self):
        """The rows of the desk's view, read by plain SQLite from a connection that has just been opened."""
        today = time.localtime(time.time())
        fiscal_year = today.tm_year if today.tm_mon >= 4 else today.tm_year - 1
        day = today.tm_year * 10000 + today.tm_mon * 100 + today.tm_mday
        started = time.monotonic()
        database = sqlite3.connect(f"file:{self.data}/madoguchi.db?mode=ro", uri=True)
        rows = len(database.execute("SELECT * FROM visit WHERE day IN (?, ?) AND is_undone = 0", (day, day + 1)).fetchall())
        rows += len(database.execute("SELECT * FROM visit_day WHERE day >= ?",
                                     ((fiscal_year - 1) * 10000 + 401,)).fetchall())
        month_ago = time.localtime(time.time() - 31 * 86400)
        rows += len(database.execute("SELECT * FROM booking WHERE last_day >= ?",
                                     (month_ago.tm_year * 10000 + month_ago.tm_mon * 100 + month_ago.tm_mday,)).fetchall())
        rows += len(database.execute("SELECT * FROM civic_group").fetchall())
        elapsed_ms = (time.monotonic() - started) * 1000
        database.close()
        return elapsed_ms, rows

    def catch_up_10y(self):
        result = Result("catch_up_10y", "ms", "SQLite read + TLS transfer", 2, False)
        full, bare = Full(self.data), Bare(self.certs)
        for _ in range(self.rounds):
            value = load("catch-up", full, self.certs, 1, 1)
            transfer = load("catch-up", bare, self.certs, 1, value["bytes"])
            read_ms, rows = self.read_rows_ms()
            result.add(value["p50_us"] / 1000, transfer["p50_us"] / 1000 + read_ms)
            result.extra = {"rows": value["rows"], "rows_read": rows, "bytes": value["bytes"]}
        full.stop()
        bare.stop()
        return [result]


# What reads ten years comes before what adds to them.
NAMES = {"start_10y": Bench.start_10y, "catch_up_10y": Bench.catch_up_10y, "day_view": Bench.day_view,
         "group_search": Bench.group_search, "idle_memory": Bench.idle_memory, "handshake_full": Bench.handshake_full,
         "push_200": lambda b: b.push(200), "push_1000": lambda b: b.push(1000), "counts_1": lambda b: b.counts(1),
         "counts_32": lambda b: b.counts(32), "counts_200": lambda b: b.counts(200),
         "bookings_1": lambda b: b.bookings(1), "bookings_8": lambda b: b.bookings(8),
         "bookings_32": lambda b: b.bookings(32), "bookings_200": lambda b: b.bookings(200),
         "booking_p99_200": Bench.booking_p99_200}


def print_row(row):
    goal = "" if row["goal"] is None else f"goal {row['goal']:g}" + (f", aim {row['aim']:g}" if row["aim"] else "")
    extra = " ".join(f"{key}={value}" for key, value in row.items()
                     if key in ("commits_per_s", "rows_per_commit", "p99_us", "reference_p99_us", "rows", "bytes"))
    print(f"{row['name']:<16} {row['value']:>12.2f} {row['unit']:<18} beside {row['reference_value']:>12.2f} "
          f"({row['reference']})  ratio {row['ratio']:.2f}  spread {row['spread']:.2f}  {goal}  holds={row['holds']} {extra}",
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small data and short rounds: to see that it runs")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    bench = Bench(arguments)
    rows = []
    try:
        for name in arguments.names or NAMES:
            for result in NAMES[name](bench):
                rows.append(result.as_json())
                print_row(rows[-1])
    finally:
        bench.close()
        if arguments.json:
            with open(arguments.json, "w") as file:
                json.dump(rows, file, indent=2)
    return 1 if any(row["holds"] is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
