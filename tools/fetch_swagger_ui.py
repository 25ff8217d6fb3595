#!/usr/bin/env python3
"""Fetch the packages that the /docs page shows the API with, and list what came.

usage: fetch_swagger_ui.py SOURCE_DIR WORK_DIR LIST

SOURCE_DIR holds package.json and package-lock.json (versions and checksums, no addresses: npm asks
the registry it is configured for). LIST gets one `name=path` line per file to embed. Without npm or
network LIST is empty, the reason is said, and /docs becomes the plain page of web/docs/; delete LIST
and build again to try once more.
"""
import os
import shutil
import subprocess
import sys

WANTED = {
    "swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui.css": "swagger-ui.css",
    "swagger-ui-license.txt": "LICENSE",
    "swagger-ui-notice.txt": "NOTICE",
    "swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-bundle.js.LICENSE.txt",
}
TIMEOUT_S = 120


def install(source, work):
    os.makedirs(work, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(os.path.join(source, name), os.path.join(work, name))
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
         "--fetch-retries=1", "--fetch-timeout=30000"],
        cwd=work, check=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def found(work):
    package = os.path.join(work, "node_modules", "swagger-ui-dist")
    files = {name: os.path.join(package, path) for name, path in WANTED.items()}
    missing = [name for name, path in files.items() if not os.path.isfile(path)]
    if missing:
        raise FileNotFoundError("the package lacks " + ", ".join(missing))
    return files


def why(error):
    if isinstance(error, subprocess.CalledProcessError):
        return (error.stderr or "").strip().splitlines()[:1] or [f"npm ended with {error.returncode}"]
    return [str(error)]


def main():
    source, work, listing = (os.path.abspath(a) for a in sys.argv[1:4])
    lines = []
    try:
        install(source, work)
        lines = [f"{name}={path}\n" for name, path in found(work).items()]
    except (OSError, subprocess.SubprocessError) as error:
        print(f"swagger-ui could not be fetched ({why(error)[0]}): /docs will be the plain page; "
              f"delete {listing} and build again to retry", file=sys.stderr)
    with open(listing, "w", encoding="utf-8") as f:
        f.writelines(lines)


if __name__ == "__main__":
    main()
