"""What Lambda says instead of an answer, sorted by whether the same call may be answered later.

Source: the errors of `Invoke` in docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, which are those of botocore's
service model, and docs.aws.amazon.com/lambda/latest/api/CommonErrors.html.
"""

from __future__ import annotations

TRANSIENT = frozenset(
    {
        "CodeArtifactUserDeletedException",
        "CodeArtifactUserPendingException",
        "EC2ThrottledException",
        "EC2UnexpectedException",
        "EFSMountConnectivityException",
        "EFSMountTimeoutException",
        "ENINotReadyException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "S3FilesMountConnectivityException",
        "S3FilesMountTimeoutException",
        "ServiceException",
        "SnapStartNotReadyException",
        "SnapStartRegenerationFailureException",
        "SnapStartTimeoutException",
        "TooManyRequestsException",
    }
)
"""Lambda is still preparing the version, is busy, or failed itself; for each its documentation says to wait."""

FINAL = frozenset(
    {
        "CodeArtifactUserFailedException",
        "DurableExecutionAlreadyStartedException",
        "EC2AccessDeniedException",
        "EFSIOException",
        "EFSMountFailureException",
        "ENILimitReachedException",
        "InvalidParameterValueException",
        "InvalidRequestContentException",
        "InvalidRuntimeException",
        "InvalidSecurityGroupIDException",
        "InvalidSubnetIDException",
        "InvalidZipFileException",
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
        "ModeNotSupportedException",
        "NoPublishedVersionException",
        "RecursiveInvocationException",
        "RequestTooLargeException",
        "ResourceNotFoundException",
        "RuntimeAliasDeletedException",
        "RuntimeVersionDeletedException",
        "S3FilesMountFailureException",
        "SerializedRequestEntityTooLargeException",
        "ServiceQuotaExceededException",
        "SnapStartException",
        "SubnetIPAddressLimitReachedException",
        "UnsupportedMediaTypeException",
    }
)
"""Somebody has to change something first: the function, its rights, its network, or a quota."""

THROTTLED = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded"})
"""Errors of every AWS service that mean "too many calls", some of them with the status 400."""

RETRYABLE_STATUSES = frozenset({408, 429})


def is_transient(code: str, status: int) -> bool:
    """Whether a later call may be answered. An error that is in neither list is judged by its HTTP status."""
    if code in FINAL:
        return False
    return code in TRANSIENT or code in THROTTLED or status in RETRYABLE_STATUSES or status >= 500
