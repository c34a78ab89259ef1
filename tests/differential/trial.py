"""Trials: a case published, asked under its contracts, and judged."""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from differential.case import Case
from differential.contracts import ContractKind, Field, Row, wire_row
from differential.judgement import Answer, Verdict, judged
from differential.oracle import Oracle
from differential.rows import is_within, rows_for
from differential.version import Refused, Version, published, refusal
from modelet.dev.publish.source.parts import parts
from modelet.protocols.service import Service
from modelet.store.manifest import Column
from support.services import ask

TOGETHER = 40
"""How many rows a request holds: a hundred violations are listed at most, and each must name its field."""

ALONE = 4
"""How many of them are also asked for one by one."""

UNLISTED = "unlisted"

SHOWN = 3
"""How many findings of one kind a trial keeps."""

Asked = Callable[[Service, str, Any], tuple[int, Any]]
"""How a body is sent to a path: the status and the JSON value of the answer."""


@dataclass
class Outcome:
    """What a trial came to, as JSON says it.

    holds: the classes of all estimators inside. served: the backend, None where both refuse. refused: why each backend
    that was tried refuses. rows: verdicts and how often. findings: a sentence for each fault.
    """

    seed: int
    predictor: str
    holds: list[str]
    served: str | None = None
    refused: list[str] = field(default_factory=list)
    contracts: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), ensure_ascii=False)


def through_http(service: Service, query: str, body: Any) -> tuple[int, Any]:
    """Send a body to a service as API Gateway does; an error that escapes it is what its environment calls a 500."""
    try:
        status, value, _headers = ask(service, "POST", f"/models/{service.name}/infer{query}", body)
    except Exception as error:  # noqa: BLE001 - whatever escapes, is the finding
        return 500, {"detail": f"{type(error).__name__}: {error}"}
    return status, value


def tried(seed: int) -> Outcome:
    """The outcome of a seed's case."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # few iterations and far numbers are meant
        return outcome_of(Case.of(seed))


def outcome_of(case: Case, asked: Asked = through_http) -> Outcome:
    """What a case comes to. asked: how requests are sent; a mutant sends them, or answers them, otherwise."""
    began = time.perf_counter()
    holds = sorted({type(part).__name__ for part in parts(case.estimator)})
    outcome = Outcome(case.seed, case.plan.name, holds)
    with tempfile.TemporaryDirectory() as folder:
        version = published(case, Path(folder))
        refused = version.refused if isinstance(version, Version) else version
        outcome.refused = [each.reason for each in refused]
        for each in refused:
            if not each.names_a_remedy:
                outcome.findings.append(f"{'crash at' if each.crashed else 'no remedy at'} publish: {each.reason}")
        if isinstance(version, Version):
            outcome.served = version.backend
            _ask(case, version, outcome, asked)
    outcome.seconds = round(time.perf_counter() - began, 2)
    return outcome


def _ask(case: Case, version: Version, outcome: Outcome, asked: Asked) -> None:
    oracle = Oracle(case, version.held)
    rows = rows_for(case, version.held)
    held = {column.name: column for column in version.held}
    readings = oracle.says(rows)
    labels = version.manifest.model_info["labels"]
    counts: Counter[str] = Counter()
    for kind in case.plan.contracts:
        if not kind.fits(version.manifest):
            continue
        fields = kind.fields(version.manifest)
        try:
            with version.served(kind) as service:
                answers = list(_answers(service, fields, rows, asked))
        except Exception as error:  # noqa: BLE001 - whatever stops a start, is the finding
            refused = refusal(error)
            outcome.contracts[kind.name] = refused.reason
            if fault := _fault(kind, version, refused):
                outcome.findings.append(f"{fault} under {kind.name!r}: {refused.reason}")
            continue
        outcome.contracts[kind.name] = "served"
        for index, answer in answers:
            may_refuse = _may_refuse(fields, held, rows[index])
            verdict = judged(answer, readings[index], labels, oracle.scale, may_refuse=may_refuse)
            if verdict.is_fault and not _is_known(outcome, kind, verdict):
                # Some estimators answer a row beside others otherwise than alone.
                verdict = judged(answer, oracle.says_alone(rows[index]), labels, oracle.scale, may_refuse=may_refuse)
            counts[verdict.kind] += 1
            if verdict.is_fault:
                _keep(outcome, kind, rows[index], verdict)
    outcome.rows = dict(counts)


def _keep(outcome: Outcome, kind: ContractKind, row: Row, verdict: Verdict) -> None:
    if not _is_known(outcome, kind, verdict):
        found = _found(outcome, kind, verdict)
        outcome.findings.append(f"{found}: {str(row)[:500]}: {verdict.shown[:500]}")


def _is_known(outcome: Outcome, kind: ContractKind, verdict: Verdict) -> bool:
    """Whether enough findings of the kind are kept."""
    found = _found(outcome, kind, verdict)
    return sum(finding.startswith(found) for finding in outcome.findings) >= SHOWN


def _found(outcome: Outcome, kind: ContractKind, verdict: Verdict) -> str:
    return f"{verdict.kind} by {outcome.served} under {kind.name!r}"


def _may_refuse(fields: Sequence[Field], held: Mapping[str, Column], row: Row) -> bool:
    """Whether a value lies outside its column, or the contract's own words refuse it."""
    for each in fields:
        name = each.column.name
        value = row.get(name)
        if not is_within(held[name], value) or each.refuses(value) or (name not in row and not each.optional):
            return True
    return False


def _fault(kind: ContractKind, version: Version, refused: Refused) -> str:
    """What is wrong with a contract that is not served; empty where it is rightly refused."""
    if not refused.names_a_remedy:
        return "crash" if refused.crashed else "no remedy"
    if kind.may_be_refused:
        return ""
    if kind.changed is None and version.manifest.answer is None:
        return ""  # what predicts something of its own needs a class
    return "refusal of a proper contract"


def _answers(
    service: Service, fields: Sequence[Field], rows: Sequence[Row], asked: Asked
) -> Iterator[tuple[int, Answer]]:
    """The answers to many rows at a time, and to some of them alone, each with its row's index."""
    sent = [wire_row(fields, row) for row in rows]
    for start in range(0, len(sent), TOGETHER):
        places = range(start, min(start + TOGETHER, len(sent)))
        status, value = asked(service, "?partial=true", {"instances": [sent[place] for place in places]})
        if status == 200:
            yield from zip(places, map(_answer, value["predictions"]), strict=True)
        alone = places if status != 200 else places[:: 1 + len(places) // ALONE]
        singles = [(place, _alone(*asked(service, "", sent[place]))) for place in alone]
        yield from singles
        if status != 200 and all(answer.status in {200, 422} for _, answer in singles):
            yield start, Answer(status, detail=f"with the rows after it: {value}")


def _alone(status: int, value: Any) -> Answer:
    return Answer(200, value) if status == 200 else _answer({"status": status, "errors": [], **value})


def _answer(one: Any) -> Answer:
    """A prediction, or the problem that stands in its place; past a hundred violations it names no field."""
    if not isinstance(one, dict) or "errors" not in one:
        return Answer(200, one)
    fields = tuple(each["field"] or UNLISTED for each in one["errors"] if each["field"] or each["rule"] == UNLISTED)
    return Answer(one["status"], None, fields, one.get("detail", "")[:200])
