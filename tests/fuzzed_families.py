"""All kinds of cases: strategies of hypothesis, by name."""

from fuzzed_files import clip_files, image_files, model_files
from fuzzed_images import any_form, no_images, round_trips, trained
from fuzzed_parameters import parameters

FAMILIES = {
    "images in any form": any_form(),
    "there and back": round_trips(),
    "no images": no_images(),
    "odd training sets": trained(),
    "parameters": parameters(),
    "image files": image_files(),
    "clip files": clip_files(),
    "model files": model_files(),
}
