"""Modules of torch, published by a Python with torch: `make test-export`.

The files are written by torch in the environment of `make export`, because the gate has no torch.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelet.backends.onnx import OnnxModel
from modelet.dev.progress import Silent
from modelet.dev.project.project import Function
from modelet.dev.project.spec import ModelSpec
from modelet.dev.publish.draft import Package, draft
from modelet.dev.publish.modules import package_module
from modelet.dev.publish.source.module import exported_module, is_module
from modelet.errors import PublishError
from support.repository import ROOT

PYTHON = ROOT / ".tools" / "export" / "bin" / "python"
HERE = Path(__file__).parent
START = "import sys, torch, net; from torch.export import Dim; torch.manual_seed(3); path = sys.argv[1]\n"
ROWS = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)


@pytest.fixture
def function(tmp_path: Path) -> Function:
    assert PYTHON.is_file(), "run make export first"
    folder = tmp_path / "functions" / "net"
    folder.mkdir(parents=True)
    shutil.copy(HERE / "nets.py", folder / "net.py")
    (tmp_path / ".tools").mkdir()
    (tmp_path / ".tools" / "export").symlink_to(PYTHON.parents[1])
    np.save(tmp_path / "x.npy", ROWS)
    return Function(folder, ModelSpec())


def saved(function: Function, code: str, name: str = "model.pt") -> Path:
    """A file that torch writes. code: its statements, in which `path` is the file's path."""
    path = function.folder.parents[1] / name
    environment = {**os.environ, "PYTHONPATH": str(function.folder)}
    command = [str(PYTHON), "-W", "ignore", "-c", START + code, str(path)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return path


def packed(function: Function, source: Path, examples: str = "x.npy") -> Package:
    assert is_module(source)
    with exported_module(function, source, source.parent / examples, Silent()) as found:
        return package_module(function, found, False, Silent())


def answered(package: Package, feeds: dict[str, Any]) -> dict[str, Any]:
    model = OnnxModel[Any, Any]()
    with draft(package.manifest, package.files) as artifacts:
        model.load(artifacts)
    return model.infer(feeds)


def refused(function: Function, code: str, examples: str = "x.npy", name: str = "model.pt") -> str:
    with pytest.raises(PublishError) as caught:
        packed(function, saved(function, code, name), examples)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def whole(name: str) -> str:
    return f"torch.save(net.{name}(), path)"


SCRIPT = "torch.jit.save(torch.jit.script(net.{}()), path)"
KINDS = {
    "module": "module = net.Tab(); torch.save(module, path)",
    "weights": "module = net.Tab(); torch.save(module.state_dict(), path)",
    "checkpoint": "module = net.Tab(); torch.save({'state_dict': module.state_dict(), 'epoch': 3}, path)",
    "traced": "module = net.Tab().eval(); torch.jit.save(torch.jit.trace(module, torch.randn(2, 4)), path)",
    "scripted": "module = net.Tab(); torch.jit.save(torch.jit.script(module), path)",
    "program": "module = net.Tab().eval(); torch.export.save(torch.export.export(module, (torch.randn(2, 4),), "
    "dynamic_shapes=({0: Dim('b')},)), open(path, 'wb'))",
    "double": "module = net.Tab().double(); torch.save(module, path)",
    "half": "module = net.Tab().half(); torch.save(module, path)",
}


@pytest.mark.parametrize(("kind", "name"), [*((kind, "model.pt") for kind in KINDS), ("module", "model.bin")])
def test_every_kind_of_file_answers_like_torch(function: Function, kind: str, name: str) -> None:
    if kind in {"weights", "checkpoint"}:
        (function.folder / "module.py").write_text("from net import Tab as module\n")
    answers = "import numpy as np; x = torch.from_numpy(np.load(path.rpartition('/')[0] + '/x.npy'))\n"
    answers += "kind = next(module.parameters()).dtype; kind = kind if kind == torch.float64 else torch.float32\n"
    answers += "np.save(path + '.y.npy', module.eval().to(kind)(x.to(kind)).detach().float().numpy())"
    source = saved(function, f"{KINDS[kind]}\n{answers}", name)
    package = packed(function, source)
    expected = np.load(f"{source}.y.npy")
    assert np.allclose(answered(package, {"x": ROWS})["output"], expected, atol=1e-5)
    manifest = package.manifest
    assert manifest.model_lib == "torch"
    assert [column.type for column in manifest.columns] == ["number"] * 4
    assert manifest.compiled is not None
    parity = manifest.compiled["parity"]
    assert parity["greatest_difference"] <= 1e-5
    assert parity["batches"] == [1, 2, 3, 7, 40]
    assert str(ROOT).encode() not in package.files["model.onnx"]
    assert str(function.folder).encode() not in package.files["model.onnx"]


def test_several_inputs_of_several_types_and_lengths_have_their_names(function: Function, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    rows = [
        {
            "tokens": random.integers(0, 20, size).tolist(),
            "mask": (random.random(size) < 0.5).tolist(),
            "scale": size / 2,
        }
        for size in (3, 5, 5, 9, 3, 4)
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    package = packed(function, saved(function, whole("Sequence")), "rows.json")
    assert package.manifest.features == ("tokens", "mask", "scale")
    assert package.manifest.columns == ()
    found = answered(
        package,
        {
            "tokens": np.array([[1, 2, 3, 4, 5, 6, 7]] * 2),
            "mask": np.ones((2, 7), np.int64),
            "scale": np.ones(2, np.float32),
        },
    )
    assert {name: value.shape for name, value in found.items()} == {
        "label": (2,), "pair_mean": (2, 7), "pair_top": (2,),
    }  # fmt: skip
    assert package.manifest.compiled is not None
    shapes = package.manifest.compiled["parity"]["shapes"]
    assert [1] in [shape[0] for shape in shapes]
    assert [9] in [shape[0] for shape in shapes]


def test_a_branch_of_rows_by_where_is_kept_in_both_directions(function: Function) -> None:
    package = packed(function, saved(function, whole("Where")))
    ones = np.ones((1, 4), np.float32)
    both = answered(package, {"x": np.concatenate([ones, -ones])})["output"]
    alone = answered(package, {"x": -ones})["output"]
    assert np.allclose(both[1], alone[0])


def test_loops_and_branches_of_scripts_are_kept(function: Function) -> None:
    assert packed(function, saved(function, SCRIPT.format("Scripted"))).manifest.class_name == "Scripted"
    source = saved(function, SCRIPT.format("ScriptedSign") + "\n" + (
        "import numpy as np; x = torch.from_numpy(np.load(path.rpartition('/')[0] + '/x.npy'))\n"
        "np.save(path + '.y.npy', torch.jit.load(path)(x).detach().numpy())"
    ))  # fmt: skip
    package = packed(function, source)
    assert np.allclose(next(iter(answered(package, {"x": ROWS}).values())), np.load(f"{source}.y.npy"), atol=1e-5)


REFUSED = {
    "Branch": "in forward: `if x.sum() > 0:` depends on the values of the input, and a graph would keep one branch: "
    "choose values with torch.where",
    "Sized": "the graph differs from torch in output, for 1 of 1 rows",
    "Mixed": "the output output of a row depends on the other rows of its request",
    "Chance": "the module's output output is not the same twice for the same input: remove randomness",
    "Counting": "the module's output output is not the same twice for the same input",
    "Nothing": "the module returns a str in name: return tensors only",
    "Summed": "the module's output output has shape () for 2 rows: return one row for each",
    "Unknown": "which ONNX does not have here: write it with other operators of torch",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_module_that_a_graph_cannot_be_is_refused_with_the_reason(function: Function, name: str) -> None:
    assert REFUSED[name] in refused(function, whole(name))


def test_a_script_whose_branch_depends_on_all_rows_is_refused(function: Function) -> None:
    said = refused(function, SCRIPT.format("ScriptedBranch"))
    assert "of a row depends on the other rows of its request" in said
    assert "torch.save(" not in said


def test_a_module_for_some_sizes_only_is_refused(function: Function, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps([[0.5] * size for size in (7, 8, 9, 7)]))
    said = refused(function, whole("Long"), "rows.json")
    assert "the module works only for some sizes of its input" in said
    assert "remove the condition on the size, or give examples that all have one size in that dimension" in said


EVIL = (
    "import os\nclass Evil:\n    def __reduce__(self):\n        return os.system, ('touch ' + path + '.ran',)\n"
    "torch.save(Evil(), path)"
)
DOUBLE = (
    "torch.export.save(torch.export.export(net.Tab().double().eval(), (torch.randn(2, 4).double(),), "
    "dynamic_shapes=({0: Dim('b')},)), open(path, 'wb'))"
)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("torch.save(net.Tab().state_dict(), path)", "has weights only (a state_dict): write functions/net/module.py"),
        ("torch.save(torch.ones(3), path)", "has a Tensor, not a torch.nn.Module: save the module"),
        ("torch.save({'epoch': 3}, path)", "has a dict, not a torch.nn.Module"),
        (
            "class Net(torch.nn.Module):\n    pass\ntorch.save(Net(), path)",
            "needs the class Net of the program that saved it (__main__): move the class to a module",
        ),
        (
            "import types; net.Tab.__module__ = 'gone'; sys.modules['gone'] = net; torch.save(net.Tab(), path)",
            "needs the class gone.Tab, which is not in functions/net: put gone.py there",
        ),
        (
            EVIL,
            "which may run any code, so the file is not opened",
        ),
        (
            "torch.export.save(torch.export.export(net.Tab().eval(), (torch.randn(2, 4),)), open(path, 'wb'))",
            "the program was exported for 2 rows of x only: export it with dynamic_shapes",
        ),
        ("torch.save(torch.nn.Linear(5, 2), path)", "raises RuntimeError for the examples"),
        ("torch.save(net.Sequence(), path)", "give the module's inputs by name, tokens, mask, scale"),
        (
            DOUBLE,
            "the program computes in float64, which requests do not: export module.float()",
        ),
    ],
)
def test_a_file_that_is_not_such_a_module_is_refused(function: Function, code: str, said: str) -> None:
    assert said in refused(function, code)
    assert not list(function.folder.parents[1].glob("*.ran"))


def test_weights_of_another_module_are_refused(function: Function) -> None:
    (function.folder / "module.py").write_text("from net import Sequence as module\n")
    said = refused(function, "torch.save(net.Tab().state_dict(), path)")
    assert "are not those of functions/net/module.py" in said


def test_a_damaged_file_is_refused(function: Function) -> None:
    source = saved(function, whole("Tab"))
    content = source.read_bytes()
    place = content.index(b"net\nTab") + 4
    source.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
    with pytest.raises(PublishError, match="cannot be published"):
        packed(function, source)


def test_the_module_of_the_documents_is_published_as_a_classifier(function: Function, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "torch.md").read_text()
    [block] = re.findall(r"```python\n# functions/risk/net.py\n(.*?)```", text, re.DOTALL)
    (function.folder / "net.py").write_text(block)
    lines = "\n".join(",".join(f"{value:.3f}" for value in row[:3]) for row in ROWS)
    (tmp_path / "rows.csv").write_text(f"age,income,debt\n{lines}\n")
    manifest = packed(function, saved(function, whole("Net")), "rows.csv").manifest
    assert [column.name for column in manifest.columns] == ["age", "income", "debt"]
    assert manifest.answer == {"outputs": ["label", "probabilities"]}
    assert manifest.model_info["labels"] == [0, 1]
