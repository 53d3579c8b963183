"""The ports on botocore, which boto3 is built on: the only room that imports it.

    session       clients per service, Region and purpose; the account; how far this clock is off
    errors        botocore's errors become ours, once
    pages         listings: complete, or raising
    filters       what EC2 can sift on its side
    ec2           `Ec2Cloud` (ports.Cloud): read, points, sources, write
    stacks        `CloudFormationStacks` (ports.Stacks)
    maker         `CloudFormationMaker` (ports.StackMaker)

Reads, deletes and calls that carry a token are retried by botocore; creates of snapshots and images have no token in
AWS's API and are one attempt (FAILURES 1.1): what to do about a lost answer is the executor's decision.
"""
