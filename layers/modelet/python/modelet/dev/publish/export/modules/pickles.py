"""Check which names a file of torch.save imports, before anything in it is run."""

from __future__ import annotations

import importlib.util
import pickletools
import zipfile
from typing import TYPE_CHECKING

from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUILTINS = frozenset(
    {"set", "frozenset", "slice", "complex", "bytearray", "object", "int", "float", "bool", "str", "dict", "list"}
)
LIBRARIES = frozenset({"torch", "torchvision", "torchaudio", "timm", "transformers", "collections", "numpy", "_codecs"})
"""Packages whose classes a module may have; others must be in the function's folder."""


def check_imports(path: Path, folder: Path) -> None:
    """Raise PublishError for a name that is neither of a known library nor of the function's folder.

    This finds mistakes and simple attacks. It does not make a file safe: a module that was saved whole runs its code.
    """
    for module, name in _imports(path):
        root = module.partition(".")[0]
        if root in LIBRARIES or (root == "builtins" and name in BUILTINS):
            continue
        if (folder / f"{root}.py").is_file() or (folder / root).is_dir():
            continue
        if root == "__main__":
            raise PublishError(
                f"{path.name} needs the class {name} of the program that saved it (__main__): move the class to a "
                f"module such as functions/{folder.name}/net.py, import it from there, and save the module again"
            )
        if root != "builtins" and importlib.util.find_spec(root) is None:
            raise PublishError(
                f"{path.name} needs the class {module}.{name}, which is not in functions/{folder.name}: put {root}.py "
                "there, and publish again"
            )
        raise PublishError(
            f"{path.name} needs {module}.{name}, which may run any code, so the file is not opened: put the classes "
            f"of the module into functions/{folder.name}, or save its weights (state_dict) only"
        )


def _imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the module and the name of each object that a pickle imports. Raises PublishError if that is unknown."""
    if not zipfile.is_zipfile(path):
        raise PublishError(
            f"{path.name} has the format of torch before 1.6: open it there, and save it with torch.save"
        )
    with zipfile.ZipFile(path) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/data.pkl") or name == "data.pkl"]
        pickled = archive.read(name)
    try:
        for code, argument, _ in pickletools.genops(pickled):
            if code.name in {"GLOBAL", "INST"}:
                module, _, name = str(argument).partition(" ")
                yield module.replace("__builtin__", "builtins"), name
            elif code.name == "STACK_GLOBAL":
                raise PublishError(
                    f"{path.name} was saved with another pickle_protocol than torch.save's own: save it without one"
                )
    except ValueError as error:
        raise PublishError(f"{path.name} is damaged ({' '.join(str(error).split())[:100]}): save it again") from None
