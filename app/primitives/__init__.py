"""What every floor may use: the clock, keys and strict formats. Standard library only."""
