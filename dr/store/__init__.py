"""The store: stored stacks, records and leases, on S3 or in a directory.

    opening      a location in dr.yaml -> ObjectStore
    directory    ObjectStore in a folder: what one machine needs
    s3           ObjectStore in a bucket: what Lambda functions and several machines share
    keys         which keys a store takes
    documents    StoredStack <-> manifest and templates
    vault        one store's manifests and templates, every digest checked
    stacks       StackStore over a primary and an optional replica
    versions     what a listing tells of stored stacks, those too that cannot be read
    records      the claim, what was applied, pins
    leases       who works on what

An ObjectStore knows bytes and conditions only; all meaning is above it, so that both kinds behave alike.
"""
