(() => {
  "use strict";
  const at = (id) => document.getElementById(id);
  const choose = at("choose"), drop = at("drop"), status = at("status"), answers = at("answers"), blank = at("answer");
  const { most, tooLarge } = document.body.dataset;
  const gone = "the server does not answer: does secateur serve still run?";
  const NARROW = "\u202f";
  const percent = (p) => (p < 0.0005 ? "<0.1" : p > 0.9995 && p < 1 ? ">99.9" : (100 * p).toFixed(1)) + NARROW + "%";
  const three = (ms) => (ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms >= 1 ? ms.toFixed(2) : String(+ms.toPrecision(2)));
  const queue = [];
  let busy = false;

  function element(tag, name, text) {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text;
    return made;
  }

  function thumbnail(image, file) {
    const url = URL.createObjectURL(file);
    const done = () => URL.revokeObjectURL(url);
    image.addEventListener("load", done);
    image.addEventListener("error", () => { done(); image.removeAttribute("src"); }); // a kind that this browser cannot show
    image.src = url;
  }

  function outcome(shown, name, words) {
    shown.classList.remove("waiting");
    shown.querySelector(".outcome").textContent = words;
    status.textContent = `${name}: ${words}`;
  }

  function refuse(shown, name, words) {
    shown.classList.add("refused");
    outcome(shown, name, words);
  }

  function chance(row) {
    const line = document.createElement("li"), bar = element("span", "bar", ""), full = document.createElement("i");
    full.style.width = `${100 * row.probability}%`;
    bar.setAttribute("aria-hidden", "true");
    bar.append(full);
    line.append(element("span", "class", row.class), element("span", "chance", percent(row.probability)), bar);
    return line;
  }

  function fill(card, model) {
    card.querySelector(".best").textContent = model.problem || model.said;
    card.classList.toggle("problem", Boolean(model.problem));
    card.classList.toggle("apart", model.agrees === false);
    card.querySelector(".other").hidden = model.agrees !== false;
    card.querySelector(".chances").append(...model.classes.map(chance));
    if (model.doubt) card.querySelector(".chances").append(element("li", "doubt", model.doubt));
    card.querySelector(".time").textContent = model.ms === null ? "–" : three(model.ms) + NARROW + "ms";
  }

  function verdict({ majority, models }) {
    const told = models.filter((m) => m.said);
    if (!told.length) return "no model answered";
    if (!majority) return "the models do not agree: none is said by more than half of them";
    const same = told.filter((m) => m.said === majority).length;
    if (told.length === 1) return majority;
    return same === told.length ? `all ${told.length} models say ${majority}` : `${same} of ${told.length} models say ${majority}`;
  }

  async function ask({ file, name, shown }) {
    if (file.size > Number(most)) return refuse(shown, name, tooLarge);
    shown.querySelector(".outcome").textContent = "is being answered …";
    let reply, said;
    try {
      reply = await fetch("api/predict", { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
      said = await reply.json();
    } catch {
      return refuse(shown, name, gone);
    }
    if (!reply.ok) return refuse(shown, name, said.problem);
    thumbnail(shown.querySelector(".thumb"), file);
    const cards = shown.querySelector(".cards");
    said.models.forEach((model, i) => fill(cards.children[i], model));
    cards.hidden = false;
    outcome(shown, name, verdict(said));
  }

  async function work() {
    if (busy) return;
    busy = true;
    while (queue.length) await ask(queue.shift());
    busy = false;
  }

  function take(files) {
    if (!files.length) {
      status.textContent = "that held no file: drop, choose or paste a photo";
      return;
    }
    const newest = answers.firstChild;
    for (const file of files) {
      const shown = blank.content.firstElementChild.cloneNode(true), name = file.name || "pasted photo";
      shown.querySelector("h2").textContent = name;
      shown.classList.add("waiting");
      answers.insertBefore(shown, newest);
      queue.push({ file, name, shown });
    }
    work();
  }

  choose.addEventListener("change", () => {
    take([...choose.files]);
    choose.value = ""; // so that the same photo may be chosen again
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) take([...event.clipboardData.files]);
  });
})();
