// Sound that plays while it arrives. The kernel sends messages with binary buffers:
//   {kind: "samples", encoding, rate, channels, at}   frames to append; before them came so many bytes
//   {kind: "file", type, at}                          bytes of an MP3 to append
//   {kind: "end", name}                               nothing more will come; the static player has this name
//   {kind: "stop", name}                              be silent at once
// The sound belongs to the widget's model, not to its view: when the kernel replaces the widget by the static player,
// the sound plays on until that has taken over. Where the static player is not found in time, or the browser does not
// let it play, the sound plays to its end, with its controls in the page. No sound is ever without controls for long.

const PATIENCE = 400; // milliseconds; a browser that allows sound has started it by then
const LONGEST_WAIT = 1000; // milliseconds for which a sound may have no controls

class Sound {
  constructor() {
    this.track = null;
    this.isPaused = this.isMuted = this.isClosed = this.isLeft = this.hasFailed = this.isHeard = false;
    this.hasFocus = false; // whether the controls have it, or had it when they were removed
    this.isHidden = false; // whether the static player already stands in the page
    this.stays = false; // whether the sound plays on without the static player
    this.views = new Set();
    this.takeOver = this.controls = this.heir = null;
    this.stoppedAt = 0;
  }

  take(message, buffers) {
    if (message.kind === "stop") return this.stop(message.name);
    if (this.isClosed || this.hasFailed) return;
    try {
      if (message.kind === "end") this.end(message.name);
      else this.add(message, buffers[0]);
    } catch (error) {
      console.warn(error);
      this.hasFailed = true;
      this.close();
    }
  }

  add(message, data) {
    if (!this.track) this.begin(message);
    const view = data instanceof DataView ? data : new DataView(data.buffer ?? data);
    this.track.add(message, view);
    if (!this.isPaused) this.track.resume();
  }

  begin(message) {
    this.track = message.kind === "samples" ? new Samples(message) : new StreamedFile(message);
    this.track.mute(this.isMuted);
    this.began = this.seen = performance.now();
    this.timer = setInterval(() => this.tick(), REFRESH);
  }

  tick() {
    this.track.append?.();
    const isRemoved = this.controls && !this.controls.element.isConnected; // with the output, by the user
    if (this.wasHeard || isRemoved) {
      this.close();
    } else if (this.hasView && !this.takeOver?.player) {
      this.seen = performance.now();
      this.dropControls();
    } else if (performance.now() - this.seen > LONGEST_WAIT) {
      this.stay();
    }
  }

  /** Whether it was heard to its end. */
  get wasHeard() {
    return this.isClosed ? this.isHeard : this.track.isOver;
  }

  get hasView() {
    return [...this.views].some((view) => view.element.isConnected);
  }

  get state() {
    if (this.hasFailed) return "failed";
    if (this.isClosed) return "over";
    if (!this.track) return "waiting";
    if (this.isPaused) return "paused";
    if (this.track.isSilent && performance.now() - this.began > PATIENCE) return "blocked";
    return this.track.hasEnded || this.track.played < this.track.received ? "playing" : "waiting";
  }

  get isPlaying() {
    return this.state === "playing" && !this.track.isSilent && !this.track.isOver;
  }

  /** The seconds that are still to be heard. */
  get left() {
    return this.track.received - this.track.played;
  }

  positionIn(seconds) {
    return this.isClosed ? this.stoppedAt : this.track.positionIn(seconds);
  }

  /** Wait until the browser has started the sound, if it does so at all. */
  async hasBegun() {
    while (!this.isClosed && !this.isPaused && this.track.isSilent && this.state !== "blocked") await after(20);
  }

  toggle() {
    if (!this.track || this.isClosed) return;
    this.isPaused = this.state !== "paused" && this.state !== "blocked";
    if (this.isPaused) this.track.pause();
    else this.track.resume();
  }

  mute(isMuted) {
    this.isMuted = isMuted;
    this.track?.mute(isMuted);
  }

  end(name) {
    if (!this.track) return this.close();
    this.track.end();
    if (name && !this.takeOver) this.giveWay(name);
  }

  /** Be silent at once, also where the static player has taken over already. */
  stop(name) {
    this.heir?.pause();
    if (this.isClosed || this.hasFailed) return;
    this.close();
    if (name && this.stoppedAt && !this.takeOver?.player) this.giveWay(name);
  }

  giveWay(name) {
    this.takeOver = new TakeOver(this, name, (news) => this.hear(news));
    this.takeOver.start();
  }

  hear(news) {
    if (news === "found") this.showOne();
    if (news === "refused") this.stay();
    if (news === "done") {
      if (!this.wasHeard) this.heir = this.takeOver.player;
      this.close();
    }
  }

  /** Nothing has taken over yet, so the sound plays on, and its controls are to be seen. */
  stay() {
    if (this.isClosed) return;
    const player = this.takeOver?.player;
    if (!this.stays && !this.isPlaying) {
      if (this.isLeft && !player) this.close(); // nobody can hear it or start it any more
      return;
    }
    this.stays = true;
    if (!this.hasView && !this.controls) this.showControls(player);
    this.showOne();
  }

  /** Of the controls and the static player, only one is to be seen. */
  showOne() {
    const player = this.takeOver?.player;
    this.isHidden = !this.stays && Boolean(player);
    if (player && this.stays) player.style.display = "none";
    else if (player && this.hasFocus) player.focus({ preventScroll: true });
  }

  showControls(player) {
    this.controls = new SoundControls(this, { isAlone: !player });
    if (player) player.before(this.controls.element);
    else document.body.append(this.controls.element);
  }

  dropControls() {
    this.controls?.remove();
    this.controls = null;
    this.stays = false;
  }

  /** The widget is gone. */
  leave() {
    this.isLeft = true;
    if (!this.track || this.isClosed) return this.close();
    if (!this.track.hasEnded) this.track.end();
  }

  close() {
    if (this.isClosed) return;
    if (this.track) [this.isHeard, this.stoppedAt] = [this.wasHeard, this.track.positionIn(0)];
    this.isClosed = true;
    clearInterval(this.timer);
    this.track?.close();
    if (this.stays && this.takeOver?.player) this.takeOver.player.style.display = "";
    this.dropControls();
    this.takeOver?.end();
  }
}

// Called once for each model.
export default () => {
  const sound = new Sound();
  return {
    initialize({ model }) {
      model.on("msg:custom", (message, buffers) => sound.take(message, buffers));
      return () => sound.leave();
    },
    render({ el }) {
      const view = new SoundControls(sound);
      sound.views.add(view);
      el.append(view.element);
      return () => {
        sound.views.delete(view);
        view.remove();
      };
    },
  };
};
