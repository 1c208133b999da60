"""Exports of platforms and employers become clean tables with an audit: headings, types, what was declared, rules, and what looks suspicious. May touch: the engine; never the disk."""
