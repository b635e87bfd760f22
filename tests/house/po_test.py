#!/usr/bin/python3
"""Every text that people read is translated: the sources' strings against common/po."""
import os
import shutil
import subprocess
import sys

source = os.environ["MADOGUCHI_SOURCE"]
if not shutil.which("xgettext"):
    print("xgettext is missing (package gettext)")
    sys.exit(77)
done = subprocess.run([os.path.join(source, "scripts", "po"), "--check"], capture_output=True, text=True)
sys.stdout.write(done.stdout)
sys.stderr.write(done.stderr)
sys.exit(done.returncode)
