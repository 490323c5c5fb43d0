"""Checks the files of `sql/` against the house style, as far as no other linter sees it.

Every PL/pgSQL body must parse; every function names its volatility and pins its search_path,
stands in the file and folder of its name, and ends its file with comment and grants; every raised
error carries its SQLSTATE, detail and hint; every file is in `sql/manifest.txt`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pglast import ast, enums, parse_plpgsql, parse_sql
from pglast.parser import ParseError

ROOT = Path(__file__).resolve().parent.parent / "sql"
ERROR_LEVEL = 21
#: an empty one is not safe: types, and tables, are then looked for in pg_temp first
SEARCH_PATH = ["pg_catalog", "pg_temp"]
RAISE_OPTIONS = {0: "errcode", 2: "detail", 3: "hint"}
INPUT_MODES = {
    enums.FunctionParameterMode.FUNC_PARAM_IN,
    enums.FunctionParameterMode.FUNC_PARAM_DEFAULT,
    enums.FunctionParameterMode.FUNC_PARAM_INOUT,
}


# pglast types every field as optional: its nodes are Any here


def _name(node: Any) -> str:
    return ".".join(part.sval for part in node)


def _options(function: Any) -> dict[str, Any]:
    return {option.defname: option.arg for option in function.options}


def _walk(node: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every PL/pgSQL statement of a parsed body as (kind, content)."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key.startswith("PLpgSQL_") and isinstance(value, dict):
                yield key, value
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def check_body(source: str) -> Iterator[str]:
    """Check one `create function` statement in PL/pgSQL; gives what is wrong."""
    # it parses without a catalog and knows no row types of ours; for its purpose any array will do
    source = re.sub(r"\bartery_\w+\.\w+\[\]", "text[]", source)
    try:
        # the parser looks types up: it knows two schemas, and no arrays of rows
        plain = re.sub(r"\bartery\w*\.\w+\[\]", "text[]", source)
        tree = parse_plpgsql(re.sub(r"\bartery\w*\.", "public.", plain))
    except ParseError as error:
        yield f"the body does not parse: {error}"
        return
    for kind, content in _walk(tree):
        if kind != "PLpgSQL_stmt_raise" or content.get("elog_level", ERROR_LEVEL) != ERROR_LEVEL:
            continue
        given = {
            option["PLpgSQL_raise_option"].get("opt_type", 0)
            for option in content.get("options", [])
        }
        if not given and "message" not in content and "condname" not in content:
            continue  # a bare `raise` passes the caught error on
        lacking = [name for number, name in RAISE_OPTIONS.items() if number not in given]
        if lacking:
            yield f"raise in line {content.get('lineno')} of the body lacks {', '.join(lacking)}"


def check_function(function: Any, source: str) -> Iterator[str]:
    """Check one function's header and, in PL/pgSQL, its body; gives what is wrong."""
    options = _options(function)
    name = _name(function.funcname)
    language = options["language"].sval if "language" in options else "sql"
    if "." not in name:
        yield f"{name} has no schema"
    if not function.is_procedure and "volatility" not in options:
        yield f"{name} does not name its volatility"
    for parameter in function.parameters or ():
        named = parameter.name or ""
        if not named and name.startswith("artery_api_v1.") and len(function.parameters) == 1:
            continue  # PostgREST posts a raw body to a function of one unnamed argument
        if parameter.mode in INPUT_MODES and not named.startswith("p_"):
            yield f"{name}: parameter {named or '(unnamed)'} does not start with p_"
    if language != "plpgsql":
        return
    commits = function.is_procedure and re.search(r"\bcommit\b", source)
    pinned = [
        option.arg
        for option in function.options
        if option.defname == "set" and option.arg.name == "search_path"
    ]
    if not commits and not (pinned and [a.val.sval for a in pinned[0].args] == SEARCH_PATH):
        yield f"{name} does not set search_path = {', '.join(SEARCH_PATH)}"
    yield from (f"{name}: {problem}" for problem in check_body(source))


def _closing(statements: list[Any]) -> tuple[set[str], set[str]]:
    """Give the names of the functions that have a comment, and of those that have a grant."""
    commented = {
        _name(s.object.objname)
        for s in statements
        if isinstance(s, ast.CommentStmt) and isinstance(s.object, ast.ObjectWithArgs)
    }
    granted = {
        _name(target.objname)
        for s in statements
        if isinstance(s, ast.GrantStmt)
        for target in s.objects or ()
        if isinstance(target, ast.ObjectWithArgs)
    }
    return commented, granted


def _returns_trigger(function: Any) -> bool:
    return bool(function.returnType and function.returnType.names[-1].sval == "trigger")


def check_file(path: Path) -> Iterator[str]:
    """Check one file of `sql/`; gives what is wrong."""
    text = path.read_text()
    try:
        parsed = parse_sql(text)
    except ParseError as error:
        yield f"does not parse: {error}"
        return
    statements: list[Any] = [item.stmt for item in parsed]
    functions = [s for s in statements if isinstance(s, ast.CreateFunctionStmt)]
    for item in parsed:
        if isinstance(item.stmt, ast.CreateFunctionStmt):
            # in characters, not bytes
            start, length = item.stmt_location or 0, item.stmt_len or len(text)
            yield from check_function(item.stmt, text[start : start + length])
    kind, folder = path.relative_to(ROOT).parts[:2]
    if not isinstance(statements[-1], ast.CommentStmt | ast.GrantStmt):
        yield "does not end with comment on and grants"
    commented, granted = _closing(statements)
    for function in functions:
        name = _name(function.funcname)
        schema, _, short = name.rpartition(".")
        if schema.removeprefix("artery_") != folder:
            yield f"{name} belongs in folder {schema.removeprefix('artery_')}"
        if short.startswith("_"):
            continue
        if name not in commented:
            yield f"{name} has no comment"
        if not _returns_trigger(function) and name not in granted:
            yield f"{name} has neither grant nor revoke"
    names = {_name(f.funcname).rpartition(".")[2].lstrip("_") for f in functions}
    if kind == "functions" and names and path.stem.lstrip("_") not in names:
        yield f"holds {', '.join(sorted(names))}, not {path.stem}"


def check_manifest(files: list[Path]) -> Iterator[str]:
    """Compare `sql/manifest.txt` with the files; gives what is wrong."""
    lines = (ROOT / "manifest.txt").read_text().splitlines()
    listed = [line.split("#")[0].strip() for line in lines]
    listed = [line for line in listed if line]
    there = {str(path.relative_to(ROOT)) for path in files}
    yield from (f"{name} is not in manifest.txt" for name in sorted(there - set(listed)))
    yield from (
        f"manifest.txt lists {name}, which is not there" for name in listed if name not in there
    )
    yield from (
        f"manifest.txt lists {name} twice" for name in {n for n in listed if listed.count(n) > 1}
    )


def main() -> int:
    """Print every finding as `file: finding`; exit code 1 if there is one."""
    files = sorted(ROOT.glob("*/*/*.sql"))
    findings = list(check_manifest(files))
    for path in files:
        name = path.relative_to(ROOT.parent)
        findings += [f"{name}: {problem}" for problem in check_file(path)]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
