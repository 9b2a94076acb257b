// The static player with the whole recording takes over from the sound that is still playing, at the same second.
//
// The kernel gives the static player a name that nobody can guess, and tells it to the script that plays the sound. The
// static player stands where the output is drawn again, which may take a while, so the script watches for it. It starts
// unheard, and is moved until it is where the sound is; then it is heard, and the sound falls silent. So nothing is
// heard twice and nothing is left out. If that does not succeed in time, the sound plays on to its end.

const NEAR = [0.03, 0.03, 0.05, 0.1, 0.2]; // seconds between the two players that are near enough, try by try
const QUIET = 0.0001; // of the volume
const NOT_WORTH_IT = 0.4; // seconds; what is left of the sound is as long as taking over
const LISTENING = 60; // milliseconds in which a player that was moved plays on
const LOADED = 3; // HTMLMediaElement.HAVE_FUTURE_DATA

/** The static player with a name. The hidden transcript of a prompt widget has a copy of it. */
function staticPlayer(name) {
  const all = [...document.querySelectorAll(`audio[data-fal-sound="${CSS.escape(name)}"]`)];
  const found = all.filter((each) => !each.closest("[data-fal-transcript]"));
  return found.find((each) => each.getClientRects().length) ?? found[0] ?? null;
}

const after = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function isLoaded(player, state) {
  if (player.readyState >= state) return Promise.resolve();
  player.preload = "auto";
  return new Promise((done) => {
    const look = () => player.readyState >= state && done();
    for (const kind of ["loadedmetadata", "canplay"]) player.addEventListener(kind, look);
  });
}

class TakeOver {
  /** `report` is called with "found", then with "done" or "refused". */
  constructor(sound, name, report) {
    Object.assign(this, { sound, name, report, player: null, volume: null });
    this.observer = new MutationObserver(() => this.look());
  }

  start() {
    this.observer.observe(document, { childList: true, subtree: true });
    this.look();
  }

  look() {
    this.player = staticPlayer(this.name);
    if (!this.player) return;
    this.observer.disconnect();
    this.report("found");
    this.begin().catch((error) => this.refuse(error));
  }

  async begin() {
    await isLoaded(this.player, 1);
    await this.sound.hasBegun();
    if (this.sound.isPlaying) await this.follow();
    else this.hold();
  }

  /** A sound that is paused or was stopped: the static player stands at its second. */
  hold() {
    const { player, sound } = this;
    if (player.paused && !sound.wasHeard) player.currentTime = this.position;
    this.finish();
  }

  /** The second of the static player that is heard now. */
  get position() {
    return this.sound.positionIn(this.player.duration);
  }

  /** Seconds by which the static player is ahead of the sound. */
  get apart() {
    return this.player.currentTime - this.position;
  }

  async follow() {
    const { player, sound } = this;
    await isLoaded(player, LOADED);
    if (this.isLeftAlone()) return;
    this.hush();
    let lead = LISTENING / 2000; // seconds that the player takes to start; they are learned from the first tries
    for (const near of NEAR) {
      player.currentTime = this.position + lead;
      if (player.paused) await player.play();
      await moving(player);
      // A player's time can be ahead of its sound just after the start, so it is near only if it stays so.
      if (Math.abs(this.apart) < near) await after(LISTENING);
      const { apart } = this;
      if (Math.abs(apart) < near || !sound.isPlaying || player.paused) break;
      lead -= apart;
    }
    if (!player.isConnected) return this.again();
    if (sound.isPlaying || player.paused) return this.finish(); // paused: someone has clicked on it meanwhile
    player.pause();
    if (sound.wasHeard) player.currentTime = 0;
    this.hold();
  }

  /** Make the static player inaudible. A browser opens its sound device for quiet sound, but not for muted sound. */
  hush() {
    const { player } = this;
    this.volume = player.volume;
    player.volume = QUIET;
    if (player.volume === this.volume) player.muted = true; // a page on iOS cannot choose the volume
  }

  unhush() {
    if (this.volume !== null) this.player.volume = this.volume;
    this.player.muted = this.sound.isMuted;
  }

  /** The output was drawn anew meanwhile. */
  again() {
    this.player.pause();
    this.start();
  }

  isLeftAlone() {
    if (!this.sound.isPlaying) {
      this.hold();
      return true;
    }
    return this.sound.left < NOT_WORTH_IT;
  }

  finish() {
    this.unhush();
    this.end();
    this.report("done");
  }

  refuse(error) {
    console.warn(error);
    this.player.pause();
    this.unhush();
    this.report("refused");
  }

  end() {
    this.observer.disconnect();
  }
}

/** Wait until a player that was moved plays on. */
async function moving(player) {
  const from = player.currentTime;
  for (let tries = 0; tries < 10 && (player.seeking || player.currentTime <= from) && !player.paused; tries += 1) {
    await after(LISTENING / 3);
  }
  await after(LISTENING);
}
