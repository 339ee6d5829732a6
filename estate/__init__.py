"""Estate: adapters to the outside (vSphere, pools, disks, KMS hosts) and the vocabulary they answer in.

Nothing in here knows Django, Celery or the rooms above; `facts` and `errors` know no adapter.
"""
