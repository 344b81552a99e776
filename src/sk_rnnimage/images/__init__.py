"""What counts as an image: shapes, checks of X, and the orders in which it is read."""
