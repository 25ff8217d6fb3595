"""List the rows of plans.md, agent-loop.md, brains.md and promotion.md that tests show.

    python3 tests/list_rows.py > tests/ROWS.md    make the list
    python3 tests/list_rows.py --check            is it what the tests say?

A test that shows a row says so in its name: a string that begins with the contract's section, as in
"plans 9.1 loop_count N runs the body N times". Sections without any row are listed too.
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
LIST = HERE / "ROWS.md"
NAME = re.compile(r"""(["'`])((plans|agent-loop|brains|promotion) (\d+(?:\.\d+)?) (?:(?!\1)[^\\\n]|\\.)+)\1""")
SOURCES = ["unit/*.c", "contract/*.c", "e2e/*.mjs", "e2e/cases/*.mjs"]

# Sections that say something which can be shown without a model.
SECTIONS = {
    "plans": "1 2 3 4 5 6 7 8 8.1 8.2 8.3 8.4 8.5 8.6 8.7 8.8 8.9 8.10 8.11 9 9.1 9.2 9.3 9.4 9.5 10 10.1 10.2 11 12 13 14",
    "brains": "1 1.1 1.2 2 3 4 5 6 7 8 9 10 11 12 13",
    "promotion": "2 2.1 3 4 6.1 6.2 6.3 6.4 7 8 8.1 8.2 9 10 11 13",
    "agent-loop": "1.1 1.2 1.3 1.4 1.5 2 2.1 2.2 3 4 5 5.1 5.2 5.3 6 7 8 8.1 8.2 8.3 9.1 9.2 9.3 9.4 9.5 9.6 10 11 12 13 14.1 14.2 14.3 14.4 14.5 14.6 15 16 17 18 19",
}


def found_rows():
    rows = {}
    for pattern in SOURCES:
        for path in sorted(HERE.glob(pattern)):
            for match in NAME.finditer(path.read_text(encoding="utf-8")):
                text = match[2].replace('\\"', '"').replace("\\'", "'")
                section, title = (match[3], match[4]), text.split(" ", 2)[2]
                rows.setdefault(section, []).append(f"- {title} ({path.name})")
    return rows


def listing():
    rows = found_rows()
    total = sum(len(r) for r in rows.values())
    out = [f"# Rows of the contract\n\n{total} rows of plans.md, agent-loop.md, brains.md and promotion.md that tests show, made by `list_rows.py` from the tests."]
    for document, sections in SECTIONS.items():
        for section in sections.split():
            lines = rows.pop((document, section), [])
            parts = any(s.startswith(section + ".") for s in sections.split())
            if lines or not parts:
                out.append(f"\n## {document} {section}\n\n" + ("\n".join(lines) or "- none"))
    for (document, section), lines in sorted(rows.items()):
        out.append(f"\n## {document} {section}\n\n" + "\n".join(lines))
    return "\n".join(out) + "\n"


def main():
    text = listing()
    if sys.argv[1:] != ["--check"]:
        sys.stdout.write(text)
        return 0
    if LIST.exists() and LIST.read_text(encoding="utf-8") == text:
        return 0
    print("tests/ROWS.md is not what the tests say: python3 tests/list_rows.py > tests/ROWS.md", file=sys.stderr)
    return 1


sys.exit(main())
