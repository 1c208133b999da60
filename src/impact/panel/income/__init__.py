"""What work pays: the ladder from gross to net, by hour, in real terms, and the bite of an agreement. May touch: the engine."""
