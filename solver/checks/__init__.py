"""The parts of `verify`: each recomputes one kind of claim."""
