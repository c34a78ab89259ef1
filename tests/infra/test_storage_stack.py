"""The storage stack: what it keeps outlives the other stacks."""

from __future__ import annotations

from .conftest import Synthesized


def of_kind(template: Synthesized, kind: str) -> list[dict[str, object]]:
    return [each for each in template.storage["Resources"].values() if each["Type"] == kind]


def test_the_bucket_is_versioned_encrypted_private_and_kept(dev: Synthesized) -> None:
    [bucket] = of_kind(dev, "AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    properties = bucket["Properties"]
    assert isinstance(properties, dict)
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}


def test_a_current_version_of_a_file_never_expires(dev: Synthesized) -> None:
    [bucket] = of_kind(dev, "AWS::S3::Bucket")
    properties = bucket["Properties"]
    assert isinstance(properties, dict)
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert any("NoncurrentVersionExpiration" in rule for rule in rules)
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)
    assert not any("ExpirationInDays" in rule or "ExpirationDate" in rule for rule in rules)


def test_only_tls_reaches_the_bucket(dev: Synthesized) -> None:
    [policy] = of_kind(dev, "AWS::S3::BucketPolicy")
    properties = policy["Properties"]
    assert isinstance(properties, dict)
    denials = [each for each in properties["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
    assert any(each.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}} for each in denials)


def test_a_model_with_batch_has_a_prediction_table_and_the_others_have_none(
    dev: Synthesized, full: Synthesized
) -> None:
    assert of_kind(dev, "AWS::DynamoDB::GlobalTable") == []
    [table] = of_kind(full, "AWS::DynamoDB::GlobalTable")
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


def test_the_stack_is_protected_and_outputs_the_store_s_url(dev: Synthesized) -> None:
    manifest = dev.outdir / "manifest.json"
    assert '"terminationProtection": true' in manifest.read_text()
    assert {"BucketName", "StoreUrl"} <= dev.storage["Outputs"].keys()
