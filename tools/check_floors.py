#!/usr/bin/env python3
"""Hold the floors of docs/tour.md: a folder of src/ includes itself and lower floors only, and two
folders of one floor do not include each other. Also refuses functions that base/ forbids.

usage: check_floors.py SOURCE_ROOT
"""
import os
import re
import sys

FLOORS = [
    {"base"},
    {"sys", "core"},
    {"plan", "store", "plane", "brain", "reader", "record"},
    {"run", "engine", "gate", "sched", "site", "author"},
    {"api"},
    {"cmd"},
]
# Between folders of one floor, and only files that begin so. A brain may ask the reader it is given; both
# are ways of looking at one observation. Readers that are models ask as brains do, through what stands in
# brain/model: it includes neither of them, and is a library below both.
ALLOWED = {("brain", "reader"): "reader/", ("reader", "brain"): "brain/model/"}
MODEL = "brain/model" + os.sep # of which that is checked, too
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|localtime|gmtime|ctime|asctime|tmpnam|mktemp|system|popen)\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')

floor_of = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}


def may(room, path):
    prefix = ALLOWED.get((room, path.split("/")[0]))
    return prefix is not None and path.startswith(prefix)


def complaints(src):
    for folder, _, files in os.walk(src):
        rel = os.path.relpath(folder, src)
        room = rel.split(os.sep)[0]
        for name in sorted(files):
            if not name.endswith((".c", ".h")):
                continue
            path = os.path.normpath(os.path.join(rel, name))
            if room != "." and room not in floor_of:
                yield f"src/{path}: '{room}' is on no floor; add it to tools/check_floors.py and docs/tour.md"
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                lines = f.readlines()
            for number, line in enumerate(lines, 1):
                if BANNED.search(line) and not line.lstrip().startswith(("*", "/*", "//")):
                    yield f"src/{path}:{number}: banned function in: {line.strip()}"
                m = INCLUDE.match(line)
                if not m or room == ".":
                    continue
                target = m.group(1).split("/")[0]
                if "/" not in m.group(1):
                    yield f"src/{path}:{number}: include \"{m.group(1)}\" by its path from src/"
                elif target not in floor_of:
                    yield f"src/{path}:{number}: includes unknown room '{target}'"
                elif path.startswith(MODEL) and target in ("brain", "reader") and not m.group(1).startswith("brain/model/"):
                    yield f"src/{path}:{number}: brain/model stands below brain and reader"
                elif target != room and floor_of[target] >= floor_of[room] and not may(room, m.group(1)):
                    yield f"src/{path}:{number}: {room} (floor {floor_of[room]}) includes {target} (floor {floor_of[target]})"


def main():
    found = list(complaints(os.path.join(sys.argv[1], "src")))
    print("\n".join(found) if found else "floors hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
