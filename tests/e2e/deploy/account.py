"""An AWS account on this machine: MiniStack's, with IAM enforced, over TLS."""

from __future__ import annotations

import json
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.deploy.invoker import Invoker

REGION = "us-east-1"
NUMBER = "000000000000"
ROOT_KEYS = {"AccessKeyId": "test", "SecretAccessKey": "test"}
"""What MiniStack takes for the account's root."""


@dataclass
class Account:
    """The emulator's endpoint, and what a program needs to reach it as the account's root.

    home: a folder of its own, in which the emulator, its certificate and the images are kept.
    """

    home: Path
    port: int
    invoker: Invoker = field(repr=False)

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.home / "certificate.pem"

    @property
    def authorities(self) -> Path:
        """The machine's own authorities and the emulator's certificate: a deployment fetches packages too."""
        return self.home / "authorities.pem"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the CDK, boto3 and modelet; the user's own AWS settings are none of them."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **reach(self.endpoint, self.authorities),
            "AWS_ACCESS_KEY_ID": ROOT_KEYS["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": ROOT_KEYS["SecretAccessKey"],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DOCKER": str(self.home / "docker"),
            "CURL_CA_BUNDLE": str(self.authorities),
            "MODELET_IMAGES": str(self.home / "images"),
            "NODE_EXTRA_CA_CERTS": str(self.certificate),
        }

    def client(self, service: str, credentials: dict[str, str] = ROOT_KEYS) -> Any:
        """A boto3 client with credentials as STS gives them."""
        import boto3

        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            verify=str(self.certificate),
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials.get("SessionToken"),
        )

    def assume(self, role_arn: str) -> dict[str, str]:
        """Credentials of a role; MiniStack lets its root take on every role, as Lambda does."""
        session = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="tests")
        credentials: dict[str, str] = session["Credentials"]
        return credentials

    def caller(self, action: str, resource: str) -> dict[str, str]:
        """Credentials of a new role that may do one thing."""
        iam = self.client("iam")
        trusted = _policy({"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}})
        role = iam.create_role(RoleName="caller", AssumeRolePolicyDocument=trusted)["Role"]
        allowed = _policy({"Action": action, "Resource": resource})
        iam.put_role_policy(RoleName="caller", PolicyName="calls", PolicyDocument=allowed)
        return self.assume(role["Arn"])


def reach(endpoint: str, authorities: Path) -> dict[str, str]:
    """Variables by which boto3 and obstore reach the emulator; in AWS there are none of them."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_CA_BUNDLE": str(authorities),
        "SSL_CERT_FILE": str(authorities),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
