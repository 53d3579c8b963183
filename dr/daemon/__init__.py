"""The long-running shell: ticks on any machine, for who has no Lambda and for the day when Lambda's Region is away.

    wake-ups (the policies' slots, the sweep) --> files, as they are now --> leader? --> the tick of every other shell

A wake-up only decides when to look: what is wanted comes from the policies and the time. So a daemon that slept, was stopped
or stands beside a Lambda does what is due once, and nothing twice.
"""
