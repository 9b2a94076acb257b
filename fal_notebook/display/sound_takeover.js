// The static player with the whole recording takes over from the sound that is still playing, at the same second.
//
// The kernel gives the static player a name that nobody can guess, and tells it to the script that plays the sound. The
// static player stands where the output is drawn again, which may take a while, so the script watches for it. It starts
// silently, and is moved until it is where the sound is; then it becomes loud and the sound falls silent. So nothing is
// heard twice and nothing is left out. If that does not succeed in time, the sound plays on to its end.

const NEAR = 0.03; // seconds between the two players that nobody hears
const MOST_TRIES = 8; // to get so near
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
    Object.assign(this, { sound, name, report, player: null });
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

  async follow() {
    const { player, sound } = this;
    await isLoaded(player, LOADED);
    if (this.isLeftAlone()) return;
    player.muted = true;
    let lead = LISTENING / 2000; // how long the player takes to start is learned from the first tries
    player.currentTime = this.position + lead;
    await player.play();
    for (let tries = 0; tries < MOST_TRIES && sound.isPlaying && !player.paused; tries += 1) {
      await moving(player);
      const apart = player.currentTime - this.position;
      if (Math.abs(apart) < NEAR) break;
      lead -= apart;
      player.currentTime = this.position + lead;
    }
    if (sound.isPlaying || player.paused) return this.finish(); // paused: someone has clicked on it meanwhile
    player.pause();
    if (sound.wasHeard) player.currentTime = 0;
    this.hold();
  }

  isLeftAlone() {
    if (!this.sound.isPlaying) {
      this.hold();
      return true;
    }
    return this.sound.left < NOT_WORTH_IT;
  }

  finish() {
    this.player.muted = this.sound.isMuted;
    this.end();
    this.report("done");
  }

  refuse(error) {
    console.warn(error);
    this.player.pause();
    this.player.muted = false;
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
