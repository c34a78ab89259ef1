"""AWS credentials for local functions, in place of their Lambda role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.errors import SettingsError
from modelet.settings import aws_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelet.dev.local.runtime.function import LocalFunction


class Credentials:
    """Credentials from boto3's sources (variables, profiles, SSO), but only if a function's store is on S3.

    Other functions need no AWS, and the lookup of credentials would delay them on a laptop without an account.
    """

    def __init__(self, functions: Iterable[LocalFunction]) -> None:
        self.needed = any(function.environment.get("MODELET_STORE", "").startswith("s3://") for function in functions)
        self._session: Any = None

    def variables(self) -> dict[str, str]:
        """Return keys, region and endpoint as variables. Read them each time, because a session's keys expire.

        Raises SettingsError if a profile is not valid or a sign-in has expired.
        """
        if not self.needed:
            return {}
        import boto3
        from botocore.exceptions import BotoCoreError

        try:
            self._session = self._session or boto3.Session()
            return self._given()
        except BotoCoreError as error:
            raise SettingsError(f"AWS sign-in failed: {error}") from error

    def _given(self) -> dict[str, str]:
        given: dict[str, str | None] = {"AWS_ENDPOINT_URL": aws_endpoint(), "AWS_REGION": self._session.region_name}
        given["AWS_DEFAULT_REGION"] = given["AWS_REGION"]
        keys = self._session.get_credentials()
        if keys is not None:
            frozen = keys.get_frozen_credentials()
            given["AWS_ACCESS_KEY_ID"] = frozen.access_key
            given["AWS_SECRET_ACCESS_KEY"] = frozen.secret_key
            given["AWS_SESSION_TOKEN"] = frozen.token
        return {name: value for name, value in given.items() if value}
