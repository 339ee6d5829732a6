"""Work that takes longer than a request: the row is the truth, couriers only carry its id. Handlers live in the apps."""
