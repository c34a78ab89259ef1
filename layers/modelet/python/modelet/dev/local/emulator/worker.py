"""A model's worker, as this machine runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelet.dev.local.runtime.function import LocalFunction


@dataclass(frozen=True, slots=True)
class Worker:
    """The second function of a model.

    model: the model's name. function: `<model>-worker`. batch: whether it has a prediction table. jobs: whether it has
    a queue. jobs_at_once: the most jobs at once, as far as this machine has processors. attempts: how often a job is
    tried before its message goes to the queue of failed jobs.
    """

    model: str
    function: LocalFunction
    batch: bool = False
    jobs: bool = False
    jobs_at_once: int = 2
    attempts: int = 3
