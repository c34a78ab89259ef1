"""Errors of objects that a caller names, such as the inputs of batches, beside those of `modelet.errors`."""

from __future__ import annotations

from modelet.errors import RequestError


class ChangedInputError(RequestError):
    """An input of a batch was changed or deleted after the batch was planned."""

    status = 409
    kind = "changed-input"
    title = "Changed input"


class InputError(RequestError):
    """An input of a batch cannot be read; the message names the object, and the row if there is one."""

    status = 422
    kind = "input"
    title = "Unreadable input"
