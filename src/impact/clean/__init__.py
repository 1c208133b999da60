"""One raw table becomes one clean table and its audit. May touch: the engine; never the disk."""
