"""Reports: what many trials came to, as tables, and whether that is good enough."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from differential.estimators import PREDICTORS, generated
from differential.trial import Outcome
from modelet.dev.publish.onnx.kinds import EXACT

SHARE = 0.8
"""How many of the cases must be published: refusing is no way out."""

OFTEN, SELDOM = 20, 5
"""How often each predictor and each estimator with an exact graph, and how often each other estimator, must have had
its turn in a long run."""

_ROW = "{:<34}{:>7}{:>7}{:>9}{:>9}{:>10}{:>10}{:>9}{:>7}"

LONG = 2500
"""Cases that make a run a long one."""


def lines(outcomes: Sequence[Outcome]) -> Iterable[str]:
    """The tables: each predictor's cases, the reasons of refusals, the verdicts on rows, the findings by kind."""
    head = ("predictor", "cases", "onnx", "sklearn", "refused", "rows", "equal", "422", "wrong")
    yield _ROW.format(*head)
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.predictor, []).append(outcome)
    for name, group in [*sorted(groups.items()), ("all", list(outcomes))]:
        yield _line(name, group)
    yield "\nrefused by ONNX, then served by scikit-learn:"
    yield from _counted(_kind(each.refused[0]) for each in outcomes if each.refused and each.served)
    yield "\nrefused by both, in scikit-learn's words:"
    yield from _counted(_kind(each.refused[-1]) for each in outcomes if each.served is None and each.refused)
    yield "\nfindings:"
    yield from _counted(_finding(found) for each in outcomes for found in {*map(_finding, each.findings)})
    yield from ("", *shortcomings(outcomes))


def shortcomings(outcomes: Sequence[Outcome]) -> list[str]:
    """Why the run is not good enough, one sentence each; empty where it is."""
    found = []
    faulty = [outcome.seed for outcome in outcomes if outcome.findings]
    if faulty:
        found.append(
            f"{len(faulty)} of {len(outcomes)} cases have findings: make fuzz SEED={faulty[0]} shows the first"
        )
    published = sum(outcome.served is not None for outcome in outcomes)
    if published < SHARE * len(outcomes):
        found.append(f"{published} of {len(outcomes)} cases are published, fewer than {SHARE:.0%}")
    if len(outcomes) >= LONG:
        turns = Counter(name for outcome in outcomes for name in {outcome.predictor, *outcome.holds})
        often = dict.fromkeys(generated(), SELDOM)
        often |= dict.fromkeys(EXACT | {each.name for each in PREDICTORS}, OFTEN)
        found += [
            f"{name} had {turns[name]} turns, fewer than {least}"
            for name, least in sorted(often.items())
            if turns[name] < least
        ]
    return found


def _line(name: str, group: Sequence[Outcome]) -> str:
    verdicts: Counter[str] = Counter()
    for outcome in group:
        verdicts.update(outcome.rows)
    served = Counter(outcome.served for outcome in group)
    total, equal, refused = sum(verdicts.values()), verdicts["equal"], verdicts["refused"]
    wrong = total - equal - refused - verdicts["unsayable"]
    counts = (len(group), served["onnx"], served["sklearn"], served[None], total, equal, refused, wrong)
    return _ROW.format(name, *counts)


def _counted(kinds: Iterable[str]) -> Iterable[str]:
    return [f"{count:>6}  {kind}" for kind, count in Counter(kinds).most_common()] or ["     0"]


def _kind(reason: str) -> str:
    """A refusal without what is this case's own."""
    text = re.sub(r"^(onnx|sklearn): case: ", "", reason.partition("\n")[0])
    text = re.sub(r"[\d.,]+(e[-+]?\d+)?", "#", text)
    return re.sub(r"column [^ ]+ ", "column … ", text)[:200]


def _finding(found: str) -> str:
    return found.partition(": ")[0]
