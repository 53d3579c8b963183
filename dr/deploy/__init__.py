"""dr as scheduled functions.

package     installed code and this installation's files -> one ZIP file, the same bytes wherever it is made
statements  what the functions' roles are allowed, in the words of CloudFormation
wakeups     the policies' schedules -> EventBridge's, in which the function is woken to look
"""
