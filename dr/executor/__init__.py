"""Carry out a plan: one `Outcome` per action, and nothing that was not planned.

    execute(plan, hands, report, record) -> Executed: an outcome of each action, and what ended the run    run.py
        captures first, in the plan's order (most overdue first)       captures.py
        what a change of `keep` uses up is recorded
        then expiries, except of lineages whose capture did not succeed (DESIGN 7.2)
            right before a deletion: is it still ours, and free to go?  expiries.py
        several of either are under way at once                        at_once.py

One item that AWS refuses is one failed outcome and stops nobody else (FAILURES, I18). A Region out of reach fails what is
left of it; another error of the account or a lost lease ends the run; anything that is no `DrError` is a bug, and is seen.
"""
