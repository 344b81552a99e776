"""Reading image files into arrays, and listing the files of a folder."""

from sk_rnnimage.files.folders import list_images
from sk_rnnimage.files.reader import ImageReader

__all__ = ["ImageReader", "list_images"]
