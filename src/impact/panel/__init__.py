"""Clean tables become spells, rates and survival. May touch: the engine; never the disk."""
