"""Evaluate collective agreements for platform workers.

The rooms, from the cellar up, are listed in docs/architecture.md; a test reads the imports and keeps their order.
This module imports nothing heavy: `impact --help` answers at once.
"""

__version__ = "0.1.0"
