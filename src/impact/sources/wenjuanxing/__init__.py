"""The export of 问卷星, by text and by option number, cell by cell and as a pair. May touch: the files, the engine."""
