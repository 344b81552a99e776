"""All kinds of cases: strategies of hypothesis, by name."""

from fuzzed_checkpoints import checkpoints
from fuzzed_commands import command_lines
from fuzzed_files import clip_files, image_files, model_files
from fuzzed_headers import headers
from fuzzed_images import any_form, no_images, round_trips, trained
from fuzzed_methods import methods
from fuzzed_parameters import parameters

FAMILIES = {
    "images in any form": any_form(),
    "there and back": round_trips(),
    "no images": no_images(),
    "odd training sets": trained(),
    "parameters": parameters(),
    "methods": methods(),
    "image files": image_files(),
    "clip files": clip_files(),
    "model files": model_files(),
    "checkpoints": checkpoints(),
    "headers that lie": headers(),
    "command lines": command_lines(),
}
