"""pydantic-core's native module is taken alone, and whoever wants the package later gets it whole."""

from __future__ import annotations

import subprocess
import sys


def said(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_native_module_comes_without_the_python_around_it() -> None:
    code = (
        "import sys, modelet.contract.schema; print(sorted(name for name in sys.modules"
        " if name.startswith(('pydantic', 'typing_extensions'))))"
    )
    assert said(code) == "['pydantic_core._pydantic_core']"


def test_pydantic_works_after_it_with_the_same_classes() -> None:
    code = """
import modelet.contract.schema, pydantic, pydantic_core

class Row(pydantic.BaseModel):
    a: int

try:
    Row(a="x")
except modelet.contract.schema.ValidationError as error:
    print(pydantic.ValidationError is modelet.contract.schema.ValidationError, error.error_count(), Row(a="1"))
"""
    assert said(code) == "True 1 a=1"


def test_a_package_that_is_there_already_is_used() -> None:
    code = (
        "import pydantic_core, sys; from modelet.contract import schema;"
        " print(schema.SchemaValidator is pydantic_core.SchemaValidator, sys.modules['pydantic_core'] is pydantic_core)"
    )
    assert said(code) == "True True"


def test_a_package_of_another_layout_is_imported_as_it_is(tmp_path: object) -> None:
    code = f"""
import sys
from pathlib import Path
folder = Path({str(tmp_path)!r}) / "pydantic_core"
folder.mkdir()
names = "SchemaValidator SchemaSerializer ValidationError PydanticSerializationError from_json to_json".split()
(folder / "__init__.py").write_text("__version__ = '9'\\n" + "".join(f"{{name}} = object()\\n" for name in names))
sys.path.insert(0, {str(tmp_path)!r})
import modelet.contract.schema
print(modelet.contract.schema.PYDANTIC_CORE, sys.modules["pydantic_core"].__file__ == str(folder / "__init__.py"))
"""
    assert said(code) == "9 True"
