"""Pure decisions of a conversion: its states, its itinerary, what is made in the pool, whether a copy is still fresh."""
