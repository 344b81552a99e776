"""What can be done from a shell, a file a command."""
