"""Removes from installed packages what no function runs: `python3 prune.py FOLDER`, while an image is built.

Only what is known to be unused goes: a wheel of another layout loses nothing that it needs.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCES = ("a", "c", "cpp", "cu", "h", "hpp", "lib", "pxd", "pyi", "pyx")
"""What compilers and type checkers read."""

UNUSED = [
    "bin",  # commands: nobody types any
    "**/tests",
    "joblib/test",
    "numpy/_core/_*_tests.*.so",
    "numpy/_core/_simd.*.so",  # its intrinsics for its own tests
    "numpy/distutils",
    "onnxruntime/backend",
    "onnxruntime/capi/libonnxruntime.so.*",  # for C programs: the Python module has all of it inside
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    *(f"**/*.{suffix}" for suffix in SOURCES),
]


def unused(folder: Path) -> Iterator[Path]:
    """The files and folders that can go."""
    for pattern in UNUSED:
        yield from folder.glob(pattern)


if __name__ == "__main__":
    for path in list(unused(Path(sys.argv[1]))):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
