"""Read files and tables as they are, change nothing. May touch: the disk (reading; `key` writes one new file that holds a key), the engine, installed data packages."""
