"""Subscriptions to the same share their executions: an event is executed and encoded once for all who are level.

Whoever follows does so alone, as if nobody else did: what is past comes from the database, what is new waits in a
buffer of their own. Only while they have dealt with all of that, and wait, a group hands the next event on in their
place.

What happens in a generation means the same to all (`groups`). What it means to who follows a chat, or a dream, depends
on what they were told before: a desk of each knows that, and a circle (`circles`) looks once for all desks, and sends
the same result to all to whom it means the same.
"""
