"""Carry out a plan: one `Outcome` per action, and nothing that was not planned.

    execute(plan, hands) -> outcomes
        captures first, in the plan's order (most overdue first)       captures.py
        then expiries, except of lineages whose capture did not succeed (DESIGN 7.2)
            right before a deletion: is it still ours, and free to go?  expiries.py

One item that AWS refuses is one failed outcome and stops nobody else (FAILURES, I18). The executor catches
`CloudError` only: anything else is a bug, or this machine, and must be seen.
"""
