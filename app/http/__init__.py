"""Everything about HTTP that is the same for every contract."""
