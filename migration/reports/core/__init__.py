"""Pure: what a report says, as a tree of blocks that every output form is made from. No rendering in here."""
