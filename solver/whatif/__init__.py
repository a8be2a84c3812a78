"""How the least cost moves with a parameter, a limit or a price."""
