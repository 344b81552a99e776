"""The command ``export``: a saved model for another runtime."""

from sk_rnnimage.commands.saved_models import load_model

DESCRIPTION = "Write a saved model as an ONNX model, which other runtimes read."
EXAMPLES = """\
examples:
  sk_rnnimage fit flowers/ --model flowers.sk
  sk_rnnimage export flowers.sk flowers.onnx

The input of the ONNX model are pixel values (n, height, width[, channels]) as float32,
the outputs the labels and the probabilities of all classes.
"""


def add_arguments(parser):
    """Add the options of ``export`` to a parser."""
    parser.add_argument("model", metavar="MODEL", help="a file that fit has written")
    parser.add_argument("output", metavar="FILE", help="the file to write: model.onnx")


def run(arguments):
    """Run the command ``export``."""
    from sk_rnnimage._environment.writing import check_writable

    check_writable(arguments.output)
    model = load_model(arguments.model)
    from sk_rnnimage.deployment.onnx_export import to_onnx

    to_onnx(model, arguments.output)
    print(f"{arguments.output} is the ONNX model of {arguments.model}.")
