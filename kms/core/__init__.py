"""What a KMS host's count is, will be, and whether a wave may rely on it: pure arithmetic, no host is asked in here."""
