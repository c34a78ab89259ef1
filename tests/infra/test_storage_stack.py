"""The storage stack: what it keeps outlives the other stacks."""

from __future__ import annotations

import json

from modelet.batch.table import CONTROL, EXPIRES

from .conftest import Synthesized


def of_kind(template: Synthesized, kind: str) -> list[dict[str, object]]:
    return [each for each in template.storage["Resources"].values() if each["Type"] == kind]


def test_the_bucket_is_versioned_encrypted_private_and_kept(plain: Synthesized) -> None:
    [bucket] = of_kind(plain, "AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    properties = bucket["Properties"]
    assert isinstance(properties, dict)
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}


def test_a_current_version_of_a_file_never_expires(plain: Synthesized) -> None:
    [bucket] = of_kind(plain, "AWS::S3::Bucket")
    properties = bucket["Properties"]
    assert isinstance(properties, dict)
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert any("NoncurrentVersionExpiration" in rule for rule in rules)
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)
    assert not any("ExpirationInDays" in rule or "ExpirationDate" in rule for rule in rules)


def test_only_tls_reaches_the_bucket(plain: Synthesized) -> None:
    [policy] = of_kind(plain, "AWS::S3::BucketPolicy")
    properties = policy["Properties"]
    assert isinstance(properties, dict)
    denials = [each for each in properties["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
    assert any(each.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}} for each in denials)


def test_a_model_with_batch_has_a_prediction_table_and_the_others_have_none(
    plain: Synthesized, full: Synthesized
) -> None:
    assert of_kind(plain, "AWS::DynamoDB::GlobalTable") == []
    table = full.storage["Resources"]["PredictionssentimentTableFC034143"]  # another id would lose the rows
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    properties = table["Properties"]
    assert isinstance(properties, dict)
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["TimeToLiveSpecification"]["Enabled"] is True
    [replica] = properties["Replicas"]
    assert replica["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert replica["DeletionProtectionEnabled"] is True
    assert {"Key": "modelet:stage", "Value": "full"} in replica["Tags"]


def test_batches_and_jobs_share_a_control_table_that_is_kept(full: Synthesized) -> None:
    [table] = [
        each
        for each in of_kind(full, "AWS::DynamoDB::GlobalTable")
        if {"AttributeName": CONTROL.partition, "KeyType": "HASH"} in each["Properties"]["KeySchema"]  # type: ignore[index]
    ]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    properties = table["Properties"]
    assert isinstance(properties, dict)
    assert properties["KeySchema"][1] == {"AttributeName": CONTROL.sort, "KeyType": "RANGE"}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["TimeToLiveSpecification"] == {"AttributeName": EXPIRES, "Enabled": True}
    [replica] = properties["Replicas"]
    assert replica["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_files_of_batches_are_private_and_expire(full: Synthesized) -> None:
    buckets = of_kind(full, "AWS::S3::Bucket")
    [bucket] = [each for each in buckets if "VersioningConfiguration" not in each["Properties"]]  # type: ignore[operator]
    properties = bucket["Properties"]
    assert isinstance(properties, dict)
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule] == [30]
    policies = of_kind(full, "AWS::S3::BucketPolicy")
    assert len(policies) == len(buckets) == 2
    for policy in policies:
        assert "aws:SecureTransport" in json.dumps(policy)


def test_other_stacks_get_names_by_parameters_so_that_no_export_blocks_this_stack(full: Synthesized) -> None:
    names = {each["Properties"]["Name"] for each in of_kind(full, "AWS::SSM::Parameter")}  # type: ignore[index]
    assert names == {
        f"/modelet/full/{path}" for path in ("batch/control-table", "batch/bucket", "predictions/sentiment")
    }
    assert [each["Export"]["Name"] for each in full.storage["Outputs"].values() if "Export" in each] == [
        "modelet-full-artifacts"
    ]


def test_a_project_without_batches_and_jobs_stores_versions_only(plain: Synthesized) -> None:
    kinds = sorted(each["Type"] for each in plain.storage["Resources"].values())
    assert kinds == ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"]


def test_the_stack_is_protected_and_outputs_the_store_s_url(dev: Synthesized) -> None:
    manifest = dev.outdir / "manifest.json"
    assert '"terminationProtection": true' in manifest.read_text()
    assert {"BucketName", "StoreUrl"} <= dev.storage["Outputs"].keys()
