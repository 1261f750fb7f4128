#!/bin/sh
# Installs the executable of Lockstep:
#
#   curl -fsSL @RELEASES@/latest/download/install.sh | sh
#
# LOCKSTEP_VERSION      which one, as in 0.1.0; the latest unless set
# LOCKSTEP_INSTALL_DIR  where to; ~/.local/bin unless set
# LOCKSTEP_RELEASES     where releases are; where this script is from, unless set
#
# Nothing is installed unless its SHA-256 is the one in the release's SHA256SUMS.
set -eu

# A release puts its own address in.
releases=${LOCKSTEP_RELEASES:-@RELEASES@}
directory=${LOCKSTEP_INSTALL_DIR:-${HOME:?HOME is not set: name a place with LOCKSTEP_INSTALL_DIR}/.local/bin}
work=

say() {
  printf 'install: %s\n' "$*" >&2
}

fail() {
  say "$*"
  exit 1
}

clean() {
  [ -z "$work" ] || rm -rf "$work"
}

# The name of the executable for this machine.
asset() {
  case "$(uname -s)" in
    Linux) system=linux ;;
    Darwin) system=macos ;;
    *) fail "There is no executable for $(uname -s): use Deno (see the README)" ;;
  esac
  case "$(uname -m)" in
    x86_64 | amd64) processor=x86_64 ;;
    aarch64 | arm64) processor=aarch64 ;;
    *) fail "There is no executable for $(uname -m): use Deno (see the README)" ;;
  esac
  # A shell that runs translated on Apple silicon says x86_64.
  if [ "$system-$processor" = macos-x86_64 ] &&
    [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" = 1 ]; then
    processor=aarch64
  fi
  if [ "$system" = linux ] && [ -e /etc/alpine-release ]; then
    fail "The executables need glibc, which Alpine has not: use Deno (see the README)"
  fi
  printf 'lockstep-%s-%s' "$processor" "$system"
}

# fetch URL FILE
fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 3 -o "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$1"
  else
    fail "curl or wget is needed"
  fi || fail "Cannot fetch $1"
}

digest() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1"
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 "$1"
  else
    fail "sha256sum or shasum is needed"
  fi | cut -d ' ' -f 1
}

main() {
  case $releases in
    @*) fail "Say where releases are: LOCKSTEP_RELEASES" ;;
  esac
  name=$(asset)
  case ${LOCKSTEP_VERSION:-} in
    '') from=$releases/latest/download ;;
    *) from=$releases/download/v${LOCKSTEP_VERSION#v} ;;
  esac

  # Beside its place, so that it gets there by a rename: whole, or not at all.
  mkdir -p "$directory" 2>/dev/null || true
  work=$(mktemp -d "$directory/.lockstep-install.XXXXXX" 2>/dev/null) ||
    fail "Cannot write to $directory: name another place with LOCKSTEP_INSTALL_DIR"
  trap clean EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP

  fetch "$from/SHA256SUMS" "$work/SHA256SUMS"
  fetch "$from/$name.gz" "$work/$name.gz"
  expected=$(awk -v name="$name.gz" '$2 == name { print $1 }' "$work/SHA256SUMS")
  [ -n "$expected" ] || fail "SHA256SUMS of this release does not name $name.gz"
  found=$(digest "$work/$name.gz")
  [ "$found" = "$expected" ] ||
    fail "$name.gz is not what was released: SHA-256 $found, expected $expected"

  gzip -dc "$work/$name.gz" >"$work/lockstep"
  chmod 755 "$work/lockstep"
  version=$("$work/lockstep" --version) ||
    fail "What was fetched does not run on this machine"
  mv -f "$work/lockstep" "$directory/lockstep"
  say "$version is now $directory/lockstep"
  case :$PATH: in
    *:"$directory":*) ;;
    *) say "Add it to your PATH: export PATH=\"$directory:\$PATH\"" ;;
  esac
}

# A script that was cut off on its way does nothing.
main
