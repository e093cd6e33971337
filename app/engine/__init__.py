"""The rules: sessions, rotation, accounts. Knows no HTTP and is usable from a plain script."""
