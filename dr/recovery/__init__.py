"""A restore from end to end, on the ports.

preparing      what is stored, what there is to restore from, what the target says -> RestorePlan
carrying_out   the confirmed plan -> change set, stack, verification, RPO and RTO
"""
