"""The networks: cells, readings of an image, convolutions, building and loading."""
