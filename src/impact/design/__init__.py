"""Moments, coverage and outcome become one `Design`: the question, with every complaint about shape made here. May touch: nothing."""
