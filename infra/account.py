"""Who deploys, and where to: `python -m infra.account` fails with a remedy before minutes are spent on building."""

from __future__ import annotations

import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def main() -> int:
    """Say which account will be deployed to; 1 and one line on stderr where nobody is signed in."""
    try:
        session = boto3.Session()
        account = session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        remedy = "run `aws sso login` or `aws configure`, or set AWS_PROFILE, and AWS_REGION"
        sys.stderr.write(f"error: nobody is signed in to AWS ({error}): {remedy}\n")
        return 1
    sys.stdout.write(f"account {account}, {session.region_name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
