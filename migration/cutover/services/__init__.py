"""What may change about a cutover: asking and signing the gate, starting a wave, cutting it over, rolling it back."""
