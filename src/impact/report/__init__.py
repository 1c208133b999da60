"""Tidy tables become figures, tables, sentences, PDF and HTML. May touch: matplotlib; `render` alone writes files."""
