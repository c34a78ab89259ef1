"""Errors of Lambda's Invoke, divided into transient ones, which a retry may fix, and final ones.

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
"""Transient: Lambda is still preparing the version, is busy, or failed itself; its documentation says to retry."""

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
"""Final: the function, its permissions, its network, or a quota must be changed first."""

THROTTLED = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded"})
"""Throttling errors of all AWS services, some of them with status 400."""

RETRYABLE_STATUSES = frozenset({408, 429})


def is_transient(code: str, status: int) -> bool:
    """Return whether a retry may succeed. For an error in neither list, the HTTP status decides."""
    if code in FINAL:
        return False
    return code in TRANSIENT or code in THROTTLED or status in RETRYABLE_STATUSES or status >= 500
