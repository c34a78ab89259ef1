"""Events of services that are not served: each fails by the service's name, since an answer would lose messages."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser import models
from hypothesis import given, settings
from hypothesis import strategies as st

from modelet.edges import direct, http, source
from modelet.errors import SourceError
from modelet.handler import ModelHandler
from support.callers import in_process
from support.contexts import Context
from support.projects import GOOD, make_tiny

ARN = "arn:aws:sqs:us-east-1:123456789012:orders"
TIME = "2026-01-02T03:04:05.678Z"

SQS = {
    "Records": [
        {
            "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": '{"a": 4, "b": 2}',
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1767323045000",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": "1767323045001",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": ARN,
            "awsRegion": "us-east-1",
        }
    ]
}
S3 = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": TIME,
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": "EXAMPLE"},
            "requestParameters": {"sourceIPAddress": "192.0.2.1/32"},
            "responseElements": {"x-amz-request-id": "D82B88E5F771F645", "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6jlUpck7Jo5"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "828aa6fc",
                "bucket": {"name": "in", "ownerIdentity": {"principalId": "E"}, "arn": "arn:aws:s3:::in"},
                "object": {
                    "key": "a.csv",
                    "size": 7,
                    "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                    "sequencer": "0C0F6F",
                },
            },
        }
    ]
}
SNS = {
    "Records": [
        {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": "arn:aws:sns:us-east-1:123456789012:topic:2bcfbf39",
            "Sns": {
                "Type": "Notification",
                "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
                "TopicArn": "arn:aws:sns:us-east-1:123456789012:topic",
                "Subject": "example",
                "Message": "example",
                "Timestamp": TIME,
                "SignatureVersion": "1",
                "Signature": "EXAMPLE",
                "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/cert.pem",
                "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
                "MessageAttributes": {},
            },
        }
    ]
}
KINESIS = {
    "Records": [
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "1",
                "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                "data": "SGVsbG8=",
                "approximateArrivalTimestamp": 1545084650.987,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": "shardId-000000000006:4959033827149",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
            "awsRegion": "us-east-2",
            "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
        }
    ]
}
DYNAMODB = {
    "Records": [
        {
            "eventID": "c4ca4238a0b923820dcc509a6f75849b",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "Keys": {"Id": {"N": "101"}},
                "NewImage": {"Id": {"N": "101"}},
                "ApproximateCreationDateTime": 1428537600,
                "SequenceNumber": "4421584500000000017450439091",
                "SizeBytes": 26,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026",
        }
    ]
}
KAFKA_RECORDS = {
    "mytopic-0": [
        {
            "topic": "mytopic",
            "partition": 0,
            "offset": 15,
            "timestamp": 1545084650987,
            "timestampType": "CREATE_TIME",
            "key": "cmVjb3JkS2V5",
            "value": "eyJrZXkiOiJ2YWx1ZSJ9",
            "headers": [],
        }
    ]
}
MSK = {
    "eventSource": "aws:kafka",
    "eventSourceArn": "arn:aws:kafka:us-east-1:0123456789019:cluster/c/abcd1234",
    "bootstrapServers": "b-2.c.kafka.us-east-1.amazonaws.com:9092",
    "records": KAFKA_RECORDS,
}
KAFKA = {"eventSource": "SelfManagedKafka", "bootstrapServers": "kafka.example:9092", "records": KAFKA_RECORDS}
RABBIT = {
    "eventSource": "aws:rmq",
    "eventSourceArn": "arn:aws:mq:us-west-2:111122223333:broker:b:b-9bcfa592",
    "rmqMessagesByQueue": {"test::/": [{"basicProperties": {}, "redelivered": False, "data": "eyJ0aW1lb3V0IjowfQ=="}]},
}
ACTIVE = {
    "eventSource": "aws:mq",
    "eventSourceArn": "arn:aws:mq:us-west-2:111122223333:broker:b:b-9bcfa592",
    "messages": [{"messageID": "ID:b-9bcfa592", "messageType": "jms/text-message", "data": "QUJDOkFBQUE="}],
}
DOCUMENTS = {
    "eventSource": "aws:docdb",
    "eventSourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:c",
    "events": [{"event": {"operationType": "insert"}}],
}
FIREHOSE = {
    "invocationId": "2b4d1ad9",
    "deliveryStreamArn": "arn:aws:firehose:us-east-2:123456789012:deliverystream/s",
    "region": "us-east-2",
    "records": [{"recordId": "r1", "data": "SGVsbG8gV29ybGQ=", "approximateArrivalTimestamp": 1664028820148}],
}
LOGS = {
    "awslogs": {
        "data": "H4sIAAAAAAAC/6tWKkktLlGyUlAqSS0uiU8sKjJUqgUAJMKdeBUAAAA=",
    }
}
ALB = {
    "requestContext": {
        "elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/t/1"}
    },
    "httpMethod": "POST",
    "path": "/models/tiny/infer",
    "queryStringParameters": {},
    "headers": {"content-type": "application/json", "host": "t.us-east-2.elb.amazonaws.com"},
    "body": '{"a": 4, "b": 2}',
    "isBase64Encoded": False,
}
COGNITO = {
    "version": "1",
    "triggerSource": "PreSignUp_SignUp",
    "region": "us-east-1",
    "userPoolId": "us-east-1_ABCDEF",
    "userName": "hans",
    "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1234567890"},
    "request": {"userAttributes": {"email": "hans@example.com"}, "validationData": None},
    "response": {"autoConfirmUser": False, "autoVerifyPhone": False, "autoVerifyEmail": False},
}
SCHEDULED = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-01-02T03:04:05Z",
    "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/my-scheduled-rule"],
    "detail": {},
}
CUSTOM = {
    "RequestType": "Create",
    "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:tiny",
    "ResponseURL": "https://cloudformation-custom-resource-response.s3.amazonaws.com/x",
    "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/s/1",
    "RequestId": "5478957b",
    "LogicalResourceId": "MyTestResource",
    "ResourceType": "Custom::TestResource",
    "ResourceProperties": {"ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:tiny"},
}
S3_BATCH = {
    "invocationId": "YXNkbGZqYWRmaiBhc2RmdW9hZHNmZGpmaGFzbGtkaGZza2RmaAo",
    "invocationSchemaVersion": "1.0",
    "job": {"id": "f3cc4f60-61f6-4a2b-8a21-d07600c373ce"},
    "tasks": [{"taskId": "dGFza2lkZ29lc2hlcmUK", "s3Key": "a", "s3VersionId": None, "s3BucketArn": "arn:aws:s3:::in"}],
}
WEBSOCKET = {
    "requestContext": {
        "routeKey": "$default",
        "messageId": "fMAAxdxIIAMCJeQ=",
        "eventType": "MESSAGE",
        "connectionId": "fMAAxd5xIAMCJeQ=",
        "stage": "prod",
        "apiId": "abc",
    },
    "body": '{"a": 4}',
    "isBase64Encoded": False,
}
DESTINATION = {
    "version": "1.0",
    "timestamp": TIME,
    "requestContext": {
        "requestId": "e4b46cbf",
        "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:f:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": {},
    "responsePayload": {},
}
CONFIG = {
    "version": "1.0",
    "invokingEvent": '{"messageType": "ScheduledNotification"}',
    "resultToken": "myResultToken",
    "configRuleArn": "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-0123456",
}
PIPELINE = {"CodePipeline.job": {"id": "11111111-abcd", "accountId": "111111111111", "data": {}}}
ALARM = {
    "source": "aws.cloudwatch",
    "alarmArn": "arn:aws:cloudwatch:us-east-1:444455556666:alarm:a",
    "accountId": "444455556666",
    "time": TIME,
    "region": "us-east-1",
    "alarmData": {"alarmName": "a", "state": {"value": "ALARM"}},
}
ROTATION = {"ClientRequestToken": "0c0f6f", "SecretId": ARN, "Step": "createSecret"}
EDGE = {
    "Records": [{"cf": {"config": {"distributionId": "EDFDVBD6EXAMPLE"}, "request": {"method": "GET", "uri": "/"}}}]
}
AUTHORIZER = {"type": "TOKEN", "authorizationToken": "x", "methodArn": "arn:aws:execute-api:us-east-1:1:abc/prod/GET/"}

MODELS: dict[str, tuple[Any, Any]] = {
    "Amazon SQS": (SQS, models.SqsModel),
    "Amazon S3": (S3, models.S3Model),
    "Amazon SNS": (SNS, models.SnsModel),
    "Amazon Kinesis": (KINESIS, models.KinesisDataStreamModel),
    "Amazon DynamoDB Streams": (DYNAMODB, models.DynamoDBStreamModel),
    "Amazon MSK": (MSK, models.KafkaMskEventModel),
    "Apache Kafka": (KAFKA, models.KafkaSelfManagedEventModel),
    "Amazon Data Firehose": (FIREHOSE, models.KinesisFirehoseModel),
    "an Application Load Balancer": (ALB, models.AlbModel),
    "Amazon Cognito": (COGNITO, models.CognitoPreSignupTriggerModel),
    "AWS CloudFormation": (CUSTOM, models.CloudFormationCustomResourceCreateModel),
    "Amazon S3 Batch Operations": (S3_BATCH, models.S3BatchOperationModel),
}
"""Events by their service, and Powertools' own model of each, so that an event here is one that AWS sends."""

EVENTS: dict[str, Any] = {
    **{name: event for name, (event, _) in MODELS.items()},
    "Amazon MQ": RABBIT,
    "Amazon DocumentDB": DOCUMENTS,
    "Amazon CloudWatch Logs": LOGS,
    "an API Gateway WebSocket API": WEBSOCKET,
    "a Lambda destination": DESTINATION,
    "AWS Config": CONFIG,
    "AWS CodePipeline": PIPELINE,
    "Amazon CloudWatch Alarms": ALARM,
    "AWS Secrets Manager": ROTATION,
    "Amazon CloudFront": EDGE,
    "an API Gateway authorizer": AUTHORIZER,
}

ANYTHING = """
from typing import Any
from modelet import Model, ModelHandler

class Anything(Model[Any, str]):
    def infer(self, inputs):
        return ["served"] * len(inputs)

handler = ModelHandler(Anything)
"""


@pytest.fixture(scope="module")
def handler(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model whose contract takes a and b, and nothing else."""
    tiny = make_tiny(tmp_path_factory.mktemp("tiny"))
    with in_process(tiny.function, tiny.settings) as handler:
        yield handler


@pytest.fixture(scope="module")
def anything(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model whose contract takes every event."""
    tiny = make_tiny(tmp_path_factory.mktemp("anything"), app=ANYTHING)
    with in_process(tiny.function, tiny.settings) as handler:
        yield handler


@pytest.mark.parametrize("name", MODELS)
def test_an_event_of_these_tests_is_one_that_aws_sends(name: str) -> None:
    event, model = MODELS[name]
    model.model_validate(copy.deepcopy(event))


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_of_a_service_that_is_not_served_fails_by_its_name(name: str, handler: ModelHandler) -> None:
    with pytest.raises(
        SourceError, match=rf"^This event comes from {name}, which tiny does not support: invoke .* trigger\."
    ):
        handler(EVENTS[name], Context())


@pytest.mark.parametrize("name", EVENTS)
def test_such_an_event_fails_even_where_the_contract_takes_anything(name: str, anything: ModelHandler) -> None:
    assert anything(GOOD, Context()) == "served"
    with pytest.raises(SourceError, match=name):
        anything(EVENTS[name], Context())


@pytest.mark.parametrize("event", [SQS, KINESIS, DYNAMODB])
def test_a_pipe_s_batch_without_an_envelope_fails_too(event: dict[str, Any], anything: ModelHandler) -> None:
    with pytest.raises(SourceError):
        anything(event["Records"], Context())


def test_what_is_raised_says_so_in_the_log_and_keeps_the_message_in_its_queue(
    handler: ModelHandler, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SourceError):
        handler(SQS, Context())
    line = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (line["status"], line["errors"]) == (400, 1)


def test_an_eventbridge_event_fails_where_the_contract_refuses_it_and_only_there(
    handler: ModelHandler, anything: ModelHandler
) -> None:
    with pytest.raises(
        SourceError, match=r"event comes from Amazon EventBridge \(aws\.events: Scheduled Event\), which tiny"
    ):
        handler(SCHEDULED, Context())
    assert anything(SCHEDULED, Context()) == "served"


@pytest.mark.parametrize(
    "event",
    [
        {"Records": [{"a": 1}]},
        {"Records": []},
        {"eventSource": "website"},
        {"Records": [{"eventSource": "till"}]},
        {"requestContext": {"campaign": 7}},
        {"requestContext": 7},
        {"alarmArn": "x"},
        {"source": "web", "detail-type": "x"},
        [{"eventSource": 5}],
        [[1]],
        [],
        "Records",
    ],
)
def test_an_instance_may_have_members_of_such_names(event: Any, anything: ModelHandler) -> None:
    assert anything(event, Context()) == "served"


def test_every_shape_has_a_member_that_the_direct_edge_looks_for() -> None:
    assert all(direct.MARKS & set(members) for _, members in source.SHAPES)


@settings(max_examples=300)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from([*sorted(direct.MARKS), "eventSource", "EventSource", "source", "detail-type", "elb"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_event_is_too_odd_to_be_looked_at(event: Any) -> None:
    for ask in (source.certain, source.likely):
        assert ask(event) is None or isinstance(ask(event), str)
    assert http.matches(event) is False


def test_the_events_of_every_sample_are_of_no_other_service() -> None:
    from support.repository import ROOT

    # Those of a model's worker lie one folder deeper, and only a worker answers them.
    events = [json.loads(path.read_text()) for path in Path(ROOT / "events").glob("*/*.json")]
    assert events
    assert all(http.matches(event) or source.certain(event) is None for event in events)
