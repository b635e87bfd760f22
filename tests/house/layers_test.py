#!/usr/bin/env python3
"""The tree keeps its shape: includes follow the arrows of the architecture, no message of the protocol contains itself,
every domain has its table, files stay short, functions that write past their memory are not used, and what comments cite
is in the tree."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from google.protobuf import descriptor_pb2

SOURCE = os.environ.get("MADOGUCHI_SOURCE") or os.path.realpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
LINES_MAX = 700
DEPTH_MAX = 8
FORBIDDEN = ("sprintf", "vsprintf", "strcpy", "strcat", "strncpy", "strtok", "gets", "alloca", "system", "popen")

# Folders of server/ that are layers. Every other one is a domain.
LAYERS = {"store", "keys", "request", "dispatch", "net", "jobs"}
COMMON = "common"
# Who may include whom. A layer may always include itself.
MAY_INCLUDE = {
    "common": set(),
    "server/store": {COMMON},
    "server/keys": {COMMON},
    "server/request": {"server/store", COMMON},
    "server/<domain>": {"server/request", "server/store", "server/keys", "server/<domain>", COMMON},
    "server/dispatch": {"server/<domain>", "server/request", "server/store", "server/keys", COMMON},
    "server/jobs": {"server/dispatch", "server/request", COMMON},
    # keys: a terminal's number is read out of its certificate.
    "server/net": {"server/dispatch", "server/request", "server/store", "server/keys", COMMON},
    "server": None,  # wiring: everything
    "client/lib": {COMMON},
    "client/ctl": {"client/lib", "client/print", COMMON},
    "client/print": {"client/lib", COMMON},
    "client/desk": {"client/lib", "client/print", COMMON},
    "tests": None,
}
# net/ hands on what it was told (views, roles, effects), but asks no database.
NOT_IN_NET = ("server/store/db.h", "server/store/turn.h", "server/store/writer.h", "server/store/readers.h")
ENGINES = {"sqlite3.h": ("server/store/", "client/lib/"), "libpq-fe.h": ("server/store/",)}


def sources(*folders, ends=(".c", ".h")):
    for folder in folders:
        for place, names, files in os.walk(os.path.join(SOURCE, folder)):
            names[:] = [name for name in names if not name.startswith((".", "__"))]
            for file in sorted(files):
                if file.endswith(ends):
                    yield os.path.relpath(os.path.join(place, file), SOURCE)


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def layer_of(path):
    parts = path.split("/")
    if parts[0] == "server":
        if len(parts) == 2:
            return "server"
        return "server/" + (parts[1] if parts[1] in LAYERS else "<domain>")
    if parts[0] == "client":
        return "/".join(parts[:2])
    return parts[0]


def includes(path):
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', read(path), re.M)


def is_ours(include):
    return include.split("/")[0] in ("common", "server", "client", "tests")


def strip(text):
    """C without comments and texts."""
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', " ", text, flags=re.S)


def domains():
    server = os.path.join(SOURCE, "server")
    return [name for name in sorted(os.listdir(server))
            if os.path.isdir(os.path.join(server, name)) and name not in LAYERS
            and any(file.endswith(".c") for file in os.listdir(os.path.join(server, name)))]


def include_fault(path, include):
    """Why path may not include that, or None."""
    here, there = layer_of(path), layer_of(include)
    allowed = MAY_INCLUDE[here]
    if allowed is not None and there != here and there not in allowed:
        return f"{path}: {here} may not include {include}"
    if here == "server/net" and include in NOT_IN_NET:
        return f"{path}: net/ asks no database, but includes {include}"
    if here in ("client/desk", "client/print") and there == "client/lib" and include != "client/lib/madoguchi.h":
        return f"{path}: the desk sees only the public header of the library, not {include}"
    return None


class Includes(unittest.TestCase):
    def test_follow_the_arrows(self):
        faults, seen = [], 0
        for path in sources("common", "server", "client"):
            for include in filter(is_ours, includes(path)):
                seen += 1
                faults.append(include_fault(path, include))
        self.assertGreater(seen, 100, "the includes were not found")
        self.assertEqual([fault for fault in faults if fault], [])

    def test_wrong_ones_would_be_found(self):
        for path, include in (("common/text.c", "server/store/db.h"), ("server/store/db_sqlite.c", "server/request/request.h"),
                              ("server/visits/visit_store.c", "server/dispatch/dispatch.h"),
                              ("server/visits/visit_store.c", "server/net/net.h"), ("server/net/net.c", "server/store/db.h"),
                              ("server/net/net.c", "server/visits/visits_domain.h"), ("client/lib/client.c", "server/store/db.h"),
                              ("client/lib/client.c", "client/ctl/ctl.h"), ("client/desk/main.c", "client/lib/outbox.h")):
            with self.subTest(path=path, include=include):
                self.assertIsNotNone(include_fault(path, include))
        self.assertIsNone(include_fault("server/visits/visit_store.c", "server/store/db.h"))

    def test_exist(self):
        missing = [f"{path}: {include}" for path in sources("common", "server", "client") for include in includes(path)
                   if is_ours(include) and not os.path.exists(os.path.join(SOURCE, include))]
        self.assertEqual(missing, [])

    def test_engines_stay_behind_their_seam(self):
        faults = []
        for path in sources("common", "server", "client"):
            for header, places in ENGINES.items():
                if re.search(rf"#\s*include\s+<{re.escape(header)}>", read(path)) and not path.startswith(places):
                    faults.append(f"{path}: {header}")
        self.assertEqual(faults, [])


class Domains(unittest.TestCase):
    def test_each_has_its_table_and_its_line(self):
        self.assertIn("visits", domains())
        routes = read("server/dispatch/routes.c")
        for name in domains():
            with self.subTest(domain=name):
                self.assertTrue(os.path.exists(os.path.join(SOURCE, "server", name, f"{name}_domain.c")))
                self.assertIn(f"&{name.upper()}_DOMAIN", routes)
                self.assertTrue(os.path.exists(os.path.join(SOURCE, "proto", f"{name}.proto")))


class Files(unittest.TestCase):
    def test_are_short(self):
        long = {path: lines for path in sources("common", "server", "client", "tests", ends=(".c", ".h", ".py"))
                if (lines := read(path).count("\n")) > LINES_MAX}
        self.assertEqual(long, {})

    def test_use_no_function_that_writes_past_its_memory(self):
        pattern = re.compile(r"\b(" + "|".join(FORBIDDEN) + r")\s*\(")
        found = [f"{path}: {match}" for path in sources("common", "server", "client")
                 for match in pattern.findall(strip(read(path)))]
        self.assertEqual(found, [])

    def test_handlers_hold_no_sql(self):
        statement = re.compile(r'"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM)\s')
        found = [path for path in sources("server") if path.endswith(("_handlers.c", "_rules.c")) and statement.search(read(path))]
        self.assertEqual(found, [])


class Citations(unittest.TestCase):
    """Whoever has only this tree must be able to look up what it refers to."""
    PAGE = re.compile(r"(?:[\w.-]+/)*[A-Z][A-Z-]{3,}\.md\b")
    # Pages as they are called in passing; in pieces, so that this file does not name them.
    ABSENT = re.compile("|".join((r"SECURITY" r"-MODEL", r"\b(DESIGN|STYLE|RECIPES|PERFORMANCE|DOMAIN|UI)(?= ?§| \d|[:.] ?md\b|: )")))
    SECTION = re.compile(r"\b(server|proto)/README\.md (\d+)")

    @staticmethod
    def texts():
        listed = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z"], capture_output=True)
        if listed.returncode != 0:
            raise unittest.SkipTest("not a git tree")
        for path in listed.stdout.decode().split("\0"):
            full = os.path.join(SOURCE, path)
            if not path or path.startswith("tests/fuzz/corpus/") or not os.path.isfile(full):
                continue
            with open(full, encoding="utf-8", errors="replace") as file:
                yield path, file.read()

    def faults(self, path, text):
        for match in self.ABSENT.finditer(text):
            yield f"{path}: {match[0]}"
        for match in self.PAGE.finditer(text):
            near = os.path.join(SOURCE, os.path.dirname(path), match[0])
            if not os.path.exists(near) and not os.path.exists(os.path.join(SOURCE, match[0])):
                yield f"{path}: {match[0]}"
        for page, number in self.SECTION.findall(text):
            if f"\n## {number}. " not in read(f"{page}/README.md"):
                yield f"{path}: {page}/README.md has no section {number}"

    def test_are_of_pages_in_the_tree(self):
        texts = list(self.texts())
        self.assertGreater(len(texts), 100, "the tracked files were not found")
        self.assertEqual([fault for path, text in texts for fault in self.faults(path, text)], [])

    def test_wrong_ones_would_be_found(self):
        for text in ("SECURITY" "-MODEL 6", "DESIGN" " §7", "(DESIGN" ": order)", "see UI" ".md", "PERFORMANCE" ".md",
                     "server/README" ".md 99"):
            with self.subTest(text=text):
                self.assertNotEqual(list(self.faults("server/main.c", text)), [])
        for text in ("&VISITS_DOMAIN, 7", "server/README.md 1", "proto/README.md 12", "README.md 3", "see CHANGELOG.md"):
            with self.subTest(text=text):
                self.assertEqual(list(self.faults("server/main.c", text)), [])


def messages(files):
    def walk(prefix, message):
        name = f"{prefix}.{message.name}"
        yield name, [field.type_name for field in message.field if field.type == field.TYPE_MESSAGE]
        for nested in message.nested_type:
            yield from walk(name, nested)

    for file in files:
        for message in file.message_type:
            yield from walk(f".{file.package}", message)


def depth(graph, name, above=()):
    """Levels of messages from here down; raises on one that contains itself."""
    if name in above:
        raise ValueError(" > ".join(above[above.index(name):] + (name,)))
    return 1 + max((depth(graph, inner, above + (name,)) for inner in graph[name]), default=0)


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        protoc = shutil.which("protoc")
        if not protoc:
            raise unittest.SkipTest("protoc is not installed")
        folder = os.path.join(SOURCE, "proto")
        with tempfile.NamedTemporaryFile() as out:
            subprocess.run([protoc, f"--proto_path={folder}", f"--descriptor_set_out={out.name}", "--include_imports",
                            *sorted(name for name in os.listdir(folder) if name.endswith(".proto"))], check=True, cwd=folder)
            cls.graph = dict(messages(descriptor_pb2.FileDescriptorSet.FromString(out.read()).file))

    def test_no_message_contains_itself(self):
        for name in self.graph:
            with self.subTest(message=name):
                self.assertLessEqual(depth(self.graph, name), DEPTH_MAX)

    def test_the_check_itself(self):
        self.assertEqual(depth({"a": ["b", "c"], "b": ["c"], "c": []}, "a"), 3)
        with self.assertRaises(ValueError):
            depth({"a": ["b"], "b": ["c"], "c": ["b"]}, "a")


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    sys.exit(0 if result.wasSuccessful() and not result.skipped else 77 if result.wasSuccessful() else 1)
