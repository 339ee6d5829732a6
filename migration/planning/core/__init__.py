"""Pure parts of planning: mapping, placement of one machine, filling a wave, and their states."""
