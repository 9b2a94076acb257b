// Walks between the versions of a turn: "2/3", with a button to each side.

class VersionSwitch {
  constructor({ version, versions }, describedBy, show) {
    const step = (by, label, sign) => button(sign, {
      class: "fal-button fal-quiet", "aria-label": label, "aria-describedby": describedBy, title: label,
      disabled: version + by < 1 || version + by > versions,
    }, () => show(version + by));
    this.older = step(-1, "Older version", "‹");
    this.newer = step(1, "Newer version", "›");
    this.element = make("span", { class: "fal-versions", role: "group", "aria-label": `Version ${version} of ${versions}` },
      this.older, make("span", { "aria-hidden": "true" }, `${version}/${versions}`), this.newer);
    this.ends = [this.older, this.newer].filter((each) => each.disabled);
  }

  /** While an answer streams, no other version can be shown. */
  enable(isEnabled) {
    for (const each of [this.older, this.newer]) each.disabled = !isEnabled || this.ends.includes(each);
  }

  /** Focus the button with this label, or the other one if that leads nowhere. */
  focus(label) {
    const [wanted, other] = label === "Older version" ? [this.older, this.newer] : [this.newer, this.older];
    (wanted.disabled ? other : wanted).focus();
  }
}
