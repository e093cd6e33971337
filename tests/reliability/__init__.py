"""Load, faults and the checker that decides whether the promises of rotation held under them."""
