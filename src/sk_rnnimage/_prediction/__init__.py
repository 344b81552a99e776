"""What a fitted network gives: at the end, and after each step."""
