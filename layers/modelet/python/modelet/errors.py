"""Everything that can go wrong, as one tree.

ModeletError
├── RequestError              the caller can mend it: `detail` says how
│   ├── MalformedBodyError      400
│   ├── NotFoundError           404  model, version or route
│   ├── MethodNotAllowedError   405
│   ├── NotAcceptableError      406
│   ├── TooLargeError           413
│   ├── MediaTypeError          415
│   ├── SourceError             400  the event of a service that is not served; raised, so that it is not lost
│   └── ContractError           422  names rows and fields
├── ServingError              the function's own trouble: a fixed text answers, the log holds the cause
│   ├── ModelError              500  the author's code raised
│   ├── PredictionError         500  a prediction breaks its contract or is NaN
│   ├── StoreError              503  retryable
│   ├── ThrottledError          429  retryable: no free environment
│   └── DeadlineError           504  retryable
├── StartError                never an answer: the init fails and the log says why
│   ├── SettingsError           an environment variable is missing or wrong
│   ├── BundleError             bundle.json is missing, stale or not ours
│   ├── ManifestError           model.json is missing, truncated or not ours
│   └── ArtifactError           a file is missing, altered, or written by another library version
└── CommandError              the laptop: one line with a remedy, exit code 1
    ├── SpecError               model.yaml
    ├── PublishError            what cannot become a version
    │   ├── ConversionError       an estimator that ONNX cannot express
    │   ├── ParityError           the graph and the estimator differ
    │   └── VersionExistsError    versions are written once
    └── UnknownVersionError     no such model, version or alias

`status` and `retryable` are class attributes, so that one tree serves HTTP, queues and workflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from modelet.violation import LISTED_VIOLATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelet.violation import Violation


class ModeletError(Exception):
    """The root: a message for people, and what each kind of edge needs to know about it."""

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    kind: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    fixed_detail: ClassVar[str | None] = "The function failed; its log names the cause under this request id."

    @classmethod
    def unexpected(cls, cause: Exception) -> ModeletError:
        """A bug of ours: it is answered with a fixed text, and the log shows its cause."""
        error = cls(f"unexpected {type(cause).__name__}")
        error.__cause__ = cause
        return error

    @property
    def detail(self) -> str:
        """What the caller reads: never an exception's text where the trouble is the function's own."""
        return self.fixed_detail or str(self)

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers that belong to this error."""
        return {"retry-after": "1"} if self.status in {429, 503} else {}

    def problem(self) -> dict[str, Any]:
        """The error as an RFC 9457 problem."""
        kind = f"urn:modelet:problem:{self.kind}"
        return {"type": kind, "title": self.title, "status": self.status, "detail": self.detail}


class RequestError(ModeletError):
    """The caller sent what cannot be answered; the message says what to do."""

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
    """The route exists, the method does not."""

    status = 405
    kind = "method-not-allowed"
    title = "Method not allowed"

    def __init__(self, method: str, allow: Sequence[str]) -> None:
        self.allow = ", ".join(sorted(allow))
        super().__init__(f"{method} is not answered here; use {self.allow}.")

    @property
    def headers(self) -> dict[str, str]:
        """The `Allow` that RFC 9110 asks for."""
        return {"allow": self.allow}


class NotAcceptableError(RequestError):
    """The Accept header excludes every media type that the route can answer in."""

    status = 406
    kind = "not-acceptable"
    title = "Not acceptable"


class TooLargeError(RequestError):
    """The request or its answer is above a limit; batches are the remedy."""

    status = 413
    kind = "too-large"
    title = "Too large"


class MediaTypeError(RequestError):
    """No reader takes the content type, or the body is encoded.

    accept: the header that says what is taken instead, and its value. Source: RFC 9110, 15.5.16.
    """

    status = 415
    kind = "media-type"
    title = "Unsupported media type"

    def __init__(self, message: str, accept: tuple[str, str] = ("accept", "application/json")) -> None:
        self._accept = accept
        super().__init__(message)

    @property
    def headers(self) -> dict[str, str]:
        """What would be taken."""
        return dict([self._accept])


class SourceError(RequestError):
    """The event is of a service that is not served.

    retryable: whoever polls for the function must keep the message, and an answer would count as success.
    """

    retryable = True
    kind = "source"
    title = "Unserved source"


class ContractError(RequestError):
    """Instances break the contract; at most 100 violations are listed, and counted with the others.

    is_whole: whether all are counted; of a body with very many only some are. rows: all bad instances, where there may
    be more than those of the violations given.
    """

    status = 422
    kind = "contract"
    title = "The contract is broken"

    def __init__(
        self,
        violations: Sequence[Violation],
        count: int | None = None,
        *,
        is_whole: bool = True,
        rows: Iterable[int] = (),
    ) -> None:
        self.violations = list(violations[:LISTED_VIOLATIONS])
        named = (violation.instance for violation in violations)
        self.rows = {*rows, *(row for row in named if row is not None)}
        self.count = len(violations) if count is None else count
        self.is_whole = is_whole
        least = "" if is_whole else "at least "
        more = f" ({least}{self.count - 1} more)" if self.count > 1 else ""
        super().__init__(f"{self.violations[0]}{more}")

    def problem(self) -> dict[str, Any]:
        """The problem with its `errors`, their `count`, and `at_least` where there may be more than that."""
        listed = [violation.problem() for violation in self.violations]
        problem = {**super().problem(), "errors": listed, "count": self.count}
        return problem if self.is_whole else {**problem, "at_least": True}


class ServingError(ModeletError):
    """The function's own trouble: the cause is for the log, never for the answer."""


class ModelError(ServingError):
    """The author's code raised."""

    kind = "model"
    title = "The model failed"


class PredictionError(ServingError):
    """A prediction breaks its contract or is not a finite number."""

    kind = "prediction"
    title = "The prediction is not valid"


class StoreError(ServingError):
    """The store did not answer."""

    status = 503
    retryable = True
    kind = "store"
    title = "A service behind the model did not answer"
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
    title = "The deadline is near"
    fixed_detail = "The model did not finish before the function's timeout; send fewer instances or raise the timeout."


class StartError(ModeletError):
    """The init fails: nothing is served."""


class SettingsError(StartError):
    """An environment variable is missing or wrong."""


class BundleError(StartError):
    """bundle.json is missing, stale or not ours."""


class ManifestError(StartError):
    """model.json is missing, truncated or not ours."""


class ArtifactError(StartError):
    """An artifact is missing, altered, or written by another library version."""


class CommandError(ModeletError):
    """A command cannot go on; the message is one line with a remedy."""

    fixed_detail = None


class SpecError(CommandError):
    """model.yaml is wrong; the message names the file, the key and the remedy."""


class PublishError(CommandError):
    """What was given cannot become a version."""


class ConversionError(PublishError):
    """ONNX cannot express the estimator."""


class ParityError(PublishError):
    """The compiled graph and the estimator give different predictions."""


class VersionExistsError(PublishError):
    """The version is taken: versions are written once."""


class UnknownVersionError(CommandError):
    """No such model, version or alias in the store."""
