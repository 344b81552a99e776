"""Draw the scan orders shown in the README: python docs/draw_scan_orders.py."""

from pathlib import Path

import matplotlib.pyplot as plt

from sk_rnnimage import ScanOrderDisplay
from sk_rnnimage.scan import SCANS

LINES = {"rows": "row", "columns": "column"}

figure, axes = plt.subplots(2, 4, figsize=(9, 5.2))
*panels, key = axes.flat
for scan, ax in zip(SCANS, panels, strict=True):
    display = ScanOrderDisplay.from_scan(scan, 8, 8, patch_size=None, ax=ax)
    unit = LINES.get(scan, "patch")
    title = f"{scan}\n{len(display.paths[0].centres[0])} steps, one {unit} each"
    ax.set_title(title, fontsize="medium")
display.lines_[0].set_linewidth(0.8)  # the last, random, crosses itself everywhere

ScanOrderDisplay.from_scan("rows", 1, 8, ax=key, name="")
key.set(xlabel="")
key.set_xticks([0.5, 7.5], ["first step", "last step"], fontsize="medium")
figure.tight_layout()
figure.savefig(Path(__file__).parent / "scan_orders.png", dpi=100)
