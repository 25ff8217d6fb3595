#!/usr/bin/env python3
"""Refuse two rooms that define a function or variable of one name: the linker takes the first it finds
in a static library and says nothing.

usage: check_symbols.py BUILD_DIR
"""
import pathlib
import subprocess
import sys

defined = {}
libraries = sorted(pathlib.Path(sys.argv[1], "src").rglob("lib*.a"))
for library in libraries:
    text = subprocess.run(["nm", "--defined-only", "--extern-only", "--no-sort", str(library)],
                          check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] in "TDBRG":
            defined.setdefault(words[2], set()).add(library.name)
twice = {name: where for name, where in defined.items() if len(where) > 1}
for name, where in sorted(twice.items()):
    print(f"{name} is defined in {' and '.join(sorted(where))}: rename one")
if not defined:
    sys.exit(f"no static library with symbols below {sys.argv[1]}/src")
sys.exit(1 if twice else 0)
