"""Who accepts which risk until when: requested by one person, approved by another. What a waiver opens is decided by the apps."""
