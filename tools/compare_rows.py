#!/usr/bin/env python3
"""Compare extracted rows with a practice site's own records.

usage: compare_rows.py SITE_HANDLE.json ROWS.json [TASK_ID]

Exit 0 only when every field the site knows is equal in every row, in order.
"""
import json
import sys
import urllib.request

FIELDS = ["year", "make", "model", "price", "phone", "url"]


def truth(handle, task_id):
    request = urllib.request.Request(f"{handle['url']}/__env__/oracle?task_id={task_id}",
                                     headers={"X-Env-Admin": handle["admin_token"]})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)["rows"]


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        want = truth(json.load(f), sys.argv[3] if len(sys.argv) > 3 else "extract_listings")
    with open(sys.argv[2], encoding="utf-8") as f:
        got = json.load(f)
    wrong = [] if len(got) == len(want) else [f"{len(got)} rows, the site has {len(want)}"]
    for i, (g, w) in enumerate(zip(got, want)):
        wrong += [f"row {i + 1} {k}: got {g.get(k)!r}, the site says {w.get(k)!r}"
                  for k in FIELDS if str(g.get(k, "")) != str(w.get(k, ""))]
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    if not wrong:
        print(f"{len(got)} of {len(want)} leads equal the site's own records")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
