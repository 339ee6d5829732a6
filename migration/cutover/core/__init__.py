"""Pure decisions of a cutover: whether the gate of a wave is open, with every reason why not."""
