"""What may change a conversion: creation, transitions, progress, ledger. Every change commits with its event and audit row."""
