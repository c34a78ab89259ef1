"""Bodies that are files: one as it is, or those of a form, for a contract whose instance has one field of bytes.

JSON bodies stay possible, with the bytes as base64. Only functions that get such a body import this module.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from modelet.contract.contract import Checked
from modelet.contract.diagnosis import RowError
from modelet.contract.readers import validator
from modelet.contract.schema import ValidationError
from modelet.errors import ContractError
from modelet.protocols.form import MULTIPART, FormFile, read_form
from modelet.protocols.media import Media
from modelet.violation import LISTED_VIOLATIONS, MAX_NAME_LENGTH, MAX_PROBLEMS, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelet.contract.contract import Contract
    from modelet.contract.schema import Core, SchemaValidator
    from modelet.errors import RequestError
    from modelet.pipeline import InferencePipeline
    from modelet.protocols.service import Request, Service

    Reader = Callable[..., tuple[Checked, bool]]

RAW = ("application/octet-stream", "image/jpeg", "image/png")
"""The media types of a body that is one file; the bytes say what it is, whichever of them is declared."""


def media_of(request: Request, service: Service, media: Media[Any, Any], error: RequestError) -> Media[Any, Any]:
    """Return the media types with those of files. Raises the error if the contract is not for files."""
    readers = readers_of(service.pipeline.contract, str(request.headers.get("content-type", "")))
    if not readers:
        raise error
    return Media(readers={**media.readers, **readers}, writers=media.writers)


def readers_of(contract: Contract, content_type: str) -> Mapping[str, Reader]:
    """Return the readers of bodies that are files, by media type; none if the contract is not for them."""
    name = bytes_field(contract.instance)
    if name is None:
        return {}
    raw = partial(_read_raw, name)
    return {**dict.fromkeys(RAW, raw), MULTIPART: partial(_read_files, name, content_type)}


def bytes_field(core: Core) -> str | None:
    """Return the name of the one field of bytes; None if there are several, or if another field is required."""
    fields = core.get("fields") if core["type"] == "typed-dict" else None
    if not isinstance(fields, dict):
        return None
    found = [name for name, field in fields.items() if field["schema"]["type"] == "bytes"]
    others = any(field.get("required", True) for name, field in fields.items() if name not in found)
    return found[0] if len(found) == 1 and not others else None


def _read_raw(name: str, body: bytes, pipeline: InferencePipeline, *, partial: bool = False) -> tuple[Checked, bool]:
    """Return the one instance of a body that is a file."""
    return _checked(pipeline.contract, [{name: body}], partial=partial), True


def _read_files(
    name: str, content_type: str, body: bytes, pipeline: InferencePipeline, *, partial: bool = False
) -> tuple[Checked, bool]:
    """Return one instance for each file of a form. Raises ContractError for a part that is not such a file."""
    parts = read_form(body, content_type).multi_items()
    strange = [
        Violation(None, each[:MAX_NAME_LENGTH], _why(name, each), "extra_forbidden")
        for each, value in parts
        if each != name or not isinstance(value, FormFile)
    ]
    if strange:
        raise ContractError(strange[:LISTED_VIOLATIONS], len(strange))
    if not pipeline.allows(len(parts)):
        return Checked([], len(parts)), False  # the pipeline rejects the count
    rows = [{name: value.read()} for _, value in parts if isinstance(value, FormFile)]
    return _checked(pipeline.contract, rows, partial=partial), False


def _why(name: str, given: str) -> str:
    if given == name:
        return "Input should be a file: send it with a filename"
    return f"Unknown field of the form: send only files, each in a field with the name {name}"


def _checked(contract: Contract, rows: list[dict[str, Any]], *, partial: bool) -> Checked:
    """Validate instances whose values are bytes already."""
    checked = Checked([], len(rows))
    validated = _validator(contract)
    for index, row in enumerate(rows):
        if len(checked.failed) > (MAX_PROBLEMS if partial else LISTED_VIOLATIONS):
            break
        try:
            checked.instances.append(validated.validate_python(row))
        except ValidationError as error:
            checked.failed[index] = RowError(error, is_complete=True).violations(index)
            checked.count += error.error_count()
    return checked


@lru_cache(maxsize=1)
def _validator(contract: Contract) -> SchemaValidator:
    return validator(contract.instance)
