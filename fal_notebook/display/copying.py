"""The page's part of copying: Copy buttons, and formulas as TeX. Each widget that brings it puts it before its own."""

from pathlib import Path

COPYING_SCRIPT = Path(__file__).with_name("copying.js")
