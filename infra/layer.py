"""The layer of the platform functions, built into .modelet/layer without Docker: `python -m infra.layer`.

It contains modelet without dev/, as its distribution installs it, and the packages of layers/modelet/requirements.txt
as wheels for Lambda's platform. The same inputs give the same bytes, so that an unchanged layer is not deployed again.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.errors import SynthError

PYTHON = "3.11"
"""The runtime of platform functions."""

PLATFORM = "x86_64-manylinux2014"
"""Lambda's runtime python3.11 is Amazon Linux 2, with glibc 2.26; manylinux2014 asks for 2.17."""

ROOT = Path(__file__).parents[1]
BUILT = Path(".modelet/layer")
REQUIREMENTS = Path("layers/modelet/requirements.txt")
SOURCE = Path("layers/modelet/python/modelet")
LAPTOP = {"dev", "publishing.py"}
"""The parts of the package that no serving code imports."""

NOISE = ("RECORD", "REQUESTED", "INSTALLER", "direct_url.json", "uv_build.json", "uv_cache.json")
"""Installers' records of an installation: a layer does not need them, and they contain paths of this machine."""


def build(root: Path = ROOT) -> Path:
    """Build the layer into a project, replacing the previous one, and return its folder.

    root: the project, if it is not the one that contains this modelet. Raises SynthError with the installer's output.
    """
    target = root / BUILT
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        fresh, wheels = Path(name) / "layer", Path(name) / "wheels"
        _uv("build", "--wheel", "--out-dir", str(wheels), str(ROOT))
        [wheel] = wheels.glob("*.whl")
        _install(fresh / "python", "--require-hashes", "--requirements", str(ROOT / REQUIREMENTS))
        _install(fresh / "python", str(wheel))
        _tidy(fresh / "python")
        _compile(fresh / "python")
        shutil.copy(ROOT / REQUIREMENTS, fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    return target


def require(root: Path = ROOT) -> Path:
    """Return the folder of the built layer. Raises SynthError if it is missing or stale."""
    layer = root / BUILT
    if not layer.is_dir():
        raise SynthError(f"{BUILT}: is missing: run `make layer`")
    built, source = layer / "python" / "modelet", ROOT / SOURCE
    pairs = {layer / REQUIREMENTS.name: ROOT / REQUIREMENTS}
    pairs |= {built / path.relative_to(source): path for path in sources(source)}
    for copy, original in pairs.items():
        if not copy.is_file() or not filecmp.cmp(copy, original, shallow=False):
            raise SynthError(f"{BUILT}: does not contain the present {original.relative_to(ROOT)}: run `make layer`")
    if len(sources(built)) != len(pairs) - 1:
        raise SynthError(f"{BUILT}: contains modules that modelet no longer has: run `make layer`")
    return layer


def sources(package: Path) -> list[Path]:
    """Return a package's files that belong in a layer, sorted: without the laptop's parts and bytecode."""
    files = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(path for path in files if path.relative_to(package).parts[0] not in LAPTOP)


def _install(target: Path, *packages: str) -> None:
    """Install wheels for Lambda's platform, whatever this machine is; never a source distribution.

    Packages of a requirements file must have the hashes that it pins.
    """
    options = ["--python-platform", PLATFORM, "--python-version", PYTHON, "--only-binary", ":all:", "--no-deps"]
    _uv("pip", "install", "--quiet", "--link-mode", "copy", "--target", str(target), *options, *packages)


def _tidy(site: Path) -> None:
    """Remove the laptop's parts of modelet, command-line scripts, and files that contain paths of this machine."""
    shutil.rmtree(site / "modelet" / "dev")
    (site / "modelet" / "publishing.py").unlink()
    shutil.rmtree(site / "bin", ignore_errors=True)
    (site / ".lock").unlink(missing_ok=True)
    [modelet] = site.glob("modelet-*.dist-info")
    (modelet / "entry_points.txt").unlink()
    metadata = modelet / "METADATA"
    metadata.write_text(metadata.read_text().partition("\n\n")[0] + "\n")  # drops the README
    for path in site.glob("*.dist-info/*"):
        if path.name in NOISE:
            path.unlink()


def _compile(site: Path) -> None:
    """Compile all modules: /opt is read-only, so every cold start would compile again, and take twice as long.

    The bytecode is unchecked: files of a layer never change, and their times are not kept. Another Python version would
    ignore it.
    """
    if sys.version_info[:2] != tuple(map(int, PYTHON.split("."))):
        sys.stderr.write(
            f"note: the layer has no bytecode, because only Python {PYTHON} can compile it: cold starts are slower\n"
        )
        return
    mode = ["--invalidation-mode", "unchecked-hash", "-s", str(site), "-p", "/opt/python"]
    _run(sys.executable, "-m", "compileall", "-q", *mode, str(site))


def _uv(*arguments: str) -> None:
    _run(sys.executable, "-m", "uv", "--system-certs", *arguments)  # as pip and browsers do


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this machine's own tools
    if done.returncode:
        output = " ".join((done.stderr or done.stdout).split())[-400:]
        raise SynthError(f"{BUILT}: cannot be built: {' '.join(command[2:6])}: {output}")


if __name__ == "__main__":
    try:
        build()
    except SynthError as error:
        sys.exit(f"error: {error}")
