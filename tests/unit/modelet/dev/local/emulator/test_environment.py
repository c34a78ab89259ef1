"""The emulator's Python environment: found, or made from the pinned requirements."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from modelet.dev.local.emulator.environment import emulator_python
from modelet.errors import CommandError
from support.repository import ROOT

DIST = "ministack-1.0.dist-info"


def write_wheel(folder: Path) -> str:
    """Write a wheel of a tiny ministack, and return its SHA-256."""
    folder.mkdir()
    path = folder / "ministack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("ministack.py", "NAME = 'tiny'\n")
        wheel.writestr(f"{DIST}/METADATA", "Metadata-Version: 2.1\nName: ministack\nVersion: 1.0\n")
        wheel.writestr(f"{DIST}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{DIST}/RECORD", f"ministack.py,,\n{DIST}/METADATA,,\n{DIST}/WHEEL,,\n{DIST}/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pin(root: Path, text: str) -> None:
    (root / "requirements").mkdir()
    (root / "requirements" / "ministack.txt").write_text(text)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))


@pytest.mark.slow
def test_it_is_made_once_from_what_is_pinned_and_made_anew_for_another_pin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None
) -> None:
    sha256 = write_wheel(tmp_path / "wheels")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    pin(tmp_path, f"ministack==1.0 \\\n    --hash=sha256:{sha256}\n")
    lines: list[str] = []
    python = emulator_python(tmp_path, lines.append)
    assert python == tmp_path / ".tools" / "ministack" / "bin" / "python"
    assert list(tmp_path.glob(".tools/ministack/lib/*/site-packages/ministack.py"))
    (line,) = lines
    assert line.startswith(
        f"installing the AWS emulator, MiniStack 1.0, in {tmp_path}/.tools/ministack: only the first"
    )
    assert emulator_python(tmp_path, lines.append) == python
    assert len(lines) == 1
    (tmp_path / "requirements" / "ministack.txt").write_text(f"ministack==2.0 --hash=sha256:{sha256}\n")
    with pytest.raises(CommandError, match=r"the AWS emulator cannot be installed in .*: check the network"):
        emulator_python(tmp_path, lines.append)
    assert len(lines) == 2


def test_a_file_that_pins_nothing_is_named(tmp_path: Path) -> None:
    pin(tmp_path, "boto3==1.0\n")
    with pytest.raises(CommandError, match=r"ministack\.txt pins no ministack: restore the file"):
        emulator_python(tmp_path, print)


@pytest.mark.slow
def test_a_project_elsewhere_uses_the_emulator_of_modelet_s_own_repository(tmp_path: Path) -> None:
    lines: list[str] = []
    assert emulator_python(tmp_path, lines.append) == ROOT / ".tools" / "ministack" / "bin" / "python"
