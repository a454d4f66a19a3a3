// The page to correct on. No framework, no build step, nothing from another host.
"use strict";

const $ = (id) => document.getElementById(id);
const NOTHING = "nothing to read";
const SKIPPED = "skipped";
const LOOK = 2000; // milliseconds between two looks at what was learnt meanwhile

let settings = null;
let keys = new Map(); // key: label
let cards = []; // what is shown: {name, label, probability, others, state, decision, parts}
let current = 0;
let unsent = []; // decisions that are not on the disk yet: [{card, decision}, ...] for each request
let sending = null; // the promise of all that is being sent
let isTurning = false; // all that is shown is answered, and the next page is on its way
let progress = null;

// ---------------------------------------------------------------- asking

async function ask(path, options) {
  let response;
  try {
    response = await fetch(`api/${path}`, options);
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({ error: `The server answers ${response.status}, and not in words.` }));
  if (!response.ok) throw new Error(answer.error.charAt(0).toUpperCase() + answer.error.slice(1));
  return answer;
}

const post = (path, body) => ask(path, { method: "POST", ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
const pictureOf = (name) => `api/picture?${new URLSearchParams({ name })}`;

// One after the other, in the order of the keys; what fails stops those behind it, and all of them are asked again.
async function sendAll() {
  while (unsent.length) {
    await send();
    const isThrough = cards.length && cards.every(({ state }) => state === "done");
    if (!unsent.length && isThrough) await turn();
  }
  sending = null;
}

async function send() {
  const batch = unsent[0];
  try {
    const answer = await post("decide", batch.map(({ card, decision }) => ({ name: card.name, ...decision })));
    unsent.shift();
    for (const { card, decision } of batch) if (card.decision === decision) mark(card, "done");
    showProgress(answer);
  } catch (error) {
    const failed = unsent.flat();
    unsent = [];
    isTurning = false;
    for (const { card } of failed) mark(card, "waiting", null);
    select(Math.max(0, cards.indexOf(failed[0].card)));
    showError(error.message);
  }
}

function decide(chosen, decision) {
  showError("");
  unsent.push(chosen.map((card) => ({ card, decision: { ...decision(card) } })));
  for (const { card, decision: made } of unsent.at(-1)) mark(card, "saving", made);
  const next = nextWaiting(current);
  say(chosen.length > 1 ? `Agreed to ${chosen.length}.` : `${words(chosen[0].decision)}.`);
  isTurning = next < 0;
  if (next >= 0) select(next);
  else showCurrent();
  sending ??= sendAll();
}

function nextWaiting(from) {
  for (let step = 1; step <= cards.length; step += 1) {
    const index = (from + step) % cards.length;
    if (cards[index].state === "waiting") return index;
  }
  return -1;
}

const own = (card) => (card.label ? { label: card.label } : { left_out: NOTHING });
// Between two pages a key is meant for no picture that one has seen.
const isBusy = () => cards.length === 0 || isTurning;

function correct(label) {
  if (!isBusy()) decide([cards[current]], () => (label ? { label } : { left_out: NOTHING }));
}

function agree() {
  if (isBusy()) return;
  if (!settings.is_number) {
    const card = cards[current]; // once more on what was corrected: as it stands
    if (card.state === "waiting") decide([card], own);
    else if (nextWaiting(current) >= 0) select(nextWaiting(current));
    return;
  }
  correct($("text").value.trim().replace(/\s+/g, " "));
}

function agreeToAll() {
  const waiting = cards.filter(({ state }) => state === "waiting");
  if (waiting.length) decide(waiting, own);
}

async function undo() {
  await sending;
  showError("");
  try {
    const answer = await post("undo");
    showProgress(answer);
    const shown = new Map(cards.map((card) => [card.name, card]));
    const back = answer.pictures.map((picture) => shown.get(picture.name) ?? create(picture));
    if (!back.length) return;
    const added = back.filter(({ name }) => !shown.has(name));
    for (const card of back) mark(card, "waiting", null);
    if (added.length) show([...added, ...cards]);
    select(cards.indexOf(back[0]));
    say(`Taken back: ${name(back[0])}`);
  } catch (error) {
    showError(error.message);
  }
}

// The next page of pictures.
async function turn() {
  try {
    const answer = await ask("queue");
    show(answer.pictures.map(create));
    showProgress(answer);
    isTurning = false;
    select(0);
  } catch (error) {
    isTurning = false;
    showError(error.message);
  }
}

// ---------------------------------------------------------------- showing

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const percent = (share) => (share >= 0.99995 ? "100 %" : `${(100 * share).toFixed(share >= 0.995 ? 2 : 0)} %`);
const fileOf = (path) => path.split(/[\\/]/).at(-1);
const none = () => (settings.is_number ? "no number" : "not a digit");
const words = ({ label, left_out: leftOut }) => (label ? label : leftOut === SKIPPED ? "skipped" : none());
const long = (text) => (text.length > 3 ? "long" : "");

function name(card) {
  const sure = card.label ? `${percent(card.probability)} sure` : `or ${card.others[0] ?? "nothing"}`;
  const state = card.decision === null ? "" : `, kept as ${words(card.decision)}`;
  return `${fileOf(card.name)}: read as ${card.label || none()}, ${sure}${state}`;
}

function create(picture) {
  const image = element("img", { src: pictureOf(picture.name), alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("load", () => image.classList.toggle("tiny", image.naturalWidth < 100));
  image.addEventListener("error", () => {
    image.alt = "This picture cannot be shown any more.";
  });
  const parts = { image, label: element("b"), note: element("small") };
  const button = element("button", { type: "button", className: "card", tabIndex: -1 }, image, parts.label, parts.note);
  const card = { ...picture, state: "waiting", decision: null, button, parts };
  button.addEventListener("click", () => select(cards.indexOf(card)));
  mark(card, "waiting", null);
  return card;
}

function mark(card, state, decision = card.decision) {
  Object.assign(card, { state, decision });
  const { button, parts } = card;
  button.dataset.state = state;
  const shown = decision === null ? card.label || "\u2013" : decision.label || "\u2013";
  parts.label.textContent = shown;
  parts.label.className = long(shown);
  parts.note.textContent = decision === null ? (card.label ? percent(card.probability) : `${none()}?`) : decision.label ? (decision.label === card.label ? "agreed" : "corrected") : words(decision);
  button.toggleAttribute("data-corrected", decision !== null && decision.left_out !== SKIPPED && (decision.label ?? "") !== card.label);
  button.setAttribute("aria-label", name(card));
}

function show(made) {
  cards = made;
  $("cards").replaceChildren(...cards.map(({ button }) => element("li", {}, button)));
}

function select(index) {
  current = Math.max(0, Math.min(index, cards.length - 1));
  cards.forEach(({ button }, place) => {
    button.setAttribute("aria-current", place === current);
    button.tabIndex = place === current ? 0 : -1;
  });
  showCurrent();
  const card = cards[current];
  if (!card) return;
  const target = settings.is_number && !matchMedia("(pointer: coarse)").matches ? $("text") : card.button;
  if (!$("panel").contains(document.activeElement) || document.activeElement === $("text") || pressed) target.focus({ preventScroll: true });
  pressed = false;
  card.button.scrollIntoView({ block: "nearest" });
}

function shownText() {
  const card = cards[current];
  return card.decision === null ? card.label : card.decision.label ?? "";
}

function showCurrent() {
  const card = cards[current];
  for (const id of ["agree", "nothing", "skip", "agree-all", "text"]) $(id).disabled = !card;
  for (const button of $("pad").children) {
    button.disabled = !card;
    button.classList.toggle("guess", card?.label === button.value);
  }
  const proposed = !card || settings.is_number ? "" : card.decision === null ? card.label || none() : "next";
  $("agree").firstElementChild.textContent = proposed === "next" ? "Go on" : proposed ? `Agree: ${proposed}` : "Agree";
  $("large").hidden = !card;
  if (!card) {
    $("label").textContent = "\u2013";
    $("label").dataset.kind = "empty";
    $("sure").textContent = "";
    return;
  }
  const source = pictureOf(card.name);
  if ($("large").getAttribute("src") !== source) $("large").src = source;
  const shown = shownText();
  $("label").textContent = shown || (card.decision === null ? `${none()}?` : words(card.decision));
  $("label").dataset.kind = shown ? "label" : "doubt";
  $("label").className = long($("label").textContent);
  const others = card.others.length ? `${card.label ? "Or else" : "Or"} ${card.others.join(", ")}.` : "";
  $("sure").textContent = card.decision === null ? `${card.label ? `${percent(card.probability)} sure. ` : ""}${others}` : `${card.parts.note.textContent}. Another key changes it.`;
  $("text").value = shown;
  if (document.activeElement === $("text")) $("text").select();
}
$("large").addEventListener("load", () => $("large").classList.toggle("tiny", $("large").naturalWidth < 100));

function showProgress({ progress: counted, lessons }) {
  progress = counted;
  const { done, left, skipped, corrected, can_undo: canUndo } = counted;
  $("bar").max = Math.max(1, done + left + skipped);
  $("bar").value = done;
  $("count").textContent = `${done} done, ${left} left${skipped ? `, ${skipped} skipped` : ""}${corrected ? `; ${corrected} corrected` : ""}`;
  $("undo").disabled = !canUndo;
  $("lessons").hidden = lessons === null;
  if (lessons !== null) showLessons(lessons);
  const over = left === 0 && cards.every(({ state }) => state === "done");
  $("end").hidden = !over || cards.length > 0;
  if (over) showEnd();
}

function showLessons({ is_learning: isLearning, told, written, changed }) {
  const read = changed ? ` ${changed} ${changed === 1 ? "picture is" : "pictures are"} now read otherwise.` : "";
  const text = `${told}${read}${written ? ` Kept in ${fileOf(written)}.` : ""}`;
  $("lessons").textContent = isLearning ? `Learning from your corrections. ${text}` : text || "Learns from your corrections, from the tenth label on.";
}

function showEnd() {
  const { done, skipped } = progress;
  $("end-title").textContent = skipped ? `All but ${skipped} skipped ${skipped === 1 ? "picture is" : "pictures are"} done` : `All ${done} pictures are done`;
  $("command").textContent = `lenetkit adapt ${settings.table} --output mine.lenet`;
  $("command").hidden = settings.is_number || !$("lessons").hidden;
  $("end-note").textContent = `Kept in ${settings.table}.${$("command").hidden ? "" : " To learn them:"}`;
  $("again").textContent = `Go through the ${skipped} skipped again`;
  $("again").hidden = skipped === 0;
}

function showError(text) {
  $("error").textContent = text;
  $("error").hidden = !text;
}

function say(text) {
  $("said").textContent = text;
}

// ---------------------------------------------------------------- keys and buttons

let pressed = false; // a button, by a mouse or a finger: the keys go to the pictures again

function onClick(id, action) {
  $(id).addEventListener("click", (event) => {
    pressed = event.detail > 0;
    action();
  });
}
onClick("agree", agree);
onClick("agree-all", agreeToAll);
onClick("nothing", () => correct(""));
onClick("skip", () => isBusy() || decide([cards[current]], () => ({ left_out: SKIPPED })));
onClick("undo", undo);
onClick("again", async () => {
  try {
    await post("again");
    await turn();
  } catch (error) {
    showError(error.message);
  }
});

// So many pictures stand in one row.
function columns() {
  const top = cards[0]?.button.getBoundingClientRect().top;
  return Math.max(1, cards.filter(({ button }) => button.getBoundingClientRect().top === top).length);
}

const MOVES = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -columns(), ArrowDown: () => columns() };

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.altKey || settings === null) return;
  const isField = event.target === $("text");
  const isControl = event.target.closest("button, summary, a") && !event.target.closest(".card");
  const { key } = event;
  let action = null;
  if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z") {
    // What is typed is undone by the browser first.
    action = isField && cards[current] && $("text").value !== shownText() ? null : undo;
  } else if (event.ctrlKey || event.metaKey) return;
  else if (isControl && (key === "Enter" || key === " ")) return;
  else if (key === "Enter") action = event.shiftKey ? agreeToAll : agree;
  else if (isField) {
    if (key === "Escape") action = () => $("skip").click();
    if (key === "ArrowUp" || key === "ArrowDown") action = () => select(current + MOVES[key]());
  } else if (key in MOVES) action = () => select(current + MOVES[key]());
  else if (key === "Backspace") action = undo;
  else if (key === "Delete") action = () => correct("");
  else if (key === " ") action = () => $("skip").click();
  else if (keys.has(key) || keys.has(key.toLowerCase())) action = () => correct(keys.get(key) ?? keys.get(key.toLowerCase()));
  if (action === null) return;
  event.preventDefault();
  if (!(event.repeat && action !== undo && !(key in MOVES))) action(); // a key that is held down decides once
});

// ---------------------------------------------------------------- start

function createPad() {
  const { classes } = settings;
  const isShort = classes.every((label) => [...label].length === 1);
  keys = new Map(isShort ? classes.map((label) => [label, label]) : classes.slice(0, 10).map((label, index) => [String((index + 1) % 10), label]));
  const byLabel = new Map([...keys].map(([key, label]) => [label, key]));
  $("pad").className = isShort ? (classes.length > 10 ? "many" : "") : "words";
  $("pad").replaceChildren(...classes.map((label) => {
    const button = element("button", { type: "button", value: label, textContent: label });
    if (!isShort && byLabel.has(label)) button.prepend(element("kbd", { textContent: byLabel.get(label), ariaHidden: "true" }), "\u00a0");
    button.addEventListener("click", (event) => {
      pressed = event.detail > 0;
      correct(label);
    });
    return button;
  }));
}

async function start() {
  try {
    settings = await ask("settings");
  } catch (error) {
    showError(error.message);
    return;
  }
  const isNumber = settings.is_number;
  document.body.classList.toggle("numbers", isNumber);
  document.title = `${settings.folder} - lenetkit`;
  $("where").textContent = `${settings.folder}: least sure first. Kept in ${fileOf(settings.table)}.`;
  $("where").title = settings.table;
  $("field").hidden = !isNumber;
  $("pad").hidden = isNumber;
  $("nothing").firstElementChild.textContent = isNumber ? "No number" : "Not a digit";
  if (isNumber) {
    $("keys").textContent = "Enter agrees to what stands in the field; empty is no number. Escape skips, the arrow keys up and down move, Ctrl+Z undoes. Every key is on the disk at once.";
    for (const [id, key] of [["nothing", ""], ["skip", "Esc"], ["undo", "Ctrl+Z"]]) {
      const shown = $(id).querySelector("kbd");
      shown.textContent = key;
      shown.hidden = !key;
    }
  } else createPad();
  $("others").hidden = settings.left_out.length === 0;
  $("others-title").textContent = `${settings.left_out.length} left out`;
  $("left-out").replaceChildren(...settings.left_out.map((line) => element("li", { textContent: line })));
  await turn();
  if (!$("lessons").hidden) setInterval(() => ask("queue?count=0").then(showProgress, () => {}), LOOK);
}
start();
