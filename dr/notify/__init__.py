"""Telling people: the targets of `notify` in dr.yaml, and what each was told.

    Observed --dr.notices--> changes, a digest --each target by itself, for some seconds--> sent, or told again by the next tick

A target that is away, slow or wrong fails no tick and keeps no other from being told.
"""
