// SPDX-License-Identifier: LGPL-2.1-or-later
// The dashboard: a client of the API as any other. What comes from there is text, never markup.

const POLL_MS = 3000;        // of inputs that run; of events while no stream of them comes
const STREAM_SILENCE_MS = 40_000; // the server says something every 15 s
const EVENTS_SHOWN = 40;
const REFUSALS_SHOWN = 12;
const RECORDINGS_STEP = 25;
const AT_ONCE = 4;
const EVENT_PAGES = 40;
const EVENT_TYPES = 'live_input.*,broadcast.*,recording.*,publish.*,health.*,webhook.*,events.*';

const STATES = { idle: 'Never used', disconnected: 'Offline', connecting: 'Connecting', connected: 'Live', reconnecting: 'Reconnecting' };
const RECORDING_STATES = { ready: 'Ready', inprogress: 'Being finished', 'live-inprogress': 'Running' };
const EVENTS = {
  'live_input.created': 'Live input made', 'live_input.updated': 'Live input changed', 'live_input.deleted': 'Live input deleted',
  'live_input.keys_rotated': 'Keys replaced', 'live_input.connected': 'Encoder connected', 'live_input.disconnected': 'Encoder gone',
  'live_input.errored': 'Encoder has a problem', 'publish.refused': 'Encoder refused', 'broadcast.started': 'Broadcast begun',
  'broadcast.live': 'Broadcast live', 'broadcast.reconnecting': 'Waiting for the encoder', 'broadcast.taken_over': 'Another encoder took over',
  'broadcast.resumed': 'Broadcast goes on', 'broadcast.ended': 'Broadcast ended', 'recording.paused': 'Recording paused',
  'recording.resumed': 'Recording goes on', 'recording.ready': 'Recording ready', 'recording.deleted': 'Recording deleted',
  'events.lost': 'Events were lost',
};

const element = (id) => document.getElementById(id);
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/* an element with text, attributes and children: the only way in which anything is shown */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);

  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'click')
      made.addEventListener('click', value);
    else if (value !== null && value !== undefined)
      made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function setText(node, text) {
  if (node.textContent !== text)
    node.textContent = text;
}

/* words */

function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, '0');

  if (whole < 86_400) {
    const clock = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
    return whole < 3600 ? `${Math.floor(whole / 60)}:${two(whole % 60)}` : `${Math.floor(whole / 3600)}:${clock}`;
  }
  return `${Math.floor(whole / 86_400)} d ${Math.floor(whole / 3600) % 24} h`;
}

function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;

  while (bytes >= 1024 && unit + 1 < units.length) {
    bytes /= 1024;
    unit++;
  }
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}

const rate = (bits) => (bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`);
const number = (value) => String(Math.round(value * 100) / 100);
const moment = (time) => new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });

function clockTime(time) {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();

  return today ? date.toLocaleTimeString() : date.toLocaleString(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
}

const sentence = (code) => code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' ');

/* an address of ours or nothing: never javascript: */
const address = (url) => (/^https?:\/\//.test(url ?? '') ? url : null);

/* the API */

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let session = null; // { token, account }
let clockOffset = 0; // of the server's clock, ms
let generation = 0; // of log-ins: what an earlier one began does nothing any more

async function call(method, path, body, { token = session?.token, account = session?.account, root = false } = {}) {
  const response = await fetch(root ? `/client/v4${path}` : `/client/v4/accounts/${encodeURIComponent(account)}/stream${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: 'no-store',
    credentials: 'omit',
  });
  const text = await response.text();
  let answer = null;

  const date = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isFinite(date) && Math.abs(date - Date.now()) > 2000)
    clockOffset = date - Date.now();
  else if (Number.isFinite(date))
    clockOffset = 0;
  try {
    answer = JSON.parse(text);
  } catch {
    /* what is no JSON is told by its status */
  }
  if (!response.ok || answer?.success !== true) {
    const errors = (answer?.errors ?? []).map((error) => `${error.source?.pointer ? `${error.source.pointer} ` : ''}${error.message}`);
    throw new Refused(response.status, errors.join('. ') || `The server answered ${response.status}`);
  }
  return answer;
}

/* what went wrong is shown; a token that is refused logs out */
function complain(error) {
  if (error instanceof Refused && error.status === 401) {
    logOut('The token is not accepted any more.');
    return;
  }
  element('error').hidden = false;
  setText(element('error'), error instanceof Refused ? error.message : 'The server cannot be reached.');
}

async function attempt(work) {
  const begun = generation;

  try {
    const done = await work();
    if (begun === generation)
      element('error').hidden = true;
    return done;
  } catch (error) {
    if (begun === generation)
      complain(error);
    return undefined;
  }
}

/* copying */

let toastTimer = 0;

function toast(text) {
  const node = element('toast');

  setText(node, text);
  node.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { node.hidden = true; }, 1800);
}

/* the clipboard is for pages of secure origins; others mark the text and ask the browser */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make('textarea', { class: 'hidden', readonly: '' });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (!done) {
      toast('The browser does not allow copying: mark the text by hand');
      return;
    }
  }
  toast('Copied');
}

/* one line that an encoder needs; secret: shown when asked for */
function copyRow(label, value, { secret = false, name } = {}) {
  const code = make('code', { 'data-copy': name ?? null }, secret ? '•'.repeat(24) : value);
  const buttons = make('span', { class: 'pair' });

  if (secret) {
    buttons.append(make('button', {
      type: 'button',
      'aria-pressed': 'false',
      'aria-label': `Show ${label}`,
      click: (event) => {
        const shows = event.target.getAttribute('aria-pressed') === 'true';
        event.target.setAttribute('aria-pressed', String(!shows));
        setText(event.target, shows ? 'Show' : 'Hide');
        setText(code, shows ? '•'.repeat(24) : value);
      },
    }, 'Show'));
  }
  buttons.append(make('button', { type: 'button', 'aria-label': `Copy ${label}`, click: () => copyText(value) }, 'Copy'));
  return make('div', { class: 'copy' }, make('span', { class: 'label' }, label), code, buttons);
}

/* dialogs */

function confirmAction(title, text, yes) {
  const dialog = element('confirm');

  setText(element('confirm-title'), title);
  setText(element('confirm-text'), text);
  setText(element('confirm-yes'), yes);
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

/* inputs */

const cards = new Map(); // by uid

const current = (input) => input?.status?.current ?? null;
const isRunning = (input) => ['connecting', 'connected', 'reconnecting'].includes(current(input)?.state);
const nameOf = (uid) => {
  const name = cards.get(uid)?.input?.meta?.name;
  return typeof name === 'string' && name !== '' ? name : (uid ?? '').slice(0, 8);
};

function connectRows(input) {
  const rows = [];
  const add = (...nodes) => rows.push(...nodes.filter(Boolean));
  const { rtmp, rtmps, srt, webRTC } = input;
  const server = address(rtmps?.url?.replace(/^rtmps:/, 'https:')) ? rtmps.url : rtmp?.url;

  if (server) {
    add(make('h4', {}, 'OBS Studio: Settings → Stream → Service “Custom…”'));
    add(copyRow('Server', server, { name: 'server' }));
    add(copyRow('Stream key', rtmp.streamKey, { secret: true, name: 'key' }));
    if (rtmps?.url && rtmp?.url)
      add(copyRow('Server, plain', rtmp.url, { name: 'rtmp' }));
    add(make('h4', {}, 'ffmpeg'));
    add(copyRow('Command', `ffmpeg -re -i FILE -c:v libx264 -preset veryfast -g 60 -c:a aac -f flv '${server}${rtmp.streamKey}'`, { secret: true, name: 'ffmpeg' }));
  } else {
    add(make('p', { class: 'empty' }, 'No RTMP listener is on.'));
  }
  if (srt?.url) {
    add(make('h4', {}, 'SRT'));
    add(copyRow('URL', `${srt.url}?streamid=${srt.streamId}&passphrase=${srt.passphrase}`, { secret: true, name: 'srt' }));
  }
  if (webRTC?.url) {
    add(make('h4', {}, 'A browser, or OBS with WHIP'));
    add(copyRow('WHIP server', webRTC.url, { secret: true, name: 'whip' }));
  }
  add(make('h4', {}, 'Viewers'));
  if (watchUrl(input))
    add(copyRow('Page', watchUrl(input), { name: 'watch' }));
  add(copyRow('HLS', input.playback.hls, { name: 'hls' }));
  return rows;
}

function watchUrl(input) {
  const hls = address(input.playback?.hls);

  return hls ? hls.replace(/\/manifest\/.*$/, '/watch') : null;
}

function factsOf(input) {
  const { health } = input;
  const now = current(input);
  const facts = [];
  const video = health?.video?.[0];
  const tracks = [...(health?.video ?? []), ...(health?.audio ?? [])];
  const bits = tracks.reduce((sum, track) => sum + (track.bitrate ?? 0), 0);

  if (now?.state && isRunning(input))
    facts.push(['Since', moment(now.statusEnteredAt)]);
  if (now?.ingestProtocol)
    facts.push(['By', now.ingestProtocol.toUpperCase()]);
  if (bits > 0 && now?.state === 'connected')
    facts.push(['Bitrate', rate(bits)]);
  if (tracks.length > 0)
    facts.push(['Codecs', tracks.map((track) => track.codec).join(', ')]);
  if (video?.width)
    facts.push(['Picture', `${video.width} × ${video.height}${video.frameRate ? `, ${number(video.frameRate)} a second` : ''}`]);
  if (video?.gopSeconds)
    facts.push(['Keyframes', `every ${number(video.gopSeconds)} s`]);
  if (health?.uploadRatio && now?.state === 'connected')
    facts.push(['Upload', `${number(health.uploadRatio)} × real time`]);
  if (!isRunning(input) && now?.statusEnteredAt)
    facts.push(['Last on', moment(now.statusEnteredAt)]);
  return facts;
}

function issueRow(issue) {
  const measured = typeof issue.value === 'number'
    ? ` (measured ${number(issue.value)}${typeof issue.limit === 'number' ? `, limit ${number(issue.limit)}` : ''})` : '';

  return make('li', { 'data-severity': issue.severity },
    make('b', {}, sentence(issue.code)), `: ${issue.message}`, make('span', {}, measured));
}

class Card {
  constructor(summary) {
    this.input = summary;
    this.detailed = false;
    this.name = make('h3');
    this.badge = make('span', { class: 'badge' });
    this.countdown = make('span', { class: 'countdown', role: 'timer', hidden: '' });
    this.facts = make('dl', { class: 'facts' });
    this.issues = make('ul', { class: 'issues', 'aria-label': 'What the encoder does wrong' });
    this.connect = make('div', { class: 'connect', hidden: '' });
    this.watch = make('a', { class: 'button', target: '_blank', rel: 'noopener' }, 'Watch');
    this.open = this.button('Connect an encoder', () => this.toggle());
    this.open.setAttribute('aria-expanded', 'false');
    this.switch = this.button('Disable', () => this.turn());
    this.end = this.button('End broadcast', () => this.endBroadcast());
    this.node = make('article', { class: 'input', 'data-uid': summary.uid },
      make('div', { class: 'input-head' }, this.name, this.badge, this.countdown, make('code', { class: 'id' }, summary.uid)),
      this.facts, this.issues,
      make('div', { class: 'actions' }, this.watch, this.open, this.switch, this.end,
        this.button('Replace keys', () => this.rotate()), this.button('Delete', () => this.remove(), 'danger')),
      this.connect);
    this.update(summary, false);
  }

  button(text, click, kind = null) {
    return make('button', { type: 'button', class: kind, click }, text);
  }

  update(input, detailed = true) {
    const before = this.credentials;
    const state = current(input)?.state ?? (detailed || this.detailed ? 'idle' : 'loading');
    const name = typeof input.meta?.name === 'string' && input.meta.name !== '' ? input.meta.name : 'Without a name';

    this.input = detailed ? input : { ...this.input, ...input };
    this.detailed ||= detailed;
    this.node.dataset.state = state;
    this.node.setAttribute('aria-label', name);
    setText(this.name, name);
    setText(this.badge, input.enabled === false && !isRunning(input) ? 'Disabled' : STATES[state] ?? '…');
    setText(this.switch, input.enabled ? 'Disable' : 'Enable');
    this.end.hidden = !isRunning(this.input);
    if (detailed) {
      this.facts.replaceChildren(...factsOf(input).map(([title, text]) => make('div', {}, make('dt', {}, title), make('dd', {}, text))));
      this.facts.hidden = this.facts.childElementCount === 0;
      this.showIssues();
      this.watch.hidden = !watchUrl(input);
      if (watchUrl(input))
        this.watch.href = watchUrl(input);
      this.credentials = JSON.stringify([input.rtmp, input.rtmps, input.srt, input.webRTC, input.playback]);
      if (this.credentials !== before)
        this.connect.replaceChildren(...connectRows(input));
    }
    this.tick();
  }

  showIssues() {
    const paused = current(this.input)?.recordingPausedAt;
    const rows = (this.input.health?.issues ?? []).map(issueRow);

    if (paused)
      rows.unshift(make('li', { 'data-severity': 'error' }, make('b', {}, 'Recording paused'),
        `: the disk takes no segments since ${clockTime(paused)}; viewers still see the broadcast`));
    this.issues.replaceChildren(...rows);
    this.issues.hidden = rows.length === 0;
  }

  tick() {
    const deadline = current(this.input)?.deadline;
    const shows = Boolean(deadline) && current(this.input)?.state === 'reconnecting';

    this.countdown.hidden = !shows;
    if (shows) {
      const left = (Date.parse(deadline) - Date.now() - clockOffset) / 1000;
      setText(this.countdown, left > 0 ? `ends in ${duration(left + 0.999)} if the encoder does not return` : 'ending');
    }
  }

  toggle(shows = this.connect.hidden) {
    this.connect.hidden = !shows;
    this.open.setAttribute('aria-expanded', String(shows));
  }

  async change(work, done) {
    const result = await attempt(work);

    if (result !== undefined && done)
      toast(done);
    await refreshInput(this.input.uid);
  }

  async turn() {
    const { enabled, uid } = this.input;

    if (enabled && !await confirmAction(`Disable “${nameOf(uid)}”?`,
      'Encoders are refused until it is enabled again. A running broadcast is cut off.', 'Disable'))
      return;
    await this.change(() => call('PUT', `/live_inputs/${uid}`, { enabled: !enabled }), enabled ? 'Disabled' : 'Enabled');
  }

  async rotate() {
    const { uid } = this.input;

    if (await confirmAction(`Replace the keys of “${nameOf(uid)}”?`,
      'The old ones are refused from now on, and who sends with them is cut off. Encoders have to be told the new ones.', 'Replace keys'))
      await this.change(() => call('POST', `/live_inputs/${uid}/rotate_keys`), 'Keys replaced');
  }

  async endBroadcast() {
    const { uid } = this.input;

    if (await confirmAction(`End the broadcast of “${nameOf(uid)}”?`,
      'The encoder is cut off, and the recording becomes ready. An encoder that connects again begins another broadcast.', 'End broadcast'))
      await this.change(() => call('POST', `/live_inputs/${uid}/end`), 'Ending');
  }

  async remove() {
    const { uid } = this.input;

    if (!await confirmAction(`Delete “${nameOf(uid)}”?`,
      'Its keys are refused from now on, and an encoder that sends is cut off. Recordings stay.', 'Delete'))
      return;
    await attempt(() => call('DELETE', `/live_inputs/${uid}`));
    await loadInputs();
  }
}

function filterCards() {
  const wanted = element('filter').value.trim().toLowerCase();

  for (const card of cards.values())
    card.node.hidden = wanted !== '' && !`${card.input.meta?.name ?? ''} ${card.input.uid}`.toLowerCase().includes(wanted);
}

/* one at a time for each input; asked for meanwhile: once more */
const refreshing = new Map();

async function refreshInput(uid) {
  if (refreshing.has(uid)) {
    refreshing.set(uid, true);
    return;
  }
  const begun = generation;
  do {
    refreshing.set(uid, false);
    try {
      const { result } = await call('GET', `/live_inputs/${encodeURIComponent(uid)}`);
      if (begun === generation)
        cards.get(uid)?.update(result);
    } catch (error) {
      if (begun === generation && !(error instanceof Refused && error.status === 404))
        complain(error);
    }
  } while (refreshing.get(uid) && begun === generation);
  refreshing.delete(uid);
}

async function refreshInputs(uids) {
  const queue = [...uids];

  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (queue.length > 0 && session)
      await refreshInput(queue.shift());
  }));
}

/* the first sentence; what to do about it when that is asked for */
function messageRow({ message }) {
  const end = message.indexOf('. ');

  return end < 0 ? make('p', {}, message)
    : make('details', {}, make('summary', {}, message.slice(0, end + 1)), make('p', {}, message.slice(end + 2)));
}

let messagesText = '';

function showMessages(messages) {
  const text = JSON.stringify(messages ?? []);

  if (text !== messagesText)
    element('notice').replaceChildren(...(messages ?? []).map(messageRow));
  messagesText = text;
  element('notice').hidden = element('notice').childElementCount === 0;
}

async function loadInputs() {
  const begun = generation;
  const answer = await attempt(() => call('GET', '/live_inputs'));

  if (!answer || begun !== generation)
    return;
  const { liveInputs } = answer.result;
  const uids = new Set(liveInputs.map((input) => input.uid));
  for (const uid of [...cards.keys()].filter((one) => !uids.has(one))) {
    cards.get(uid).node.remove();
    cards.delete(uid);
  }
  const fresh = liveInputs.filter((input) => !cards.has(input.uid));
  for (const input of fresh)
    cards.set(input.uid, new Card(input));
  /* newest first, as they are listed; what stands where it belongs is not touched */
  liveInputs.forEach((input, index) => {
    const { node } = cards.get(input.uid);
    const there = element('inputs').children[index];
    if (there !== node)
      element('inputs').insertBefore(node, there ?? null);
  });
  setText(element('inputs-count'), liveInputs.length > 0 ? String(liveInputs.length) : '');
  element('inputs-empty').hidden = liveInputs.length > 0;
  showMessages(answer.messages);
  filterCards();
  await refreshInputs(fresh.map((input) => input.uid));
}

/* recordings */

let recordingsShown = RECORDINGS_STEP;

function recordingRow(video) {
  const name = typeof video.meta?.name === 'string' && video.meta.name !== '' ? video.meta.name : nameOf(video.liveInput);
  const preview = address(video.preview);

  return make('tr', { 'data-uid': video.uid },
    make('td', {}, name, make('code', { class: 'id' }, video.uid)),
    make('td', {}, moment(video.created)),
    make('td', { class: 'number' }, video.duration > 0 ? duration(video.duration) : '–'),
    make('td', { class: 'number' }, size(video.size ?? 0)),
    make('td', {}, RECORDING_STATES[video.status?.state] ?? video.status?.state ?? ''),
    make('td', { class: 'do' },
      preview && video.readyToStream ? make('a', { class: 'button', href: preview, target: '_blank', rel: 'noopener', 'aria-label': `Watch ${name}` }, 'Watch') : null,
      make('button', { type: 'button', class: 'danger', 'aria-label': `Delete ${name}`, click: () => deleteRecording(video.uid, name, video.status?.state) }, 'Delete')));
}

async function deleteRecording(uid, name, state) {
  const running = state === 'live-inprogress' ? ' Its broadcast still runs and is ended first.' : '';

  if (!await confirmAction(`Delete the recording “${name}”?`, `It is gone for good.${running}`, 'Delete'))
    return;
  await attempt(() => call('DELETE', `/${encodeURIComponent(uid)}`));
  await loadRecordings();
}

let recordingsText = '';

async function loadRecordings() {
  const begun = generation;
  const limit = Math.min(recordingsShown + 1, 1000);
  const [list, usage] = await Promise.all([
    attempt(() => call('GET', `?limit=${limit}`)),
    attempt(() => call('GET', '/storage-usage')),
  ]);

  if (begun !== generation)
    return;
  if (list) {
    const videos = list.result.slice(0, recordingsShown);
    const text = JSON.stringify(videos);
    if (text !== recordingsText)
      element('recordings').replaceChildren(...videos.map(recordingRow));
    recordingsText = text;
    element('recordings-table').hidden = videos.length === 0;
    element('recordings-empty').hidden = videos.length > 0;
    element('recordings-more').hidden = list.result.length <= recordingsShown;
  }
  if (usage) {
    const { totalStorageMinutes: minutes, videoCount, totalStorageBytes: bytes } = usage.result;
    setText(element('usage'), `${videoCount} recording${videoCount === 1 ? '' : 's'}, ${duration(minutes * 60)}${bytes === undefined ? '' : `, ${size(bytes)}`}`);
    element('usage').hidden = false;
  }
}

/* events */

let cursor = '0';
let recordingsDue = false;

function describe(event) {
  const { data = {} } = event;
  const parts = [];

  /* a refused key says at its end whom it is meant for */
  const input = event.input ?? /k([0-9a-f]{32})$/.exec(data.key ?? '')?.[1];
  if (cards.has(input) || event.input)
    parts.push(nameOf(input));
  for (const [name, value] of Object.entries(data)) {
    if (value !== null && typeof value !== 'object' && !['videoUID', 'deadline', 'vendorCode'].includes(name))
      parts.push(`${name}: ${String(value).replace(/\*{3,}/, '…')}`);
  }
  return parts.join(' · ');
}

function eventRow(event) {
  const title = EVENTS[event.type]
    ?? (event.type.startsWith('health.')
      ? `${sentence(event.type.slice(7))}${event.data?.state === 'cleared' ? ': over' : ''}` : event.type);

  return make('li', { 'data-type': event.type },
    make('time', { datetime: event.time, title: moment(event.time) }, clockTime(event.time)),
    make('b', {}, title), make('span', { class: 'about' }, describe(event)));
}

function prepend(list, row, most) {
  list.prepend(row);
  while (list.childElementCount > most)
    list.lastElementChild.remove();
}

/* fresh: it has just happened, so what it is about is looked at */
function takeEvent(event, fresh) {
  cursor = String(event.sequence);
  if (event.type === 'segment.committed')
    return;
  prepend(element('events'), eventRow(event), EVENTS_SHOWN);
  if (event.type === 'publish.refused')
    prepend(element('refusals'), eventRow(event), REFUSALS_SHOWN);
  if (!fresh)
    return;
  if (event.type === 'live_input.created' || event.type === 'live_input.deleted')
    loadInputs();
  else if (event.input && cards.has(event.input))
    refreshInput(event.input);
  if (/^(recording|broadcast)\./.test(event.type))
    recordingsDue = true;
}

/* all that is new; false when it cannot be asked */
async function listEvents(fresh) {
  const begun = generation;

  for (let page = 0; page < EVENT_PAGES; page++) {
    const { result } = await call('GET', `/events?after=${cursor}&limit=1000&type=${EVENT_TYPES}`);
    if (begun !== generation)
      return;
    /* of a long past only the end is shown */
    const kept = fresh ? result.events : result.events.slice(-EVENTS_SHOWN * 5);
    for (const event of kept)
      takeEvent(event, fresh);
    cursor = String(result.cursor);
    if (!result.more)
      return;
  }
}

function takeLines(block) {
  const data = block.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, ''));

  if (data.length > 0)
    takeEvent(JSON.parse(data.join('\n')), true);
}

/* until the stream ends, or nothing at all comes: someone on the way may hold it back */
async function followEvents(begun) {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), STREAM_SILENCE_MS);
  const response = await fetch(`/client/v4/accounts/${encodeURIComponent(session.account)}/stream/events?type=${EVENT_TYPES}`, {
    headers: { Authorization: `Bearer ${session.token}`, Accept: 'text/event-stream', 'Last-Event-ID': cursor },
    cache: 'no-store',
    credentials: 'omit',
    signal: abort.signal,
  });

  if (!response.ok)
    throw new Refused(response.status, `The server answered ${response.status}`);
  stopFollowing = () => abort.abort();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || begun !== generation)
        return;
      showLink('');
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), STREAM_SILENCE_MS);
      text += value.replaceAll('\r', '');
      const blocks = text.split('\n\n');
      text = blocks.pop();
      blocks.forEach(takeLines);
    }
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

let stopFollowing = () => {};

function showLink(text) {
  setText(element('link'), text);
  element('link').hidden = text === '';
}

async function keepFollowing() {
  const begun = generation;

  while (begun === generation) {
    try {
      await followEvents(begun);
    } catch (error) {
      if (begun === generation && error instanceof Refused && error.status === 401)
        complain(error);
    }
    if (begun !== generation)
      return;
    /* without a stream they are asked for */
    try {
      await listEvents(true);
      showLink('');
    } catch (error) {
      if (begun !== generation)
        return;
      showLink('No connection: trying again');
    }
    await wait(POLL_MS);
  }
}

/* what no event tells: bitrates, and how a recording grows */
async function poll() {
  const begun = generation;

  for (let round = 0; begun === generation; round++) {
    await wait(POLL_MS);
    if (begun !== generation || document.hidden)
      continue;
    const running = [...cards.values()].filter((card) => isRunning(card.input)).map((card) => card.input.uid);
    await refreshInputs(running);
    if (recordingsDue || (running.length > 0 && round % 5 === 0)) {
      recordingsDue = false;
      await loadRecordings();
    }
  }
}

/* log in and out */

async function findAccounts(token, account) {
  try {
    const { result } = await call('GET', '/accounts?per_page=1000', undefined, { token, root: true });
    return result;
  } catch (error) {
    /* an account's token may not know of the others */
    if (!(error instanceof Refused) || error.status !== 403)
      throw error;
  }
  if (!account)
    throw new Refused(403, 'This is the token of an account: say which, below the token.');
  await call('GET', '/live_inputs', undefined, { token, account });
  return [{ id: account, name: account }];
}

function showAccounts(accounts) {
  element('account-select').replaceChildren(...accounts.map((account) =>
    make('option', { value: account.id }, account.name === account.id ? account.id : `${account.name} (${account.id})`)));
  element('account-select').value = session.account;
  element('account-choice').hidden = accounts.length < 2;
}

async function begin() {
  const begun = ++generation;

  stopFollowing();
  cards.clear();
  refreshing.clear();
  cursor = '0';
  recordingsText = '';
  recordingsShown = RECORDINGS_STEP;
  for (const id of ['inputs', 'recordings', 'events', 'refusals'])
    element(id).replaceChildren();
  element('login').hidden = true;
  for (const id of ['desk', 'logout'])
    element(id).hidden = false;
  await loadInputs();
  await Promise.all([loadRecordings(), attempt(() => listEvents(false))]);
  if (begun !== generation)
    return;
  keepFollowing();
  poll();
}

async function logIn(token, account) {
  const accounts = await findAccounts(token, account);
  const chosen = accounts.find((one) => one.id === account) ?? accounts[0];

  session = { token, account: chosen.id };
  sessionStorage.setItem('weir', JSON.stringify(session));
  showAccounts(accounts);
  begin();
}

function logOut(reason = '') {
  generation++;
  stopFollowing();
  session = null;
  sessionStorage.removeItem('weir');
  for (const id of ['desk', 'logout', 'usage', 'account-choice', 'link'])
    element(id).hidden = true;
  for (const id of ['inputs', 'recordings', 'events', 'refusals'])
    element(id).replaceChildren();
  for (const dialog of document.querySelectorAll('dialog[open]'))
    dialog.close('no');
  cards.clear();
  element('login').hidden = false;
  setText(element('login-error'), reason);
  element('token').value = '';
  element('token').focus();
}

function sayRefusal(error) {
  if (!(error instanceof Refused))
    return 'The server cannot be reached.';
  return error.status === 401 ? 'This token is not accepted.' : error.message;
}

element('login-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = event.submitter ?? event.target.querySelector('button');
  button.disabled = true;
  setText(element('login-error'), '');
  try {
    await logIn(element('token').value.trim(), element('account').value.trim());
    element('token').value = '';
  } catch (error) {
    setText(element('login-error'), sayRefusal(error));
    element('token').select();
  }
  button.disabled = false;
});

element('logout').addEventListener('click', () => logOut());
element('account-select').addEventListener('change', (event) => {
  session = { ...session, account: event.target.value };
  sessionStorage.setItem('weir', JSON.stringify(session));
  begin();
});
element('filter').addEventListener('input', filterCards);
element('recordings-more').addEventListener('click', () => {
  recordingsShown += RECORDINGS_STEP;
  loadRecordings();
});

element('create').addEventListener('click', () => {
  element('create-form').reset();
  setText(element('create-error'), '');
  element('create-dialog').showModal();
});
element('create-cancel').addEventListener('click', () => element('create-dialog').close());
element('create-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const name = element('create-name').value.trim();
  const mode = element('create-recording').value;
  const seconds = element('create-timeout').value;
  const recording = { ...(mode ? { mode } : {}), ...(seconds ? { timeoutSeconds: Number(seconds) } : {}) };
  try {
    const { result } = await call('POST', '/live_inputs', {
      ...(name ? { meta: { name } } : {}),
      ...(Object.keys(recording).length > 0 ? { recording } : {}),
    });
    element('create-dialog').close();
    await loadInputs();
    cards.get(result.uid)?.toggle(true);
  } catch (error) {
    setText(element('create-error'), sayRefusal(error));
  }
});

setInterval(() => {
  for (const card of cards.values())
    card.tick();
}, 250);

/* a page that is loaded again goes on */
try {
  const kept = JSON.parse(sessionStorage.getItem('weir') ?? 'null');
  if (kept?.token)
    await logIn(kept.token, kept.account);
} catch (error) {
  if (error instanceof Refused)
    logOut(sayRefusal(error));
  else
    setText(element('login-error'), sayRefusal(error));
}
