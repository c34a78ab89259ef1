"""All errors, as one tree.

ModeletError
├── RequestError              the caller can fix it; `detail` says how
│   ├── MalformedBodyError      400
│   ├── NotFoundError           404  model, version or route
│   ├── MethodNotAllowedError   405
│   ├── NotAcceptableError      406
│   ├── TooLargeError           413
│   ├── MediaTypeError          415
│   ├── SourceError             400  the event of an unsupported service; raised, so that the event is not lost
│   └── ContractError           422  names rows and fields
├── ServingError              the function failed: the answer has a fixed text, the log has the cause
│   ├── ModelError              500  the author's code raised
│   ├── PredictionError         500  a prediction violates its contract or is NaN
│   ├── StoreError              503  retryable
│   ├── ThrottledError          429  retryable: no free environment
│   └── DeadlineError           504  retryable
├── StartError                never an answer: the init fails and the log says why
│   ├── SettingsError           an environment variable is missing or wrong
│   ├── BundleError             bundle.json is missing, stale or invalid
│   ├── ManifestError           model.json is missing, truncated or invalid
│   └── ArtifactError           a file is missing, altered, or written by another library version
└── CommandError              a command failed on the laptop: one line with a remedy, exit code 1
    ├── SpecError               model.yaml is wrong
    ├── PublishError            the input cannot become a version
    │   ├── ConversionError       ONNX cannot express the estimator
    │   ├── ParityError           the graph and the estimator differ
    │   └── VersionExistsError    the version exists; versions are immutable
    └── UnknownVersionError     no such model, version or alias

`status` and `retryable` are class attributes, so that HTTP, queues and workflows share one tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from modelet.violation import LISTED_VIOLATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelet.violation import Violation


class ModeletError(Exception):
    """The root of all errors: a message for people, and the attributes that the edges need."""

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    kind: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    fixed_detail: ClassVar[str | None] = "The function failed; its log has the cause under this request id."

    @classmethod
    def unexpected(cls, cause: Exception) -> ModeletError:
        """Wrap an exception that is a bug in Modelet: the answer has a fixed text, the log has the cause."""
        error = cls(f"unexpected {type(cause).__name__}")
        error.__cause__ = cause
        return error

    @property
    def detail(self) -> str:
        """The text for the caller; a fixed one if the function failed, never an exception's."""
        return self.fixed_detail or str(self)

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers of this error."""
        return {"retry-after": "1"} if self.status in {429, 503} else {}

    def problem(self) -> dict[str, Any]:
        """Return the error as an RFC 9457 problem."""
        kind = f"urn:modelet:problem:{self.kind}"
        return {"type": kind, "title": self.title, "status": self.status, "detail": self.detail}


class RequestError(ModeletError):
    """The request is wrong; the message says what to do."""

    status = 400
    kind = "request"
    title = "Bad request"
    fixed_detail = None


class MalformedBodyError(RequestError):
    """The body is not JSON."""

    kind = "malformed-body"
    title = "Malformed body"


class NotFoundError(RequestError):
    """No such model, version or route."""

    status = 404
    kind = "not-found"
    title = "Not found"


class MethodNotAllowedError(RequestError):
    """The route exists, but does not allow the method."""

    status = 405
    kind = "method-not-allowed"
    title = "Method not allowed"

    def __init__(self, method: str, allow: Sequence[str]) -> None:
        self.allow = ", ".join(sorted(allow))
        super().__init__(f"{method} is not allowed here; use {self.allow}.")

    @property
    def headers(self) -> dict[str, str]:
        """The `Allow` header that RFC 9110 requires."""
        return {"allow": self.allow}


class NotAcceptableError(RequestError):
    """The Accept header excludes every media type that the route offers."""

    status = 406
    kind = "not-acceptable"
    title = "Not acceptable"


class TooLargeError(RequestError):
    """The request or its answer is above a limit; the remedy is to use batches."""

    status = 413
    kind = "too-large"
    title = "Too large"


class MediaTypeError(RequestError):
    """No reader supports the content type, or the body has a content encoding.

    accept: the name and the value of the header that says what is supported. Source: RFC 9110, 15.5.16.
    """

    status = 415
    kind = "media-type"
    title = "Unsupported media type"

    def __init__(self, message: str, accept: tuple[str, str] = ("accept", "application/json")) -> None:
        self._accept = accept
        super().__init__(message)

    @property
    def headers(self) -> dict[str, str]:
        """The header that says what is supported."""
        return dict([self._accept])


class SourceError(RequestError):
    """The event comes from a service that is not supported.

    retryable: an answer would count as success, and the service's poller would delete the message.
    """

    retryable = True
    kind = "source"
    title = "Unsupported event source"


class ContractError(RequestError):
    """Instances violate the contract; at most 100 violations are listed.

    count: the number of violations, listed or not. is_complete: whether all are counted; in a body with very many, only
    some are. rows: all bad instances, if there are more than the given violations name.
    """

    status = 422
    kind = "contract"
    title = "Validation failed"

    def __init__(
        self,
        violations: Sequence[Violation],
        count: int | None = None,
        *,
        is_complete: bool = True,
        rows: Iterable[int] = (),
    ) -> None:
        self.violations = list(violations[:LISTED_VIOLATIONS])
        named = (violation.instance for violation in violations)
        self.rows = {*rows, *(row for row in named if row is not None)}
        self.count = len(violations) if count is None else count
        self.is_complete = is_complete
        least = "" if is_complete else "at least "
        more = f" ({least}{self.count - 1} more)" if self.count > 1 else ""
        super().__init__(f"{self.violations[0]}{more}")

    def problem(self) -> dict[str, Any]:
        """Return the problem with its `errors`, their `count`, and `at_least` if there may be more."""
        listed = [violation.problem() for violation in self.violations]
        problem = {**super().problem(), "errors": listed, "count": self.count}
        return problem if self.is_complete else {**problem, "at_least": True}


class ServingError(ModeletError):
    """The function failed; the log has the cause, the answer does not."""


class ModelError(ServingError):
    """The author's code raised."""

    kind = "model"
    title = "Model failed"


class PredictionError(ServingError):
    """A prediction violates its contract or is not a finite number."""

    kind = "prediction"
    title = "Invalid prediction"


class StoreError(ServingError):
    """The store did not answer."""

    status = 503
    retryable = True
    kind = "store"
    title = "Service unavailable"
    fixed_detail = "A service that the model needs did not answer; try again."


class ThrottledError(ServingError):
    """No environment is free."""

    status = 429
    retryable = True
    kind = "throttled"
    title = "Too many requests"
    fixed_detail = "No environment is free; try again."


class DeadlineError(ServingError):
    """The function's timeout is near."""

    status = 504
    retryable = True
    kind = "deadline"
    title = "Deadline exceeded"
    fixed_detail = "The model did not finish before the function's timeout; send fewer instances or raise the timeout."


class StartError(ModeletError):
    """The init fails: nothing is served."""


class SettingsError(StartError):
    """An environment variable is missing or wrong."""


class BundleError(StartError):
    """bundle.json is missing, stale or invalid."""


class ManifestError(StartError):
    """model.json is missing, truncated or invalid."""


class ArtifactError(StartError):
    """An artifact is missing, altered, or written by another library version."""


class CommandError(ModeletError):
    """A command failed; the message is one line with a remedy."""

    fixed_detail = None


class SpecError(CommandError):
    """model.yaml is wrong; the message names the file, the key and the remedy."""


class PublishError(CommandError):
    """The input cannot become a version."""


class ConversionError(PublishError):
    """ONNX cannot express the estimator."""


class ParityError(PublishError):
    """The compiled graph and the estimator give different predictions."""


class VersionExistsError(PublishError):
    """The version exists; versions are immutable."""


class UnknownVersionError(CommandError):
    """No such model, version or alias in the store."""
