"""Disaster recovery for AWS: protect with policies, restore a stack with its data."""

__version__ = "0.1.0"
