"""docs/reference.md says what the database says; no page names a command that is not."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import click
import pytest

from pg_artery.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")])
INLINE = re.compile(r"`(artery [^`]+)`")
BLOCKS = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)


@pytest.mark.one_server
def test_the_reference_is_what_the_database_says_of_itself(dsn: str) -> None:
    spec = importlib.util.spec_from_file_location("r", ROOT / "tools/build_reference.py")
    assert spec
    assert spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    said = tool.reference(dsn).splitlines()
    written = tool.TARGET.read_text().splitlines()
    differ = [line for line in said if line not in written][:5]
    assert said == written, f"run tools/build_reference.py; it lacks {differ}"


def commands_of(page: str) -> set[str]:
    typed = set(INLINE.findall(page))
    for block in BLOCKS.findall(page):
        typed |= {line for line in block.splitlines() if line.startswith("artery ")}
    return typed


def wrong(typed: str) -> str | None:
    """Say what of a command line does not exist; … and NAME stand for anything."""
    command: click.Command = main
    line = re.sub(r"'[^']*'|\"[^\"]*\"", "x", typed)
    words = iter(re.split(r" [#>|]", line)[0].split()[1:])
    for word in words:
        if word.startswith("-"):
            name, given, _ = word.partition("=")
            options = {name: option for option in command.params for name in option.opts}
            if name not in options.keys() | {"--help"}:
                return f"{typed}: no option {word}"
            if not given and not getattr(options.get(name), "is_flag", True):
                next(words, None)
        elif isinstance(command, click.Group):
            part = command.get_command(click.Context(command), word)
            if part is None:
                return None if word in ("…", "x") else f"{typed}: no command {word}"
            command = part
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    problems = [wrong(typed) for typed in sorted(commands_of(page.read_text()))]
    assert [problem for problem in problems if problem] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        to = (page.parent / path).resolve() if path else page
        if not to.exists():
            dead.append(target)
        elif anchor and to.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", to.read_text(), re.M)
            anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            if anchor not in anchors:
                dead.append(target)
    assert dead == []
