"""A KMS site on loopback: DNS that names its hosts (dns.py), a port that opens (port.py), WinRM that runs one script (winrm.py).

Speaks the protocols with the classes of their own libraries and imports no product package. It activates nothing.
"""
