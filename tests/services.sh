#!/usr/bin/env bash
# Installs the programs that the tests use for real: a browser, PostgreSQL, Prometheus, Alertmanager, strace,
# util-linux, a firewall, systemd in a container. As root on a Debian-like machine it installs what is missing; elsewhere
# the tests that need one of them are skipped by name (in CI they fail).
set -euo pipefail

declare -A package_of=(
  [chromium]=chromium
  [strace]=strace
  [unshare]=util-linux
  [top]=procps
  [fsfreeze]=util-linux
  [mkfs.ext4]=e2fsprogs
  [systemd-analyze]=systemd
  [systemd-nspawn]=systemd-container
  [mmdebstrap]=mmdebstrap
  [prometheus]=prometheus
  [prometheus-alertmanager]=prometheus-alertmanager
  [prometheus-node-exporter]=prometheus-node-exporter
  [victoria-metrics]=victoria-metrics
  [ssh]=openssh-client
  [ip]=iproute2
  [iptables]=iptables
)

PATH="$PATH:/usr/sbin:/sbin"
missing=()
for program in "${!package_of[@]}"; do
  command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
# The Node.js inside of Playwright's package is linked to it.
[[ $(ldconfig -p) == *libatomic.so.1* ]] || missing+=(libatomic1)

[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Not here: ${missing[*]}. Tests that need them are skipped (without libatomic1 those of pages fail): install them to run all."
  exit 0
fi

echo "Installing for the tests (some minutes, without a word): ${missing[*]}"
# The packages must start no service of their own.
policy=/usr/sbin/policy-rc.d
made_policy=no
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  made_policy=yes
fi
trap '[ "$made_policy" = yes ] && rm -f "$policy"' EXIT
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
