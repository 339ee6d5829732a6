"""The vSphere source: sessions, inventory, power and disk export of a vCenter or an ESXi.

What leaves this package are `estate.facts` and `estate.errors`; no pyVmomi object, fault or raw XML passes that line.
Nothing in here knows a database, a job or a plan.
"""
