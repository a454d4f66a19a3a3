// The page to draw on. No framework, no build step, nothing from another host.
"use strict";

const $ = (id) => document.getElementById(id);
const canvas = $("canvas");
const pen = canvas.getContext("2d");
const SVG = "http://www.w3.org/2000/svg";
const PAUSE = 150; // milliseconds between a movement of the pen and the question
const SILENCE = 900; // and until the answer is said aloud
const MOST_BARS = 10;

let pipelines = [];
let maxBytes = Infinity;
let maxKnown = Infinity; // numbers in the list of known ones
let strokes = []; // what is drawn: {width, points}
let stroke = null; // what is being drawn
let wiped = null; // what Clear has removed, for Undo
let photo = null; // a chosen picture instead of a drawing: {file, name}
let epoch = 0; // grows when what was asked for is of no interest any more
let found = null; // the last answer
const cursor = { x: 320, y: 240, shown: false }; // the pen that the arrow keys move

// ---------------------------------------------------------------- drawing

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
}

function line(width, from, to) {
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = $("chalk").checked ? "#fff" : "#111";
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
}

function redraw() {
  pen.fillStyle = $("chalk").checked ? "#000" : "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  for (const { width, points } of strokes) points.forEach((point, index) => line(width, points[Math.max(index - 1, 0)], point));
  $("board").classList.toggle("chalk", $("chalk").checked);
  $("hint").hidden = strokes.length > 0 || photo !== null;
  $("photo").hidden = photo === null;
  $("undo").disabled = photo !== null || (strokes.length === 0 && wiped === null);
  $("clear").disabled = strokes.length === 0 && photo === null;
}

function begin(point) {
  wiped = null;
  stroke = { width: Number($("pen").value), points: [point] };
  strokes.push(stroke);
  redraw();
}

function extend(point) {
  line(stroke.width, stroke.points.at(-1), point);
  stroke.points.push(point);
  askSoon();
}

function end() {
  if (stroke === null) return;
  stroke = null;
  askSoon();
}

canvas.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  cursor.shown = false;
  begin(place(event));
  askSoon();
});
canvas.addEventListener("pointermove", (event) => {
  if (stroke === null || !event.isPrimary || cursor.shown) return;
  const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  for (const step of between.length ? between : [event]) extend(place(step));
});
for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(kind, (event) => event.isPrimary && end());

function undo() {
  if (photo !== null || stroke !== null) return;
  if (strokes.length) strokes.pop();
  else if (wiped !== null) [strokes, wiped] = [wiped, null];
  else return;
  restart();
}

function clear() {
  end();
  if (photo === null && strokes.length) wiped = strokes;
  if (photo === null) strokes = [];
  photo = null;
  restart();
}

function restart() {
  epoch += 1;
  redraw();
  if (photo || !strokes.length) showNothing();
  askSoon();
}

canvas.addEventListener("keydown", (event) => {
  const step = event.shiftKey ? 40 : 12;
  const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
  if (photo !== null || (way === undefined && event.key !== " ")) return;
  event.preventDefault();
  cursor.shown = true;
  if (way === undefined) {
    if (stroke === null) {
      begin([cursor.x, cursor.y]);
      askSoon();
    } else end();
  } else {
    cursor.x = Math.min(Math.max(cursor.x + way[0], 0), canvas.width);
    cursor.y = Math.min(Math.max(cursor.y + way[1], 0), canvas.height);
    if (stroke !== null) extend([cursor.x, cursor.y]);
  }
  showBoxes();
});
canvas.addEventListener("blur", () => {
  if (cursor.shown) end();
  cursor.shown = false;
  showBoxes();
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
    event.preventDefault();
    undo();
  }
});

$("undo").addEventListener("click", undo);
$("clear").addEventListener("click", clear);
$("chalk").addEventListener("change", restart);

// ---------------------------------------------------------------- pictures

function take(file) {
  if (!file) return;
  if (file.size > maxBytes) {
    end();
    forget();
    showError(`${file.name} must have at most ${maxBytes / 1e6} MB; it has ${(file.size / 1e6).toFixed(1)}. Scale it down or cut it.`);
    return;
  }
  end();
  photo = { file, name: file.name || "the picture" };
  URL.revokeObjectURL($("photo").src);
  $("photo").src = URL.createObjectURL(file);
  restart();
}

// What the browser cannot show, such as TIFF, is shown as the server has read it.
$("photo").addEventListener("error", () => {
  if (photo && found && !$("photo").src.startsWith("data:")) $("photo").src = found.stages[0].picture;
});

for (const id of ["file", "camera"]) {
  $(id).addEventListener("change", () => {
    take($(id).files[0]);
    $(id).value = ""; // the same picture may be chosen again
  });
}
document.addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (file) take(file);
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("board").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files[0]);
  });
}

// ---------------------------------------------------------------- asking

// What the visitor knows of the number; it counts only where a number is asked for.
const FIELDS = ["length", "pattern", "among", "check", "lines"];
const isNumberMode = () => $("mode").value === "number";

function known() {
  if ($("known").hidden) return {};
  if (!$("lines").checkValidity()) throw Object.assign(new Error("lines must be an integer from 1 to 100."), { about: "known" });
  const count = $("among").value.split(/[\s,;]+/).filter(Boolean).length;
  if (count > maxKnown) throw Object.assign(new Error(`There must be at most ${maxKnown.toLocaleString("en")} known numbers on this page; there are ${count.toLocaleString("en")}.`), { about: "known" });
  return Object.fromEntries(FIELDS.map((id) => [id, $(id).value.trim()]).filter(([, text]) => text));
}

async function post(what, picture, name, more = {}) {
  const query = new URLSearchParams({ pipeline: $("pipeline").value, name, ...more });
  let response;
  try {
    response = await fetch(`api/${what}?${query}`, { method: "POST", body: picture });
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({ error: `The server answers ${response.status}, and not in words.` }));
  if (!response.ok) throw Object.assign(new Error(answer.error), { status: response.status, about: answer.about });
  return answer;
}

// One question at a time; of those that come meanwhile only the last counts.
function asker(ask) {
  let busy = false;
  let again = false;
  const question = async () => {
    again = true;
    if (busy) return;
    busy = true;
    while (again) {
      again = false;
      await ask();
    }
    busy = false;
  };
  question.drop = () => {
    again = false;
  };
  return question;
}

const picture = () => (photo ? photo.file : new Promise((resolve) => canvas.toBlob(resolve, "image/png")));
const nameOfPicture = () => (photo ? photo.name : "the drawing");

const ask = asker(async () => {
  if (!strokes.length && !photo) return;
  const asked = epoch;
  $("answer").setAttribute("aria-busy", "true");
  try {
    const answer = await post("read", await picture(), nameOfPicture(), known());
    if (asked === epoch) show(answer);
  } catch (error) {
    if (asked === epoch) (error.about === "known" ? showWrongKnowledge : showError)(error.message);
  }
  $("answer").removeAttribute("aria-busy");
});

const lookInside = asker(async () => {
  if (!$("inside").open || found === null) return;
  const asked = epoch;
  if (!$("layers").children.length) $("inside-note").textContent = "Computing. The first time TensorFlow is loaded, which takes some seconds.";
  try {
    const { layers } = await post("layers", await picture(), nameOfPicture());
    if (asked !== epoch) return;
    $("inside-note").textContent = "The output of each layer for the picture. Black is the smallest value in a layer, white the largest.";
    fill($("layers"), layers.map((layer) => figure(layer.picture, layer.name, layer.caption)));
  } catch (error) {
    if (asked !== epoch) return;
    $("inside-note").textContent = error.message;
    fill($("layers"), []);
  }
});
$("inside").addEventListener("toggle", lookInside);

let timer = null;
function askSoon() {
  timer ??= setTimeout(() => {
    timer = null;
    ask();
  }, PAUSE);
}

// The answer to what was asked, or was about to be, is of no interest any more.
function forget() {
  clearTimeout(timer);
  timer = null;
  ask.drop();
  epoch += 1;
}

// ---------------------------------------------------------------- showing

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function fill(list, items) {
  list.replaceChildren(...items);
}

function figure(source, name, caption, smooth = false) {
  const image = element("img", { src: source, alt: "", className: smooth ? "smooth" : "" });
  const [step, stage] = name.split(": "); // "MnistNormalize: stroke" is a stage inside a step
  const faint = [stage === undefined ? [] : step, caption].flat().map((text) => element("span", { className: "faint", textContent: text }));
  return element("li", {}, image, stage ?? step, ...faint);
}

const percent = (share) => (share >= 0.99995 ? "100 %" : `${(100 * share).toFixed(share >= 0.995 ? 2 : 1)} %`);
const digits = () => pipelines.find(({ name }) => name === $("pipeline").value)?.labels.every((label) => /^\d$/.test(label)) ?? true;

function bars(rows, title) {
  $("bars-title").hidden = false;
  $("bars-title").textContent = title;
  $("bars").classList.toggle("words", rows.some(([label]) => label.length > 2));
  fill($("bars"), rows.map(([label, share, best]) => {
    const bar = element("i", { ariaHidden: "true" });
    bar.style.setProperty("--share", share ?? 0);
    return element("li", { className: best ? "best" : "" }, element("b", { textContent: label, title: label }), bar, element("span", { textContent: share === null ? "" : percent(share) }));
  }));
}

function labelBars(probabilities, answered = false) {
  // Names that are numbers come from an object in their own order: the labels' order is the pipeline's.
  const names = pipelines.find(({ name }) => name === $("pipeline").value)?.labels ?? [];
  let rows = names.map((label) => [label, probabilities ? probabilities[label] : null, false]);
  const top = Math.max(...rows.map(([, share]) => share ?? -1));
  rows = rows.map(([label, share]) => [label, share, answered && share === top]);
  if (rows.length > MOST_BARS) rows = rows.sort((a, b) => b[1] - a[1]).slice(0, MOST_BARS);
  bars(rows, rows.length < names.length ? `The ${MOST_BARS} most probable labels` : "How probable each label is");
}

let silence = null;
function showNothing() {
  found = null;
  clearTimeout(silence);
  $("said").textContent = "";
  $("label").textContent = "\u2013";
  $("label").dataset.kind = "empty";
  $("label").className = "";
  $("sure").textContent = photo ? `Reading ${photo.name}.` : "Nothing drawn yet.";
  $("sure").hidden = false;
  $("error").hidden = true;
  $("known-error").hidden = true;
  $("more").hidden = true;
  labelBars(null);
  fill($("stages"), []);
  fill($("findings"), []);
  fill($("layers"), []);
  $("inside-note").textContent = "Draw something to see what each layer makes of it.";
  showBoxes();
}

function showError(words) {
  photo = null;
  redraw();
  showNothing();
  $("label").textContent = "No answer";
  $("label").dataset.kind = "none";
  $("sure").hidden = $("bars-title").hidden = true;
  fill($("bars"), []);
  $("error").textContent = words;
  $("error").hidden = false;
}

// The picture is all right: it stays, and the words stand where the fields are.
function showWrongKnowledge(words) {
  showNothing();
  $("label").textContent = "No answer";
  $("label").dataset.kind = "none";
  $("sure").textContent = "Change what you know of the number.";
  $("known-error").textContent = words.charAt(0).toUpperCase() + words.slice(1);
  $("known-error").hidden = false;
}

const sign = (reason) => /^the sign (.)$/.exec(reason)?.[1];

// The answer in the way that was asked for: what the server thinks best, one label, or a number.
function headline() {
  const { answer, label, probability, number, reason, is_label: isLabel } = found;
  const mode = $("mode").value;
  const kind = mode === "number" && number ? (number.digits.length ? "number" : "nothing") : mode === "label" ? (found.rejected ? "none" : "label") : answer.kind;
  if (kind === "number") {
    const count = number.digits.length === 1 ? "One digit" : `${number.digits.length} digits`;
    const lostOnes = number.left_out.filter(({ reason }) => !sign(reason));
    const signs = lostOnes.length < number.left_out.length ? " There are signs beside the digits." : "";
    const places = lostOnes.length;
    const lost = places ? ` ${places === 1 ? "One place" : `${places} places`} left out: ${[...new Set(lostOnes.map(({ reason }) => reason))].join("; ")}.` : "";
    const doubt = number.rejected ? ` Not sure enough: ${number.reason}` : "";
    return { kind, text: number.raw_with_doubts, sure: `${count}; ${percent(number.probability)} sure of the whole.${signs}${lost}${doubt}` };
  }
  if (kind === "nothing") return { kind: "none", text: "No number", sure: "There is no digit in the picture." };
  if (kind === "none") {
    const text = isLabel ? "Not sure" : digits() ? "Not a digit" : "None of the labels";
    return { kind, text, sure: reason.charAt(0).toUpperCase() + reason.slice(1) };
  }
  const several = number && number.digits.length > 1 ? ` Read as a number: ${number.lines.join(", ")}.` : "";
  return { kind: "label", text: String(label), sure: `${percent(probability)} sure.${several}` };
}

function show(answer) {
  found = answer;
  $("error").hidden = true;
  $("known-error").hidden = true;
  $("sure").hidden = false;
  showHeadline();
  fill($("stages"), answer.stages.map(({ name, size, picture: source }) => figure(source, name, size.join(" x "), Math.max(...size) > 100)));
  const odd = headline().kind === "number" ? [] : answer.findings; // several digits are no fault then
  fill($("findings"), odd.map(({ cause, cure }) => element("li", {}, `${cause.charAt(0).toUpperCase()}${cause.slice(1)}. `, element("span", { className: "faint", textContent: `What helps: ${cure}.` }))));
  const shown = $("photo");
  if (photo && shown.complete && !shown.naturalWidth) shown.src = answer.stages[0].picture;
  lookInside();
}

function showHeadline() {
  if (found === null) return;
  const { kind, text, sure } = headline();
  $("label").textContent = text;
  $("label").dataset.kind = kind === "number" && found.number.rejected ? "doubt" : kind;
  showMore(kind === "number" ? found.number : null);
  $("label").className = text.length > 40 ? "page" : text.length > 8 || text.includes("\n") ? "long" : "";
  $("sure").textContent = sure;
  if (kind !== "number") labelBars(found.probabilities, kind === "label");
  else {
    const first = found.number.digits.slice(0, MOST_BARS);
    const title = first.length < found.number.digits.length ? `How probable the first ${MOST_BARS} digits are` : "How probable each digit is";
    bars(first.map((digit) => [String(digit.label), digit.probability, true]), title);
  }
  $("stages-note").textContent = kind === "number" ? "The stages of the whole picture when it is read as one digit." : "From the picture as it was read to what the network sees.";
  showBoxes();
  clearTimeout(silence);
  silence = setTimeout(() => {
    $("said").textContent = `${text}. ${sure}`;
  }, SILENCE);
}

// What a number has beside its digits: parts between signs and gaps, and what else it may be.
function showMore(number) {
  const rows = [];
  if (number && number.groups.length > number.lines.length) rows.push(["Parts", number.groups.join(" \u00b7 ")]);
  const others = number ? number.alternatives.slice(1).filter(({ probability }) => probability >= 0.0005) : [];
  if (others.length) rows.push(["Or else", others.map(({ text, probability }) => `${text.replaceAll("\n", " \u21b5 ")} (${percent(probability)})`).join(", ")]);
  $("more").hidden = rows.length === 0;
  fill($("more"), rows.flatMap(([name, text]) => [element("dt", { textContent: name }), element("dd", { textContent: text })]));
}

function shape(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

function showBoxes() {
  const [width, height] = found ? found.size : [canvas.width, canvas.height];
  const marks = [];
  if (found && headline().kind === "number") {
    const heights = found.number.digits.map(({ box }) => box[3] - box[1]);
    const mean = heights.reduce((sum, each) => sum + each, 0) / heights.length;
    const size = Math.min(Math.max(width, height) / 22, Math.max(mean / 2, Math.max(width, height) / 60));
    const doubts = found.number.left_out.map(({ box, reason }) => ({ label: sign(reason) ?? "?", box, class: "doubt" }));
    for (const { label, box, class: kind = "" } of [...found.number.digits, ...doubts]) {
      const [left, top, right, bottom] = box;
      marks.push(shape("rect", { x: left, y: top, width: right - left, height: bottom - top, rx: size / 6, class: kind }));
      const above = top > size * 1.2 ? top - size / 4 : bottom + size;
      marks.push(shape("text", { x: (left + right) / 2, y: above, "font-size": size, "stroke-width": size / 4, class: kind }, String(label)));
    }
  }
  if (cursor.shown && photo === null) marks.push(shape("circle", { cx: cursor.x, cy: cursor.y, r: Math.max(Number($("pen").value) / 2, 6), class: stroke ? "down" : "" }));
  $("boxes").setAttribute("viewBox", `0 0 ${width} ${height}`);
  fill($("boxes"), marks);
}

// Words side by side are no number: nothing is known of it.
function showFields() {
  $("known").hidden = !isNumberMode() || !digits();
}

$("mode").addEventListener("change", () => {
  showFields();
  if (FIELDS.some((id) => $(id).value)) restart();
  else showHeadline();
});
for (const id of FIELDS) {
  $(id).addEventListener("input", () => {
    epoch += 1; // an answer on its way knows less
    askSoon();
  });
}
$("pipeline").addEventListener("change", () => {
  showFields();
  restart();
});

async function start() {
  redraw();
  try {
    const response = await fetch("api/pipelines");
    ({ pipelines, max_bytes: maxBytes, max_known: maxKnown } = await response.json());
    fill($("pipeline"), pipelines.map(({ name }) => element("option", { value: name, textContent: name })));
    showNothing();
  } catch {
    showError("The server does not answer. Is it still running?");
  }
}
start();
