"""What a KMS host says of itself, read from files an administrator brings. Reads status and counts; activates nothing."""
