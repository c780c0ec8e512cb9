"""Alerts: what in the audit log somebody should look at, by the rules of each organisation.

`rules` says what a rule can be, `judging` is pure and says where one is met; `watching` has the
worker judge every entry once, and `trying` has an officer see what a rule would have found.
"""
