"""Reading files of images and clips into arrays, and listing those of a folder."""

from sk_rnnimage.files.clip_folders import list_clips
from sk_rnnimage.files.clip_reader import ClipReader
from sk_rnnimage.files.folders import list_images
from sk_rnnimage.files.reader import ImageReader

__all__ = ["ClipReader", "ImageReader", "list_clips", "list_images"]
