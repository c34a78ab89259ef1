"""Remove files that no function uses from installed packages: `python3 prune.py FOLDER`, during the build of an image.

It removes known unused files only, so that a wheel with another layout loses nothing that it needs.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCES = ("a", "c", "cpp", "cu", "h", "hpp", "lib", "pxd", "pxi", "pyi", "pyx")
"""Suffixes of files for compilers and type checkers."""

UNUSED = [
    "bin",  # commands
    "**/tests",
    "hf_xet",  # a faster download for tokenizers' client of a hub, which works without it
    "joblib/test",
    "numpy/_core/_*_tests.*.so",
    "numpy/_core/_simd.*.so",  # intrinsics for numpy's own tests
    "numpy/distutils",
    "onnxruntime/backend",
    "onnxruntime/capi/libonnxruntime.so.*",  # for C programs: the Python module contains all of it
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "pyarrow/include",
    "pyarrow/libarrow_python.so.*.*",  # copies of libarrow_python.so.*, which its modules load
    "pyarrow/src",
    *(f"**/*.{suffix}" for suffix in SOURCES),
]


def unused(folder: Path) -> Iterator[Path]:
    """Yield the files and folders to remove."""
    for pattern in UNUSED:
        yield from folder.glob(pattern)


if __name__ == "__main__":
    for path in list(unused(Path(sys.argv[1]))):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
