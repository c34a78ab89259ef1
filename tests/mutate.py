"""Mutation testing of one module: `make mutate MODULE=store/keys.py` says which changes of its code no test notices.

cosmic-ray changes the code in a copy of the repository and runs the module's test file on each change.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click

from support.mirror import PACKAGE, TESTS, tested_by
from support.repository import ROOT

COSMIC_RAY = ROOT / ".tools" / "mutate" / "bin"
COPY = ROOT / ".modelet" / "mutate"
CONFIG = """
[cosmic-ray]
module-path = "{module}"
timeout = {timeout}
excluded-modules = []
test-command = "{python} -m pytest -x -q -p no:cacheprovider -n0 {tests}"

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
# `X | None` in an annotation is never computed.
exclude-operators = ["core/ReplaceBinaryOperator_BitOr_.*"]
"""


@click.command()
@click.argument("module")
@click.option("--tests", help="Test files, from tests/, instead of the module's own; several are separated by spaces.")
@click.option("--sample", default=60, show_default=True, help="How many mutants are tried at most, chosen at random.")
@click.option("--seed", default=0, show_default=True, help="Chooses the sample.")
@click.option("--timeout", default=120, show_default=True, help="Seconds after which a mutant counts as killed.")
def main(module: str, tests: str | None, sample: int, seed: int, timeout: int) -> None:
    """Change MODULE, a path such as store/keys.py, and print the changes that its tests do not notice."""
    if not (PACKAGE / module).is_file():
        raise click.ClickException(f"{module}: no such module of the package: give its path, such as store/keys.py")
    files = (tests or tested_by(module)).split()
    copied()
    (COPY / "mutate.toml").write_text(
        CONFIG.format(
            module=(PACKAGE / module).relative_to(ROOT),
            timeout=timeout,
            python=sys.executable,
            tests=" ".join(str((TESTS / file).relative_to(ROOT)) for file in files),
        )
    )
    session = COPY / "session.sqlite"
    session.unlink(missing_ok=True)
    run("cosmic-ray", "init", "mutate.toml", session.name)
    run("cr-filter-operators", session.name, "mutate.toml")
    run("cosmic-ray", "baseline", "mutate.toml")
    tried = chosen(session, sample, seed)
    run("cosmic-ray", "exec", "mutate.toml", session.name)
    with closing(sqlite3.connect(session)) as database:
        outcomes = database.execute("select test_outcome, count(*) from work_results group by 1").fetchall()
    counts = {str(outcome).lower(): count for outcome, count in outcomes if outcome}
    run("cr-report", "--surviving-only", "--show-diff", session.name)
    click.echo(f"{module}: {counts.get('killed', 0)} of {tried} mutants killed by {' '.join(files)}")


def copied() -> None:
    """Make the copy of the repository: the files that git knows, as they are now."""
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)


def chosen(session: Path, sample: int, seed: int) -> int:
    """Leave a sample of the mutants that no filter has skipped; how many these are."""
    with closing(sqlite3.connect(session)) as database, database:
        waiting = "select job_id from mutation_specs where job_id not in (select job_id from work_results)"
        jobs = [job for (job,) in database.execute(f"{waiting} order by operator_name, occurrence")]
        dropped = set(jobs) - set(random.Random(seed).sample(jobs, min(sample, len(jobs))))
        for table in ("mutation_specs", "work_items"):
            database.executemany(f"delete from {table} where job_id = ?", [(job,) for job in dropped])
    return len(jobs) - len(dropped)


def run(tool: str, *words: str) -> None:
    """Run one of cosmic-ray's commands in the copy. Exits with what it said where it fails."""
    code = os.pathsep.join(str(COPY / folder) for folder in ("layers/modelet/python", "tests", "."))
    environment = {**os.environ, "PYTHONPATH": code, "PYTHONDONTWRITEBYTECODE": "1"}
    if subprocess.run([COSMIC_RAY / tool, *words], cwd=COPY, env=environment, check=False).returncode:
        raise click.ClickException(f"{tool} {' '.join(words)} failed")


if __name__ == "__main__":
    main()
