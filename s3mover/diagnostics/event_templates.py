"""The CloudFormation template of what events need: queue, dead-letter queue, who may send and receive, alarms.

Pure. A stack can configure the notifications only of a bucket that it owns, so the template ends with the one command
that an existing bucket needs. The queue is encrypted with keys of SQS, which need no grant for S3 or EventBridge.
"""

from typing import Any

from s3mover.diagnostics.event_policies import INSPECT, RECEIVE, VERSION, QueueName
from s3mover.diagnostics.iam_grants import Json
from s3mover.notifications.held_messages import VISIBILITY_SECONDS

NOTIFICATION, EVENTBRIDGE = "notification", "eventbridge"
# After so many receptions a message goes to the dead-letter queue, where it lies for as long as SQS keeps messages.
RECEPTIONS = 10
KEPT_SECONDS = 14 * 86400
OLD_SECONDS = 900
_DETAIL_TYPES = ("Object Created", "Object Deleted", "Object Restore Completed")


def events_template(queue: QueueName, bucket: str, bucket_arn: str, via: str) -> Json:
    """Return the template for a bucket that sends its events by a `notification`, or through `eventbridge`."""
    resources: dict[str, Any] = {
        "DeadLetters": _queue(f"{queue.name[:75]}-dead", {}),
        "Events": _queue(queue.name, _redrive()),
        "EventsPolicy": _policy(bucket_arn, via),
        "Receiver": _receiver(bucket_arn),
        "OldMessages": _alarm("Events", "ApproximateAgeOfOldestMessage", OLD_SECONDS, "events wait"),
        "DeadMessages": _alarm(
            "DeadLetters", "ApproximateNumberOfMessagesVisible", 0, "events were given up"
        ),
    }
    if via == EVENTBRIDGE:
        resources["Rule"] = _rule(bucket)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The events of the bucket {bucket} for s3mover.",
        "Parameters": {
            "AlarmTopic": {
                "Type": "String",
                "Default": "",
                "Description": "ARN of an SNS topic that alarms are sent to. Empty: alarms are only shown.",
            }
        },
        "Conditions": {"HasTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopic"}, ""]}]}},
        "Resources": resources,
        "Outputs": _outputs(bucket, via),
    }


def _queue(name: str, more: Json) -> Json:
    return {
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "QueueName": name,
            "SqsManagedSseEnabled": True,
            "MessageRetentionPeriod": KEPT_SECONDS,
            **more,
        },
    }


def _redrive() -> Json:
    target = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    return {
        "VisibilityTimeout": VISIBILITY_SECONDS,
        "ReceiveMessageWaitTimeSeconds": 20,
        "RedrivePolicy": {"deadLetterTargetArn": target, "maxReceiveCount": RECEPTIONS},
    }


def _policy(bucket_arn: str, via: str) -> Json:
    service = "events.amazonaws.com" if via == EVENTBRIDGE else "s3.amazonaws.com"
    condition: Json = {
        "ArnLike": {"aws:SourceArn": bucket_arn},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    }
    if via == EVENTBRIDGE:
        condition = {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}}
    statement = {
        "Sid": "EventsOfTheSource",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["Events", "Arn"]},
        "Condition": condition,
    }
    only_tls = {
        "Sid": "OnlyEncryptedConnections",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": {"Fn::GetAtt": ["Events", "Arn"]},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = {"Version": VERSION, "Statement": [statement, only_tls]}
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {"Queues": [{"Ref": "Events"}], "PolicyDocument": document},
    }


def _receiver(bucket_arn: str) -> Json:
    statements = [
        {"Effect": "Allow", "Action": list(RECEIVE), "Resource": {"Fn::GetAtt": ["Events", "Arn"]}},
        {
            "Effect": "Allow",
            "Action": ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
            "Resource": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
        },
        {"Effect": "Allow", "Action": INSPECT, "Resource": bucket_arn},
    ]
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "Description": "Lets s3mover receive the events of the source",
            "PolicyDocument": {"Version": VERSION, "Statement": statements},
        },
    }


def _alarm(queue: str, metric: str, above: int, what: str) -> Json:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": f"s3mover: {what}",
            "Namespace": "AWS/SQS",
            "MetricName": metric,
            "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": above,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": {"Fn::If": ["HasTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]},
        },
    }


def _rule(bucket: str) -> Json:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Description": f"Events of the bucket {bucket} for s3mover",
            "EventPattern": {
                "source": ["aws.s3"],
                "detail-type": list(_DETAIL_TYPES),
                "detail": {"bucket": {"name": [bucket]}},
            },
            "Targets": [{"Id": "s3mover", "Arn": {"Fn::GetAtt": ["Events", "Arn"]}}],
        },
    }


def _outputs(bucket: str, via: str) -> Json:
    command = (
        f"aws s3api put-bucket-notification-configuration --bucket {bucket} --notification-configuration "
    )
    if via == EVENTBRIDGE:
        configured: Any = command + "'{\"EventBridgeConfiguration\": {}}'"
    else:
        configuration = (
            '{"QueueConfigurations": [{"QueueArn": "${Events.Arn}", "Events": '
            '["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectRestore:Completed"]}]}'
        )
        configured = {"Fn::Sub": f"{command}'{configuration}'"}
    return {
        "Queue": {"Description": "For source.events.queue.", "Value": {"Ref": "Events"}},
        "ReceiverPolicy": {
            "Description": "Attach it to the principal that source.events.credentials names.",
            "Value": {"Ref": "Receiver"},
        },
        "NotifyCommand": {
            "Description": "Run it once; it replaces what notifications the bucket has, so add these if it has any.",
            "Value": configured,
        },
    }
