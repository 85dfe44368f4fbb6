#!/usr/bin/env bash
# Make .venv with dlconf and its tools. Installs a Python with venv by apt where there is none; says what it installs.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

find_python() { # ansible-core 2.19 needs Python 3.11 to 3.13 on the controller
  local name
  for name in python3.13 python3.12 python3.11 python3; do
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
}

python=$(find_python)
if [ -z "$python" ]; then
  package=python3
  apt-cache show python3.11 >/dev/null 2>&1 && package=python3.11
  echo "setup: installing by apt: $package $package-venv"
  as_root apt-get update -q
  as_root apt-get install -qy --no-install-recommends "$package" "$package-venv"
  python=$(find_python)
fi
if [ -z "$python" ]; then
  echo "setup: no Python 3.11 to 3.13 with venv can be had on this machine; install one and run this again" >&2
  exit 1
fi

missing=()
for command in git ssh curl; do
  command -v "$command" >/dev/null || missing+=("$command")
done
if [ ${#missing[@]} -gt 0 ]; then
  packages=("${missing[@]/#ssh/openssh-client}")
  echo "setup: installing by apt: ${packages[*]}"
  as_root apt-get update -q
  as_root apt-get install -qy --no-install-recommends "${packages[@]}"
fi

echo "setup: .venv with $($python --version) and the packages of pyproject.toml"
"$python" -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
echo "setup: done; the command is .venv/bin/dlconf"
