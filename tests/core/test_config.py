"""dr.yaml: what the policies of one installation share."""

import base64
import hashlib

import pytest

from dr.config import (
    Config,
    Deploying,
    SigningKeys,
    SsmParameter,
    StoreLocation,
    check_config,
    parse_config,
    public_key,
)
from dr.errors import InvalidDocuments

MINIMAL = "name: acme\nstore: {primary: {url: store}}\n"
HOME = f"regions: [eu-west-1]\n{MINIMAL}"

FULL = """\
name: acme
policies: my/policies
regions: [eu-west-1, eu-central-1]
store:
  primary: {url: "s3://first/a/b/", region: eu-west-1}
  replica: {url: "s3://second", region: eu-central-1}
staging_bucket: {eu-west-1: staging.acme}
signing: {key: alias/dr-signing, public_key: keys/signing.pem}
restore:
  parameters:
    Size: "2"
    Empty: ""
    Password: {ssm: /prod/db/password}
  image_for: {Web: newest, Batch: i-0123456789abcdef0, Old: ami-01234567}
"""


POINT = bytes(range(64))
DER = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + POINT
ARN = "arn:aws:kms:eu-central-1:111111111111"
ID = "1234abcd-12ab-34cd-56ef-1234567890ab"


def pem(der):
    """As AWS and openssl write it: lines of 64 characters."""
    body = base64.b64encode(der).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def parse(text, file="/etc/dr/dr.yaml"):
    return parse_config(text, file)


def faults(text):
    return [str(problem) for problem in check_config(text.encode(), "dr.yaml").problems]


def test_a_minimal_configuration_has_the_documented_defaults():
    expected = Config(
        name="acme",
        policies_dir="/etc/dr/policies",
        regions=(),
        primary=StoreLocation(url="/etc/dr/store"),
        file="/etc/dr/dr.yaml",
        digest=hashlib.sha256(MINIMAL.encode()).hexdigest(),
    )
    assert expected == parse(MINIMAL)


def test_every_key_arrives_in_the_configuration():
    expected = Config(
        name="acme",
        policies_dir="/etc/dr/my/policies",
        regions=("eu-west-1", "eu-central-1"),
        primary=StoreLocation(url="s3://first/a/b", region="eu-west-1"),
        replica=StoreLocation(url="s3://second", region="eu-central-1"),
        staging_bucket={"eu-west-1": "staging.acme"},
        signing=SigningKeys(key="alias/dr-signing", file="/etc/dr/keys/signing.pem"),
        parameters={"Size": "2", "Empty": "", "Password": SsmParameter(name="/prod/db/password")},
        image_for={"Web": "newest", "Batch": "i-0123456789abcdef0", "Old": "ami-01234567"},
        file="/etc/dr/dr.yaml",
        digest=hashlib.sha256(FULL.encode()).hexdigest(),
    )
    assert expected == parse(FULL)


def test_paths_are_relative_to_the_file_or_to_a_folder_that_is_given():
    text = "name: a\npolicies: ../p\nstore: {primary: {url: /var/dr}}\n"
    assert parse(text, "/etc/dr/dr.yaml").policies_dir == "/etc/dr/../p"
    assert parse(text).primary == StoreLocation(url="/var/dr")
    assert parse_config(MINIMAL, "dr.yaml", "/home/me").primary == StoreLocation(url="/home/me/store")


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [("s3://b/p/q", "b", "p/q"), ("s3://b", "b", ""), ("/var/dr", None, "")],
)
def test_a_location_tells_its_bucket_and_prefix(url, bucket, prefix):
    location = StoreLocation(url=url)
    assert (location.bucket, location.prefix) == (bucket, prefix)


def test_the_digest_is_of_every_byte_as_written():
    assert parse(MINIMAL).digest != parse(MINIMAL + "# a word\n").digest
    with_mark = check_config(b"\xef\xbb\xbf" + MINIMAL.encode(), "dr.yaml")
    assert with_mark.config.digest == hashlib.sha256(b"\xef\xbb\xbf" + MINIMAL.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "policies: p\nstore: {primary: {url: s}}",
            "1:1: name: missing; name this installation; every point that it takes bears the name, such as acme",
        ),
        (
            "name: a",
            "1:1: store: missing; say where stacks are kept: {primary: {url: store/}}, or {url: 's3://bucket/prefix', region: eu-west-1}",
        ),
        (
            "name: a b\nstore: {primary: {url: s}}",
            '1:7: name: "a b" is not a name: letters, digits, - and _, at most 40',
        ),
        (
            "name: no\nstore: {primary: {url: s}}",
            '1:7: name: expected text, found the boolean no; quote it: "no"',
        ),
        (
            "name: a\nstore: s3://b/p",
            '2:8: store: expected a mapping (keys and values), found the text "s3://b/p"',
        ),
        (
            "name: a\nstore: {replica: {url: s}}",
            "2:8: store.primary: missing; write {url: store/}, or {url: 's3://bucket/prefix', region: eu-west-1}",
        ),
        (
            "name: a\nstore: {primary: {}}",
            "2:18: store.primary.url: missing; write a directory, or s3://bucket/prefix with its region",
        ),
    ],
)
def test_what_is_missing_or_wrong_at_the_top_is_named(text, expected):
    assert faults(text) == [f"dr.yaml:{expected}"]


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (
            '{url: "s3://bucket/p"}',
            "3:12: store.primary.region: missing; an S3 store needs the Region of its bucket",
        ),
        (
            '{url: "s3://bucket", region: eu-wst-1}',
            '3:41: store.primary.region: unknown Region "eu-wst-1"; did you mean eu-west-1?',
        ),
        (
            '{url: "s3://Bucket", region: eu-west-1}',
            '3:18: store.primary.url: "Bucket" is not a bucket\'s name: 3 to 63 of a-z, 0-9, . and -',
        ),
        (
            '{url: "s3://a..b", region: eu-west-1}',
            '3:18: store.primary.url: "a..b" is not a bucket\'s name: 3 to 63 of a-z, 0-9, . and -',
        ),
        (
            '{url: "s3://bucket/a//b", region: eu-west-1}',
            '3:18: store.primary.url: "a//b" is no prefix; write letters, digits, - and _, parted by single slashes',
        ),
        (
            '{url: "s3://bucket/../b", region: eu-west-1}',
            '3:18: store.primary.url: "../b" is no prefix; write letters, digits, - and _, parted by single slashes',
        ),
        (
            "{url: store, region: eu-west-1}",
            "3:25: store.primary.region: only for an s3:// store; remove it",
        ),
        (
            "{url: https://example.com}",
            '3:18: store.primary.url: expected a directory or s3://bucket/prefix, found "https://example.com"',
        ),
        (
            "{url: ~/store}",
            '3:18: store.primary.url: ~ is not replaced in "~/store"; write the path in full, or relative to this file',
        ),
        ("{url: ''}", "3:18: store.primary.url: is empty"),
        ("{url: s, path: x}", "3:21: store.primary.path: unknown key (url, region)"),
    ],
)
def test_a_store_is_a_directory_or_a_bucket_with_its_region(location, expected):
    assert faults(f"name: a\nstore:\n  primary: {location}\n") == [f"dr.yaml:{expected}"]


def test_a_replica_is_not_the_primary_again():
    text = "name: a\nstore:\n  primary: {url: s}\n  replica: {url: ./s}\n"
    assert faults(text) == [
        "dr.yaml:4:12: store.replica: is the primary store again; give it a place of its own, or remove it"
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("regions: []", "regions: the list is empty; write [eu-west-1]"),
        ("regions: [eu-wst-1]", 'regions[0]: unknown Region "eu-wst-1"; did you mean eu-west-1?'),
        ("policies: s3://b/p", 'policies: expected a path, found "s3://b/p"'),
        (
            "staging_bucket: {eu-wst-1: bucket}",
            'staging_bucket.eu-wst-1: unknown Region "eu-wst-1"; did you mean eu-west-1?',
        ),
        (
            "staging_bucket: bucket",
            'staging_bucket: expected a mapping (keys and values), found the text "bucket"',
        ),
        ("restore: {map: {}}", "restore.map: not supported yet; remove it"),
        ("restore: {names: {}}", "restore.names: not supported yet; remove it"),
        ("restore: {set: {}}", "restore.set: not supported yet; remove it"),
        (
            "restore: {parameters: {Port: 5432}}",
            'restore.parameters.Port: expected text, found the number 5432; quote it: "5432"',
        ),
        (
            "restore: {parameters: {A-b: x}}",
            'restore.parameters.A-b: "A-b" is no logical id: letters and digits',
        ),
        (
            "restore: {parameters: {A: {ssn: /x}}}",
            "restore.parameters.A.ssn: unknown key; did you mean ssm? (ssm)",
        ),
        (
            "restore: {parameters: {A: {}}}",
            "restore.parameters.A.ssm: missing; write {ssm: /path/of/the/parameter}",
        ),
        (
            "restore: {parameters: {A: {ssm: a b}}}",
            'restore.parameters.A.ssm: "a b" is not a parameter\'s name, such as /prod/db/password',
        ),
        (
            "signing: {key: alias/dr}",
            "signing.public_key: missing; name the PEM file of its public key, or write the PEM here",
        ),
        (
            "signing: {public_key: k.pem}",
            "signing.key: missing; name the KMS key that signs: alias/dr-signing, or its ARN",
        ),
        (
            "signing: {key: dr-signing, public_key: k.pem}",
            'signing.key: "dr-signing" is not a KMS key: alias/NAME, its id, or an ARN of one of them',
        ),
        (
            "signing: {key: alias/dr, public_key: ''}",
            "signing.public_key: is empty",
        ),
        (
            "signing: {key: alias/dr, public_key: s3://b/k.pem}",
            'signing.public_key: expected a path, found "s3://b/k.pem"',
        ),
        (
            "signing: {key: alias/dr, public_key: '-----BEGIN CERTIFICATE-----'}",
            "signing.public_key: is no PEM of one public key (-----BEGIN PUBLIC KEY----- ...)",
        ),
        (
            "signing: {key: alias/dr, pubic_key: k.pem}",
            "signing.pubic_key: unknown key; did you mean public_key? (key, public_key)",
        ),
        (
            "signing: {key: alias/dr, public_key: k.pem}",
            "signing: its key is named by an alias or id, and no Region says where it is: add `regions`, or write its ARN",
        ),
        ("signing: true", "signing: expected a mapping (keys and values), found the boolean true"),
        (
            "restore: {image_for: {Web: latest}}",
            'restore.image_for.Web: "latest" is not an image: newest, the id of an AMI (ami-...) or of an instance (i-...)',
        ),
    ],
)
def test_what_is_wrong_in_one_key_is_named(line, expected):
    assert [problem.split(": ", 1)[1] for problem in faults(MINIMAL + line)] == [expected]


def test_all_faults_come_at_once_in_the_order_of_the_file():
    text = "name: a b\nregions: [x]\nstore: {primary: {url: ''}}\nnotify: x\nname: c\n"
    assert [fault.split(": ")[0] for fault in faults(text)] == [
        "dr.yaml:1:7",
        "dr.yaml:2:11",
        "dr.yaml:3:24",
        "dr.yaml:4:9",
        "dr.yaml:5:1",
    ]


def test_an_unsound_configuration_is_refused_whole():
    with pytest.raises(InvalidDocuments) as caught:
        parse("name: a\n")
    assert caught.value.exit_code == 2


def test_policies_can_be_checked_beside_an_unsound_configuration():
    checked = check_config(b"name: a b\npolicies: p\nregions: [eu-west-1]\n", "/etc/dr/dr.yaml")
    assert checked.config is None
    assert (checked.policies_dir, checked.regions) == ("/etc/dr/p", ("eu-west-1",))


@pytest.mark.parametrize(
    ("text", "expected"), [("name: a", ()), ("regions: [x]", None), ("regions: x", None), ("[", None)]
)
def test_regions_are_unknown_where_they_cannot_be_read(text, expected):
    assert check_config(text.encode(), "dr.yaml").regions == expected


# --- signing --------------------------------------------------------------------------------------------------------


def test_a_public_key_can_be_written_into_dr_yaml_itself():
    text = pem(DER).replace("\n", "\n    ")
    found = parse(f"{HOME}signing:\n  key: alias/dr\n  public_key: |\n    {text}\n")

    assert (found.signing.file, DER) == ("", public_key(found.signing.pem))


@pytest.mark.parametrize(
    ("key", "region"),
    [
        ("alias/dr/signing_1", None),
        (ID, None),
        ("mrk-1234abcd12ab34cd56ef1234567890ab", None),
        (f"{ARN}:key/{ID}", "eu-central-1"),
        (f"{ARN}:alias/dr", "eu-central-1"),
        (
            "arn:aws-us-gov:kms:us-gov-west-1:111111111111:key/mrk-1234abcd12ab34cd56ef1234567890ab",
            "us-gov-west-1",
        ),
    ],
)
def test_a_key_is_an_alias_an_id_or_an_arn_and_an_arn_names_its_region(key, region):
    assert parse(f"{HOME}signing: {{key: '{key}', public_key: k.pem}}").signing.region == region


@pytest.mark.parametrize(
    "key",
    ["alias/", "alias/a b", f"{ARN}:secret/x", ID[:-1], f"arn:aws:s3:::{ID}", f"{ARN}:key/alias/dr", "key"],
)
def test_what_is_no_key_of_kms_is_refused(key):
    (found,) = faults(f"{MINIMAL}signing: {{key: '{key}', public_key: k.pem}}")
    assert "is not a KMS key" in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no PEM of one public key"),
        (pem(DER) + pem(DER), "is no PEM of one public key"),
        (pem(DER).replace("PUBLIC", "PRIVATE"), "is no PEM of one public key"),
        (pem(DER).replace("MFk", "M=k"), "is not base64"),
        (pem(DER[:-1]), "of the spec ECC_NIST_P256"),
        (pem(DER + b"x"), "of the spec ECC_NIST_P256"),
        (pem(b"\x30\x76" + DER[2:]), "of the spec ECC_NIST_P256"),
    ],
)
def test_only_a_pem_of_one_key_of_p_256_is_a_public_key(text, said):
    with pytest.raises(ValueError, match=said):
        public_key(text)


def test_a_pem_is_read_whatever_its_line_ends():
    assert public_key(pem(DER).replace("\n", "\r\n")) == DER


# --- where the functions run ----------------------------------------------------------------------------------------

DEPLOYED = f"{HOME}deploy:\n  region: eu-central-1\n"


def test_deploy_names_where_the_functions_run_who_is_told_and_what_may_be_restored():
    role = "arn:aws:iam::111111111111:role/cloudformation"
    found = parse(
        f"{DEPLOYED}  email: ops@example.com\n  restorable: ['prod-*']\n  stack_roles: ['{role}']\n"
    )

    assert found.deploy == Deploying(
        region="eu-central-1", email="ops@example.com", restorable=("prod-*",), stack_roles=(role,)
    )
    assert parse(DEPLOYED).deploy == Deploying(region="eu-central-1")
    assert parse(HOME).deploy is None


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("deploy: {}", "4:9: deploy.region", "name where the functions run"),
        ("deploy: eu-central-1", "4:9: deploy", "mapping"),
        ("deploy: {region: Frankfurt}", "4:18: deploy.region", "Frankfurt"),
        ("deploy:\n  region: eu-west-1\n  mail: x@y", "6:3: deploy.mail", "did you mean email?"),
        ("deploy:\n  region: eu-west-1\n  email: nobody", "6:10: deploy.email", "an address of e-mail"),
        ("deploy:\n  region: eu-west-1\n  restorable: prod", "6:15: deploy.restorable", '["prod-*"]'),
        ("deploy:\n  region: eu-west-1\n  restorable: [prod-*, 9]", "6:24: deploy.restorable[1]", "9"),
        ("deploy:\n  region: eu-west-1\n  restorable: [a_b]", "6:16: deploy.restorable[0]", "a stack's name"),
        (
            "deploy:\n  region: eu-west-1\n  stack_roles: [admin]",
            "6:17: deploy.stack_roles[0]",
            "ARN of a role",
        ),
    ],
)
def test_every_fault_of_deploy_is_told_with_its_place(text, place, said):
    (found,) = faults(f"{HOME}{text}\n")
    assert (place in found, said in found) == (True, True), found
