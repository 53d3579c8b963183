"""How much dr costs beside plain boto3: ratios of one run, on a fleet behind a local EC2 endpoint of our own."""
