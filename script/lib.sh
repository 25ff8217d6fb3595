# script/lib.sh - what the scripts share: where things are, and how missing packages get here.
# Sourced by the other scripts; prints nothing when there is nothing to do.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${MANTIS_BUILD_DIR:-$root/build}
export MANTIS_REPO_ROOT=${MANTIS_REPO_ROOT:-$root} # a build directory elsewhere cannot guess it

say() { printf '== %s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Debian 12 packages: to build, to run, to test. One list a line, so that a diff shows what changed.
build_packages=(
    gcc libc6-dev pkg-config meson ninja-build
    libmicrohttpd-dev libwslay-dev libcurl4-openssl-dev libjansson-dev libsqlite3-dev libssl-dev libpcre2-dev
    libxcb1-dev libxcb-shm0-dev libxcb-xtest0-dev libxcb-damage0-dev libxcb-xfixes0-dev
    libxkbcommon-dev libxkbcommon-x11-dev libisal-dev libspng-dev libturbojpeg0-dev libwebp-dev libswscale-dev libavutil-dev
    libavcodec-dev libavformat-dev libcairo2-dev libpango1.0-dev
    libcmocka-dev
)
run_packages=(chromium chromium-sandbox xvfb fonts-dejavu-core fonts-liberation ca-certificates)
test_packages=(procps faketime tesseract-ocr libjpeg-turbo-progs ffmpeg r-base-core)
sanitize_packages=(clang libclang-rt-14-dev llvm-14)

missing_packages() {
    local have
    # dpkg-query fails as soon as one name is unknown to it; that is an answer, not an error.
    have=$({ dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true; } |
        awk '$2 == "installed" { print $1 }')
    local p
    for p in "$@"; do
        grep -qx -- "$p" <<<"$have" || printf '%s\n' "$p"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "packages are missing and this is neither root nor has sudo; as root run: $*"
    fi
}

# Install what is missing of the named packages; quick and silent when nothing is.
need_packages() {
    command -v dpkg-query >/dev/null || die "this script installs its packages on Debian 12; dpkg is not here"
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    say "installing: ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >&2 || die "apt-get could not install: ${missing[*]}"
}

# need_unpacked PACKAGE DIR: the package's files in DIR/PACKAGE, not installed: as an installed package it
# would start a service. Quick when they are there.
need_unpacked() {
    local dir=$2/$1
    [ -d "$dir/usr" ] && return
    mkdir -p "$dir"
    (cd "$dir" && { apt-get download -qq "$1" || { as_root apt-get update -qq && apt-get download -qq "$1"; }; }) >&2 ||
        die "apt-get could not download $1"
    dpkg -x "$dir/$1"_*.deb "$dir"
    rm -f "$dir/$1"_*.deb
}

# The end-to-end tests are Node programs without dependencies; any Node from 18 on will do.
need_node() {
    command -v node >/dev/null || need_packages nodejs
}

# need_npm_packages BUILD_DIR: the public clients that the end-to-end tests use (tests/e2e/package.json),
# in BUILD_DIR/npm. Quick when they are there. A machine that cannot get them goes on without; the
# tests that need them then say so and count as skipped.
need_npm_packages() {
    local dir=$1/npm from=$root/tests/e2e
    if cmp -s "$from/package-lock.json" "$dir/installed.json"; then
        return 0
    fi
    mkdir -p "$dir"
    cp "$from/package.json" "$from/package-lock.json" "$dir/"
    say "installing the npm clients of the tests into $dir"
    if { command -v npm >/dev/null || (need_packages npm); } &&
        (cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 </dev/null); then
        cp "$from/package-lock.json" "$dir/installed.json"
    else
        say "NPM PACKAGES COULD NOT BE INSTALLED: the tests that use them will be skipped"
    fi
}

# configure DIR [meson options]: set the build directory up once; later calls are quick.
configure() {
    local dir=$1
    shift
    if [ ! -f "$dir/build.ninja" ]; then
        meson setup "$dir" "$root" "$@" >&2
    fi
}

compile() {
    ninja -C "$1" | { grep -vE '^ninja: (Entering|no work)' || true; } >&2
}
