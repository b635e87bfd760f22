"""6,847 groups of the corporate number register through the real thing: taken in with madoguchictl at a real terminal over
TLS, told to the replicas, and found by reading, by part of the name, in half-width kana."""
import csv
import os
import sqlite3
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "flow"))
import ctl_terminal  # noqa: E402
import harness  # noqa: E402
import stranger  # noqa: E402
from harness import COUNTER, DESK_ROLE, OFFICE, OFFICE_NAME, OFFICE_SECRET  # noqa: E402

FILE = os.path.join(HERE, "groups.csv")
LINES = 6_847
GROUP_ROW = 10201

# What is typed, and what must come, best first. Written by hand from the file.
SEARCHES = [
    # half-width kana: two readings begin with it, then the one that holds it; by reading within each
    ("ﾋﾋﾞｷ", ["特定非営利活動法人響の会", "特定非営利活動法人ひびきの杜", "特定非営利活動法人熊大附属地域ひびきあい"]),
    ("ﾀﾝﾎﾟﾎﾟ", ["特定非営利活動法人タンポポ", "特定非営利活動法人たんぽぽの風", "ＮＰＯ法人白たんぽぽの会",
                "ＮＰＯ法人Ｗ．Ｃｏケアサポたんぽぽ", "特定非営利活動法人対馬たんぽぽの会", "ニューたんぽぽクラブ",
                "特定非営利活動法人ひまわりとたんぽぽ", "ＮＰＯ法人ふれあい広場たんぽぽ"]),
    # part of the name, at its end
    ("入間", ["特定非営利活動法人スポーツコミュニティ入間"]),
    # after the legal form, by reading: シュワデ シュワノ シュワラ
    ("手話", ["ＮＰＯ法人手話で育てる親の会", "ＮＰＯ法人手話の実", "特定非営利活動法人手話ランゲージ"]),
    # within the name, by reading: ドウナン ナラ ホンドウ
    ("囲碁", ["特定非営利活動法人道南囲碁普及会", "特定非営利活動法人奈良県囲碁協会", "特定非営利活動法人洪道場囲碁普及会"]),
    # latin in another width and case, an ordinary space for the wide one
    ("wara base", ["特定非営利活動法人ＷＡＲＡ　ＢＡＳＥ"]),
    # by reading, in hiragana and in katakana
    ("さむかわまち", ["寒川町シニアクラブ連合会"]),
    ("サムカワマチシニア", ["寒川町シニアクラブ連合会"]),
    # the register writes readings with large kana only
    ("ろっかしょむら", ["六ヶ所村まちづくり協議会"]),
    # an older form of a letter
    ("髙橋", ["ＮＰＯ法人高橋コアラ"]),
    # a letter's mark that stands alone
    ("みと゛りっ子", ["神戸地区放課後児童クラブみどりっ子"]),
    # the number itself stands before numbers and names that hold it
    ("6847", ["ＮＰＯ法人Ｓｍｉｌｅ　Ｆａｍｉｌｙ"]),
    ("このような団体はない", []),
]


def read_file():
    with open(FILE, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == LINES
    return rows


class Groups(harness.CentreCase):
    @classmethod
    def prepare(cls):
        cls.centre.enrol("counter", COUNTER)
        cls.centre.person("hana", DESK_ROLE)
        cls.office = ctl_terminal.CtlTerminal(cls.centre, "ctl office", OFFICE)
        cls.office.sign_in(OFFICE_NAME, OFFICE_SECRET)
        cls.desk = ctl_terminal.CtlTerminal(cls.centre, "ctl counter", COUNTER)
        cls.desk.sign_in("hana", cls.centre.secrets["hana"])

    def test_1_taken_in_as_one(self):
        looked = self.office.ok("import", "groups", FILE, "--dry-run")
        self.assertEqual((looked["lines"], looked["new"], looked["fault_count"]), (LINES, LINES, 0))
        self.assertEqual(self.office.ok("group", "list")["groups"], [])
        began = time.monotonic()
        taken = self.office.ok("import", "groups", FILE)
        print(f"groups: {LINES} taken in within {time.monotonic() - began:.1f} s", file=sys.stderr)
        self.assertEqual((taken["new"], taken["changed"], taken["same"]), (LINES, 0, 0))
        again = self.office.ok("import", "groups", FILE)
        self.assertEqual((again["new"], again["changed"], again["same"]), (0, 0, LINES))

    def test_2_each_line_is_a_group(self):
        """The terminal's replica against the file, and against the server's view row by row."""
        held = self.desk.ok("group", "list", "--all")["groups"]
        by_number = {group["number"]: group for group in held}
        self.assertEqual(sorted(by_number), list(range(1, LINES + 1)))
        for number, row in enumerate(read_file(), 1):
            group = by_number[number]
            self.assertEqual((group["name"], group["reading"], group["field"]), (row["name"], row["kana"], row["kind"]))
            self.assertEqual(group["note"], f"{row['prefecture']}{row['city']} 法人番号{row['corporate_number']}")
            self.assertEqual((group["from_day"], group["is_ended"]), (0, False))
        with self.centre.connect("counter") as client:
            replica = client.catch_up(stranger.Replica())
        view = {}
        for row in replica.of_kind(GROUP_ROW):
            group = row.body.groups.group_row
            view[row.id] = {"id": group.id, "number": group.number, "name": group.name, "reading": group.reading,
                            "field": group.field, "from_day": group.from_day, "to_day": group.to_day,
                            "is_ended": group.is_ended, "note": group.note, "rev": row.rev}
        self.assertEqual(len(view), LINES)
        for group in held:
            self.assertEqual(group, view[group["id"]])
        with sqlite3.connect(os.path.join(self.server.data, "madoguchi.db")) as db:
            stored = db.execute("SELECT id, number, name, reading, rev FROM civic_group ORDER BY id").fetchall()
        self.assertEqual(stored, [(g["id"], g["number"], g["name"], g["reading"], g["rev"])
                                  for g in sorted(held, key=lambda g: g["id"])])

    def test_3_found(self):
        for text, names in SEARCHES:
            for options in ((), ("--offline",)):
                with self.subTest(text, options=options):
                    found = self.desk.ok("group", "search", text, "--limit", "100", *options)
                    self.assertEqual([group["name"] for group in found["groups"]], names)
                    self.assertEqual(found["total"], len(names))

    def test_4_server_and_terminal_find_the_same(self):
        """Short parts with many hits: the same ones, in the same order, from the server and from the replica."""
        for text in ("会", "こども", "ﾏﾁﾂﾞｸﾘ", "NPO", "1", "ン", "ー"):
            with self.subTest(text):
                online, offline = (self.desk.ok("group", "search", text, "--limit", "100", *options)
                                   for options in ((), ("--offline",)))
                self.assertEqual(online, offline)
                self.assertGreater(online["total"], 50)

    def test_5_all_or_nothing(self):
        spoiled = os.path.join(self.server.folder, "spoiled.csv")
        with open(FILE, encoding="utf-8") as file, open(spoiled, "w", encoding="utf-8") as out:
            lines = file.readlines()
            lines[4000] = "1700150014083,,サムカワ,civic_group,神奈川県,寒川町,2015-10-09,x\n"
            lines[5000] = "1700150014083,新しい会,寒川,civic_group,神奈川県,寒川町,2015-10-09,x\n"
            out.writelines(lines)
        failed = self.office.fails(ctl_terminal.INPUT, "import", "groups", spoiled)
        self.assertEqual([(f["line"], f["field"], f["rule"]) for f in failed["faults"]],
                         [(4001, "name", "required"), (5001, "reading", "kana")])
        self.assertEqual(self.office.ok("group", "search", "新しい会")["total"], 0)


if __name__ == "__main__":
    harness.main()
