"""Files that are taken in as a whole or not at all."""
import os
import sqlite3

import ctl_terminal
import harness
import stranger
from harness import COUNTER, DESK_ROLE, OFFICE, OFFICE_NAME, OFFICE_ROLE, OFFICE_SECRET

HOLIDAYS, HOLIDAY_ROW = 1, 8203
PIECE = 128 * 1024


def years(first, last, name="祝日", titles="date,name"):
    """Ten days of each year."""
    lines = [f"{year}-03-{day:02},{name} {day}" for year in range(first, last + 1) for day in range(1, 11)]
    return "\r\n".join([titles, *lines, ""])


class Imports(harness.CentreCase):
    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)
        cls.centre.person("hana", DESK_ROLE)
        cls.centre.person("second", OFFICE_ROLE)

    @property
    def office(self):
        return self.centre.office

    def stage(self, content, client=None, piece=PIECE):
        client = client or self.office
        content = content if isinstance(content, bytes) else content.encode()
        opened = client.write("imports", "open", {"kind": HOLIDAYS, "file_name": "a.csv"}).object_id
        for number, at in enumerate(range(0, len(content), piece)):
            client.write("imports", "add", {"import_id": opened, "piece": number, "bytes": content[at:at + piece]})
        return opened

    def check(self, import_id, after_line=0):
        return self.office.read("imports", "check", {"import_id": import_id, "after_line": after_line})

    def commit_fields(self, import_id):
        checked = self.check(import_id)
        return {"import_id": import_id, "lines": checked.lines, "new_count": checked.new_count,
                "changed_count": checked.changed_count}

    def take_in(self, content):
        import_id = self.stage(content)
        return self.office.write("imports", "commit", self.commit_fields(import_id))

    def holiday(self, day):
        return self.office.read("hours", "calendar", {"from_day": day, "to_day": day}).days[0].holiday

    def test_1_nothing_of_a_file_with_a_fault(self):
        import_id = self.stage(years(2040, 2041) + "2041-13-01,ない月\r\n")
        checked = self.check(import_id)
        self.assertEqual((checked.lines, checked.fault_count), (21, 1))
        fault = checked.faults[0]
        self.assertEqual((fault.line, fault.field, fault.rule, fault.value), (22, "date", "day", "2041-13-01"))
        response = self.office.ask("imports", "commit", {"import_id": import_id, "lines": 21, "new_count": 20},
                                   stranger.new_key())
        self.check_refusal(response.refusal, "STATE")
        self.assertEqual(response.refusal.rule, "faults")
        self.assertEqual({a.key: a.value for a in response.refusal.args}, {"faults": "1", "line": "22"})
        self.assertEqual(self.holiday(20400301), "")

    def test_2_taken_in_once_and_told_to_all(self):
        with self.centre.connect("counter") as counter:
            replica = stranger.Replica()
            counter.catch_up(replica)
            import_id = self.stage(years(2030, 2031), piece=97)  # in the middle of letters too
            fields, key = self.commit_fields(import_id), stranger.new_key()
            first = self.office.call("imports", "commit", fields, key)
            again = self.office.call("imports", "commit", fields, key)
            self.assertEqual((first.object_id, first.rev), (again.object_id, again.rev))
            counter.follow(replica, lambda: len(list(replica.of_kind(HOLIDAY_ROW))) == 20)
        self.assertEqual(self.holiday(20300310), "祝日 10")
        self.assertEqual(self.holiday(20310101), "", "the year is in the list, which has no such holiday")
        self.assertEqual(self.holiday(20320101), "元日", "the law's rules decide the years that it does not hold")
        self.refused("NOT_FOUND", self.office.ask, "imports", "check", {"import_id": import_id})

    def test_3_fewer_years_than_in_use(self):
        self.take_in(years(2030, 2033))
        checked = self.check(self.stage(years(2030, 2032)))
        self.assertEqual([(f.line, f.field, f.rule, f.value) for f in checked.faults], [(0, "file", "fewer_years", "3 < 4")])
        self.take_in(years(2030, 2033, "別の名"))
        self.assertEqual(self.holiday(20330301), "別の名 1")

    def test_4_a_list_that_changed_since_the_check(self):
        self.take_in(years(2030, 2034))
        import_id = self.stage(years(2030, 2034, "後から"))
        fields = self.commit_fields(import_id)
        self.assertEqual(fields["changed_count"], 50)
        with self.centre.connect("office") as second:
            second.sign_in("second", self.centre.secrets["second"])
            other = self.stage(years(2030, 2034, "後から"), second)
            checked = second.read("imports", "check", {"import_id": other})
            second.write("imports", "commit", {"import_id": other, "lines": checked.lines, "new_count": checked.new_count,
                                               "changed_count": checked.changed_count})
        refusal = self.refused("STATE", self.office.ask, "imports", "commit", fields, stranger.new_key())
        self.assertEqual(refusal.rule, "check_again")

    def test_bad_pieces_and_strangers(self):
        office, import_id = self.office, self.stage("date,name\n")
        cases = (
            ("another order", "STATE", {"import_id": import_id, "piece": 2, "bytes": b"x"}, "piece_order"),
            ("too large a piece", "INVALID", {"import_id": import_id, "piece": 1, "bytes": b"x" * (PIECE + 1)}, "length"),
            ("an empty piece", "INVALID", {"import_id": import_id, "piece": 1}, "length"),
            ("no such import", "NOT_FOUND", {"import_id": import_id + 1, "piece": 1, "bytes": b"x"}, "import"),
        )
        for name, code, fields, rule in cases:
            with self.subTest(name):
                self.assertEqual(self.refused(code, office.ask, "imports", "add", fields, stranger.new_key()).rule, rule)
        for fields, rule in (({"kind": HOLIDAYS}, "length"), ({"file_name": "x"}, "required"),
                             ({"kind": 77, "file_name": "x"}, "unknown"), ({"kind": 1, "file_name": "x" * 10000}, "length")):
            self.assertEqual(self.refused("INVALID", office.ask, "imports", "open", fields, stranger.new_key()).rule, rule)
        with self.centre.connect("office") as second:
            second.sign_in("second", self.centre.secrets["second"])
            self.refused("NOT_FOUND", second.ask, "imports", "check", {"import_id": import_id})
            self.refused("NOT_FOUND", second.ask, "imports", "drop", {"import_id": import_id}, stranger.new_key())
        with self.centre.connect("counter") as client:
            client.sign_in("hana", self.centre.secrets["hana"])
            self.refused("FORBIDDEN", client.ask, "imports", "open", {"kind": 1, "file_name": "x"}, stranger.new_key())
        office.write("imports", "drop", {"import_id": import_id})
        self.refused("NOT_FOUND", office.ask, "imports", "check", {"import_id": import_id})

    def test_files_that_are_none(self):
        for name, content, rule in (("zeros", b"\0" * 1000, "text"), ("noise", bytes(range(128, 256)) * 50, "encoding"),
                                    ("a picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "encoding"),
                                    ("one long line", b"x" * 300_000, "column_missing"),
                                    ("quotes", b'date,name\n"' + b'""' * 100_000, "quote_open"),
                                    ("commas", b"date,name\n" + b"," * 100_000, "too_many_cells")):
            with self.subTest(name):
                checked = self.check(self.stage(content))
                self.assertEqual(checked.faults[0].rule, rule)
                self.assertEqual((checked.new_count, checked.changed_count), (0, 0))

    def pieces(self):
        database = sqlite3.connect(f"file:{self.server.data}/madoguchi.db?mode=ro", uri=True)
        try:
            return database.execute("SELECT COUNT(*) FROM import_piece").fetchone()[0]
        finally:
            database.close()

    def test_an_hour_later_it_is_gone(self):
        """By the server's own clock, though nobody asks for it."""
        import_id = self.stage(years(2040, 2041))
        self.assertGreater(self.pieces(), 0)
        try:
            for shift_s, is_there in ((3000, True), (3700, False)):
                self.centre.stop()
                self.server.clock_shift_s = shift_s
                self.server.start()
                if is_there:
                    self.assertEqual(self.check(import_id).lines, 20)
                else:
                    harness.wait_until(lambda: self.pieces() == 0, 30, "the clock to drop it")
                    self.refused("NOT_FOUND", self.office.ask, "imports", "check", {"import_id": import_id})
        finally:
            self.centre.drop_office()
            self.server.clock_shift_s = 0
            self.server.restart()

    def test_command_line(self):
        terminal = ctl_terminal.CtlTerminal(self.centre, "ctl office", OFFICE)
        terminal.sign_in(OFFICE_NAME, OFFICE_SECRET)
        path = os.path.join(self.server.folder, "祝日.csv")
        with open(path, "w", encoding="cp932") as file:
            file.write(years(2026, 2037, titles="国民の祝日・休日月日,国民の祝日・休日名称").replace("\r\n", "\n"))
        looked = terminal.ok("import", "holidays", path, "--dry-run")
        self.assertEqual((looked["lines"], looked["encoding"], looked["faults"], looked["taken_in"]), (120, "CP932", [], False))
        self.assertEqual(looked["samples"][0]["value"], "2026-03-01, 祝日 1")
        self.assertNotEqual(self.holiday(20260301), "祝日 1")
        self.assertTrue(terminal.ok("import", "holidays", path)["taken_in"])
        self.assertEqual(self.holiday(20260301), "祝日 1")
        with open(path, "a", encoding="cp932") as file:
            file.write("2037-02-30,ない日\n2037-03-01,二度\n")
        done = terminal.fails(ctl_terminal.INPUT, "import", "holidays", path)
        self.assertEqual([(f["line"], f["rule"]) for f in done["faults"]], [(122, "day"), (123, "twice")])
        said = terminal.run("import", "holidays", path, language="ja")
        self.assertIn("122 行目「2037-02-30」", said.stderr)
        self.assertIn("何も取り込んでいません", said.stdout)
        terminal.fails(ctl_terminal.CONFIG, "import", "holidays", path + ".none")


if __name__ == "__main__":
    harness.main()
