"""What `dr init` writes: a dr.yaml and first policies, commented, sound as they stand.

Pure: texts by path; the command writes them.
"""

from __future__ import annotations

from collections.abc import Mapping

from dr.documents.domain import NAME, known_region
from dr.documents.wording import quoted
from dr.errors import UsageError

CONFIG_FILE = "dr.yaml"

_CONFIG = """\
# dr.yaml: what the policies of this installation share. Paths are relative to this file.
# `dr validate` checks it and the policies without asking AWS; `dr plan` shows what would be done.

# The name of this installation. Every point that dr takes bears it, and dr touches nothing that bears another one:
# choose it once, and do not change it.
name: "{name}"

# One policy per file, *.yaml or *.yml.
policies: policies/

# Where policies look for what they protect, unless they say otherwise.
regions: [{region}]

# Where stored stacks (templates, parameters, resource maps) are kept. A directory will do on one machine. Where Lambda
# or a second machine takes part it has to be S3, best with a replica in another Region:
#   primary: {{url: "s3://my-bucket/dr", region: {region}}}
#   replica: {{url: "s3://my-other-bucket/dr", region: another-region}}
store:
  primary: {{url: store/}}

# Templates above 51,200 bytes reach CloudFormation through a bucket; the default is the store's own, if it is on S3.
# staging_bucket: {{{region}: my-bucket}}

# Where dr runs as scheduled functions (dr deploy): best a Region that they do not protect, with a staging_bucket there.
# deploy: {{region: another-region, email: ops@example.com}}

# Whom the daemon tells of failures, missed objectives and recoveries, and who notices when it falls silent.
# notify:
#   - sns: arn:aws:sns:{region}:111122223333:people
#   - apprise: {{env: DR_CHAT}}                # a variable that holds slack://..., mailtos://..., pagerduty://...
#   - ping: {{env: DR_PING}}                   # a variable that holds https://hc-ping.com/...

# Who vouches for what is stored: a KMS key (ECC_NIST_P256) signs it, and what its public key does not verify is refused.
# signing: {{key: alias/dr-signing, public_key: keys/dr-signing.pem}}

# What a restore cannot know by itself.
# restore:
#   parameters:
#     DbPassword: {{ssm: /prod/db/password}}   # NoEcho values are never stored: they are read where they are needed
#   image_for:
#     WebLaunchTemplate: newest               # or ami-..., or the instance (i-...) whose newest image it gets
"""

_VOLUMES = """\
# Every EBS volume that is tagged Backup=yes, once a day, as a snapshot.
policy: daily-volumes
protect: volumes

select:
  tags: {Backup: "yes"}      # all keys must match; a list is any-of; "*" is any value
  # exclude_tags: {Backup: skip}
  # instance_tags: {Role: db}  # by the instance that a volume is attached to
  # volumes: data              # all, boot or data

schedule: "0 2 * * *"        # Unix cron; also cron(...), rate(6 hours), at(...); or a list of them
timezone: UTC                # of the schedule, and of the days, weeks and months below

# A point stays as long as any of these rules wants it. The newest good one always stays.
keep: {last: 3, daily: 7, weekly: 5, monthly: 12}

objectives: {rpo: 26h}       # `dr status` tells when the newest good point is older
"""

_STACKS = """\
# Every CloudFormation stack, every six hours: template, parameters and resource map, as `dr restore --stack` needs them.
# Their data is protected by the policies for volumes and instances.
policy: stacks
protect: stacks

select:
  names: ["*"]               # or tags, as for volumes

schedule: "0 */6 * * *"

keep: {last: 10, daily: 30, monthly: 12}
"""


def starter_files(name: str, region: str) -> Mapping[str, str]:
    """Give the files by their path relative to the new folder. Raises UsageError for a name or Region that is none."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{quoted(name)} is not a name", "write letters, digits, - and _, at most 40")
    faults: list[str] = []
    if not known_region(region, faults.append):
        raise UsageError(faults[0], "write a Region such as eu-west-1")
    return {
        CONFIG_FILE: _CONFIG.format(name=name, region=region),
        "policies/daily-volumes.yaml": _VOLUMES,
        "policies/stacks.yaml": _STACKS,
    }
