"""Alarms on metric math, which MiniStack refuses: their queries are checked, and nothing evaluates them."""

from __future__ import annotations

import re
from typing import Any

from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]


def install() -> None:
    """Keep such an alarm as if it were on the first of its metrics, so that whatever names it finds it."""
    record = provisioners._cw_metric_alarm_record

    def any_record(name: str, props: Properties) -> Properties:
        queries = props.get("Metrics")
        if not queries:
            found: Properties = record(name, props)
            return found
        check(name, queries)
        first = next(query["MetricStat"] for query in queries if "MetricStat" in query)
        plain = {**first["Metric"], "Statistic": first["Stat"], "Period": first["Period"]}
        others = {key: value for key, value in props.items() if key != "Metrics"}
        return {**record(name, {**others, **plain}), "Metrics": queries}

    provisioners._cw_metric_alarm_record = any_record


def check(name: str, queries: list[Properties]) -> None:
    """Raise ValueError unless one query is the alarm's, and every expression uses queries that are there."""
    known = [query.get("Id", "") for query in queries]
    wrong = [each for each in known if not re.fullmatch("[a-z][a-zA-Z0-9_]*", each) or known.count(each) > 1]
    for query in queries:
        if ("Expression" in query) == ("MetricStat" in query):
            raise ValueError(f"{name}: the query {query.get('Id')} needs either an Expression or a MetricStat")
        used = re.findall(r"\b[a-z]\w*\b", query.get("Expression", ""))
        wrong += [each for each in used if each not in known]
    if wrong:
        raise ValueError(f"{name}: no such metric, or twice: {', '.join(wrong)}")
    returned = [query["Id"] for query in queries if str(query.get("ReturnData", True)).lower() == "true"]
    if len(returned) != 1:
        raise ValueError(f"{name}: exactly one query is to return data, not {returned}")
