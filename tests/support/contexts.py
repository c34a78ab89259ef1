"""Lambda's context of one invocation."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4


@dataclass
class Context:
    """What a handler needs of Lambda's context."""

    remaining_ms: int = 10_000
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:tiny"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms
