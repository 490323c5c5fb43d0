"""The JSON Schema Test Suite, out of the source distribution of jsonschema, which brings it."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

BUILD = Path(__file__).parents[2] / "build" / "json-schema-test-suite"
PIP = ["pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "jsonschema"]
# the suite's own documents, and the meta-schema: they would have to be fetched
REMOTE = ("http://localhost:1234", "https://json-schema.org/draft/2020-12/schema")

Case = tuple[str, Any, Any, bool]


def _archive() -> Path | None:
    BUILD.mkdir(parents=True, exist_ok=True)
    if not list(BUILD.glob("jsonschema-*.tar.gz")):
        subprocess.run(
            [sys.executable, "-m", *PIP, "--dest", str(BUILD)],
            capture_output=True,
            timeout=180,
            check=False,
        )
    return next(BUILD.glob("jsonschema-*.tar.gz"), None)


def _needs_remote(group: dict[str, Any], file: str) -> bool:
    """Tell whether a reference leads out of the group's schema."""
    schema = group["schema"]
    if not isinstance(schema, dict):
        return False
    inside = json.dumps({k: v for k, v in schema.items() if k != "$schema"})
    if file == "vocabulary.json":
        return True  # the meta-schema says what the keywords mean
    if REMOTE[1] in inside:
        return True
    ids = _values(schema, "$id")
    if not any(REMOTE[0] in text for text in [*ids, *_values(schema, "$ref")]):
        return False
    # a file that none of its own $id names
    own = {text.rsplit("/", 1)[-1] for text in ids if not text.endswith("/")}
    folders = {text for text in ids if text.endswith("/")}
    targets = {
        ref.split("#")[0].rstrip("/").rsplit("/", 1)[-1]
        for ref in _values(schema, "$ref")
        if not ref.startswith("#")
    }
    return not targets <= own or bool(folders)


def _values(node: Any, key: str) -> list[str]:
    if isinstance(node, dict):
        here = [node[key]] if isinstance(node.get(key), str) else []
        return here + [text for value in node.values() for text in _values(value, key)]
    if isinstance(node, list):
        return [text for value in node for text in _values(value, key)]
    return []


@cache
def cases(*, remote: bool = False) -> list[Case] | None:
    """Give (name, schema, document, valid); those that need another document with `remote`."""
    archive = _archive()
    if archive is None:
        return None
    found: list[Case] = []
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda m: m.name):
            path = Path(member.name)
            if path.parts[1:-1] != ("json", "tests", "draft2020-12") or path.suffix != ".json":
                continue
            file = tar.extractfile(member)
            assert file is not None
            for group in json.load(file):
                if _needs_remote(group, path.name) != remote:
                    continue
                found += [
                    (
                        f"{path.stem}: {group['description']}: {test['description']}",
                        group["schema"],
                        test["data"],
                        test["valid"],
                    )
                    for test in group["tests"]
                ]
    return found
