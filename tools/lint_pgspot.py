"""Runs pgspot over the scripts of the extension: what would let a hostile object in.

In an environment of its own, .venv/pgspot, since pgspot pins an older parser than we use.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import pgspot.visitors
from pglast import parse_plpgsql
from pgspot.cli import run

from build_extension import read_sources, scripts

# Not findings, and why:
ARGUMENTS = (
    # `create schema if not exists`: within the script of an extension PostgreSQL refuses a schema
    # that was there before; tests/packaging/test_extension_hostile.py tries it
    "--ignore=PS010",
    # it commits, so it can have no search_path; what it names, it names in full
    "--proc-without-search-path=artery.tick()",
    # made by 0037 for a view, without a body; sql/ writes it anew in the same script
    "--proc-without-search-path=artery_plm.impact_rows(p_eco_no text,eco_no text,item_code text,"
    "line_no integer,action text,component_code text,object_kind text,object_id text,"
    "object_status text,quantity numeric,issued numeric,unit text,value numeric,proposed text)",
    # what is installed second sees what the first has made: one state for all
    "--append",
)

_HEAD = re.compile(
    r"^create (?:or replace )?function artery\w*\.(?:(?!^as \$\w*\$).)*", re.M | re.S
)

_TYPE = re.compile(
    r"(?P<variable>^ +v_\w+ (?:constant )?)?\bartery\w*\.\w+(?:%rowtype)?(?P<array>\[\])?", re.M
)


def _with_path(head: re.Match[str]) -> str:
    """Give a function without search_path ours.

    A helper in SQL has none, so that the planner can inline it. It runs with the rights and under
    the path of its caller: within ours, that is the pinned one of the function that was called.
    """
    text = head[0]
    pinned = "set search_path" in text or "security definer" in text
    if pinned or "\nlanguage sql\n" not in text:
        return text
    return f"{text}set search_path = pg_catalog, pg_temp\n"


def _parse_plpgsql(source: str) -> Any:
    # without a catalog it takes a variable of a row type of ours for none that has fields
    def known(match: re.Match[str]) -> str:
        return "text[]" if match["array"] else "record" if match["variable"] else "public.known"

    return parse_plpgsql(_TYPE.sub(lambda m: (m["variable"] or "") + known(m), source))


def main() -> None:
    """Exit with 1 after naming what was found."""
    pgspot.visitors.parse_plpgsql = _parse_plpgsql
    with tempfile.TemporaryDirectory() as folder:
        for name, text in scripts(read_sources()).items():
            (Path(folder) / name).write_text(_HEAD.sub(_with_path, text))
        # the longest makes everything
        files = sorted(Path(folder).iterdir(), key=lambda path: -path.stat().st_size)
        sys.argv[1:] = [*ARGUMENTS, *map(str, files)]
        run()


if __name__ == "__main__":
    main()
