"""What things are and how fast they go. Pure: no solver, no catalogue, no output."""
