"""What surrounds the package: the process's state and names private to others."""
