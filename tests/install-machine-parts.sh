#!/usr/bin/env bash
# Installs the servers that the tests and benchmarks talk to: Dovecot (IMAP), PostgreSQL, Chromium (the desk's pages),
# nginx and Caddy (the proxies of docs/proxy.md), PgBouncer, faketime (clocks that differ, in benchmarks.fleet).
# They come from the machine's own package archive. None is needed to run Omniyard, and none is left running:
# the tests start their own, on loopback, in temporary folders. What is missing is skipped, loudly, by its tests.
# Needs root and a Debian or Ubuntu with a network; without them it says so and ends well.
set -u

say() { printf 'machine parts: %s\n' "$*"; }

missing=()
command -v dovecot >/dev/null || [ -x /usr/sbin/dovecot ] || missing+=(dovecot-imapd)
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || missing+=(postgresql)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing+=(chromium)
command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
command -v caddy >/dev/null || missing+=(caddy)
command -v faketime >/dev/null || missing+=(faketime)

if [ "${#missing[@]}" = 0 ]; then
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    say "${missing[*]} not installed, and only root can; tests that need them will be skipped."
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    say "${missing[*]} not installed, and there is no apt-get here; tests that need them will be skipped."
    exit 0
fi

apt() { DEBIAN_FRONTEND=noninteractive timeout "$1" apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=15 \
    -o DPkg::Lock::Timeout=60 "${@:2}" >"$log" 2>&1; }

# Packages of servers start them at once, on public ports, unless this file says no.
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
ours=no
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && ours=yes
fi
trap 'rm -f "$log"; [ "$ours" = no ] || rm -f "$policy"' EXIT

say "installing ${missing[*]}"
if ! apt 120 update; then
    say "the package archive cannot be reached; tests that need ${missing[*]} will be skipped."
    exit 0
fi
for package in "${missing[@]}"; do
    if apt 600 install --yes --no-install-recommends "$package"; then
        say "$package is installed"
    else
        say "$package could not be installed ($(tail -n 1 "$log")); tests that need it will be skipped."
    fi
done
exit 0
