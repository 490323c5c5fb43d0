"""The wheel brings its SQL along: built, installed into a fresh environment, it migrates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from catalog_snapshot import snapshot

from pg_artery.resources import sql_dir

ROOT = sql_dir().parent


@pytest.mark.one_server
def test_a_wheel_in_a_fresh_environment_migrates(
    cluster, empty: str, template: str, tmp_path: Path
) -> None:
    def run(*command: str | Path) -> str:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=tmp_path,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"ARTERY_DSN": empty},
            text=True,
            capture_output=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    # the dependencies are this environment's; pg_artery is the wheel's
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    run(*pip, "install", "--no-deps", "--target", site, wheel)
    ours = Path(sys.prefix) / "lib" / site.parent.name / "site-packages"
    (site / "dependencies.pth").write_text(f"{ours}\n")
    where = run(python, "-I", "-c", "from pg_artery import resources as r; print(r.sql_dir())")
    assert where.strip() == str(site / "pg_artery" / "_sql" / "sql")
    main = "from pg_artery.cli import main; main()"
    run(python, "-I", "-c", main, "monitor", "--export", tmp_path / "monitoring")
    assert len(list((tmp_path / "monitoring").iterdir())) == 3
    result = json.loads(run(python, "-I", "-c", main, "migrate", "--json"))
    assert result["code"] == "loaded"
    assert snapshot(empty) == snapshot(cluster.dsn(template))
