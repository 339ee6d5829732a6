"""The floor every app may stand on: accounts, audit, endpoints, waivers, jobs, problems, clock, and the API's base classes.

Knows none of the apps above it. What belongs to one domain (machines, pools, KMS hosts) does not belong here.
"""
