"""Read files and tables as they are, change nothing. May touch: the disk (reading), the engine, installed data packages."""
