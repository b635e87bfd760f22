"""The published lists of holidays through the real thing: imported with madoguchictl at a real terminal over TLS, told to
the replicas of all, and deciding the years that they hold."""
import csv
import datetime
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "flow"))
import ctl_terminal  # noqa: E402
import harness  # noqa: E402
import stranger  # noqa: E402
from harness import COUNTER, OFFICE, OFFICE_NAME, OFFICE_SECRET  # noqa: E402

DATA = os.path.join(harness.SOURCE, "tests", "data", "holidays")
HOLIDAY_ROW = 8203
FIRST_YEAR_BY_LAW = 2000


def read_published():
    """{YYYYMMDD: name}"""
    with open(os.path.join(DATA, "holidays.csv"), encoding="utf-8") as file:
        days = {int(row["date"].replace("-", "")): row["name"] for row in csv.DictReader(file)}
    assert (len(days), min(days), max(days) // 10000) == (703, 19900101, 2030)
    return days


def read_cabinet_office():
    with open(os.path.join(DATA, "syukujitsu.csv"), encoding="cp932") as file:
        rows = list(csv.reader(file))[1:]
    days = {int("%04d%02d%02d" % tuple(map(int, date.split("/")))): name for date, name in rows}
    assert len(days) == 1067
    return days


def first_difference(one, other):
    for day in sorted(set(one) | set(other)):
        if one.get(day) != other.get(day):
            return f"{day}: {one.get(day)} / {other.get(day)}"
    return None


class Holidays(harness.CentreCase):
    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)
        cls.terminal = ctl_terminal.CtlTerminal(cls.centre, "ctl office", OFFICE)
        cls.terminal.sign_in(OFFICE_NAME, OFFICE_SECRET)
        cls.published, cls.cabinet_office = read_published(), read_cabinet_office()

    def served(self, first_year, last_year):
        """Every holiday of these years, as any terminal is told by the calendar."""
        days = {}
        with self.centre.connect("counter") as client:
            for year in range(first_year, last_year + 1):
                listed = client.read("hours", "calendar", {"from_day": year * 10000 + 101, "to_day": year * 10000 + 1231})
                days.update({day.day: day.holiday for day in listed.days if day.holiday})
        return days

    def import_file(self, name):
        return self.terminal.ok("import", "holidays", os.path.join(DATA, name))

    def check_replica(self, expected):
        """What the counter's view holds of the list: from the horizon on, row by row."""
        today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9)))
        horizon = (today.year - 1 - (today.month < 4)) * 10000 + 401
        with self.centre.connect("counter") as client:
            replica = stranger.Replica()
            client.catch_up(replica)
            held = {row.id: row.body.hours.holiday_row.name for row in replica.of_kind(HOLIDAY_ROW)}
        self.assertGreater(len(held), 30)
        self.assertIsNone(first_difference(held, {day: name for day, name in expected.items() if day >= horizon}))

    def test_1_the_rules_agree_with_every_row(self):
        by_law = self.served(FIRST_YEAR_BY_LAW, 2030)
        published = {day: name for day, name in self.published.items() if day // 10000 >= FIRST_YEAR_BY_LAW}
        self.assertEqual(set(by_law), set(published))
        self.assertEqual(len(by_law), 540)

    def test_2_the_published_list(self):
        done = self.import_file("holidays.csv")
        self.assertEqual((done["lines"], done["new"], done["changed"], done["encoding"]), (703, 703, 0, "UTF-8"))
        self.assertIsNone(first_difference(self.served(1990, 2030), self.published))
        self.check_replica(self.published)
        again = self.import_file("holidays.csv")
        self.assertEqual((again["new"], again["changed"], again["same"]), (0, 0, 703))

    def test_3_a_list_decides_its_years(self):
        """One holiday moved, one taken away, one made: what the file says holds, against the law's rules too."""
        moved = dict(self.published)
        moved[20270124] = moved.pop(20270111)
        del moved[20290503]
        moved[20300601] = "開港記念日"
        path = os.path.join(self.server.folder, "moved.csv")
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["name", "source", "date"])
            writer.writerows([name, "x, y", f"{day // 10000}/{day // 100 % 100}/{day % 100}"] for day, name in moved.items())
        done = self.terminal.ok("import", "holidays", path)
        self.assertEqual((done["new"], done["changed"], done["same"]), (2, 2, 701))
        self.assertIsNone(first_difference(self.served(1990, 2030), moved))
        self.check_replica(moved)
        by_law = self.served(2031, 2032)
        self.assertEqual((by_law[20320921], by_law[20310101]), ("休日", "元日"))

    def test_4_the_cabinet_office_file(self):
        """It holds more years, and later ones that it does not hold stay as they were."""
        self.import_file("holidays.csv")
        done = self.import_file("syukujitsu.csv")
        self.assertEqual((done["lines"], done["encoding"]), (1067, "CP932"))
        later = {day: name for day, name in self.published.items() if day // 10000 > 2027}
        expected = self.cabinet_office | later
        self.assertIsNone(first_difference(self.served(1955, 2030), expected))
        self.check_replica(expected)

    def test_5_fewer_years_than_the_list_in_use(self):
        before = self.served(1955, 2030)
        done = self.terminal.fails(ctl_terminal.INPUT, "import", "holidays", os.path.join(DATA, "holidays.csv"))
        self.assertEqual([(fault["rule"], fault["value"]) for fault in done["faults"]], [("fewer_years", "41 < 76")])
        self.assertIsNone(first_difference(self.served(1955, 2030), before))

    def test_6_all_of_it_is_there_after_a_power_cut(self):
        before = self.served(1955, 2030)
        self.centre.drop_office()
        self.server.kill()
        self.server.start()
        self.assertIsNone(first_difference(self.served(1955, 2030), before))


if __name__ == "__main__":
    harness.main()
