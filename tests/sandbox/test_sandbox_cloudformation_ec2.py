"""EC2 and Auto Scaling resources of stacks: made by the properties that AWS documents, and gone with their stack."""

from __future__ import annotations

import base64

import pytest
from cfn_helpers import ZONE, create, delete, events, physical, resources, settled, tags
from ec2_helpers import base_image, devices, launch, one_image, one_instance, one_volume, snapshot, volume


@pytest.fixture
def cfn(sandbox):
    sandbox.reset()
    sandbox.step(0.01)
    sandbox.pending(0)
    yield sandbox.client("cloudformation")
    sandbox.pending(1)


@pytest.fixture
def ec2(sandbox, cfn):
    return sandbox.client("ec2")


@pytest.fixture
def base(ec2):
    return base_image(ec2)


def machine(image, **properties):
    return {
        "Type": "AWS::EC2::Instance",
        "Properties": {"ImageId": image, "InstanceType": "t3.micro", **properties},
    }


def disk(**properties):
    return {"Type": "AWS::EC2::Volume", "Properties": {"AvailabilityZone": ZONE, **properties}}


def failure(cfn, stack="s"):
    return next(reason for _, status, reason in events(cfn, stack) if status == "CREATE_FAILED")


def image_of_two(ec2, base):
    """An image with a root device and a data device of 3 GiB."""
    source = launch(ec2, base, BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 3}}])
    return ec2.create_image(InstanceId=source, Name="two")["ImageId"]


def test_a_volume_is_born_from_its_snapshot_with_every_property(cfn, ec2):
    data = snapshot(ec2, volume(ec2, size=9))
    v = disk(
        SnapshotId=data, VolumeType="io2", Iops="300", Encrypted="true", Tags=[{"Key": "n", "Value": "v"}]
    )
    create(cfn, "s", resources(V=v))
    made = one_volume(ec2, physical(cfn, "s")["V"])
    assert [made["SnapshotId"], made["Size"], made["VolumeType"], made["Iops"], made["Encrypted"]] == [
        data,
        9,
        "io2",
        300,
        True,
    ]
    assert [tags(made)["n"], tags(made)["aws:cloudformation:logical-id"]] == ["v", "V"]


def test_a_volume_can_be_larger_than_its_snapshot_with_throughput(cfn, ec2):
    data = snapshot(ec2, volume(ec2, size=2))
    create(cfn, "s", resources(V=disk(SnapshotId=data, Size=20, VolumeType="gp3", Iops=4000, Throughput=200)))
    made = one_volume(ec2, physical(cfn, "s")["V"])
    assert [made["SnapshotId"], made["Size"], made["Iops"], made["Throughput"]] == [data, 20, 4000, 200]


def test_a_volume_from_a_pending_snapshot_fails(sandbox, cfn, ec2):
    sandbox.pending(600)
    data = snapshot(ec2)
    create(cfn, "s", resources(V=disk(SnapshotId=data)))
    assert "IncorrectState" in failure(cfn)


@pytest.mark.parametrize(
    "broken",
    [
        disk(Sise=1),
        {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16", "Name": "x"}},
        machine("ami-1", Image="x"),
    ],
)
def test_a_property_that_the_type_does_not_have_is_refused(cfn, broken):
    create(cfn, "s", resources(X=broken))
    assert failure(cfn).startswith(
        "Properties validation failed for resource X with message:\n#: extraneous key ["
    )


def test_a_required_property_that_is_missing_is_refused(cfn):
    create(cfn, "s", resources(V={"Type": "AWS::EC2::Volume", "Properties": {"Size": 1}}))
    assert (
        failure(cfn)
        == "Properties validation failed for resource V with message:\n#: required key [AvailabilityZone] not found"
    )


def test_an_attached_volume_is_detached_and_deleted_with_its_stack(cfn, ec2, base):
    attached = {
        "Type": "AWS::EC2::VolumeAttachment",
        "Properties": {"InstanceId": {"Ref": "I"}, "VolumeId": {"Ref": "V"}, "Device": "/dev/sdx"},
    }
    placed = {**disk(Size=1)["Properties"], "AvailabilityZone": {"Fn::GetAtt": ["I", "AvailabilityZone"]}}
    stack = create(
        cfn, "s", resources(A=attached, V={"Type": "AWS::EC2::Volume", "Properties": placed}, I=machine(base))
    )["StackId"]
    ids = physical(cfn, "s")
    found = one_volume(ec2, ids["V"])["Attachments"][0]
    assert ids["A"] == f"{ids['V']}|{ids['I']}"
    assert [found["InstanceId"], found["Device"]] == [ids["I"], "/dev/sdx"]
    assert delete(cfn, stack)["StackStatus"] == "DELETE_COMPLETE"
    assert ec2.describe_volumes()["Volumes"] == []
    assert one_instance(ec2, ids["I"])["State"]["Name"] == "terminated"


def test_an_instance_is_born_with_the_volumes_of_its_image(cfn, ec2, base):
    image = image_of_two(ec2, base)
    mapped = {m["DeviceName"]: m["Ebs"]["SnapshotId"] for m in one_image(ec2, image)["BlockDeviceMappings"]}
    create(cfn, "s", resources(I=machine(image)))
    assert {
        device: one["SnapshotId"] for device, one in devices(ec2, physical(cfn, "s")["I"]).items()
    } == mapped


def test_no_device_suppresses_a_volume_and_a_mapping_overrides_another(cfn, ec2, base):
    image = image_of_two(ec2, base)
    root = one_image(ec2, image)["RootDeviceName"]
    mappings = [
        {"DeviceName": "/dev/sdf", "NoDevice": {}},
        {"DeviceName": root, "Ebs": {"VolumeSize": "40", "VolumeType": "gp3"}},
        {"DeviceName": "/dev/sdz", "Ebs": {"VolumeSize": 7}},
    ]
    create(cfn, "s", resources(I=machine(image, BlockDeviceMappings=mappings)))
    found = devices(ec2, physical(cfn, "s")["I"])
    assert {device: one["Size"] for device, one in found.items()} == {root: 40, "/dev/sdz": 7}


@pytest.mark.parametrize("propagate", [True, False])
def test_volumes_of_the_mappings_get_the_instances_tags_only_when_asked(cfn, ec2, base, propagate):
    i = machine(base, Tags=[{"Key": "Name", "Value": "web"}], PropagateTagsToVolumeOnCreation=propagate)
    create(cfn, "s", resources(I=i))
    identifier = physical(cfn, "s")["I"]
    assert tags(one_instance(ec2, identifier))["Name"] == "web"
    assert [tags(one) for one in devices(ec2, identifier).values()] == [{"Name": "web"} if propagate else {}]


def test_volumes_are_attached_by_the_instances_own_property(cfn, ec2, base):
    create(
        cfn,
        "s",
        resources(
            V=disk(Size=2),
            I=machine(
                base, AvailabilityZone=ZONE, Volumes=[{"Device": "/dev/sdk", "VolumeId": {"Ref": "V"}}]
            ),
        ),
    )
    ids = physical(cfn, "s")
    assert devices(ec2, ids["I"])["/dev/sdk"]["VolumeId"] == ids["V"]


def network():
    return {
        "Vpc": {
            "Type": "AWS::EC2::VPC",
            "Properties": {
                "CidrBlock": "10.1.0.0/16",
                "EnableDnsHostnames": True,
                "Tags": [{"Key": "n", "Value": "v"}],
            },
        },
        "Net": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": "10.1.1.0/24",
                "AvailabilityZone": "eu-west-1b",
                "MapPublicIpOnLaunch": True,
            },
        },
        "Gate": {"Type": "AWS::EC2::InternetGateway"},
        "Attach": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gate"}},
        },
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Route": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "Attach",
            "Properties": {
                "RouteTableId": {"Ref": "Table"},
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": {"Ref": "Gate"},
            },
        },
        "Join": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "Net"}, "RouteTableId": {"Ref": "Table"}},
        },
        "Web": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "d",
                "VpcId": {"Ref": "Vpc"},
                "SecurityGroupIngress": [
                    {"IpProtocol": "tcp", "FromPort": 443, "ToPort": "443", "CidrIp": "0.0.0.0/0"}
                ],
            },
        },
        "Inner": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Ref": "Web"},
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "SourceSecurityGroupId": {"Ref": "Web"},
            },
        },
        "Ip": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {
                "SubnetId": {"Ref": "Net"},
                "AllocationId": {"Fn::GetAtt": ["Ip", "AllocationId"]},
            },
        },
    }


def test_a_network_is_made_and_goes_with_its_stack(cfn, ec2):
    before = [
        len(ec2.describe_vpcs()["Vpcs"]),
        len(ec2.describe_addresses()["Addresses"]),
        len(ec2.describe_security_groups()["SecurityGroups"]),
    ]
    stack = create(cfn, "s", resources(**network()))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    web = ec2.describe_security_groups(GroupIds=[physical(cfn, "s")["Web"]])["SecurityGroups"][0]
    assert sorted(rule["FromPort"] for rule in web["IpPermissions"]) == [22, 443]
    gone = delete(cfn, stack["StackId"])
    assert gone["StackStatus"] == "DELETE_COMPLETE", gone.get("StackStatusReason")
    assert [
        len(ec2.describe_vpcs()["Vpcs"]),
        len(ec2.describe_addresses()["Addresses"]),
        len(ec2.describe_security_groups()["SecurityGroups"]),
    ] == before


def test_an_instance_is_placed_as_its_properties_say(sandbox, cfn, ec2, base):
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    }
    profile = {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}}
    i = machine(
        base,
        SubnetId={"Ref": "Net"},
        SecurityGroupIds=[{"Fn::GetAtt": ["Web", "GroupId"]}],
        PrivateIpAddress="10.1.1.77",
        KeyName={"Ref": "Key"},
        IamInstanceProfile={"Ref": "Profile"},
        UserData={"Fn::Base64": {"Fn::Sub": "#!/bin/sh\necho ${AWS::StackName} é"}},
        Monitoring=True,
    )
    key = {"Type": "AWS::EC2::KeyPair", "Properties": {"KeyName": "ops"}}
    parts = {name: network()[name] for name in ("Vpc", "Net", "Web")}
    stack = create(
        cfn,
        "s",
        resources(I=i, Key=key, Role=role, Profile=profile, **parts),
        Capabilities=["CAPABILITY_IAM"],
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    ids = physical(cfn, "s")
    found = one_instance(ec2, ids["I"])
    data = ec2.describe_instance_attribute(InstanceId=ids["I"], Attribute="userData")["UserData"]["Value"]
    assert [
        found["SubnetId"],
        found["PrivateIpAddress"],
        found["KeyName"],
        found["Placement"]["AvailabilityZone"],
    ] == [ids["Net"], "10.1.1.77", "ops", "eu-west-1b"]
    assert [group["GroupId"] for group in found["SecurityGroups"]] == [ids["Web"]]
    assert found["IamInstanceProfile"]["Arn"].endswith(ids["Profile"])
    assert base64.b64decode(data).decode() == "#!/bin/sh\necho s é"


def test_an_instance_takes_what_its_launch_template_says(cfn, ec2, base):
    data = {
        "ImageId": base,
        "InstanceType": "t3.small",
        "BlockDeviceMappings": [{"DeviceName": "/dev/sdq", "Ebs": {"VolumeSize": 5}}],
    }
    template = {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}}
    version = {"Fn::GetAtt": ["T", "LatestVersionNumber"]}
    i = {
        "Type": "AWS::EC2::Instance",
        "Properties": {"LaunchTemplate": {"LaunchTemplateId": {"Ref": "T"}, "Version": version}},
    }
    stack = create(cfn, "s", resources(T=template, I=i))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    identifier = physical(cfn, "s")["I"]
    assert one_instance(ec2, identifier)["InstanceType"] == "t3.small"
    assert devices(ec2, identifier)["/dev/sdq"]["Size"] == 5


def test_a_group_launches_its_instances_and_ends_them_with_its_stack(sandbox, cfn, ec2, base):
    template = {
        "Type": "AWS::EC2::LaunchTemplate",
        "Properties": {"LaunchTemplateData": {"ImageId": base, "InstanceType": "t3.micro"}},
    }
    group = {
        "Type": "AWS::AutoScaling::AutoScalingGroup",
        "Properties": {
            "MinSize": "1",
            "MaxSize": "3",
            "DesiredCapacity": "2",
            "VPCZoneIdentifier": [{"Ref": "Net"}],
            "LaunchTemplate": {
                "LaunchTemplateId": {"Ref": "T"},
                "Version": {"Fn::GetAtt": ["T", "LatestVersionNumber"]},
            },
            "Tags": [{"Key": "Name", "Value": "web", "PropagateAtLaunch": True}],
        },
    }
    stack = create(cfn, "s", resources(T=template, G=group, Vpc=network()["Vpc"], Net=network()["Net"]))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    asg = sandbox.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[physical(cfn, "s")["G"]]
    )["AutoScalingGroups"][0]
    machines = [one_instance(ec2, one["InstanceId"]) for one in asg["Instances"]]
    assert [(tags(one)["Name"], tags(one)["aws:cloudformation:logical-id"]) for one in machines] == [
        ("web", "G")
    ] * 2
    gone = delete(cfn, stack["StackId"])
    assert gone["StackStatus"] == "DELETE_COMPLETE", gone.get("StackStatusReason")
    assert {one_instance(ec2, one["InstanceId"])["State"]["Name"] for one in machines} == {"terminated"}


def test_a_launch_configuration_serves_a_group(sandbox, cfn, ec2, base):
    configuration = {
        "Type": "AWS::AutoScaling::LaunchConfiguration",
        "Properties": {"ImageId": base, "InstanceType": "t3.micro", "UserData": {"Fn::Base64": "x"}},
    }
    group = {
        "Type": "AWS::AutoScaling::AutoScalingGroup",
        "Properties": {
            "MinSize": "1",
            "MaxSize": "1",
            "AvailabilityZones": {"Fn::GetAZs": ""},
            "LaunchConfigurationName": {"Ref": "L"},
        },
    }
    stack = create(cfn, "s", resources(L=configuration, G=group))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    assert delete(cfn, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_volume_grows_and_is_tagged_anew_by_an_update(cfn, ec2):
    create(cfn, "s", resources(V=disk(Size=1, Tags=[{"Key": "old", "Value": "1"}])))
    cfn.update_stack(
        StackName="s", TemplateBody=resources(V=disk(Size=5, Tags=[{"Key": "new", "Value": "1"}]))
    )
    assert settled(cfn, "s")["StackStatus"] == "UPDATE_COMPLETE"
    made = one_volume(ec2, physical(cfn, "s")["V"])
    assert [made["Size"], sorted(key for key in tags(made) if not key.startswith("aws:"))] == [5, ["new"]]


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


def test_a_web_tier_is_made_and_goes_with_its_stack(sandbox, cfn):
    parts = {
        **{name: network()[name] for name in ("Vpc", "Net", "Web")},
        "Net2": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": "10.1.2.0/24",
                "AvailabilityZone": "eu-west-1c",
            },
        },
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Subnets": [{"Ref": "Net"}, {"Ref": "Net2"}], "SecurityGroups": [{"Ref": "Web"}]},
        },
        "Targets": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {"Port": 80, "Protocol": "HTTP", "VpcId": {"Ref": "Vpc"}},
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
            },
        },
        "Endpoint": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "ServiceName": "com.amazonaws.eu-west-1.s3"},
        },
    }
    stack = create(cfn, "s", resources(**parts))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    gone = delete(cfn, stack["StackId"])
    assert gone["StackStatus"] == "DELETE_COMPLETE", gone.get("StackStatusReason")
