#!/usr/bin/env bash
# Runs every check, shows what each found, fails if any did.
set -u
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=()

check() {
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

check "ruff check" $bin/ruff check --quiet .
check "ruff format" $bin/ruff format --quiet --check .
check "mypy" $bin/mypy --no-error-summary
check "bandit" $bin/bandit --quiet --recursive --configfile pyproject.toml runner
check "plpgsql" $bin/python tools/lint_plpgsql.py
check "sqlfluff" $bin/sqlfluff lint --disable-progress-bar --nocolor sql migrations
check "squawk" $bin/squawk migrations/*.sql
check "pgspot" .venv/pgspot/bin/python tools/lint_pgspot.py

if [ ${#failed[@]} -gt 0 ]; then
    printf 'lint: failed:'
    printf ' %s;' "${failed[@]}"
    echo
    exit 1
fi
echo "lint: clean"
