"""From a running fleet to the next one, with as little change as pays."""
