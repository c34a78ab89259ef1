"""Errors of batches and jobs, beside those that every function knows (`modelet.errors`).

RequestError
├── NotFoundError
│   ├── UnknownBatchError  404
│   └── UnknownJobError    404
└── ConflictError          409  the state of a batch, a job or a generation does not allow it
"""

from __future__ import annotations

from modelet.errors import NotFoundError, RequestError


class UnknownBatchError(NotFoundError):
    """No such batch of this model, or its record expired."""


class UnknownJobError(NotFoundError):
    """No such job of this model, or its record expired."""


class ConflictError(RequestError):
    """The state of a batch, a job or a generation does not allow what was asked for."""

    status = 409
    kind = "conflict"
    title = "Conflict"
