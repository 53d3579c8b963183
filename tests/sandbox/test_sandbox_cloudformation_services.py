"""Resources of other services in stacks, made and gone with their stack."""

from __future__ import annotations

import pytest
from cfn_helpers import (
    create,
    delete,
    failure,
    physical,
    resources,
)

pytestmark = pytest.mark.usefixtures("at_once")


def test_a_hardened_bucket_with_its_key_is_made(sandbox, cfn):
    parts = {
        "K": {
            "Type": "AWS::KMS::Key",
            "Properties": {
                "KeyPolicy": {"Version": "2012-10-17", "Statement": []},
                "EnableKeyRotation": True,
            },
        },
        "A": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": "alias/store", "TargetKeyId": {"Ref": "K"}},
        },
        "B": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "Properties": {
                "VersioningConfiguration": {"Status": "Enabled"},
                "ObjectLockEnabled": True,
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": {"Fn::GetAtt": ["K", "Arn"]},
                            },
                        }
                    ]
                },
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "Tags": [{"Key": "n", "Value": "v"}],
            },
        },
        "P": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "B"},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "s3:*",
                            "Resource": {"Fn::Sub": "${B.Arn}/*"},
                        }
                    ],
                },
            },
        },
    }
    stack = create(cfn, "s", resources(**parts))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    s3, bucket = sandbox.client("s3"), physical(cfn, "s")["B"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    aliases = {alias["AliasName"] for alias in sandbox.client("kms").list_aliases()["Aliases"]}
    assert "alias/store" in aliases
    gone = delete(cfn, stack["StackId"])
    assert gone["StackStatus"] == "DELETE_COMPLETE", gone.get("StackStatusReason")
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


SERVICES = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    },
    "Policy": {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": "p",
            "Roles": [{"Ref": "Role"}],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
            },
        },
    },
    "Managed": {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
            }
        },
    },
    "User": {"Type": "AWS::IAM::User"},
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Logs": {"Type": "AWS::Logs::LogGroup"},
    "Rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {"ScheduleExpression": "rate(1 hour)", "State": "ENABLED"},
    },
    "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "b"}},
    "Secret": {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {"GenerateSecretString": {"PasswordLength": 20}},
    },
    "Table": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    },
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.11",
            "Handler": "index.h",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def h(e, c): pass"},
        },
    },
    "Database": {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {"Engine": "postgres", "DBInstanceClass": "db.t3.micro"},
    },
    "Registry": {"Type": "AWS::ECR::Repository"},
    "Wait": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
}


def test_resources_of_other_services_are_made_and_go_with_their_stack(sandbox, cfn):
    stack = create(cfn, "s", resources(**SERVICES), Capabilities=["CAPABILITY_IAM"])
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    assert set(physical(cfn, "s")) == SERVICES.keys()
    gone = delete(cfn, stack["StackId"])
    left = [
        [role["RoleName"] for role in sandbox.client("iam").list_roles()["Roles"]],
        sandbox.client("iam").list_users()["Users"],
        sandbox.client("iam").list_policies(Scope="Local")["Policies"],
        sandbox.client("sns").list_topics()["Topics"],
        sandbox.client("sqs").list_queues().get("QueueUrls", []),
        sandbox.client("logs").describe_log_groups()["logGroups"],
        sandbox.client("secretsmanager").list_secrets()["SecretList"],
        sandbox.client("lambda").list_functions()["Functions"],
        sandbox.client("events").list_rules()["Rules"],
    ]
    assert gone["StackStatus"] == "DELETE_COMPLETE", gone.get("StackStatusReason")
    assert left == [[]] * len(left)
