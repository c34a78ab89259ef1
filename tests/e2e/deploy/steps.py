"""The steps of scenario.py that call what is deployed, in their order."""

from __future__ import annotations

from e2e.deploy import batches, features, interruptions, jobs, serving

SERVING = (
    serving.a_model_answers_lambda_s_own_invoke,
    serving.the_index_answers_what_no_model_does,
    serving.the_curl_line_that_a_deployment_prints_works_as_it_stands,
    serving.modelet_call_signs_as_the_api_wants_it,
    serving.a_call_that_nobody_signed_is_refused,
    serving.a_caller_may_call_what_its_policy_says,
    serving.the_api_may_call_a_live_alias_only_as_long_as_its_policy_says_so,
    serving.a_model_s_role_reads_its_own_versions_and_nothing_else,
)
WORKING = (
    batches.a_batch_scores_rows_in_s3_into_the_table_and_into_result_files,
    batches.its_predictions_are_those_that_the_model_answers,
    batches.all_of_them_are_read_page_by_page,
    batches.rejected_rows_can_be_read,
    batches.what_the_table_lacks_is_inferred_and_kept,
    batches.a_new_generation_is_active_at_once_and_can_be_rolled_back,
    batches.an_import_loads_a_table_of_its_own,
    batches.a_batch_may_not_read_what_model_yaml_does_not_name,
    batches.a_batch_that_has_ended_is_neither_cancelled_nor_resumed,
    interruptions.a_batch_that_is_cancelled_in_its_middle_is_resumed_with_what_is_missing,
    interruptions.a_worker_that_is_killed_in_the_middle_of_a_chunk_loses_and_doubles_nothing,
    interruptions.subscribers_are_told_that_a_batch_has_ended,
    jobs.a_job_has_the_answer_that_the_model_gives,
    jobs.a_large_job_is_uploaded_and_its_result_is_a_link,
    jobs.jobs_that_fail_at_every_attempt_can_be_redriven,
    batches.a_repeated_idempotency_key_starts_nothing_again,
    batches.a_worker_s_role_touches_only_what_is_its_model_s,
    batches.a_schedule_starts_batches,
    features.a_model_reads_the_predictions_of_another_by_key,
    features.its_role_reads_that_pointer_and_those_predictions_only,
)
"""Each goes on where the one before it ended."""
