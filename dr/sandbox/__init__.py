"""A local AWS to learn and test on: moto's server with the corrections that the mission rests on.

    dr sandbox start --> process.py --starts--> python -m dr.sandbox.server
                                                   |  clock.py        one clock for every time stamp
                                                   |  world.py        settings, and one lock around the backends
                                                   |  control.py      /_dr/: health, clock, reset, settings, states
                                                   |  corrections/    where moto differs from AWS's documentation

Importing this package imports neither moto nor anything else: the command line pays for the sandbox only when it is used.
"""
