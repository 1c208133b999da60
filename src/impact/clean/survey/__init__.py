"""Answers as they were given become answers that can be analysed, by named rules. May touch: the engine."""
