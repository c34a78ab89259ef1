"""What a file of torch.save may import; the files are written as torch writes them, without torch."""

from __future__ import annotations

import collections
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from modelet.dev.publish.export.modules.pickles import check_imports
from modelet.errors import PublishError


def saved(path: Path, pickled: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickled)
        archive.writestr("model/version", "3\n")
    return path


def of(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n.".encode()


def refused(path: Path, folder: Path) -> str:
    with pytest.raises(PublishError) as caught:
        check_imports(path, folder)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "digits"
    (made / "training").mkdir(parents=True)
    (made / "net.py").write_text("")
    return made


@pytest.mark.parametrize(
    ("module", "name"),
    [("torch.nn.modules.linear", "Linear"), ("collections", "OrderedDict"), ("__builtin__", "set"), ("net", "Net"),
     ("training.net", "Net"), ("numpy._core.multiarray", "_reconstruct")],
)  # fmt: skip
def test_classes_of_torch_and_of_the_folder_are_expected(folder: Path, module: str, name: str) -> None:
    check_imports(saved(folder / "model.pt", of(module, name)), folder)


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("echo",)


@pytest.mark.parametrize(
    "pickled",
    [pickle.dumps(Evil(), 2), of("subprocess", "Popen"), of("__builtin__", "eval"), of("builtins", "getattr")],
)
def test_a_pickle_that_runs_other_code_is_refused_before_it_is_opened(folder: Path, pickled: bytes) -> None:
    said = refused(saved(folder / "model.pt", pickled), folder)
    assert (
        "which may run any code, so the file is not opened: put the classes of the module into functions/digits" in said
    )


def test_a_class_that_is_not_there_is_named_with_the_remedy(folder: Path) -> None:
    said = refused(saved(folder / "model.pt", of("mynets.cnn", "Net")), folder)
    assert said.startswith("model.pt needs the class mynets.cnn.Net, which is not in functions/digits: put mynets.py ")
    said = refused(saved(folder / "model.pt", of("__main__", "Net")), folder)
    assert "needs the class Net of the program that saved it (__main__): move the class to a module such as" in said


def test_a_file_whose_imports_are_unknown_is_refused(folder: Path) -> None:
    plain = folder / "old.pt"
    plain.write_bytes(pickle.dumps(collections.OrderedDict(), 2))
    assert "has the format of torch before 1.6" in refused(plain, folder)
    another = saved(folder / "model.pt", pickle.dumps(collections.OrderedDict(a=1), 4))
    assert "was saved with another pickle_protocol" in refused(another, folder)
    assert "is damaged" in refused(saved(folder / "model.pt", b"ccollections\nOrderedDict\n\xff"), folder)
