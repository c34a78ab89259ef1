"""Errors of batches and jobs, beside those that every function knows (`modelet.errors`).

RequestError
├── NotFoundError
│   ├── UnknownBatchError  404
│   └── UnknownJobError    404
└── ConflictError          409  the state of a batch, a job or a generation does not allow it
ServingError
├── MissedError            500  the worker of a chunk was killed, or did not start, at every attempt
├── StepError              500  raised: a step of a batch failed for good
└── LostJobError           500  the worker of a job ended without an answer, at every attempt
"""

from __future__ import annotations

from modelet.errors import ModeletError, NotFoundError, RequestError, ServingError


class UnknownBatchError(NotFoundError):
    """No such batch of this model, or its record expired."""


class UnknownJobError(NotFoundError):
    """No such job of this model, or its record expired."""


class ConflictError(RequestError):
    """The state of a batch, a job or a generation does not allow what was asked for."""

    status = 409
    kind = "conflict"
    title = "Conflict"


class MissedError(ServingError):
    """The worker of a chunk was killed, or did not start, at every attempt; the message says what to do."""

    kind = "worker"
    title = "Worker failed"
    fixed_detail = None


class StepError(ServingError):
    """A step of a batch failed, and the control table does not say so.

    retryable: it is raised; an answer would count as success. The state machine does not try again, but catches it.
    """

    retryable = True
    kind = "step"
    title = "Step failed"

    @classmethod
    def of(cls, error: ModeletError) -> StepError:
        """Return the error of a step that another error ended, which stays its cause for the log."""
        step = cls(str(error))
        step.__cause__ = error.__cause__ or error
        return step


class LostJobError(ServingError):
    """The worker of a job ended without an answer, at its last attempt."""

    kind = "lost-job"
    title = "Worker ended"
    fixed_detail = None

    def __init__(self, model: str, attempts: int) -> None:
        super().__init__(
            f"the worker ended without an answer at attempt {attempts}, the last one: it was killed, out of memory, or "
            f"slower than its timeout. Its log has the cause; `modelet jobs redrive {model}` runs the job again"
        )
