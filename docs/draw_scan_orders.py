"""Draw the scan orders shown in the README: python docs/draw_scan_orders.py."""

from pathlib import Path

import matplotlib.pyplot as plt

from sk_rnnimage import ScanOrderDisplay
from sk_rnnimage.scan import SCANS

figure, axes = plt.subplots(1, len(SCANS), figsize=(2 * len(SCANS), 2.4))
for scan, ax in zip(SCANS, axes, strict=True):
    ScanOrderDisplay.from_scan(scan, 8, 8, ax=ax)
figure.tight_layout()
figure.savefig(Path(__file__).parent / "scan_orders.png", dpi=80)
