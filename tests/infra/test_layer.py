"""The layer holds modelet as it is, without the laptop's part, and wheels that Lambda can load; it is reproducible."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distributions, version
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from infra.constructs.platform.layer import ModeletLayer
from infra.errors import SynthError
from infra.layer import BUILT, REQUIREMENTS, ROOT, SOURCE, build, require, sources
from support.layers import project_with_layer

LIMIT = 250 * 1024 * 1024
"""Lambda's, for a function and its layers, unzipped."""
GLIBC = (2, 26)
"""That of Amazon Linux 2, on which Lambda's python3.11 runs."""
LOADABLE = re.compile(r"cp311-(cp311|abi3)-manylinux_?(\d+)_?(\d*)_x86_64|(py2\.)?py3-none-any")
MANYLINUX = {"1": (2, 5), "2010": (2, 12), "2014": (2, 17)}


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    return project_with_layer(tmp_path_factory, worker_id)


@pytest.fixture(scope="session")
def site(root: Path) -> Path:
    """What Lambda shows as /opt/python."""
    return root / BUILT / "python"


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A project whose layer a test may damage."""
    shutil.copytree(root, tmp_path / "project", symlinks=True)
    return tmp_path / "project"


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def installed(site: Path) -> list[Distribution]:
    return list(distributions(path=[str(site)]))


def test_the_layer_contains_the_source_without_dev(site: Path) -> None:
    package, source = site / "modelet", ROOT / SOURCE
    assert not (package / "dev").exists()
    names = [path.relative_to(source) for path in sources(source)]
    assert len(names) > 30
    assert [path.relative_to(package) for path in sources(package)] == names
    for name in names:
        assert (package / name).read_bytes() == (source / name).read_bytes()


def test_the_layer_contains_exactly_the_pinned_packages(site: Path) -> None:
    lines = (ROOT / REQUIREMENTS).read_text().splitlines()
    pins = [line.removesuffix("\\").strip() for line in lines if line[:1].isalpha()]  # the others are their hashes
    assert sorted(f"{found.name.lower().replace('_', '-')}=={found.version}" for found in installed(site)) == sorted(
        [*pins, f"modelet=={version('modelet')}"]
    )
    assert not {"boto3", "botocore", "numpy", "onnxruntime"} & {path.name for path in site.iterdir()}


def test_every_compiled_module_is_for_lambda_s_python_and_glibc(site: Path) -> None:
    compiled = [path for path in site.rglob("*") if ".so" in path.suffixes]
    assert len(compiled) >= 2
    for path in compiled:
        assert re.search(r"\.(abi3|cpython-311-x86_64-linux-gnu)\.so$", path.name), path
        header = path.read_bytes()[:20]
        assert (header[:5], header[18]) == (b"\x7fELF\x02", 62), f"{path.name} is not for x86_64"
        needed = {tuple(map(int, found)) for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", path.read_bytes())}
        assert needed
        assert max(needed) <= GLIBC, f"{path.name} needs glibc {max(needed)}"
    for found in installed(site):
        tags = re.findall(r"^Tag: (.*)$", found.read_text("WHEEL") or "", re.MULTILINE)
        matches = [LOADABLE.fullmatch(tag) for tag in tags]
        assert tags, found.name
        for tag, match in zip(tags, matches, strict=True):
            assert match, f"{found.name}: {tag}"
            if match[2]:
                glibc = MANYLINUX.get(match[2], (int(match[2]), int(match[3] or 0)))
                assert glibc <= GLIBC, f"{found.name}: {tag}"


def test_the_layer_contains_no_local_paths_and_no_scripts(site: Path) -> None:
    assert not [path for path in site.rglob("*") if path.name in {"RECORD", "direct_url.json", "INSTALLER", "bin"}]
    [modelet] = site.glob("modelet-*.dist-info")
    assert sorted(path.name for path in modelet.iterdir()) == ["METADATA", "WHEEL", "licenses"]
    here = os.fsencode(ROOT)
    assert not [path for path in site.rglob("*") if path.is_file() and here in path.read_bytes()]


def test_the_layer_is_far_below_lambda_s_size_limit(root: Path) -> None:
    assert sum(path.stat().st_size for path in (root / BUILT).rglob("*") if path.is_file()) < LIMIT / 4


def test_a_rebuild_gives_the_same_bytes_and_removes_old_files(copy: Path) -> None:
    before = digests(copy / BUILT)
    (copy / BUILT / "python" / "leftover.py").touch()
    build(copy)
    assert digests(copy / BUILT) == before
    assert [path.name for path in (copy / BUILT.parent).iterdir()] == [BUILT.name]


def test_the_platform_functions_import_only_from_the_layer(site: Path, tmp_path: Path) -> None:
    """No site-packages: what they import is in the layer, boto3 apart, which Lambda's runtime brings."""
    script = (
        "import sys, json\n"
        "sys.path[:0] = sys.argv[1:]\n"
        "from importlib.metadata import version\n"
        "import app\n"
        "print(json.dumps({'version': version('modelet'), 'files': [m.__file__ for m in list(sys.modules.values())"
        " if getattr(m, '__file__', None)]}))\n"
    )
    for folder in ("models_index", "release_check"):
        done = subprocess.run(
            [sys.executable, "-S", "-c", script, str(ROOT / "functions" / folder), str(site)],
            env={"MODELET_MODELS": "{}", "POWERTOOLS_METRICS_NAMESPACE": "Modelet", "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["version"] == version("modelet")
        assert [path for path in report["files"] if path.startswith(str(site / "modelet"))]
        assert not [
            path for path in report["files"] if "site-packages" in path or path.startswith(str(ROOT / "layers"))
        ]


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="another Python's bytecode would not be read")
def test_every_module_is_compiled(site: Path) -> None:
    sourced = [path for path in site.rglob("*.py") if "__pycache__" not in path.parts]
    missing = [path for path in sourced if not (path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc").exists()]
    assert not missing


def test_a_missing_or_stale_layer_stops_the_synth_with_the_remedy(copy: Path) -> None:
    assert require(copy) == copy / BUILT
    module = copy / BUILT / "python" / "modelet" / "errors.py"
    module.write_text(module.read_text() + "\n")
    with pytest.raises(
        SynthError, match=r"does not contain the present layers/modelet/python/modelet/errors\.py: run `make layer`"
    ):
        require(copy)
    module.write_bytes((ROOT / SOURCE / "errors.py").read_bytes())
    extra = module.with_name("gone.py")
    extra.touch()
    with pytest.raises(SynthError, match=r"modules that modelet no longer has: run `make layer`"):
        require(copy)
    extra.unlink()
    (copy / BUILT / "requirements.txt").write_text("fastapi==0.1\n")
    with pytest.raises(SynthError, match=r"does not contain the present layers/modelet/requirements\.txt"):
        require(copy)
    shutil.rmtree(copy / BUILT)
    with pytest.raises(SynthError, match=r"^\.modelet/layer: is missing: run `make layer`$"):
        require(copy)


def test_the_construct_is_a_layer_for_one_python_and_one_architecture(root: Path) -> None:
    stack = Stack(App(), "layer")
    ModeletLayer(stack, "Layer", root=root)
    [layer] = Template.from_stack(stack).find_resources("AWS::Lambda::LayerVersion").values()
    assert layer["Properties"]["CompatibleRuntimes"] == ["python3.11"]
    assert layer["Properties"]["CompatibleArchitectures"] == ["x86_64"]
