"""What people are told, and when: one message for each change, and none for each tick. Pure.

    what a tick saw --observe--> what is wrong now --changes--> beside what a target was told before --> a message, or none

Level-triggered as everything else: a target that did not answer is told later what has changed since it last did, and of
what came and went meanwhile it hears nothing.
"""
