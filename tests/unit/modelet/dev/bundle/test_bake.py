"""What is baked is the locked version, whole, or nothing; and the author's own folder is never touched."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelet.bundle import Bundle
from modelet.dev.bundle import bake as baking
from modelet.dev.bundle.bake import BAKED, bake, is_baked
from modelet.dev.bundle.bundle import write_bundle
from modelet.errors import ArtifactError, CommandError
from modelet.store.artifacts import Artifacts
from modelet.store.store import Store
from support.projects import Tiny, make_tiny
from support.versions import classifier, onnx_bytes, write_version

SPEC = "artifact: baked\n"


def bundle_of(tiny: Tiny) -> Bundle:
    return Bundle.read(tiny.function.bundle_path, tiny.function.folder)


def bake_tiny(tiny: Tiny) -> None:
    """Bundle and bake, as `modelet bundle` does."""
    bundled = write_bundle(tiny.function, tiny.store, tiny.function.lock() or tiny.lock)
    bake(tiny.function.folder, bundled.bundle, tiny.store)


def say(tiny: Tiny, spec: str) -> None:
    (tiny.function.folder / "model.yaml").write_text(f"backend: onnx\n{spec}")


def files(tiny: Tiny) -> dict[str, bytes]:
    """What the folder has for the image."""
    place = tiny.function.folder / BAKED
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def second_version(tiny: Tiny) -> None:
    lock = write_version(tiny.store, {"model.onnx": onnx_bytes(classifier()), "deep/er.txt": b"more"}, version="2")
    tiny.function.lock_path.write_bytes(lock.to_json("tiny"))


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return make_tiny(tmp_path, spec=SPEC)


def test_what_is_baked_is_a_store_of_the_locked_version_and_of_no_other(tiny: Tiny) -> None:
    bake_tiny(tiny)
    assert files(tiny).keys() == {".gitignore", "tiny/1/model.json", "tiny/1/model.onnx"}
    second_version(tiny)
    bake_tiny(tiny)
    assert files(tiny).keys() == {".gitignore", "tiny/2/model.json", "tiny/2/model.onnx", "tiny/2/deep/er.txt"}
    for path, data in files(tiny).items():
        assert path == ".gitignore" or data == tiny.store.read(path)


def test_a_model_loads_from_what_is_baked_as_from_the_store(tiny: Tiny) -> None:
    bake_tiny(tiny)
    baked, bundle = Store((tiny.function.folder / BAKED).as_uri()), bundle_of(tiny)
    artifacts = Artifacts.open(baked, bundle.manifest.encode(), "tiny", tiny.lock, tiny.project.root / "tmp")
    assert artifacts.read("model.onnx") == tiny.store.read("tiny/1/model.onnx")


def test_nothing_is_baked_where_model_yaml_does_not_ask_for_it(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    bake_tiny(tiny)
    assert not (tiny.function.folder / BAKED).exists()


def test_nothing_is_left_when_model_yaml_goes_back_to_the_store(tiny: Tiny) -> None:
    before = sorted(path.name for path in tiny.function.folder.iterdir())
    bake_tiny(tiny)
    say(tiny, "artifact: store\n")
    bake_tiny(tiny)
    assert sorted(path.name for path in tiny.function.folder.iterdir()) == before


def test_a_stage_may_bake_what_others_fetch(tiny: Tiny) -> None:
    say(tiny, "stages: {prod: {artifact: baked}}\n")
    assert tiny.function.at_stage("dev").spec.artifact == "store"
    bundled = write_bundle(tiny.function.at_stage("prod"), tiny.store, tiny.lock)
    bake(tiny.function.folder, bundled.bundle, tiny.store)
    assert is_baked(tiny.function.folder, bundled.bundle)


def test_what_is_baked_already_is_left_as_it_is(tiny: Tiny) -> None:
    bake_tiny(tiny)
    graph = tiny.function.folder / BAKED / "tiny" / "1" / "model.onnx"
    before = graph.stat()  # st_atime may change
    shutil.rmtree(tiny.project.root / ".modelet" / "store" / "tiny" / "1")
    bake(tiny.function.folder, bundle_of(tiny), tiny.store)
    after = graph.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)


def altered(place: Path) -> None:
    graph = place / "tiny" / "1" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")


HARM: dict[str, Callable[[Path], object]] = {
    "altered": altered,
    "missing": lambda place: (place / "tiny" / "1" / "model.onnx").unlink(),
    "no manifest": lambda place: (place / "tiny" / "1" / "model.json").unlink(),
    "another manifest": lambda place: (place / "tiny" / "1" / "model.json").write_text("{}"),
    "an older version": lambda place: shutil.copytree(place / "tiny" / "1", place / "tiny" / "0"),
    "something else": lambda place: (place / "more.txt").touch(),
    "another model's": lambda place: (place / "tiny").rename(place / "teeny"),
}


@pytest.mark.parametrize("harm", HARM.values(), ids=list(HARM))
def test_what_is_damaged_is_seen_and_written_again(tiny: Tiny, harm: Callable[[Path], object]) -> None:
    bake_tiny(tiny)
    whole = files(tiny)
    harm(tiny.function.folder / BAKED)
    assert not is_baked(tiny.function.folder, bundle_of(tiny))
    bake_tiny(tiny)
    assert is_baked(tiny.function.folder, bundle_of(tiny))
    assert files(tiny) == whole


def test_a_damaged_artifact_is_not_baked_and_what_was_there_stays(tiny: Tiny) -> None:
    bake_tiny(tiny)
    before = files(tiny)
    second_version(tiny)
    tiny.store.overwrite("tiny/2/deep/er.txt", b"evil")
    with pytest.raises(ArtifactError, match=r"^tiny/2/deep/er\.txt was altered"):
        bake_tiny(tiny)
    assert files(tiny) == before
    assert not is_baked(tiny.function.folder, bundle_of(tiny))


def test_an_author_s_own_folder_is_refused_and_never_removed(tiny: Tiny) -> None:
    own = tiny.function.folder / BAKED / "bread.py"
    own.parent.mkdir()
    own.write_text("flour = 500\n")
    own.with_name(".gitignore").write_text("*.crumb\n")
    with pytest.raises(CommandError, match=r"^functions/tiny/baked: was not made by modelet, .*: rename the folder$"):
        bake_tiny(tiny)
    say(tiny, "artifact: store\n")
    bake_tiny(tiny)
    assert own.read_text() == "flour = 500\n"


def test_a_version_that_no_image_can_hold_is_refused(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baking, "LARGEST", 100)
    with pytest.raises(CommandError) as refused:
        bake_tiny(tiny)
    said = str(refused.value)
    assert said.startswith("functions/tiny/model.yaml: artifact: version 1 has ")
    assert said.endswith(" bytes, but an image has room for 100: write `artifact: store`")
    assert not (tiny.function.folder / BAKED).exists()


def test_code_that_is_an_artifact_is_no_source_of_the_bundle(tiny: Tiny) -> None:
    lock = write_version(tiny.store, {"model.onnx": onnx_bytes(classifier()), "rules.py": b"x = 1\n"}, version="2")
    tiny.function.lock_path.write_bytes(lock.to_json("tiny"))
    bake_tiny(tiny)
    before = bundle_of(tiny)
    assert "tiny/2/rules.py" in files(tiny)
    bake_tiny(tiny)
    assert bundle_of(tiny) == before
    assert before.sources.keys() == {"app.py", "model.yaml"}


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from modelet.bundle import Bundle
from modelet.dev.bundle.bake import BAKED, bake, is_baked
from modelet.store.store import Store

folder, before, url = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
bundle = Bundle.read(folder / "bundle.json", folder)
place = folder / BAKED
STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}

def bake_until(step):
    "Bake, and be killed before the step-th change of the disk; whether it came to that."
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == signal.SIGKILL
    left = [step]
    def watch(event, arguments):
        if event in STEPS and str(folder) in str(arguments[0]):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)
    bake(folder, bundle, Store(url))
    os._exit(0)

def content():
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}

def as_before():
    for name in [BAKED, *(path.name for path in folder.glob(f".{BAKED}.*"))]:
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(before, place)

as_before()
old, step, seen = content(), 0, []
while True:
    as_before()
    step += 1
    killed = bake_until(step)
    whole = "new" if is_baked(folder, bundle) else "old" if content() == old else "broken"
    seen.append(whole if place.exists() else "none")
    if not killed:
        break
    assert not bake_until(10**9)
    assert is_baked(folder, bundle), step
    assert not list(folder.glob(f".{BAKED}.*")), step
print(*seen)
"""


def test_a_kill_at_any_step_leaves_a_whole_version_or_none_and_the_next_run_mends_it(tiny: Tiny) -> None:
    bake_tiny(tiny)
    before = tiny.project.root / "before"
    shutil.copytree(tiny.function.folder / BAKED, before)
    second_version(tiny)
    write_bundle(tiny.function, tiny.store, tiny.function.lock() or tiny.lock)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tiny.function.folder, before, tiny.store.url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = done.stdout.split()
    assert set(seen) == {"old", "none", "new"}
    assert seen == sorted(seen, key=["old", "none", "new"].index), "first the old one, then none, then the new one"
    assert len(seen) > 10
