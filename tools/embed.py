#!/usr/bin/env python3
"""Write the C file that holds the files of web/ (src/api/web.h declares what is in it).

usage: embed.py OUT_C WORK_DIR [@LIST | NAME=PATH]...

The bytes come in by .incbin, so they are read-only pages of the program file: they cost memory only
when somebody asks for them. A NAME may have a folder. In .html files {{NAME}} becomes "NAME?v=<its tag>", so that a browser may
keep an asset for ever and still gets a new one from a new server.
"""
import hashlib
import os
import re
import sys

MIME = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


def inputs(args):
    files = {}
    for arg in args:
        lines = [arg]
        if arg.startswith("@"):
            with open(arg[1:], encoding="utf-8") as f:
                lines = f.read().splitlines()
        for line in lines:
            name, path = line.split("=", 1)
            files[name] = os.path.abspath(path)
    return dict(sorted(files.items()))


def tag_of(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()[:16]


def kept(name, path, files, work):
    """A copy that stays as it is until the compiler reads it; a page gets its assets' tags."""
    with open(path, "rb") as f:
        data = f.read()
    if name.endswith(".html"):
        data = re.sub(r"\{\{([^}]+)\}\}",
                      lambda m: f"{m[1]}?v={tag_of(files[m[1]])}" if m[1] in files else m[1],
                      data.decode()).encode()
    out = os.path.join(work, name)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, "wb") as f:
        f.write(data)
    return out


def main():
    out, work = sys.argv[1], os.path.abspath(sys.argv[2])
    files = inputs(sys.argv[3:])
    os.makedirs(work, exist_ok=True)
    c = ["/* Made by tools/embed.py. */\n#include \"api/web.h\"\n"]
    rows = []
    for i, (name, path) in enumerate(files.items()):
        path = kept(name, path, files, work)
        symbol = f"mantis_web_{i}"
        c.append(f"__asm__(\".pushsection .rodata\\n.balign 16\\n.global {symbol}\\n.hidden {symbol}\\n"
                 f"{symbol}:\\n.incbin \\\"{path}\\\"\\n.byte 0\\n.popsection\\n\");\n"
                 f"extern const char {symbol}[] __attribute__((visibility(\"hidden\")));\n")
        mime = MIME[os.path.splitext(name)[1]]
        rows.append(f"    {{\"{name}\", \"{mime}\", \"\\\"{tag_of(path)}\\\"\", {symbol}, {os.path.getsize(path)}}},\n")
    c.append("const struct web_file web_files[] = {\n" + "".join(rows) + "};\n")
    c.append("const size_t web_files_n = sizeof(web_files) / sizeof(web_files[0]);\n")
    with open(out, "w", encoding="utf-8") as f:
        f.writelines(c)


if __name__ == "__main__":
    main()
