"""Measures the contrast between a text and its background, from the colours that the browser computes."""

from playwright.sync_api import Locator

READABLE = 4.5
"""Web Content Accessibility Guidelines 2.2, 1.4.3: the least for words."""

# Paints the colours of the element and of everything behind it over each other, and then applies WCAG's formula.
_CONTRAST = """
element => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const paint = canvas.getContext("2d", { willReadFrequently: true });
  const behind = [];
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) behind.unshift(at);
  paint.fillStyle = "white";
  paint.fillRect(0, 0, 1, 1);
  const put = (color, opacity) => { paint.globalAlpha = opacity; paint.fillStyle = color; paint.fillRect(0, 0, 1, 1); };
  const light = () => {
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3).map(value => value / 255)
      .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const { color, opacity } = getComputedStyle(element);
  for (const each of behind) put(getComputedStyle(each).backgroundColor, each === element ? Number(opacity) : 1);
  const ground = light();
  put(color, Number(opacity));
  const [dark, bright] = [ground, light()].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}
"""


def contrast(element: Locator) -> float:
    """The contrast of an element's text, from 1 to 21."""
    value: float = element.evaluate(_CONTRAST)
    return value
