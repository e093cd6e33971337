"""The expensive fault tests: servers of their own are stopped, killed and promoted under load."""
