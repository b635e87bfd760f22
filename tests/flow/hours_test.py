"""When the centre is open: dated hours, closed days and holidays, set at the office and told to every terminal."""
import datetime
import zoneinfo

import ctl_terminal
import harness
import stranger
from harness import COUNCIL, COUNTER, DESK_ROLE, DISPLAY, DOOR, LOUNGE, OFFICE

TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")
OPENING_HOURS, CLOSED_DAY = 8201, 8202
WEEKDAYS, WEEKENDS, HOLIDAYS = 62, 65, 128


def day_in(days):
    """YYYYMMDD that many days from today at the centre."""
    return int((datetime.datetime.now(TOKYO) + datetime.timedelta(days=days)).strftime("%Y%m%d"))


def spans(*items):
    span = stranger.PB["hours"].OpenSpan
    return [span(days=days, open_minute=opens, close_minute=closes) for days, opens, closes in items]


SAMPLE = spans((WEEKDAYS, 600, 1035), (WEEKENDS | HOLIDAYS, 780, 1035))


class Hours(harness.CentreCase):
    @classmethod
    def prepare(cls):
        for name, kind in (("counter", COUNTER), ("lounge", LOUNGE), ("council", COUNCIL), ("display", DISPLAY)):
            cls.centre.enrol(name, kind)
        cls.centre.enrol("door", DOOR, room_id=7)
        cls.centre.person("hana", DESK_ROLE)

    def connect(self, name):
        client = self.centre.connect(name)
        self.addCleanup(client.close)
        return client

    def save(self, op="save", **fields):
        return self.centre.office_write("hours", op, fields)

    def calendar(self, client, from_day, to_day):
        return {day.day: day for day in client.read("hours", "calendar", {"from_day": from_day, "to_day": to_day}).days}

    def test_every_terminal_sees_the_same_days(self):
        """Nobody need be signed in; a change comes live to each."""
        seen = self.save(from_day=day_in(20), spans=SAMPLE)
        names = ("office", "counter", "lounge", "council", "display", "door")
        replicas = {}
        for name in names:
            client, replicas[name] = self.connect(name), stranger.Replica()
            client.catch_up(replicas[name])
            replicas[name, "client"] = client
            rows = {row.id: row.body.hours.opening_hours_row for row in replicas[name].of_kind(OPENING_HOURS)}
            self.assertEqual([s.days for s in rows[seen.object_id].spans], [62, 193], name)
            self.assertEqual(len(self.calendar(client, 20270101, 20270107)), 7)
        changed = self.save(id=seen.object_id, rev=seen.rev, from_day=day_in(20),
                            spans=spans((WEEKDAYS, 600, 1260), (WEEKENDS | HOLIDAYS, 780, 1035)))
        for name in names:
            replicas[name, "client"].follow(replicas[name], lambda replica=replicas[name]: any(
                row.rev == changed.rev for row in replica.of_kind(OPENING_HOURS)))
        self.save("remove", id=seen.object_id, rev=changed.rev)
        for name in names:
            replicas[name, "client"].follow(replicas[name], lambda replica=replicas[name]: all(
                row.id != seen.object_id for row in replica.of_kind(OPENING_HOURS)))

    def test_the_calendar_joins_hours_holidays_and_closed_days(self):
        """A year of them: the sample from today on, longer weekdays from day 200, some days closed."""
        today, change = day_in(0), day_in(200)
        self.save(from_day=today, spans=SAMPLE)
        self.save(from_day=change, spans=spans((WEEKDAYS, 600, 1260), (WEEKENDS | HOLIDAYS, 780, 1035)))
        self.save("closed_save", from_day=day_in(100), to_day=day_in(102), reason="点検")
        days = self.calendar(self.connect("display"), today, day_in(380))
        self.assertEqual(len(days), 381)
        holidays = 0
        for number, day in days.items():
            weekday = datetime.date(number // 10000, number // 100 % 100, number % 100).weekday()
            holidays += bool(day.holiday)
            if day_in(100) <= number <= day_in(102):
                expected, reason = (0, 0), "点検"
            elif weekday >= 5 or day.holiday:
                expected, reason = (780, 1035), ""
            else:
                expected, reason = (600, 1260 if number >= change else 1035), ""
            self.assertEqual(((day.open_minute, day.close_minute), day.closed_reason), (expected, reason), number)
        self.assertGreaterEqual(holidays, 16)
        self.assertRegex(days[today].era_date, r"^令和\d+年\d+月\d+日\([日月火水木金土]\)$")

    def test_stale_edits_see_both_versions(self):
        first = self.save(from_day=day_in(40), spans=SAMPLE)
        second = self.save(id=first.object_id, rev=first.rev, from_day=day_in(40), spans=spans((WEEKDAYS, 540, 1035)))
        response = self.centre.office.ask("hours", "save", {"id": first.object_id, "rev": first.rev,
                                                            "from_day": day_in(41), "spans": []}, stranger.new_key())
        self.check_refusal(response.refusal, "STALE")
        self.assertEqual((response.body.hours.save_seen.rev, response.body.hours.save_seen.row.spans[0].open_minute),
                         (second.rev, 540))
        taken = self.centre.office.ask("hours", "save", {"from_day": day_in(40), "spans": SAMPLE}, stranger.new_key())
        self.check_refusal(taken.refusal, "CONFLICT")
        self.assertEqual(taken.body.hours.save_seen.row.id, first.object_id)
        self.save("remove", id=first.object_id, rev=second.rev)

        closed = self.save("closed_save", from_day=day_in(50), to_day=day_in(51), reason="清掃")
        stale = self.centre.office.ask("hours", "closed_remove", {"id": closed.object_id, "rev": closed.rev + 1000},
                                       stranger.new_key())
        self.check_refusal(stale.refusal, "STALE")
        self.assertEqual(stale.body.hours.closed_remove_seen.row.reason, "清掃")
        self.save("closed_remove", id=closed.object_id, rev=closed.rev)

    def test_bad_input_names_field_and_rule(self):
        office, future = self.centre.office, day_in(60)
        cases = (
            ("in the past", "save", {"from_day": day_in(-1), "spans": SAMPLE}, "from_day", "past"),
            ("no such day", "save", {"from_day": 20270231, "spans": SAMPLE}, "from_day", "day"),
            ("no day at all", "save", {"spans": SAMPLE}, "from_day", "range"),
            ("in a hundred years", "save", {"from_day": 21260401, "spans": SAMPLE}, "from_day", "too_far"),
            ("ends before it begins", "save", {"from_day": future, "spans": spans((1, 600, 540))}, "spans.close_minute",
             "before_from"),
            ("past midnight", "save", {"from_day": future, "spans": spans((1, 600, 1500))}, "spans.close_minute", "range"),
            ("a day twice", "save", {"from_day": future, "spans": spans((3, 600, 900), (1, 600, 900))}, "spans.days",
             "day_twice"),
            ("a ninth day", "save", {"from_day": future, "spans": spans((256, 600, 900))}, "spans.days", "range"),
            ("nine spans", "save", {"from_day": future, "spans": spans(*[(1, 0, 1)] * 9)}, "spans", "items"),
            ("closed for years", "closed_save", {"from_day": future, "to_day": day_in(860), "reason": "x"}, "to_day",
             "too_long"),
            ("closed backwards", "closed_save", {"from_day": future, "to_day": day_in(59), "reason": "x"}, "to_day",
             "before_from"),
            ("no reason", "closed_save", {"from_day": future, "to_day": future}, "reason", "length"),
            ("a reason of 10,000 bytes", "closed_save", {"from_day": future, "to_day": future, "reason": "x" * 10000},
             "reason", "length"),
            ("control characters", "closed_save", {"from_day": future, "to_day": future, "reason": "a\tb"}, "reason", "text"),
            ("401 days of calendar", "calendar", {"from_day": day_in(0), "to_day": day_in(400)}, "to_day", "too_long"),
            ("calendar backwards", "calendar", {"from_day": day_in(1), "to_day": day_in(0)}, "to_day", "before_from"),
        )
        for name, op, fields, field, rule in cases:
            with self.subTest(name):
                refusal = self.refused("INVALID", office.ask, "hours", op, fields, stranger.new_key())
                self.assertEqual((refusal.field, refusal.rule), (field, rule))
        self.refused("NOT_FOUND", office.ask, "hours", "remove", {"id": 99_999_999, "rev": 1}, stranger.new_key())

    def test_only_the_office_sets_them(self):
        with self.centre.connect("counter") as client:
            client.sign_in("hana", self.centre.secrets["hana"])
            for op in ("save", "remove", "closed_save", "closed_remove"):
                self.refused("FORBIDDEN", client.ask, "hours", op, {}, stranger.new_key())
        with self.centre.connect("door") as client:
            self.refused("FORBIDDEN", client.ask, "hours", "save", {}, stranger.new_key())

    def test_command_line(self):
        office = ctl_terminal.CtlTerminal(self.centre, "ctl office", OFFICE)
        office.sign_in(harness.OFFICE_NAME, harness.OFFICE_SECRET)
        from_day, closed_day = (datetime.datetime.now(TOKYO) + datetime.timedelta(days=days) for days in (300, 310))
        text, closed_text = from_day.strftime("%Y-%m-%d"), closed_day.strftime("%Y-%m-%d")
        words = ("hours", "set", "--from", text, "--open", "weekdays=10:00-17:15", "--open")
        made = office.ok(*words, "weekends,holidays=13:00-17:15")
        again = office.ok(*words, "sat=13:00-17:15")
        self.assertEqual(again["id"], made["id"], "another set for the same day")
        listed = {row["id"]: row for row in office.ok("hours", "list")["hours"]}
        self.assertEqual(listed[made["id"]]["text"], "Mon–Fri 10:00–17:15; Sat 13:00–17:15")
        self.assertIn("月〜金 10:00–17:15; 土 13:00–17:15", office.run("hours", "list", language="ja").stdout)

        closed = office.ok("closed", "add", "--from", closed_text, "--reason", "設備点検")
        changed = office.ok("closed", "add", str(closed["id"]), "--reason", "電気の点検")
        self.assertEqual(changed["id"], closed["id"])
        self.assertIn("電気の点検", [row["reason"] for row in office.ok("closed", "list")["closed"]])
        clash = office.fails(ctl_terminal.REFUSED, "closed", "add", "--from", closed_text, "--reason", "もう一度")
        self.assertEqual(clash["error"]["refusal"]["rule"], "closed_already_then")
        day = office.ok("calendar", "--from", closed_text)["days"][0]
        self.assertEqual((day["is_open"], day["closed_reason"]), (False, "電気の点検"))
        self.assertRegex(office.run("calendar", "--from", "2027-01-01", "--to", "2027-01-03", "--era").stdout,
                         r"令和9年1月1日\(金\).*元日")
        office.ok("closed", "remove", str(closed["id"]))
        office.ok("hours", "remove", str(made["id"]))
        self.assertNotIn(made["id"], [row["id"] for row in office.ok("hours", "list")["hours"]])
        office.fails(ctl_terminal.INPUT, "hours", "set", "--from", text, "--open", "monday=10-17")
        office.fails(ctl_terminal.INPUT, "hours", "set", "--from", "2020-01-01", "--open", "all=10:00-17:00")
        said = office.run("hours", "set", "--from", "2020-01-01", "--open", "all=10:00-17:00", language="ja")
        self.assertIn("過ぎた日です", said.stderr)


if __name__ == "__main__":
    harness.main()
