"""Training: the skorch net and its callbacks."""
