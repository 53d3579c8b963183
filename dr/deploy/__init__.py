"""dr as scheduled functions.

package   installed code and this installation's files -> one ZIP file, the same bytes wherever it is made
wakeups   the policies' schedules -> EventBridge's, in which the function is woken to look
"""
