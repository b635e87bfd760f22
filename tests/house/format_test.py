#!/usr/bin/env python3
"""Every C file of the tree is formatted as .clang-format says."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ.get("MADOGUCHI_SOURCE") or os.path.realpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
FOLDERS = ("common", "server", "client", "tests")
TOOL = "clang-format-14"  # of this very version: others break lines elsewhere


def files():
    """What is under version control; of a tree without it, all."""
    patterns = [f"{folder}/*.{end}" for folder in FOLDERS for end in "ch"]
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", SOURCE, "ls-files", "-z", "--", *patterns],
                          capture_output=True, text=True) if shutil.which("git") else None
    if done and done.returncode == 0:
        found = [name for name in done.stdout.split("\0") if name]
    else:
        found = [os.path.relpath(os.path.join(place, name), SOURCE) for folder in FOLDERS
                 for place, _, names in os.walk(os.path.join(SOURCE, folder)) for name in names
                 if name.endswith((".c", ".h"))]
    return sorted(name for name in found if os.path.exists(os.path.join(SOURCE, name)))


def complaints(names, folder=SOURCE):
    """"file:line" of each place that would be changed."""
    style = f"--style=file:{os.path.join(SOURCE, '.clang-format')}"
    done = subprocess.run([TOOL, "--dry-run", style, *names], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [":".join(line.split(":")[:2]) for line in done.stderr.splitlines() if "[-Wclang-format-violations]" in line]


@unittest.skipUnless(shutil.which(TOOL), f"{TOOL} is not installed")
class Format(unittest.TestCase):
    def test_files_are_formatted(self):
        names = files()
        self.assertGreater(len(names), 100, "the files were not found")
        self.assertEqual(complaints(names), [], f"please run {TOOL} -i on these")

    def test_another_format_would_be_found(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text, expected in (("good.c", "int one(void)\n{\n    return 1;\n}\n", 0),
                                         ("bad.c", "int one(void) {\n  return 1;\n}\n", 1)):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
                self.assertEqual(len(complaints([name], folder)) > 0, expected == 1, name)


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    sys.exit(0 if result.wasSuccessful() and not result.skipped else 77 if result.wasSuccessful() else 1)
