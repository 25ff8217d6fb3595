#!/usr/bin/env python3
"""Count the single tests in Meson's log and print `N passed, N failed` (`, N skipped`).

Meson counts programs; people count tests. cmocka programs print one `[       OK ]` line per test and
node's runner one `# pass N` line; a program that prints neither counts as one. Exit 0 only when
nothing failed and Meson itself was content.
"""
import json
import re
import sys

CMOCKA = {"passed": r"^\[ +OK +\]", "failed": r"^\[ +FAILED +\] \w+$", "skipped": r"^\[ +SKIPPED +\] \w+$"}
NODE = {"passed": r"^(?:#|ℹ) pass (\d+)", "failed": r"^(?:#|ℹ) fail (\d+)", "skipped": r"^(?:#|ℹ) skipped (\d+)"}


def counts_of(test):
    out = test.get("stdout", "")
    found = {k: len(re.findall(p, out, re.M)) for k, p in CMOCKA.items()}
    if "tests run)" in out or "test(s) run" in out:
        # cmocka names a failed test twice: where it ran and in the list at the end
        found["failed"] = len(set(re.findall(r"^\[ +FAILED +\] (\w+)$", out, re.M)))
        found["skipped"] = len(set(re.findall(r"^\[ +SKIPPED +\] (\w+)$", out, re.M)))
    if not any(found.values()):
        found = {k: sum(int(n) for n in re.findall(p, out, re.M)) for k, p in NODE.items()}
    result = test["result"]
    if result == "SKIP":
        found["skipped"] = max(1, found["skipped"])
    elif result in ("OK", "EXPECTEDFAIL"):
        if not any(found.values()):
            found["passed"] = 1
    elif not found["failed"]:
        found["failed"] = 1  # crashed or timed out outside any single test
    return found


def main():
    path, meson_status = sys.argv[1], int(sys.argv[2])
    total = {"passed": 0, "failed": 0, "skipped": 0}
    with open(path, encoding="utf-8") as f:
        for line in f:
            test = json.loads(line)
            found = counts_of(test)
            if found["failed"] or found["skipped"]:
                print(f"{test['name']}: {found['failed']} failed, {found['skipped']} skipped")
            for k in total:
                total[k] += found[k]
    bad = total["failed"] > 0 or meson_status != 0 or total["passed"] == 0
    tail = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{tail}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
