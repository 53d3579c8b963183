"""What AWS has to allow, as IAM policy documents for eight roles: generated from the table of what dr calls.

    Place       one installation: its name, account, Regions, buckets, parameters, stacks
    operations  every API operation that dr makes -> roles, IAM actions, and what each reaches
    reach       resources and conditions: `Place -> Reach`, one statement of a document
    deploying   the same, for what a deployment reaches
    building    what CloudFormation does for a deployment, with the rights of its caller
    refusals    what is denied whatever else is allowed
    documents   role + Place -> policy document

A test reads the code of `aws` and `store` and holds the table equal to it; another holds the documents against every
call that the test suite has made, both ways (FAILURES 4.6, row 11). Which stacks a restorer may make, and under which
roles, is what a person says of it: there each call is held against a document for that very call, and hostile calls
against one document.
"""
