"""The few AWS calls that a prediction makes, without an SDK: its import and its clients take longer than all the rest.

Only where access is plain, as it is in a function: see `access`. Everything else goes through boto3.
"""
