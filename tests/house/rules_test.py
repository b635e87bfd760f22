#!/usr/bin/python3
"""Every rule that the server refuses by has a sentence of its own, or its code's sentence says all there is to say."""
import os
import re
import sys

SOURCE = os.environ["MADOGUCHI_SOURCE"]

# Between programs, at the door of the protocol: a person meets these only through a program's own mistake, and the
# sentence of the code (or the one that names field and rule) is the right one.
OF_PROGRAMS = {"applied", "apply_first", "approval", "approval_body", "hello_first", "key_days", "key_used",
               "may_not_wait", "nothing_due", "other_content", "prove_first", "revoked", "version", "secret", "person"}


def rules_refused():
    """(rule, file) of each refuse() and refuse_and_keep() that names its rule on the spot, and of *_rules.c."""
    for folder, _, names in os.walk(os.path.join(SOURCE, "server")):
        for name in names:
            if not name.endswith(".c"):
                continue
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for found in re.finditer(r'refuse(?:_and_keep)?\(rq,\s*MDG_ERR_\w+,\s*[^,;]+,\s*"(\w+)"\)', text):
                yield found[1], path
            if name.endswith("_rules.c"):
                for found in re.finditer(r'(?:return|rule =) "(\w+)"', text):
                    yield found[1], path


def main():
    with open(os.path.join(SOURCE, "common", "sentence.c"), encoding="utf-8") as file:
        known = set(re.findall(r'\{(?:0|MDG_ERR_\w+), (?:NULL|"\w+"),\s+"(\w+)"', file.read()))
    rules = sorted(set(rules_refused()))
    if len(rules) < 20 or len(known) < 20:
        sys.exit(f"found only {len(rules)} rules and {len(known)} sentences: this test reads the sources wrongly")
    missing = [(rule, path) for rule, path in rules if rule not in known and rule not in OF_PROGRAMS]
    for rule, path in missing:
        print(f"{os.path.relpath(path, SOURCE)}: the rule '{rule}' has no sentence in common/sentence.c")
    return 1 if missing else 0


sys.exit(main())
