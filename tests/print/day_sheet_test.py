#!/usr/bin/python3
"""The day sheet as it comes out of the printer: its texts in Japanese and English, its pages, its bytes."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = os.environ["MADOGUCHI_BUILD"]
SOURCE = os.environ["MADOGUCHI_SOURCE"]
SAMPLE = os.path.join(BUILD, "tests", "print_sample")
A4_POINTS = (595.28, 841.89)
LANGUAGES = ("ja", "en")


def environment(language):
    """Leaks are looked for by whole stacks, so that those of the libraries are told from ours."""
    asan = "fast_unwind_on_malloc=0:" + os.environ.get("ASAN_OPTIONS", "")
    lsan = f"suppressions={os.path.join(SOURCE, 'tests', 'print', 'lsan-whole.supp')}:print_suppressions=0"
    return dict(os.environ, LANGUAGE=language, LC_ALL="C.UTF-8", ASAN_OPTIONS=asan, LSAN_OPTIONS=lsan)


class Sheet:
    """A sample printed once; its pages as text."""
    _made = {}

    def __init__(self, folder, name, language):
        self.path = os.path.join(folder, f"{name}-{language}.pdf")
        done = subprocess.run([SAMPLE, name, self.path], env=environment(language), capture_output=True, text=True,
                              timeout=100)
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        self.unknown_glyphs = int(re.search(r"unknown_glyphs=(\d+)", done.stdout)[1])
        info = subprocess.run(["pdfinfo", self.path], capture_output=True, text=True, check=True, timeout=60).stdout
        self.info = dict(line.split(":", 1) for line in info.splitlines())
        text = subprocess.run(["pdftotext", "-layout", "-enc", "UTF-8", self.path, "-"], capture_output=True, text=True,
                              check=True, timeout=60).stdout
        self.pages = [re.sub(r"[ \n]+", "", page) for page in text.split("\f")[:-1]]
        self.lines = [re.sub(r" +", " ", line).strip() for line in text.splitlines()]
        self.text = "".join(self.pages)


class DaySheet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="mdg-print-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.made = {}

    def sheet(self, name, language="ja"):
        if (name, language) not in self.made:
            self.made[name, language] = Sheet(self.folder, name, language)
        return self.made[name, language]

    def test_every_sheet_is_whole(self):
        for name, pages in (("day", 1), ("states", 1), ("empty", 1), ("closed", 1), ("many", 7), ("long", 4)):
            with self.subTest(name):
                sheet = self.sheet(name)
                self.assertEqual(int(sheet.info["Pages"]), pages)
                self.assertEqual(len(sheet.pages), pages)
                self.assertEqual(sheet.unknown_glyphs, 0, "a font is missing")
                size = [float(number) for number in re.findall(r"[\d.]+", sheet.info["Page size"])[:2]]
                for is_points, wanted in zip(size, A4_POINTS):
                    self.assertAlmostEqual(is_points, wanted, delta=0.5)
                for number, page in enumerate(sheet.pages, 1):
                    for text in ("市民活動センター", "本日の予定", "令和8年11月24日(火)", "印刷2026/11/24(火)", "受付1", "山吹",
                                 "目的当日の運営", "記録の先頭48211番7F3A91C20B6ED415", f"{number}/{pages}"):
                        self.assertIn(text, page, f"page {number}")

    def test_a_day(self):
        sheet = self.sheet("day")
        for line in ("10:00–12:00 みどりの会 役員会 8人 ● 予約済", "18:30–20:30 英会話ひろば 例会 10人 △ 仮予約",
                     "13:00–16:00 地域の足を考える会 定例会 14人 ● 予約済", "14:00–15:00 相談 2人 ● 予約済"):
            self.assertTrue([found for found in sheet.lines if line in found], line)
        for text in ("開館10:00–21:00", "承認待ち2件", "次回対応2件（相-2026-031桔梗、相-2026-044桔梗）", "当番____",
                     "部屋時間団体目的予定状態来た終了人数", "来館の集計", "1会議", "8その他", "見回り0人",
                     "目的10時11時12時13時14時15時16時17時18–20時合計"):
            self.assertIn(text, sheet.text)
        for room in ("会議室A", "会議室B", "研修室", "印刷室", "談話コーナー"):
            self.assertEqual(sheet.text.count(room), 2, f"{room}: in the grid, and once for all its bookings in the list")

    def test_states_have_sign_and_word(self):
        sheet = self.sheet("states")
        for text in ("✓終了", "×無断不使用", "■使用中", "◐来場待ち", "△仮予約", "●予約済", "×不可", "○空き"):
            self.assertIn(text, sheet.text)
        self.assertIn("22:00–11/25", sheet.text)
        self.assertIn("9時10時", sheet.text)

    def test_a_closed_day_and_an_empty_one(self):
        self.assertIn("休館点検", self.sheet("closed").text)
        self.assertIn("×休館", self.sheet("closed").text)
        self.assertIn("予約はありません", self.sheet("empty").text)
        self.assertIn("次回対応0件", self.sheet("empty").text)

    def test_many_rooms_lose_nothing(self):
        sheet = self.sheet("many")
        for room in range(1, 61):
            for booking in range(1 + room % 5):
                self.assertIn(f"団体{room}-{booking + 1}例会", sheet.text)
        listed = [page for page in sheet.pages if "例会" in page]
        for page in listed:
            self.assertEqual(page.count("部屋時間団体目的"), 1, "titles of the list")
        with_grid = [page for page in sheet.pages if "●団体" in page]
        self.assertGreater(len(with_grid), 1)
        for page in with_grid:
            self.assertIn("1011121314", page)

    def test_long_names_are_not_cut(self):
        sheet = self.sheet("long")
        listed = sheet.text.split("部屋時間団体目的", 1)[1]  # without the grid, which may cut
        for end in ("E1E", "E2E", "E3E", "E4E"):
            self.assertEqual(listed.count(end), 2, f"{end}: as name and as purpose")
        self.assertIn("終室", listed)
        self.assertIn("40件", sheet.text)

    def test_english(self):
        sheet = self.sheet("day", "en")
        for text in ("Scheduleoftheday", "令和8年11月24日(火)", "Open10:00–21:00", "Requeststodecide2requests",
                     "Headoftherecord:no.48211", "Visitorsbyhand", "●booked"):
            self.assertIn(text, sheet.text)

    def test_the_same_day_is_the_same_file(self):
        for language in LANGUAGES:
            first = self.sheet("day", language)
            again = os.path.join(self.folder, "again.pdf")
            subprocess.run([SAMPLE, "day", again], env=environment(language), check=True, capture_output=True, timeout=100)
            with open(first.path, "rb") as one, open(again, "rb") as other:
                self.assertEqual(one.read(), other.read())

    def test_there_is_ink_on_every_page_and_none_in_the_margins(self):
        for name in ("day", "states", "many", "long"):
            sheet = self.sheet(name)
            stem = os.path.join(self.folder, "ink")
            subprocess.run(["pdftoppm", "-r", "60", "-gray", sheet.path, stem], check=True, timeout=100)
            images = sorted(file for file in os.listdir(self.folder) if file.startswith("ink"))
            self.assertEqual(len(images), len(sheet.pages))
            for image in images:
                with self.subTest(sheet=name, page=image):
                    self.check_ink(os.path.join(self.folder, image))
                os.remove(os.path.join(self.folder, image))

    def check_ink(self, path):
        with open(path, "rb") as file:
            kind, size, most, pixels = re.match(rb"(P5)\s+(\d+ \d+)\s+(\d+)\s(.*)", file.read(), re.S).groups()
        width, height = (int(number) for number in size.split())
        self.assertEqual((kind, int(most), len(pixels)), (b"P5", 255, width * height))
        dark = [at for at, grey in enumerate(pixels) if grey < 200]
        self.assertGreater(len(dark), width * height // 100, "an empty page")
        columns = {at % width for at in dark}
        rows = {at // width for at in dark}
        margin = 24  # of 60 dpi: less than the 35 points that are kept free, for lines have a width
        self.assertGreater(min(columns), margin)
        self.assertLess(max(columns), width - margin)
        self.assertGreater(min(rows), margin)
        self.assertLess(max(rows), height - margin // 2)


if __name__ == "__main__":
    if not all(shutil.which(tool) for tool in ("pdftotext", "pdftoppm", "pdfinfo")):
        print("pdftotext is missing (package poppler-utils)")
        sys.exit(77)
    unittest.main()
