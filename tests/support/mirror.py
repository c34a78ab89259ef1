"""Which test file tests a module: the one of its name, in the same folder below tests/unit/modelet, or another."""

from __future__ import annotations

from support.repository import ROOT

PACKAGE = ROOT / "layers" / "modelet" / "python" / "modelet"
TESTS = ROOT / "tests"
UNIT = TESTS / "unit" / "modelet"

TESTED_BY = {
    "app.py": "unit/modelet/startup/test_version.py",
    "backends/cell.py": "unit/modelet/backends/test_grid.py",
    "backends/onnx.py": "unit/modelet/backends/test_backends.py",
    "backends/sklearn.py": "unit/modelet/backends/test_backends.py",
    "backends/texts/base.py": "unit/modelet/backends/texts/test_tagging.py",
    "backends/texts/contracts.py": "unit/modelet/backends/texts/test_tagging.py",
    "batch/chunk_records.py": "unit/modelet/batch/test_records.py",
    "batch/export.py": "functions/test_batches_outputs.py",
    "batch/errors.py": "unit/modelet/batch/test_records.py",
    "batch/files.py": "integration/batch/test_worker.py",
    "batch/inputs/parquet_cut.py": "unit/modelet/batch/inputs/test_parquet_pieces.py",
    "batch/inputs/parquet_file.py": "unit/modelet/batch/inputs/test_parquet_pieces.py",
    "batch/inputs/read.py": "unit/modelet/batch/inputs/test_read_text.py",
    "batch/listing.py": "unit/modelet/batch/test_records.py",
    "batch/notice.py": "integration/batch/test_worker.py",
    "batch/outputs/row.py": "unit/modelet/batch/outputs/test_import_file.py",
    "batch/outputs/table_writer.py": "unit/modelet/batch/outputs/test_writer.py",
    "batch/piece.py": "unit/modelet/batch/test_score.py",
    "batch/plan.py": "integration/batch/test_worker.py",
    "batch/record.py": "unit/modelet/batch/test_records.py",
    "batch/repeats.py": "unit/modelet/batch/test_finish.py",
    "batch/retire.py": "integration/batch/test_retire.py",
    "batch/settings.py": "integration/batch/test_worker.py",
    "batch/worker.py": "integration/batch/test_worker.py",
    "contract/diagnosis.py": "unit/modelet/contract/test_brief.py",
    "dev/bundle/constraints.py": "unit/modelet/dev/bundle/test_proof.py",
    "dev/bundle/domain.py": "unit/modelet/dev/bundle/test_proof.py",
    "dev/bundle/schema.py": "unit/modelet/dev/bundle/test_openapi.py",
    "store/errors.py": "unit/modelet/store/test_objects.py",
    "dev/cli/alias.py": "unit/modelet/dev/cli/test_registry.py",
    "dev/cli/bundle.py": "unit/modelet/dev/cli/test_asking.py",
    "dev/cli/infer.py": "unit/modelet/dev/cli/test_asking.py",
    "dev/cli/invoke.py": "unit/modelet/dev/cli/test_asking.py",
    "dev/cli/jobs/group.py": "unit/modelet/dev/cli/batch/test_group.py",
    "dev/cli/missing.py": "unit/modelet/dev/cli/test_up.py",
    "dev/cli/models.py": "unit/modelet/dev/cli/test_registry.py",
    "dev/cli/new.py": "unit/modelet/dev/scaffold/test_scaffold.py",
    "dev/cli/output.py": "unit/modelet/dev/cli/test_group.py",
    "dev/cli/pin.py": "unit/modelet/dev/cli/test_publishing.py",
    "dev/cli/profiled.py": "unit/modelet/dev/cli/test_profile.py",
    "dev/cli/publish.py": "unit/modelet/dev/cli/test_publishing.py",
    "dev/cli/push.py": "unit/modelet/dev/cli/test_publishing.py",
    "dev/cli/remote.py": "unit/modelet/dev/cli/test_call.py",
    "dev/cli/show.py": "unit/modelet/dev/cli/test_registry.py",
    "dev/cli/command.py": "unit/modelet/dev/cli/test_group.py",
    "dev/cli/versions.py": "unit/modelet/dev/cli/test_registry.py",
    "dev/cli/welcome.py": "unit/modelet/dev/cli/test_up.py",
    "dev/local/emulator/emulator.py": "unit/modelet/dev/local/emulator/test_emulation.py",
    "dev/local/emulator/launcher.py": "unit/modelet/dev/local/emulator/test_emulation.py",
    "dev/local/emulator/names.py": "unit/modelet/dev/local/emulator/test_prepare.py",
    "dev/local/emulator/provision.py": "unit/modelet/dev/local/emulator/test_emulation.py",
    "dev/local/emulator/worker.py": "unit/modelet/dev/local/emulator/test_prepare.py",
    "dev/local/gateway/http_event.py": "unit/modelet/dev/local/gateway/test_http_api.py",
    "dev/local/gateway/request.py": "unit/modelet/dev/local/gateway/test_http_api.py",
    "dev/local/gateway/response.py": "unit/modelet/dev/local/gateway/test_http_api.py",
    "dev/local/gateway/rest_event.py": "unit/modelet/dev/local/gateway/test_rest_api.py",
    "dev/local/http/exchange.py": "unit/modelet/dev/local/http/test_server.py",
    "dev/local/runtime/environment.py": "unit/modelet/dev/local/runtime/test_pool.py",
    "dev/local/runtime/function.py": "unit/modelet/dev/local/test_prepare.py",
    "dev/local/runtime/host.py": "unit/modelet/dev/local/runtime/test_pool.py",
    "dev/local/runtime/ledger.py": "unit/modelet/dev/local/runtime/test_lambda_log.py",
    "dev/local/runtime/memory.py": "unit/modelet/dev/local/runtime/test_lambda_log.py",
    "dev/local/runtime/outcome.py": "unit/modelet/dev/local/runtime/test_once.py",
    "dev/local/runtime/process.py": "unit/modelet/dev/local/runtime/test_lambda_log.py",
    "dev/local/runtime/runtime.py": "unit/modelet/dev/local/runtime/test_pool.py",
    "dev/local/runtime/variables.py": "unit/modelet/dev/local/runtime/test_once.py",
    "dev/profile/findings.py": "unit/modelet/dev/profile/test_profile.py",
    "dev/profile/graphs.py": "unit/modelet/dev/profile/test_profile.py",
    "dev/profile/probe.py": "unit/modelet/dev/profile/test_start.py",
    "dev/profile/remedies.py": "unit/modelet/dev/profile/test_advice.py",
    "dev/profile/sample.py": "unit/modelet/dev/profile/test_start.py",
    "dev/project/author.py": "unit/modelet/dev/publish/source/test_imports.py",
    "dev/project/sections.py": "unit/modelet/dev/project/test_spec.py",
    "dev/project/stage_section.py": "unit/modelet/dev/project/test_spec.py",
    "dev/project/worker_sections.py": "unit/modelet/dev/project/test_spec.py",
    "dev/publish/compiled.py": "unit/modelet/dev/publish/test_package.py",
    "dev/publish/onnx/boosting.py": "unit/modelet/dev/publish/onnx/test_doubles.py",
    "dev/publish/onnx/characters.py": "unit/modelet/dev/publish/onnx/test_patterns.py",
    "dev/publish/onnx/matching.py": "unit/modelet/dev/publish/onnx/test_patterns.py",
    "dev/publish/onnx/nodes.py": "unit/modelet/dev/publish/onnx/test_scaling.py",
    "dev/publish/onnx/tokens.py": "unit/modelet/dev/publish/onnx/test_vectorizing.py",
    "dev/publish/onnx/transforming.py": "unit/modelet/dev/publish/onnx/test_doubles.py",
    "dev/publish/pickled.py": "unit/modelet/dev/publish/source/test_pickles.py",
    "dev/publish/source/fitted.py": "unit/modelet/dev/publish/source/test_examples.py",
    "dev/publish/source/frames.py": "unit/modelet/backends/test_frame.py",
    "dev/scaffold/name.py": "unit/modelet/dev/scaffold/test_scaffold.py",
    "edges/base.py": "unit/modelet/edges/test_edges.py",
    "edges/chunk.py": "integration/batch/test_worker.py",
    "edges/queue.py": "integration/batch/test_jobs.py",
    "edges/router.py": "unit/modelet/edges/test_http.py",
    "jobs/record.py": "unit/modelet/jobs/test_records.py",
    "jobs/run.py": "integration/batch/test_jobs.py",
    "model.py": "unit/modelet/test_handler.py",
    "protocols/rows.py": "unit/modelet/edges/test_http.py",
    "protocols/service.py": "unit/modelet/protocols/oip/test_oip.py",
    "publishing.py": "unit/modelet/dev/publish/test_publish.py",
    "store/document.py": "unit/modelet/store/test_manifest.py",
    "store/download.py": "unit/modelet/store/test_store.py",
    "violation.py": "unit/modelet/test_errors.py",
}
"""Modules without a test file of their name, and the file that would fail first if one were wrong."""


def mirror(module: str) -> str:
    """The test file of a module's name, from tests/. module: its path in the package."""
    folder, _, name = module.rpartition("/")
    return f"unit/modelet/{folder + '/' if folder else ''}test_{name}"


def tested_by(module: str) -> str:
    """The file that tests a module, from tests/."""
    return TESTED_BY.get(module) or mirror(module)
