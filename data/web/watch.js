// SPDX-License-Identifier: LGPL-2.1-or-later
// The watch page: follows a stream's lifecycle and plays it when there is something to play.

const POLL_MS = 2000;
const FIRST_BUFFER_SECONDS = 5; // held back at a broadcast's very start, so that playback does not run dry
const ACTIVE_MS = 3000;

const id = decodeURIComponent(location.pathname.split('/')[1] ?? '');
const manifest = `/${encodeURIComponent(id)}/manifest/video.m3u8`;
const lifecycle = `/${encodeURIComponent(id)}/lifecycle`;

const element = (name) => document.getElementById(name);
const [stage, video, badge, card, banner, unmute, controls, edge, latency, time, position, volume] =
  ['stage', 'video', 'badge', 'card', 'banner', 'unmute', 'controls', 'edge', 'latency', 'time',
    'position', 'volume'].map(element);

const words = {
  loading: ['…', 'One moment', 'Asking the server what is on.'],
  idle: ['Offline', 'Nothing is on right now', 'Leave this page open: it starts by itself as soon as the broadcast begins.'],
  connecting: ['Starting', 'The broadcast is starting', 'The first pictures are on their way.'],
  live: ['Live', 'The broadcast is starting', 'The first pictures are on their way.'],
  reconnecting: ['Interrupted', 'The broadcaster’s connection was lost', 'The picture comes back by itself if the broadcaster returns.'],
  ended: ['Ended', 'The broadcast has ended', 'Thank you for watching. If another one begins here, this page plays it.'],
  ready: ['Recording', 'The recording is loading', 'The first pictures are on their way.'],
  missing: ['Not found', 'There is no stream at this address', 'Check that the whole link was copied, or ask for a new one.'],
  offline: ['No connection', 'The server cannot be reached', 'Trying again every few seconds. Is this device online?'],
  denied: ['Not allowed', 'This stream is not open to everyone', 'The link may have expired. Ask for a new one.'],
  error: ['Problem', 'This stream cannot be played here', ''],
};

let state = 'loading';
let status = {};
let hls = null;
let playing = false;   // a picture has been shown from the source that is loaded
let finished = false;  // the source was played to its end
let failure = null;
let recoveries = 0;
let seen_uid = null; // of the broadcast that the page has followed last

function show(next, text) {
  const [label, title, fallback] = words[next] ?? words.error;

  state = next;
  document.body.dataset.state = next;
  badge.textContent = label;
  element('title').textContent = title;
  element('text').textContent = text ?? fallback;
  render();
}

function render() {
  const picture = playing && !finished;
  const live = state === 'live' || state === 'reconnecting';

  stage.toggleAttribute('data-picture', picture);
  stage.toggleAttribute('data-paused', video.paused);
  stage.toggleAttribute('data-muted', video.muted || video.volume === 0);
  card.hidden = picture;
  controls.hidden = !picture;
  unmute.hidden = !picture || !video.muted || unmute.dataset.done === 'yes';
  position.hidden = live || !Number.isFinite(video.duration);
  time.hidden = position.hidden;
  latency.hidden = !live;
  banner.hidden = !(picture && (state === 'reconnecting' || state === 'offline'));
  if (state === 'offline')
    banner.textContent = 'The server cannot be reached. Trying again…';
  if (state === 'reconnecting') {
    const left = status.deadline ? Math.ceil((Date.parse(status.deadline) - Date.now()) / 1000) : 0;
    banner.textContent = 'The broadcaster’s connection was lost. Waiting for it to come back'
      + (left > 0 ? ` (${left} s left)…` : '…');
  }
}

/* what is buffered from the current position(or the first buffered one) on, in seconds */
function ahead() {
  const { buffered, currentTime } = video;

  for (let i = 0; i < buffered.length; i++)
    if (buffered.end(i) > currentTime)
      return buffered.end(i) - Math.max(buffered.start(i), currentTime);
  return 0;
}

async function start() {
  try {
    await video.play();
  } catch (error) {
    if (error.name === 'NotAllowedError' && !video.muted) {
      video.muted = true;
      video.play().catch (() => render());
    }
  }
}

function unload() {
  hls?.destroy();
  hls = null;
  playing = finished = false;
  recoveries = 0;
  if (video.hasAttribute('src')) {
    video.removeAttribute('src');
    video.load();
  }
}

function fail(text) {
  failure = text;
  unload();
  show('error', text);
}

function load() {
  const { Hls } = window;

  if (Hls?.isSupported()) {
    hls = new Hls({ backBufferLength: 60, liveSyncDurationCount: 3 });
    hls.on(Hls.Events.ERROR, (_, data) => on_hls_error(Hls, data));
    hls.on(Hls.Events.BUFFER_APPENDED, start_when_filled);
    hls.on(Hls.Events.BUFFER_EOS, start_when_filled);
    hls.loadSource(manifest);
    hls.attachMedia(video);
  } else if (video.canPlayType('application/vnd.apple.mpegurl')) {
    video.src = manifest;
    start();
  } else {
    fail('This browser can play no live video. A current version of Chrome, Edge, Firefox or Safari can.');
  }
}

function start_when_filled() {
  const details = hls?.latestLevelDetails ?? hls?.levels?.[hls.currentLevel]?.details;
  const wanted = details?.live
    ? Math.max(FIRST_BUFFER_SECONDS, 2 * details.targetduration)
    : 0.5;

  /* no more than this can be had from a list that is not growing any more */
  if (!playing && video.paused && (ahead() >= wanted || !details?.live))
    start();
}

function on_hls_error(Hls, data) {
  if (!data.fatal)
    return;
  if (data.type === Hls.ErrorTypes.MEDIA_ERROR && recoveries++ < 3) {
    hls.recoverMediaError();
    return;
  }
  if (data.type === Hls.ErrorTypes.NETWORK_ERROR) {
    /* the list is not there yet, or no longer: the lifecycle tells what to do next */
    unload();
    show(state);
    return;
  }
  fail(data.details === 'manifestIncompatibleCodecsError' || data.details === 'bufferAddCodecError'
    ? 'This browser has no decoder for the broadcast’s video or sound. Another browser may have one.'
    : `The player gave up (${data.details}). Reloading the page may help.`);
}

let waiting = null; // for the next poll
async function poll() {
  let next = null;

  clearTimeout(waiting);

  try {
    const response = await fetch(lifecycle, { cache: 'no-store' });

    if (response.status === 404 || response.status === 410)
      next = 'missing';
    else if (response.status === 401 || response.status === 403)
      next = 'denied';
    else if (response.ok) {
      status = await response.json();
      next = status.state ?? (status.live ? 'live' : 'idle');
      if (status.videoUID && status.videoUID !== seen_uid) {
        if (seen_uid)
          unload(); /* another broadcast of the same input */
        failure = null;
        seen_uid = status.videoUID;
      }
    }
  } catch {
    /* below */
  }
  await follow(next ?? 'offline');
  /* the first segment of a broadcast is awaited eagerly */
  waiting = setTimeout(poll, state === 'connecting' || (state === 'live' && !playing) ? POLL_MS / 4 : POLL_MS);
}

/* a list that is there; before its first segment a broadcast has none */
async function isListed() {
  const response = await fetch(manifest, { cache: 'no-store' }).catch(() => null);

  return response?.status === 200;
}

async function follow(next) {
  /* an input is idle again after a broadcast: whoever watched is told that it has ended */
  if ((next === 'idle' || next === 'ready') && (finished || state === 'ended') && (status.isInput || finished))
    next = 'ended';
  const source = hls !== null || video.hasAttribute('src');
  const wanted = next === 'live' || next === 'reconnecting' || (next === 'ready' && !status.isInput);

  if (failure !== null && wanted)
    return;
  if (wanted && !source && await isListed())
    load();
  /* an ended broadcast is played to its end first */
  if ((next === 'ended' || next === 'idle' || next === 'ready') && playing && !finished) {
    if (status.isInput) {
      show(state === 'loading' ? next : state);
      return;
    }
  } else if (source && !wanted && next !== 'offline' && next !== 'connecting') {
    unload();
  }
  show(next);
}

function clock(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60);

  return minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

function tick() {
  if (playing && !position.hidden) {
    position.max = String(video.duration);
    if (!position.matches(':active'))
      position.value = String(video.currentTime);
    time.textContent = `${clock(video.currentTime)} / ${clock(video.duration)}`;
  }
  if (playing && !latency.hidden) {
    const played = hls?.playingDate ? (Date.now() - hls.playingDate) / 1000 : NaN;
    const behind = played > 0 && played < 600 ? played : hls?.latency ?? 0;
    const sync = hls?.liveSyncPosition;

    latency.textContent = behind > 0 ? `≈ ${behind.toFixed(1)} s behind` : '';
    edge.hidden = !(sync && sync - video.currentTime > 6);
  } else {
    edge.hidden = true;
  }
  render();
}

let active_until = 0;
function activate() {
  active_until = performance.now() + ACTIVE_MS;
  stage.setAttribute('data-active', '');
  setTimeout(() => {
    if (performance.now() >= active_until)
      stage.removeAttribute('data-active');
  }, ACTIVE_MS + 50);
}

function toggle_play() {
  if (!playing)
    return;
  if (video.paused)
    start();
  else
    video.pause();
}

function set_muted(muted) {
  unmute.dataset.done = 'yes';
  video.muted = muted;
  if (!muted && video.volume === 0)
    video.volume = 1;
  volume.value = String(muted ? 0 : video.volume);
  render();
}

video.muted = true;
volume.value = '0';
video.addEventListener('playing', () => {
  playing = true;
  finished = false;
  render();
  activate();
});
video.addEventListener('ended', () => {
  finished = true;
  poll();
});
video.addEventListener('error', () => {
  if (hls === null && video.hasAttribute('src'))
    unload(); /* native HLS: tried again at the next poll */
});
for (const name of ['pause', 'play', 'volumechange'])
  video.addEventListener(name, render);
for (const name of ['pointermove', 'pointerdown', 'keydown'])
  stage.addEventListener(name, activate);

video.addEventListener('click', toggle_play);
element('play').addEventListener('click', toggle_play);
element('mute').addEventListener('click', () => set_muted(!video.muted));
unmute.addEventListener('click', () => set_muted(false));
volume.addEventListener('input', () => {
  unmute.dataset.done = 'yes';
  video.volume = Number(volume.value);
  video.muted = video.volume === 0;
});
position.addEventListener('input', () => {
  video.currentTime = Number(position.value);
});
edge.addEventListener('click', () => {
  if (hls?.liveSyncPosition)
    video.currentTime = hls.liveSyncPosition;
  start();
});
element('fullscreen').addEventListener('click', () => {
  if (document.fullscreenElement)
    document.exitFullscreen();
  else if (stage.requestFullscreen)
    stage.requestFullscreen();
  else
    video.webkitEnterFullscreen?.(); /* iPhone */
});

show('loading');
poll();
setInterval(tick, 250);
