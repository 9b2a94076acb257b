"""Listens to a page: what its audio graphs and its players sound, and when."""

import time
from typing import Any

from playwright.sync_api import Browser

from .lab import SECONDS, Notebook

# Records the output of the page's audio graphs and elements, and when the first message with sound came.
EAR = """
const fresh = () => ({level: 0, loudest: 0, contexts: [], elements: [], pieces: [], arrived: 0, sounded: 0,
  heard: []});
window.ear = {reset: () => Object.assign(ear, fresh())};
ear.reset();
const {connect} = AudioNode.prototype;
AudioNode.prototype.connect = function (target, ...rest) {
  const {context} = this;
  if (target === context.destination) {
    if (!context.ear) {
      context.ear = new AnalyserNode(context, {fftSize: 1024});
      ear.contexts.push(context);
    }
    connect.call(this, context.ear);
  }
  return connect.call(this, target, ...rest);
};
const {play} = HTMLMediaElement.prototype;
HTMLMediaElement.prototype.play = function () {
  if (!ear.elements.includes(this)) ear.elements.push(this);
  return play.call(this);
};
const {start} = AudioBufferSourceNode.prototype;
AudioBufferSourceNode.prototype.start = function (when) {
  ear.pieces.push({when, end: when + this.buffer.duration});
  return start.call(this, when);
};
const Socket = WebSocket;
window.WebSocket = class extends Socket {
  constructor(...rest) {
    super(...rest);
    this.addEventListener("message", ({data}) => {
      if (ear.arrived || typeof data === "string") return;
      if (new TextDecoder("latin1").decode(data).includes('"encoding"')) ear.arrived = performance.now();
    });
  }
};
const samples = new Float32Array(1024);
// The seconds of the recording at which its two players are, while they can be heard.
const sounded = (now) => ear.pieces.reduce((sum, {when, end}) => sum + Math.max(0, Math.min(now, end) - when), 0);
const listen = () => {
  const context = ear.contexts.at(-1);
  const file = ear.elements.find((each) => !each.isConnected && !each.paused && !each.muted);
  const samples = context?.state === "running" && ear.level > 0.01 ? sounded(context.currentTime) : null;
  const live = file ? file.currentTime : samples;
  const players = [...document.querySelectorAll("audio")];
  const loud = players.filter((each) => !each.paused && !each.muted && !each.ended && each.volume > 0.01);
  ear.heard.push({now: performance.now() / 1000, live, static: loud[0]?.currentTime ?? null, count: loud.length});
};
setInterval(() => {
  listen();
  const context = ear.contexts.at(-1);
  if (context?.state !== "running") { ear.level = 0; return; }
  context.ear.getFloatTimeDomainData(samples);
  ear.level = Math.max(...samples.map(Math.abs));
  ear.loudest = Math.max(ear.level, ear.loudest);
  if (ear.level > 0.1 && !ear.sounded) ear.sounded = performance.now();
}, 5);
"""


def emptied(page: Notebook) -> Notebook:
    """The page, with no output and nothing recorded."""
    page.command("notebook:clear-all-cell-outputs")
    page.page.evaluate("ear.reset()")
    return page


def until(page: Notebook, condition: str) -> None:
    """Wait until something is true in the page."""
    page.page.wait_for_function(f"() => {condition}", timeout=SECONDS * 1000)


class Unclicked:
    """A page without any click. Playwright's evaluation counts as one, so this uses the DevTools protocol directly."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page = browser.new_page(viewport={"width": 1100, "height": 1000})
        self.page.add_init_script(EAR)
        self._session = self.page.context.new_cdp_session(self.page)
        self.page.goto(url, wait_until="domcontentloaded")

    def value(self, expression: str) -> Any:
        answer = self._session.send("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        deadline = time.monotonic() + SECONDS
        while self.value(f"Boolean({condition})") is not True:
            assert time.monotonic() < deadline, condition
            self.page.wait_for_timeout(50)

    def click(self, selector: str) -> None:
        place = self.value(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector('{selector}').getBoundingClientRect())"
        )
        self.page.mouse.click(*place)
