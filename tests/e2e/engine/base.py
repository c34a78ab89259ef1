"""The images that ours are made from: the usual ones, or two of our own where no registry or no index can be reached.

Ours are Debian with Python from its packages, and the same with the pinned wheels in it and a pip that knows no other
place. So functions/Dockerfile is one file for both.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

from e2e.engine.engine import HOME, Engine, Skipped, install, running_engine, say, start
from support.repository import ROOT
from support.requirement_files import requirements

USUAL = "python:3.11-slim-bookworm"
BASE = "local/lambda-python:3.11"
BUILD = "local/lambda-build:3.11"
PYTHON = (3, 11)
"""What Debian bookworm has, and the usual image too."""
LABEL = "modelet.wheels"
ENV = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8"
DOCKERFILE = f"""
FROM {BASE}
COPY wheelhouse /wheelhouse
COPY pip.conf /etc/pip.conf
RUN python3 "$(ls /wheelhouse/pip-*.whl)/pip" install --quiet --break-system-packages --root-user-action ignore pip
"""
PIP_CONF = """
[global]
no-index = true
find-links = /wheelhouse
"""


def ready_engine() -> Engine:
    """An engine with images to build from, set up as far as it is not there. Raises Skipped."""
    engine = running_engine() or start()
    return Engine(engine.environment, build_args(engine))


def build_args(engine: Engine) -> dict[str, str]:
    """What functions/Dockerfile is built from: nothing to say where the usual image is at hand. Raises Skipped."""
    if not engine.ours and (engine.inspect(USUAL, "{{.Id}}") or pulled(engine)):
        return {}
    if not engine.inspect(BASE, "{{.Id}}"):
        make_base(engine)
    wheels = pinned_wheels()
    digest = hashlib.sha256("\n".join([DOCKERFILE, PIP_CONF, *map(str, wheels)]).encode()).hexdigest()
    if engine.inspect(BUILD, f'{{{{index .Config.Labels "{LABEL}"}}}}') != digest:
        make_build(engine, wheels, digest)
    return {"BASE_IMAGE": BASE, "BUILD_IMAGE": BUILD}


def pulled(engine: Engine) -> bool:
    """Whether the usual image could be pulled."""
    say(f"pulling {USUAL}")
    return engine.run("pull", "--quiet", USUAL, check=False, timeout=300).returncode == 0


def make_base(engine: Engine) -> None:
    """Debian with Python and nothing else."""
    install("mmdebstrap")
    say(f"making {BASE} from Debian's packages")
    tar = HOME / "base.tar"
    tar.parent.mkdir(parents=True, exist_ok=True)
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "locale")]
    done = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", "--include=python3,ca-certificates", *left_out, "bookworm", tar],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Skipped(f"mmdebstrap makes no base image: {' '.join(done.stderr.splitlines()[-1:])}")
    engine.run("import", "--change", ENV, str(tar), BASE)
    tar.unlink()


def make_build(engine: Engine, wheels: list[list[str]], digest: str) -> None:
    """The same with a pip and all wheels that any of our images may want, fetched on this machine."""
    if sys.version_info[:2] != PYTHON:
        raise Skipped(f"wheels are fetched for this Python, {sys.version.split()[0]}, but the images have 3.11")
    say("fetching the pinned wheels")
    context = HOME / "build"
    shutil.rmtree(context, ignore_errors=True)
    (context / "wheelhouse").mkdir(parents=True)
    (context / "Dockerfile").write_text(DOCKERFILE)
    (context / "pip.conf").write_text(PIP_CONF)
    for pins in wheels:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--only-binary=:all:",
             f"--dest={context}/wheelhouse", *pins],
            check=True,
        )  # fmt: skip
    say(f"making {BUILD}")
    engine.run("build", "--quiet", "--tag", BUILD, "--label", f"{LABEL}={digest}", str(context))


def pinned_wheels() -> list[list[str]]:
    """What each requirement file pins for this Python, ours left out: it is built from its source."""
    files = [ROOT / "requirements" / f"{name}.txt" for name in ("build", "lambda", "worker")]
    files += sorted(path.parent / "requirements.txt" for path in (ROOT / "functions").glob("*/model.yaml"))
    return [pins(path) for path in files]


def pins(path: Path) -> list[str]:
    """The requirements of one file that hold for this Python."""
    found = map(Requirement, requirements(path))
    return [f"{one.name}{one.specifier}" for one in found if one.name != "modelet" and applies(one)]


def applies(requirement: Requirement) -> bool:
    """Whether a requirement's marker holds here."""
    return requirement.marker is None or requirement.marker.evaluate()
