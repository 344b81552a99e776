"""Sets of images on their way into a network: batches, augmentation, moments."""
