"""Auto Scaling groups launch from the version of the launch template that the group names.

Source: EC2 Auto Scaling API Reference, LaunchTemplateSpecification, Version; tags with PropagateAtLaunch go to the instances.
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling import models

from dr.sandbox.clock import clock
from dr.sandbox.corrections import replace


def install() -> None:
    """Apply the corrections of Auto Scaling groups."""
    _created_by_the_clock()
    replace.method(models.FakeAutoScalingGroup, "replace_autoscaling_group_instances", _launch)


def _created_by_the_clock() -> None:
    """Source: EC2 Auto Scaling API Reference, AutoScalingGroup, CreatedTime."""
    original = models.FakeAutoScalingGroup.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.created_time = clock.naive().isoformat()

    replace.method(models.FakeAutoScalingGroup, "__init__", init)


def _launch(self: Any, count_needed: int, propagated_tags: dict[str, str]) -> None:
    """In moto launches from the template's default version, and all into the first subnet: here they take turns."""
    template = self.ec2_launch_template
    asked = (
        {"LaunchTemplateId": template.id, "Version": str(self.launch_template_version)} if template else None
    )
    subnets = self.vpc_zone_identifier.split(",") if self.vpc_zone_identifier else [None]
    tags = {**propagated_tags, models.ASG_NAME_TAG: self.name, **self.instance_tags}
    for turn in range(count_needed):
        made = self.autoscaling_backend.ec2_backend.run_instances(
            self.image_id,
            1,
            self.user_data,
            self.security_groups,
            instance_type=self.instance_type,
            tags={"instance": tags},
            placement=self.availability_zones[turn % len(self.availability_zones)],
            launch_config=self.launch_config,
            launch_template=asked,
            is_instance_type_default=False,
            associate_public_ip=self.launch_config.associate_public_ip_address
            if self.launch_config
            else None,
            subnet_id=subnets[turn % len(subnets)],
        )
        for instance in made.instances:
            instance.autoscaling_group = self
            self.instance_states.append(
                models.InstanceState(
                    instance, protected_from_scale_in=self.new_instances_protected_from_scale_in
                )
            )
