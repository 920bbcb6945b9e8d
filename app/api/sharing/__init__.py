"""Subscriptions to the same share their executions: an event is executed and encoded once for all who are level.

Whoever follows does so alone, as if nobody else did: what is past comes from the database, what is new waits in a
buffer of their own. Only while they have dealt with all of that, and wait, a group hands the next event on in their
place.
"""
