"""Talks to pools: probing, reading, trials and changes of HA (pools.py); the watch that goes on all the time (watching.py)."""
