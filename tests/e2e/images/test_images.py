"""What is in the images, file by file: all that a function needs, nothing else, and nothing that it could change."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pytest

from e2e.engine.engine import Engine
from e2e.engine.images import Image, build
from modelet.backends import BACKENDS
from modelet.bundle import Bundle
from modelet.dev.bundle.bake import bake
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.local.prepare import lock_for
from modelet.dev.project.project import Function, Project
from modelet.digest import digest
from modelet.store.manifest import Manifest
from modelet.store.store import Store
from support.repository import ROOT

FUNCTIONS = {
    function.name: function
    for function in Project(ROOT).functions()
    if not (function.folder / "Dockerfile").is_file()  # what is in an image of its own is its author's to say
}
BUDGET = 120_000_000
"""Bytes of /var/task of an online ONNX image (docs/design.md, the budget)."""
TEXTS_BUDGET = 25_000_000
"""What a model of texts may add: tokenizers, and the client of a hub that it requires."""
IMAGES_BUDGET = 15_000_000
"""What a model of images may add: Pillow."""
OF_TEXTS = {"click", "yaml"}
"""What that client requires."""
LAPTOP = {
    "aws_lambda_powertools", "click", "fastapi", "hatchling", "mangum", "onnx", "pandas", "pip", "pytest", "rich",
    "skl2onnx", "starlette", "uvicorn", "yaml",
}  # fmt: skip
"""What no function has, whatever its backend."""
WORKERS = {"boto3", "botocore", "orjson", "pyarrow", "s3transfer"}
"""What only workers have."""
FRAMEWORKS = {name: {*each.libraries, *each.imports} - {"numpy"} for name, each in BACKENDS.items()}
TRAINING = {".csv", ".ipynb", ".parquet"}
ASK = """
import json, sys
from modelet.app import handler

class Context:
    aws_request_id, invoked_function_arn = "an-id", "arn"
    def get_remaining_time_in_millis(self):
        return 10_000

answer = handler({"text": "wonderful"}, Context())
print(json.dumps([answer["label"], "obstore" in sys.modules]))
"""
"""Asks the function in a container for a prediction, and whether it has imported what reads S3."""
WORKER_BUDGET = 150_000_000
"""Bytes that a worker's packages add to its model's /var/task."""
WORK = """
import io
import boto3, orjson, pyarrow, pyarrow.parquet
import modelet.batch.inputs.cells, modelet.batch.inputs.cut, modelet.batch.inputs.parquet_file
import modelet.batch.inputs.read, modelet.batch.outputs.results, modelet.batch.outputs.writer, modelet.jobs.run
from modelet.batch import chunk_run, finish, planning, worker

print(boto3.client("sqs", region_name="eu-west-1").meta.endpoint_url)
file = io.BytesIO()
pyarrow.parquet.write_table(pyarrow.table({"a": [1, 2]}), file, compression="zstd")
print(pyarrow.parquet.ParquetFile(file).read()["a"].to_pylist())
"""
"""Imports all that a worker uses, and writes and reads a file."""
UNCHECKED = b"\x01\x00\x00\x00"
"""The flags of bytecode that is trusted without a look at its source (PEP 552)."""


@dataclass
class Content:
    """An image and the files of its /var/task, by their path below it."""

    image: Image
    entries: dict[PurePosixPath, tarfile.TarInfo] = field(default_factory=dict)
    bytecode: dict[PurePosixPath, bytes] = field(default_factory=dict)

    @property
    def files(self) -> set[PurePosixPath]:
        return {path for path, entry in self.entries.items() if entry.isfile()}

    @property
    def packages(self) -> set[str]:
        """The names of what can be imported."""
        return {path.parts[0].removesuffix(".py") for path in self.files}


def read(engine: Engine, image: Image) -> Content:
    """Read an image's files out of a container that never ran."""
    content = Content(image)
    container = engine.run("create", image.tag).stdout.strip()
    command = ["docker", "export", container]
    with (
        subprocess.Popen(command, env=engine.variables, stdout=subprocess.PIPE) as exporting,
        tarfile.open(fileobj=exporting.stdout, mode="r|") as archive,
    ):
        for entry in archive:
            path = PurePosixPath(entry.name)
            if path.parts[:2] == ("var", "task") and len(path.parts) > 2:
                below = path.relative_to("var/task")
                content.entries[below] = entry
                opened = archive.extractfile(entry) if path.suffix == ".pyc" else None
                if opened is not None:
                    content.bytecode[below] = opened.read(16)
    engine.run("rm", container)
    return content


@pytest.fixture(scope="module", params=FUNCTIONS.values(), ids=list(FUNCTIONS))
def function(request: pytest.FixtureRequest) -> Function:
    """Every model in turn."""
    found: Function = request.param
    return found


@pytest.fixture(scope="module")
def online(engine: Engine, function: Function) -> Content:
    """The content of a model's online image."""
    return read(engine, build(engine, function))


def has_extra(function: Function, extra: str) -> bool:
    """Whether a function's packages are those of an extra of modelet."""
    return bool(
        re.search(rf"^modelet\[.*\b{extra}\b", (function.folder / "requirements.txt").read_text(), re.MULTILINE)
    )


def test_an_online_onnx_image_is_within_its_budget(online: Content, function: Function) -> None:
    if function.spec.backend == "onnx":
        more = {"texts": TEXTS_BUDGET, "images": IMAGES_BUDGET}
        assert online.image.task <= BUDGET + sum(size for extra, size in more.items() if has_extra(function, extra))


def test_an_online_image_has_its_backend_and_no_other(online: Content, function: Function) -> None:
    theirs = FRAMEWORKS[function.spec.backend]
    others = set().union(*FRAMEWORKS.values()) - theirs
    assert theirs <= online.packages
    assert not others & online.packages


def test_an_online_image_has_nothing_of_the_laptop_and_of_workers(online: Content, function: Function) -> None:
    assert not (LAPTOP | WORKERS) - (OF_TEXTS if has_extra(function, "texts") else set()) & online.packages
    assert {"awslambdaric", "modelet", "obstore"} <= online.packages
    assert not [path for path in online.files if path.is_relative_to("modelet/dev")]


def test_pydantic_is_there_only_where_the_function_asks_for_it(online: Content, function: Function) -> None:
    asked = "\npydantic==" in (function.folder / "requirements.txt").read_text()
    assert ("pydantic" in online.packages) == asked


def test_the_function_s_own_code_is_there_and_its_training_is_not(online: Content, function: Function) -> None:
    code = {PurePosixPath(path.name) for path in function.folder.glob("*.py") if path.name != "train.py"}
    assert {*code, PurePosixPath("bundle.json")} <= online.files
    own = {path for path in online.files if len(path.parts) == 1}
    assert not [path for path in own if path.suffix in TRAINING]
    assert not {path for path in online.files if path.parts[0] in {"model", "training"}}
    assert not {"train.py", "model.lock", "model.yaml", "requirements.txt"} & {str(path) for path in own}


def test_packages_come_without_tests_headers_and_commands(online: Content) -> None:
    assert not [path for path in online.files if {"tests", "bin"} & set(path.parts)]
    assert not [path for path in online.files if path.suffix in {".a", ".h", ".pyi", ".pyx", ".pxd"}]
    assert not [path for path in online.files if path.suffix == ".whl"]


def test_every_module_has_bytecode_that_is_trusted_without_a_look_at_its_source(online: Content) -> None:
    modules = {path for path in online.files if path.suffix == ".py"}
    compiled = {path.parent.parent / f"{path.name.partition('.')[0]}.py" for path in online.bytecode}
    assert modules
    assert modules <= compiled
    assert {head[4:8] for head in online.bytecode.values()} == {UNCHECKED}


def test_the_code_can_be_read_by_all_and_changed_by_none_but_root(engine: Engine, online: Content) -> None:
    assert engine.inspect(online.image.tag, "{{.Config.User}}") == "993:990"
    for path, entry in online.entries.items():
        assert (entry.uid, entry.gid) == (0, 0), path
        assert entry.issym() or entry.mode & 0o022 == 0, path
        assert entry.mode & 0o044 == 0o044, path
    attempt = ["--entrypoint=python3", online.image.tag, "-c", "open('/var/task/more.py', 'w')"]
    done = engine.run("run", "--rm", "--network=none", *attempt, check=False)
    assert done.returncode == 1
    assert "PermissionError" in done.stderr


def test_an_image_starts_the_runtime_client_with_the_function_s_handler(engine: Engine, online: Content) -> None:
    assert engine.inspect(online.image.tag, "{{json .Config.Entrypoint}}") == '["python3","-m","awslambdaric"]'
    assert engine.inspect(online.image.tag, "{{json .Config.Cmd}}") == '["modelet.app.handler"]'


@pytest.fixture(scope="module")
def baking(tmp_path_factory: pytest.TempPathFactory) -> tuple[Function, Bundle]:
    """A sample in a project of its own, with its version baked."""
    root = tmp_path_factory.mktemp("project")
    for folder in ("functions", "layers", "requirements"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".dockerignore", "LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    yaml = root / "functions" / "sentiment" / "model.yaml"
    yaml.write_text(f"{yaml.read_text()}artifact: baked\n")
    function, store = Project(root).function("sentiment"), Store(Project(ROOT).store_url(None))
    bundle = write_bundle(function, store, lock_for(function, store)).bundle
    bake(function.folder, bundle, store)
    return function, bundle


@pytest.fixture(scope="module")
def baked(engine: Engine, baking: tuple[Function, Bundle]) -> Content:
    """The content of its online image."""
    return read(engine, build(engine, baking[0], tag="modelet/sentiment:baked"))


def test_a_baked_image_has_the_locked_version_whole_and_is_else_the_same(
    engine: Engine, baked: Content, baking: tuple[Function, Bundle]
) -> None:
    function, bundle = baking
    files = {file.path: file.bytes for file in Manifest.parse(bundle.manifest.encode()).files}
    files["model.json"] = len(bundle.manifest.encode())
    version = PurePosixPath("baked", function.name, bundle.lock.version)
    entries = {path: entry for path, entry in baked.entries.items() if path.is_relative_to("baked")}
    assert {path: entry.size for path, entry in entries.items() if entry.isfile()} == {
        version / path: size for path, size in files.items()
    }
    for path, entry in entries.items():
        assert (entry.uid, entry.gid, entry.mode & 0o777) == (0, 0, 0o755 if entry.isdir() else 0o644), path
        assert entry.mtime == 315532800 or path == PurePosixPath("baked"), "the same version is the same layer"
    assert baked.files - entries.keys() == read(engine, build(engine, FUNCTIONS["sentiment"])).files


def test_an_image_that_is_not_baked_has_no_such_folder(online: Content, function: Function) -> None:
    if function.spec.artifact == "store":
        assert "baked" not in {path.parts[0] for path in online.entries}


def test_a_baked_model_answers_as_lambda_s_user_without_a_network(
    engine: Engine, baked: Content, baking: tuple[Function, Bundle]
) -> None:
    function, bundle = baking
    lock = bundle.lock
    variables = {
        "MODELET_STORE": "file:///var/task/baked",
        "MODELET_BUNDLE_SHA256": digest(function.bundle_path.read_bytes()),
        "MODELET_LOCK": f"{lock.version}@{lock.manifest_sha256}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    }
    given = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    confined = ["--rm", "--network=none", "--read-only", "--tmpfs=/tmp", "--user=993:990", "--entrypoint=python3"]
    done = engine.run("run", *confined, *given, baked.image.tag, "-c", ASK)
    line, answer = done.stdout.splitlines()
    assert json.loads(line)["status"] == 200
    assert json.loads(answer) == ["positive", False]
    assert not done.stderr, "the configuration vouches for the bundle of the image"


@pytest.fixture(scope="module")
def worker(engine: Engine, function: Function) -> Content:
    """The content of the image that every model's worker would have, whether it has one now or not."""
    return read(engine, build(engine, function, "worker"))


def test_a_worker_is_the_online_image_with_what_batches_and_jobs_need(
    function: Function, online: Content, worker: Content
) -> None:
    assert worker.packages - online.packages >= WORKERS
    assert not LAPTOP - (OF_TEXTS if has_extra(function, "texts") else set()) & worker.packages
    sizes = {path: entry.size for path, entry in worker.entries.items()}
    assert {path: online.entries[path].size for path in online.files}.items() <= sizes.items()
    assert worker.image.task - online.image.task <= WORKER_BUDGET


def test_a_worker_s_packages_come_without_tests_headers_and_what_no_worker_uses(worker: Content) -> None:
    assert not [path for path in worker.files if {"tests", "bin"} & set(path.parts)]
    assert not [path for path in worker.files if path.suffix in {".a", ".h", ".pxd", ".pxi", ".pyi", ".pyx"}]
    unused = ("_flight.", "_s3fs.", "libarrow_flight.", "libarrow_python_flight.", "libarrow_s3.")
    assert not [path for path in worker.files if path.name.startswith(unused)]


def test_a_worker_reads_and_writes_tables_and_has_clients_of_aws(engine: Engine, worker: Content) -> None:
    confined = ["--rm", "--network=none", "--read-only", "--tmpfs=/tmp", "--user=993:990", "--entrypoint=python3"]
    said = engine.run("run", *confined, worker.image.tag, "-c", WORK).stdout
    assert said.splitlines() == ["https://sqs.eu-west-1.amazonaws.com", "[1, 2]"]
