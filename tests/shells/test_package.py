"""The functions' package: the same bytes from anywhere, small, and all that a function needs beside Lambda's runtime."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
import zipfile

import lambda_runtime
import pytest
from runtime_api import ROOT, Function

from dr.config import parse_config
from dr.deploy.package import CONFIG, code_files, installation_files, package
from dr.errors import UsageError

REGION = "eu-west-1"
POLICY = b"""policy: volumes
protect: volumes
select: {tags: {Tier: db}}
schedule: "0 * * * *"
keep: {last: 3}
"""
CONFIG_TEXT = (
    "name: acme\nregions: [eu-west-1]\nstore: {primary: {url: 's3://acme-store', region: eu-west-1}}\n"
)
BUILD = "from dr.deploy.package import code_files, package; print(package(code_files()).sha256)"


@pytest.fixture(scope="module")
def code():
    return code_files()


def config(folder, text=CONFIG_TEXT):
    folder.mkdir(exist_ok=True)
    (folder / "dr.yaml").write_text(text)
    return parse_config(text, str(folder / "dr.yaml"))


# --- the same bytes ---------------------------------------------------------------------------------------------------


def test_two_paths_two_umasks_and_two_times_make_the_same_bytes(tmp_path):
    digests = set()
    for place, umask, zone in (("one", 0o077, "UTC"), ("another/deeper", 0o002, "Asia/Tokyo")):
        folder = tmp_path / place
        for name in ("handlers", "dr"):
            shutil.copytree(
                ROOT / name,
                folder / name,
                ignore=shutil.ignore_patterns("__pycache__"),
                copy_function=shutil.copyfile,
            )
        (folder / "dr" / "errors.py").chmod(0o600 if umask == 0o077 else 0o664)
        ended = subprocess.run(
            [sys.executable, "-c", BUILD],
            cwd=folder,
            env={"PATH": os.defpath, "TZ": zone, "PYTHONPATH": str(folder), "PYTHONHASHSEED": str(umask)},
            umask=umask,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(ended.stdout)
    assert len(digests) == 1


def test_the_order_of_the_files_leaves_no_trace():
    files = {"b.py": b"2", "a.py": b"1"}

    assert package(files) == package(dict(sorted(files.items())))
    assert package(files).sha256 != package({**files, "c.py": b""}).sha256


def test_lambdas_user_may_read_every_file():
    with zipfile.ZipFile(io.BytesIO(package({"a.py": b"1"}).data)) as archive:
        mode = archive.getinfo("a.py").external_attr >> 16

    assert stat.filemode(mode) == "-rw-r--r--"


# --- what is in it ----------------------------------------------------------------------------------------------------


def test_the_package_is_small_and_holds_no_sdk_no_terminal_and_nothing_built(code):
    roots = {name.partition("/")[0] for name in code}

    assert len(package(code).data) < 2 << 20
    assert roots == {"_yaml", "dr", "handlers", "structlog", "tzdata", "yaml"}
    assert not [name for name in code if name.endswith((".so", ".pyc")) or "dist-info" in name]
    assert not [name for name in code if name.startswith(("dr/cli/", "dr/sandbox/corrections/"))]


def test_the_installation_lies_in_it_as_it_lay_beside_dr_yaml(tmp_path):
    text = f"{CONFIG_TEXT}policies: rules/prod\n"

    found = installation_files(config(tmp_path / "here", text), {"anywhere/a.yaml": POLICY})

    assert found == {CONFIG: text.encode(), "installation/rules/prod/a.yaml": POLICY}


def test_what_happens_to_lie_beside_the_code_stays_out(tmp_path):
    for name in ("handlers", "dr"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "secret.py").write_text("KEY = 1\n")
    (tmp_path / "dr" / "link.py").symlink_to(tmp_path / "secret.py")
    for stray in (".env", "notes.txt~", "errors.py.orig"):
        (tmp_path / "dr" / stray).write_text("stray")
    environ = {"PATH": os.defpath, "PYTHONPATH": str(tmp_path)}

    ended = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )

    assert ended.stdout.strip() == package(code_files()).sha256


def test_the_package_holds_what_the_functions_load_and_no_module_that_could_not_be():
    """Of dr itself: every module of it can be imported where nothing but the runtime and the package is."""
    ours = {name for name in code_files() if name.startswith("dr/sandbox/")}

    assert ours == {"dr/sandbox/__init__.py", "dr/sandbox/process.py"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (CONFIG_TEXT.replace("s3://acme-store', region: eu-west-1", "store/'"), "store.primary: .*/store is a folder of this machine"),
        (CONFIG_TEXT.replace("}}", "}, replica: {url: copy/}}"), "store.replica: .*/copy is a folder of this machine"),
        (f"{CONFIG_TEXT}policies: ../shared\n", "policies: .*shared is not below the folder of"),
        (f"{CONFIG_TEXT}policies: HERE/rules\n", "policies: .*rules would not be there in a function"),
        (f"{CONFIG_TEXT}policies: link\n", "policies: .*link is not below the folder of"),
        (f"{CONFIG_TEXT}restore: {{parameters: {{DbPassword: hunter2}}}}\n", "the values of DbPassword stand in dr.yaml"),
        (f"{CONFIG_TEXT}signing: {{key: alias/dr, public_key: dr.pem}}\n", "no library that checks signatures"),
    ],
)  # fmt: skip
def test_what_would_not_work_in_a_function_is_refused(tmp_path, text, why):
    here = tmp_path / "here"
    (here / "real").mkdir(parents=True)
    (here / "link").symlink_to(here / "real")

    with pytest.raises(UsageError, match=why) as caught:
        installation_files(config(here, text.replace("HERE", str(here))), {})

    assert caught.value.remedy
    assert "hunter2" not in caught.value.message


# --- it runs ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """A folder with what Lambda's runtime brings, and nothing else of this Python's packages."""
    return lambda_runtime.make(tmp_path_factory.mktemp("runtime"))


class Alone:
    """Functions of one package, with a volume to protect, where nothing but the package and the runtime is."""

    def __init__(self, code, runtime, sandbox, folder):
        sandbox.reset()
        self.ec2, self.folder = sandbox.client("ec2"), folder
        bucket = {"LocationConstraint": REGION}
        sandbox.client("s3").create_bucket(Bucket="acme-store", CreateBucketConfiguration=bucket)
        self.volume = self.ec2.create_volume(
            AvailabilityZone=f"{REGION}a",
            Size=1,
            TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "Tier", "Value": "db"}]}],
        )["VolumeId"]
        self._code = code
        self._environ = {
            "PYTHONPATH": os.pathsep.join([str(folder / "task"), str(runtime)]),
            "AWS_ENDPOINT_URL": sandbox.url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "DR_CONFIG": CONFIG,
        }

    def unpack(self, policy=POLICY):
        made = package(self._code | installation_files(config(self.folder / "here"), {"a.yaml": policy}))
        with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
            archive.extractall(self.folder / "task")

    def __call__(self, handler, event, **environ):
        """Its answer, and its log."""
        task, log = self.folder / "task", self.folder / f"log-{handler}"
        function = Function(handler, self._environ | environ, log, task, ["-S", "-B"])
        try:
            return function.invoke(event), function.log()
        finally:
            function.close()

    def taken(self):
        ours = [{"Name": "tag:dr:managed", "Values": ["acme"]}]
        return [
            row["VolumeId"]
            for row in self.ec2.describe_snapshots(OwnerIds=["self"], Filters=ours)["Snapshots"]
        ]


@pytest.fixture
def alone(code, runtime, sandbox, tmp_path):
    return Alone(code, runtime, sandbox, tmp_path)


def test_a_function_runs_from_its_package_alone(alone):
    alone.unpack()
    answer, log = alone("handlers.tick.handler", {})
    assert (answer.failed, answer.payload["summary"]["done"]) == (False, 1), log
    assert alone.taken() == [alone.volume]


def test_a_run_of_many_begins_and_ends_from_the_package_alone(alone):
    alone.unpack()
    listed, log = alone("handlers.shards.handler", {})
    assert not listed.failed, log
    (shard,) = listed.payload["shards"]
    assert shard == {"account": "123456789012", "region": REGION}

    ticked, log = alone("handlers.tick.handler", {**shard, "run": "run-1"})
    assert (ticked.failed, ticked.payload["summary"]["done"]) == (False, 1), log
    summed, log = alone("handlers.summary.handler", {"run": "run-1", "shards": [shard]})
    assert (summed.failed, summed.payload["failed"]) == (False, []), log


def test_zones_come_with_the_package_where_the_machine_knows_none(alone):
    alone.unpack(POLICY + b"timezone: Europe/Vienna\n")
    answer, log = alone("handlers.tick.handler", {}, PYTHONTZPATH="")
    assert (answer.failed, answer.payload["summary"]["done"]) == (False, 1), log

    shutil.rmtree(alone.folder / "task" / "tzdata")
    answer, _ = alone("handlers.tick.handler", {}, PYTHONTZPATH="")
    assert answer.failed
