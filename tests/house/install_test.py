#!/usr/bin/env python3
"""What is installed of the library is enough to build a program outside of the tree."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = os.environ["MADOGUCHI_BUILD"]
PROGRAM = """
#include <stdio.h>

#include "client/lib/madoguchi.h"

int main(void)
{
    uv_loop_t loop;
    struct mdg_client *client = NULL;
    const struct mdg_options options = {.profile_dir = "nowhere", .program = "a stranger"};
    Mdg__Body body = MDG__BODY__INIT;
    uv_loop_init(&loop);
    puts(mdg_error_name(mdg_client_new(&loop, &options, &client)));
    if (mdg__body__get_packed_size(&body) != 0) return 1;
    return uv_loop_close(&loop);
}
"""


def setting(name):
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        found = re.search(rf"^{name}:\w+=(.*)$", file.read(), re.M)
    return found[1] if found else ""


class Install(unittest.TestCase):
    def setUp(self):
        for tool in ("cmake", "pkg-config"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed")
        self.folder = tempfile.mkdtemp(prefix="madoguchi-install-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.prefix = os.path.join(self.folder, "usr")
        subprocess.run(["cmake", "--install", BUILD, "--prefix", self.prefix, "--component", "library"], check=True,
                       stdout=subprocess.DEVNULL)

    def flags(self):
        found = [place for place, _, files in os.walk(self.prefix) if "madoguchi.pc" in files]
        self.assertEqual(len(found), 1, "the pkg-config file")
        done = subprocess.run(["pkg-config", f"--define-variable=prefix={self.prefix}", "--cflags", "--libs", "madoguchi"],
                              env=dict(os.environ, PKG_CONFIG_PATH=found[0]), check=True, capture_output=True, text=True)
        return done.stdout.split()

    def test_a_program_outside_is_built_and_runs(self):
        with open(os.path.join(self.folder, "program.c"), "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        sanitize = setting("MDG_SANITIZE")
        command = [setting("CMAKE_C_COMPILER"), "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", "program", "program.c",
                   *([f"-fsanitize={sanitize}"] if sanitize else []), *self.flags()]
        built = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(built.returncode, 0, built.stderr)
        done = subprocess.run([os.path.join(self.folder, "program")], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "MDG_ERR_CONFIG\n"), done.stderr)

    def test_headers_are_complete_and_no_others(self):
        place = os.path.join(self.prefix, "include", "madoguchi")
        headers = sorted(os.path.relpath(os.path.join(folder, file), place) for folder, _, files in os.walk(place)
                         for file in files)
        ours = [header for header in headers if not header.endswith(".pb-c.h")]
        self.assertEqual(ours, ["client/lib/madoguchi.h", "common/error.h"])
        self.assertIn("frame.pb-c.h", headers)


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    sys.exit(0 if result.wasSuccessful() and not result.skipped else 77 if result.wasSuccessful() else 1)
