"""The table of Regions against the one that AWS ships with its SDK."""

import json
from pathlib import Path

import boto3
import botocore

from dr.regions import REGIONS


def test_the_table_is_the_one_of_the_sdk_for_every_partition():
    partitions = json.loads((Path(botocore.__file__).parent / "data/partitions.json").read_text())
    known = {region for partition in partitions["partitions"] for region in partition["regions"]}
    assert {region for region in known if not region.endswith("-global")} == set(REGIONS)


def test_every_region_with_ec2_is_in_the_table():
    session = boto3.Session()
    listed = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition_name=partition)
    }
    assert set() == listed - REGIONS
