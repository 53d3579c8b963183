"""One look at the world, and what follows from it.

    inventory    every listing once; one that fails is `Unread`, and closes expiry
    lost         a store that is younger than the points that it should know closes expiry too
    leasing      who works on what: one lease for each policy and Region
    applying     leases -> inventory -> decide -> execute -> record -> repair the store
    waiting      until the captures of an apply are good

A tick is level-triggered: it asks what is there and does what is missing, so that a missed, doubled or killed tick is
repaired by the next. The lease comes before the look, so that two ticks seldom race; where they do, names and tags
that derive from the slot make doing it again harmless.
"""
