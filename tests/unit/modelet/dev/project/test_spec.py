"""model.yaml: every wrong file is one line that names the file, the key and the remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelet.dev.project.spec import ModelSpec, read_spec, schema
from modelet.dev.project.stage_section import StageSection
from modelet.errors import SpecError

ROOT = Path(__file__).parents[5]
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:key-AbCdEf"
KEYS = [*ModelSpec.model_fields, "memory_mb", "provisioned", "max_concurrency", "module", "prod", "<<", "1", "x"]


FIVE_FIELDS = (
    "'0 8 * * *' has 5 fields: give minute, hour, day of month, month, day of week and year, separated by single "
    "spaces, such as 0 8 ? * MON-FRI *"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "functions" / "toy"
    folder.mkdir(parents=True)
    return folder / "model.yaml"


def read(path: Path, text: str | bytes) -> ModelSpec:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_spec(path)


def error(path: Path, text: str | bytes) -> str:
    with pytest.raises(SpecError) as caught:
        read(path, text)
    return str(caught.value)


def test_an_empty_mapping_is_a_spec_of_defaults(path: Path) -> None:
    spec = read(path, "{}")
    assert spec == ModelSpec()
    assert (spec.version, spec.backend, spec.preprocessing) == ("latest", "onnx", None)
    assert (spec.resources.memory_mb, spec.scaling.max_concurrency, spec.limits.max_instances) == (512, None, 100_000)


def test_every_key_is_read(path: Path) -> None:
    spec = read(
        path,
        """
        version: candidate
        backend: sklearn
        preprocessing: {module: features, function: to_feeds}
        logic: {predict_fn: predict}
        probabilities: false
        quantize: {max_loss: 0.01}
        features: {from: customers, key: id, columns: [a, {b: c}, passed.d], missing: null, max_age: 2d}
        id: order
        artifact: baked
        resources: {memory_mb: 1024, timeout_s: 30, tmp_mb: 1024, architecture: arm64}
        scaling:
          max_concurrency: 40
          provisioned: 2
          provisioned_max: 20
          target_utilization: 0.5
          schedules: [{cron: '0 8 ? * MON-FRI *', timezone: Asia/Seoul, provisioned: 10, provisioned_max: 30}]
        limits: {max_instances: 500}
        environment: {GREETING: hello}
        secrets: {API_KEY: "arn:aws:secretsmanager:us-east-1:123456789012:secret:key-AbCdEf"}
        vpc: true
        tags: {team: search}
        batch:
          inputs: [s3://rows/in/*]
          results: [s3://rows/out/*]
          load: import
          duplicates: last
          tolerated: 0
          schedule: cron(0 3 * * ? *)
          timezone: Asia/Seoul
          expires_days: 30
          input: {inputs: ['s3://rows/in/*.csv'], key: id, results: s3://rows/out/night}
        jobs: {max_concurrency: 4, attempts: 5, expires_days: 1}
        worker: {memory_mb: 3538, timeout_s: 600, tmp_mb: 1024, max_concurrency: 20}
        stages: {prod: {scaling: {max_concurrency: 100}}}
        """,
    )
    assert spec.preprocessing is not None
    assert (spec.version, spec.backend, spec.preprocessing.function) == ("candidate", "sklearn", "to_feeds")
    assert spec.logic is not None
    assert spec.logic.predict_fn == "predict"
    assert spec.model_dump(exclude={"stages", "preprocessing", "logic", "version", "backend"}) == {
        "probabilities": False,
        "predictor": None,
        "config": {},
        "quantize": {"max_loss": 0.01},
        "features": {
            "from": "customers",
            "key": "id",
            "columns": ["a", {"b": "c"}, "passed.d"],
            "missing": "null",
            "max_age": "2d",
        },
        "id": "order",
        "artifact": "baked",
        "resources": {"memory_mb": 1024, "timeout_s": 30, "tmp_mb": 1024, "architecture": "arm64"},
        "scaling": {
            "max_concurrency": 40,
            "provisioned": 2,
            "provisioned_max": 20,
            "target_utilization": 0.5,
            "schedules": [
                {"cron": "0 8 ? * MON-FRI *", "timezone": "Asia/Seoul", "provisioned": 10, "provisioned_max": 30}
            ],
            "snapstart": False,
        },
        "limits": {"max_instances": 500},
        "environment": {"GREETING": "hello"},
        "secrets": {"API_KEY": SECRET},
        "vpc": True,
        "tags": {"team": "search"},
        "batch": {
            "inputs": ["s3://rows/in/*"],
            "results": ["s3://rows/out/*"],
            "load": "import",
            "duplicates": "last",
            "tolerated": 0,
            "schedule": "cron(0 3 * * ? *)",
            "timezone": "Asia/Seoul",
            "expires_days": 30,
            "input": {"inputs": ["s3://rows/in/*.csv"], "key": "id", "results": "s3://rows/out/night"},
        },
        "jobs": {"max_concurrency": 4, "attempts": 5, "expires_days": 1},
        "worker": {"memory_mb": 3538, "timeout_s": 600, "tmp_mb": 1024, "max_concurrency": 20},
    }


def test_a_worker_exists_with_batches_or_jobs_only(path: Path) -> None:
    assert read(path, "{}").own_worker is None
    for text in ("batch: {}", "jobs: {}", "{batch: {}, jobs: {}}"):
        worker = read(path, text).own_worker
        assert worker is not None
        assert (worker.memory_mb, worker.timeout_s, worker.tmp_mb, worker.max_concurrency) == (1769, 900, 512, 50)
    large = read(path, "jobs: {}\nworker: {memory_mb: 4000}").own_worker
    assert large is not None
    assert (large.memory_mb, large.timeout_s) == (4000, 900)


def test_a_stage_replaces_numbers_of_batches_jobs_and_the_worker(path: Path) -> None:
    spec = read(
        path,
        """
        batch: {inputs: ["s3://abc/*"], tolerated: 0.5, schedule: rate(1 day), input: {inputs: ["s3://abc/b"], key: id}}
        worker: {memory_mb: 3000, timeout_s: 300}
        stages:
          prod: {batch: {tolerated: 0.01, schedule: rate(2 hours)}, jobs: {attempts: 2}, worker: {timeout_s: 900}}
        """,
    )
    prod = spec.for_stage("prod")
    assert spec.batch is not None
    assert prod.batch == spec.batch.model_copy(update={"tolerated": 0.01, "schedule": "rate(2 hours)"})
    assert prod.jobs is not None
    assert (prod.jobs.attempts, prod.jobs.max_concurrency) == (2, 10)
    assert prod.own_worker is not None
    assert (prod.own_worker.memory_mb, prod.own_worker.timeout_s) == (3000, 900)
    assert spec.for_stage("dev").jobs is None


@pytest.mark.parametrize(
    ("written", "version"),
    [("3", "3"), ('"1.10"', "1.10"), ("012", "012"), ("1.2.3", "1.2.3"), ("2026-11-20", "2026-11-20"), ("no", "no")],
)
def test_a_version_is_the_text_that_was_written(path: Path, written: str, version: str) -> None:
    assert read(path, f"version: {written}").version == version


@pytest.mark.parametrize("written", ["1.10", "1.0", "1e3", ".5", "true", ".inf"])
def test_a_version_that_yaml_would_change_must_be_quoted(path: Path, written: str) -> None:
    assert "version: YAML reads" in (said := error(path, f"version: {written}"))
    assert said.endswith("put the value in quotes")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resources: {memory_mb: 64}", "resources.memory_mb: 64 is below 128: give 128 or more"),
        ("resources: {memory_mb: 20000}", "resources.memory_mb: 20000 is above 10,240: give 10,240 or less"),
        ("resources: {memory_mb: 512.5}", "resources.memory_mb: 512.5 is not valid here: give a whole number"),
        ("resources: {memory_mb: '512'}", "resources.memory_mb: '512' is not valid here: give a whole number"),
        ("resources: {memory_mb: true}", "resources.memory_mb: true is not valid here: give a whole number"),
        ("resources:", "resources: is empty: give a mapping of keys"),
        ("resources: [1]", "resources: a list is not valid here: give a mapping of keys"),
        ("artifact: image", "artifact: 'image' is unknown: give 'store' or 'baked'"),
        ("stages: {prod: {artifact: s3}}", "stages.prod.artifact: 's3' is unknown: give 'store' or 'baked'"),
        (
            "backend: tensorflow",
            (
                "backend: 'tensorflow' is unknown: "
                "give 'onnx', 'lightgbm', 'xgboost', 'catboost', 'sklearn', 'python' or 'auto'"
            ),
        ),
        ("preprocessing: {module: features}", "preprocessing.function: is missing: add it"),
        ("version: a/b", "version: 'a/b' is not a valid name: it must match ^[A-Za-z0-9][A-Za-z0-9_.-]*$"),
        ("version: aliases", "version: 'aliases' is a reserved folder in every store: choose another version"),
        (
            "scaling: {max_concurrency: 5, provisioned: 6}",
            "scaling.provisioned: 6 is above max_concurrency, 5: raise that or lower this",
        ),
        (
            "scaling: {provisioned: 3, provisioned_max: 2}",
            "scaling.provisioned_max: 2 is below provisioned, 3: raise that or lower this",
        ),
        (
            "scaling: {max_concurrency: 5, provisioned: 3, provisioned_max: 6}",
            "scaling.provisioned_max: 6 is above max_concurrency, 5: raise that or lower this",
        ),
        (
            "scaling: {provisioned_max: 2}",
            "scaling.provisioned_max: needs scaling.provisioned, the minimum: set it too",
        ),
        (
            "scaling: {schedules: [{cron: '0 8 * * ? *', provisioned: 1}]}",
            "scaling.schedules: need scaling.provisioned, the number at other times: set it too",
        ),
        (
            "scaling: {max_concurrency: 4, provisioned: 1, schedules: [{cron: '0 8 * * ? *', provisioned: 5}]}",
            "scaling.schedules.0.provisioned: 5 is above max_concurrency, 4: raise that or lower this",
        ),
        (
            "scaling: {provisioned: 1, schedules: [{cron: '0 8 * * *', provisioned: 5}]}",
            f"scaling.schedules.0.cron: {FIVE_FIELDS}",
        ),
        (
            "scaling: {snapstart: true, provisioned: 1}",
            "scaling.snapstart: Lambda does not allow it together with provisioned: remove one",
        ),
        (
            "{scaling: {snapstart: true}, resources: {tmp_mb: 1024}}",
            "scaling.snapstart: Lambda does not allow it with more than 512 MB of /tmp: lower resources.tmp_mb",
        ),
        (
            f"{{environment: {{A_KEY: x}}, secrets: {{A_KEY: '{SECRET}'}}}}",
            "secrets.A_KEY: is also in environment: remove one of them",
        ),
        (
            f"secrets: {{AWS_REGION: '{SECRET}'}}",
            "secrets.AWS_REGION: is set by Lambda or by Modelet: choose another name",
        ),
        (
            "environment: {DEBUG: true}",
            "environment.DEBUG: YAML reads true here, which is not text: put the value in quotes",
        ),
        ("environment: {AWS_REGION: x}", "environment.AWS_REGION: is set by Lambda or by Modelet: choose another name"),
        (
            "environment: {MODELET_STORE: x}",
            "environment.MODELET_STORE: is set by Lambda or by Modelet: choose another name",
        ),
        (f"environment: {{BIG: {'a' * 5000}}}", "environment: 5,003 bytes exceed Lambda's limit of 4,096: shorten it"),
        ("worker: {}", "worker: does batches and jobs, but there are none: add `batch: {}` or `jobs: {}`"),
        ("{jobs: {}, worker: {timeout_s: 901}}", "worker.timeout_s: 901 is above 900: give 900 or less"),
        ("jobs: {max_concurrency: 1}", "jobs.max_concurrency: 1 is below 2: give 2 or more"),
        (
            "{jobs: {max_concurrency: 6}, worker: {max_concurrency: 5}}",
            "jobs.max_concurrency: 6 is above worker.max_concurrency, 5: raise that or lower this",
        ),
        ("batch: {load: fast}", "batch.load: 'fast' is unknown: give 'auto', 'write' or 'import'"),
        ("batch: {duplicates: first}", "batch.duplicates: 'first' is unknown: give 'refuse' or 'last'"),
        ("batch: {tolerated: 2}", "batch.tolerated: 2 is above 1.0: give 1.0 or less"),
        ("jobs: {expires_days: 0}", "jobs.expires_days: 0 is below 1: give 1 or more"),
        ("batch: {inputs: [rows.csv]}", "batch.inputs.0: 'rows.csv' names no objects: give s3://bucket/prefix/*"),
        ("batch: {results: ['s3://rows']}", "batch.results.0: 's3://rows' names no objects: give s3://bucket/prefix/*"),
        (
            "batch: {schedule: rate(1 day)}",
            "batch.schedule: needs batch.input, the request of the batch: set it too",
        ),
        (
            "batch: {input: {inputs: ['s3://rows/a.csv'], key: id}}",
            "batch.input: is only for batch.schedule: set that too, or remove this",
        ),
        (
            "batch: {schedule: '0 3 * * ? *'}",
            "batch.schedule: '0 3 * * ? *' is not a schedule: give cron(0 3 * * ? *), or rate(1 day)",
        ),
        ("batch: {schedule: cron(0 8 * * *)}", f"batch.schedule: {FIVE_FIELDS}"),
        (
            "batch: {schedule: rate(1 day), input: {inputs: ['s3://rows/a.csv']}}",
            "batch.input: key: is missing: a batch needs `inputs` and the `key` column",
        ),
        (
            "batch: {schedule: rate(1 day), inputs: ['s3://rows/*'], input: {inputs: ['s3://other/a.csv'], key: id}}",
            "batch.input.inputs: workers may not read 's3://other/a.csv': add s3://bucket/prefix/* to batch.inputs",
        ),
        (
            "batch: {schedule: rate(1 day), inputs: ['s3://abc/*'], input: {inputs: ['s3://abc/b'], key: k, results: 's3://out'}}",
            "batch.input.results: workers may not write to 's3://out': add s3://bucket/prefix/* to batch.results",
        ),
        ("batch: {expires_days: 0}", "batch.expires_days: 0 is below 1: give 1 or more"),
        ("batch: {expires_days: 3651}", "batch.expires_days: 3651 is above 3,650: give 3,650 or less"),
        (
            "resources: {memory_mb: 1, timeout_s: 0}",
            "resources.memory_mb: 1 is below 128: give 128 or more (and 1 more)",
        ),
    ],
)
def test_an_impossible_value_is_refused_with_its_key_and_the_remedy(path: Path, text: str, said: str) -> None:
    assert error(path, text) == f"functions/toy/model.yaml: {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("versoin: 1", "unknown key 'versoin': did you mean version?"),
        ("resources: {memory: 512}", "resources: unknown key 'memory': did you mean memory_mb?"),
        ("memory_mb: 512", "unknown key 'memory_mb': did you mean resources.memory_mb?"),
        ("max-concurrency: 512", "unknown key 'max-concurrency': did you mean scaling.max_concurrency?"),
        ("scaling: {zzz: 1}", "scaling: unknown key 'zzz': the keys are max_concurrency, provisioned"),
        ("stages: {a: {scaling: {provisionned: 1}}}", "stages.a.scaling: unknown key 'provisionned': did you mean pro"),
        ("artefact: baked", "unknown key 'artefact': did you mean artifact?"),
        ("3: 4", "unknown key 3: the keys are version, backend"),
        ("stages: {prod: {version: 3}}", "stages.prod: unknown key 'version': the keys are artifact, resources"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_refused_by_name_with_the_nearest_one(path: Path, text: str, said: str) -> None:
    assert error(path, text).startswith(f"functions/toy/model.yaml: {said}")


SIGNS = 'fix it there; operators of rules that are signs need quotes, as in "*"'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\nversion: 2", "line 2: duplicate key 'version': fix it there"),
        ("scaling:\n  provisioned: 1\n  provisioned: 2", "line 3: duplicate key 'provisioned': fix it there"),
        ("a: &x [*x]", "line 1: tags, anchors and aliases are not supported: fix it there"),
        ("a: !!python/name:os.system ''", "line 1: tags, anchors and aliases are not supported: fix it there"),
        ("a: {*: [1, 2]}", f"line 1: expected alphabetic or numeric character, but found ':': {SIGNS}"),
        ("a: {%: [1, 2]}", f"line 1: found character '%' that cannot start any token: {SIGNS}"),
        ("? [1, 2]\n: 3", "line 1: a key is not text: fix it there"),
        ("", "contains nothing: write keys and values, such as `version: latest`"),
        ("- version", "contains a list: write keys and values, such as `version: latest`"),
        ("just text", "contains 'just text': write keys and values, such as `version: latest`"),
        (b"\xff\xfe\x00", "is not valid YAML: write keys and values as UTF-8 text"),
        ("[" * 5000, "is not valid YAML: write keys and values as UTF-8 text"),
        (f"version: {'9' * 5000}", "is not valid YAML: write keys and values as UTF-8 text"),
    ],
)  # fmt: skip
def test_what_is_no_plain_yaml_mapping_is_refused(path: Path, text: str | bytes, said: str) -> None:
    assert error(path, text) == f"functions/toy/model.yaml: {said}"


def test_broken_yaml_is_named_with_its_line(path: Path) -> None:
    assert error(path, "version: 1\nscaling: {a: 1\nx: y").startswith("functions/toy/model.yaml: line 3: ")


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(SpecError, match=r"functions/toy/model\.yaml: cannot be read \(No such file or directory\)"):
        read_spec(path)


def test_a_stage_replaces_only_what_it_names(path: Path) -> None:
    spec = read(
        path,
        """
        resources: {memory_mb: 1024, timeout_s: 5}
        scaling: {max_concurrency: 20}
        environment: {LEVEL: info, REGION_NAME: seoul}
        stages:
          prod: {scaling: {provisioned: 15}, environment: {LEVEL: warning}}
        """,
    )
    prod = spec.for_stage("prod")
    assert (prod.resources, prod.scaling.provisioned, prod.scaling.max_concurrency) == (spec.resources, 15, 20)
    assert prod.environment == {"LEVEL": "warning", "REGION_NAME": "seoul"}
    assert prod.stages == {}
    for other in (None, "dev"):
        assert spec.for_stage(other) == spec.model_copy(update={"stages": {}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stages: {prod: {resources: {memory_mb: 64}}}", "stages.prod.resources.memory_mb: 64 is below 128"),
        ("stages: {prod: {scaling: {provisioned: 1001}}}", "stages.prod.scaling.provisioned: 1001 is above"),
        ("scaling: {provisioned: 5}\nstages: {a: {scaling: {max_concurrency: 4}}}", "stages.a.scaling.provisioned: 5 "),
        ("stages: {prod: {environment: {AWS_REGION: x}}}", "stages.prod.environment.AWS_REGION: is set by"),
        ("stages: {Prod: {}}", "stages.Prod: 'Prod' is not a valid name"),
    ],
)  # fmt: skip
def test_an_override_is_checked_with_what_it_leaves_alone(path: Path, text: str, said: str) -> None:
    assert said in error(path, text)


INPUT = "inputs: ['s3://abc/*'], input: {inputs: ['s3://abc/b'], key: id}"


@pytest.mark.parametrize(
    ("schedule", "pause"),
    [
        ("rate(2 days)", 2),
        ("rate(36 hours)", 1.5),
        ("cron(0 3 * * ? *)", 1),
        ("cron(0 3 ? * MON *)", 7),
        ("cron(0 3 1 * ? *)", 31),
    ],
)
def test_predictions_that_expire_before_the_next_scheduled_batch_are_refused(
    path: Path, schedule: str, pause: float
) -> None:
    def batch(days: int) -> str:
        return f"batch: {{schedule: '{schedule}', expires_days: {days}, {INPUT}}}"

    said = error(path, batch(int(pause)))
    assert said == (
        f"functions/toy/model.yaml: batch.expires_days: predictions expire after {int(pause)} days, but {schedule} "
        f"starts the next batch after up to {pause:g}: give more days, with time for a batch that is late"
    )
    assert read(path, batch(int(pause) + 1)).batch is not None
    in_prod = f"{batch(int(pause) + 1)}\nstages: {{prod: {{batch: {{expires_days: 1}}}}}}"
    assert "stages.prod" in error(path, in_prod)


def test_a_schedule_that_starts_once_replaces_nothing(path: Path) -> None:
    once = f"batch: {{schedule: 'cron(0 3 1 1 ? 2099)', expires_days: 1, {INPUT}}}"
    assert read(path, once).batch is not None


def test_a_spec_cannot_be_changed() -> None:
    spec: Any = ModelSpec()
    with pytest.raises(ValueError, match="frozen"):
        spec.version = "2"


def test_the_schema_agrees_with_the_reader_on_good_and_bad_specs() -> None:
    checker = jsonschema.Draft202012Validator(json.loads(schema()))
    for good in (
        {},
        {"version": 3},
        {"stages": {"prod": {"scaling": {"provisioned": 1}}}},
        {"environment": {"A_B": 1}},
        {"batch": {}, "jobs": {}, "worker": {"memory_mb": 3008}, "stages": {"prod": {"worker": {"timeout_s": 60}}}},
        {
            "batch": {
                "inputs": ["s3://rows/*"],
                "schedule": "rate(1 day)",
                "input": {"inputs": ["s3://rows/a"], "key": "k"},
            }
        },
    ):
        assert checker.is_valid(good)
    for bad in (
        {"versoin": "1"},
        {"resources": {"memory_mb": 64}},
        {"version": 1.1},
        {"stages": {"prod": {"backend": "onnx"}}},
        {"batch": {"inputs": ["rows"]}},
        {"jobs": {"max_concurrency": 1}},
    ):
        assert not checker.is_valid(bad)


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = ROOT / "functions" / "model.schema.json"
    assert committed.read_text() == schema(), "run: python -m modelet.dev.project.spec > functions/model.schema.json"


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(), st.binary(max_size=8)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.sampled_from(KEYS), SCALARS), inner, max_size=4)
    ),
    max_leaves=12,
)


def check_that_only_one_line_is_raised(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    try:
        spec = read_spec(path)
    except SpecError as wrong:
        said = str(wrong)
    else:
        assert ModelSpec.model_validate(spec.model_dump(exclude={"stages"})) == spec.for_stage(None)
        assert all(isinstance(stage, StageSection) for stage in spec.stages.values())
        return
    assert len(said.splitlines()) == 1
    assert said.startswith("functions/toy/model.yaml: ")
    assert ": " in said.removeprefix("functions/toy/model.yaml: ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
@given(tree=st.dictionaries(st.sampled_from(KEYS), TREES, max_size=5))
def test_any_yaml_tree_is_a_spec_or_a_one_line_error(path: Path, tree: dict[str, Any]) -> None:
    check_that_only_one_line_is_raised(path, yaml.dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
@given(text=st.one_of(st.binary(), st.text(alphabet="ab:- {}[]&*!|>'\"\n#%@?,<0.1eE~\t").map(str.encode)))
def test_any_bytes_are_a_spec_or_a_one_line_error(path: Path, text: bytes) -> None:
    check_that_only_one_line_is_raised(path, text)
