// Asks without leaving the page: posts the question, reads the event stream and puts each sentence where it belongs.
(() => {
  "use strict";
  const UNREACHABLE = "The answer was cut off, because Gatehouse could not be reached. Check your connection and ask again.";
  const thread = document.getElementById("thread");
  const progress = document.getElementById("progress");
  const form = document.getElementById("ask-form");
  const field = form.elements.question;
  const JOINER = "\u2060"; // keeps a chip on the line of the word before it
  const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

  // --- one question and its answer -----------------------------------------------------------------
  class Exchange {
    constructor(question) {
      this.root = clone("exchange-template");
      this.sentences = new Map();
      this.links = new Map();
      this.ended = false;
      for (const part of ["question", "answer", "outcome", "sources", "sourceList", "after", "copy", "stored", "tasks", "summary", "facts", "feedback"])
        this[part] = this.root.querySelector(`[data-${part.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase())}]`);
      this.question.textContent = question;
      this.copy.addEventListener("click", () => this.copyText());
    }

    retrieved(data) {
      this.id = data.id;
      form.elements.conversation.value = data.conversation;
    }

    citation(data) {
      const line = clone("source-template");
      for (const element of line.querySelectorAll("[data-fill]")) element.textContent = data[element.dataset.fill] ?? "";
      line.querySelector("[data-href]").setAttribute("href", data.href);
      line.querySelector("[data-report-href]").setAttribute("href", data.report_href);
      line.querySelector("[data-container]").hidden = !data.container;
      line.querySelector("[data-container-href]").setAttribute("href", data.container_href ?? "");
      this.links.set(data.n, { href: data.href, title: data.title });
      this.sourceList.append(line);
      this.sources.hidden = false;
    }

    sentence(data) {
      const span = document.createElement("span");
      span.className = "arriving";
      span.append(data.text, JOINER);
      for (const n of data.citations) span.append(this.chip(n));
      if (data.table) span.append(this.table(data.table));
      this.sentences.set(data.ordinal, span);
      this.answer.append(span, " ");
    }

    // The rows a sentence tells: a part of it, so that they are withdrawn with it.
    table(data) {
      const figure = clone("table-template");
      figure.querySelector("[data-sql]").textContent = data.sql;
      figure.querySelector("[data-more]").hidden = !data.more;
      const row = (cells, tag) => {
        const line = document.createElement("tr");
        for (const text of cells) {
          const cell = document.createElement(tag);
          if (tag === "th") cell.scope = "col";
          cell.textContent = text ?? "–";
          line.append(cell);
        }
        return line;
      };
      figure.querySelector("thead").append(row(data.columns, "th"));
      figure.querySelector("tbody").append(...data.rows.map((cells) => row(cells, "td")));
      return figure;
    }

    chip(n) {
      const chip = document.createElement("a");
      const { href, title } = this.links.get(n) ?? { href: "#", title: "" };
      chip.className = "chip";
      chip.setAttribute("href", href);
      chip.setAttribute("aria-label", `Source ${n}: ${title}`);
      chip.title = title;
      chip.textContent = n;
      return chip;
    }

    withdrawn(data) {
      this.sentences.get(data.ordinal)?.replaceChildren(clone("withdrawn-template"));
    }

    done(data) {
      this.finish();
      this.pruneSources(data);
      if (data.holds_for) this.holdsFor(data.holds_for.message);
      if (data.status === "not_found" && this.sentences.size === 0) this.outcome.append(clone("not-found-template"));
      if (data.general) this.general(data.general, data.language);
      if (data.left_out) this.leftOut(data);
      else if (data.status === "partial" && !data.missing) this.outcome.append(clone("partial-template"));
      if (data.missing) this.told("missing-template", data.missing.message);
      if (data.extent) this.told("notice-template", data.extent.message);
      if (data.notice) this.told("notice-template", data.notice.message);
      progress.textContent = data.status === "not_found" ? "Not found in what you can read." : "The answer is complete.";
      if (data.general) progress.textContent += ` ${data.general.message}`;
      if (data.missing) progress.textContent = data.missing.message;
      if (data.which) this.asksBack(data);
      this.copy.hidden = this.sentences.size === 0 || Boolean(data.which);
      this.stored.setAttribute("href", data.page);
      this.tasks.hidden = !data.summary; // of a summary none is made
      this.summary.setAttribute("action", data.summary ?? "");
      this.facts.setAttribute("href", data.facts ?? "");
      this.after.hidden = false;
      htmx.ajax("GET", data.feedback, { target: this.feedback, swap: "innerHTML" });
      document.body.dispatchEvent(new CustomEvent("answered"));
    }

    // What no passage supports is not in the stream: the server is asked for it, and checks again.
    leftOut(data) {
      const holder = document.createElement("div");
      this.outcome.append(holder);
      htmx.ajax("GET", data.page, { target: holder, swap: "innerHTML", select: `#left-out-${data.id}` });
    }

    told(template, message) {
      const line = clone(template);
      line.textContent = message;
      this.outcome.append(line);
    }

    // What came are things the question may mean, each a question that can be asked instead, and leans on none.
    asksBack(data) {
      const which = clone("which-template");
      which.querySelector("p").textContent = data.which;
      data.options.forEach((question, index) => {
        const option = clone("option-template");
        option.elements.question.value = question;
        option.querySelector("button").textContent = data.sentences[index].text;
        which.querySelector("[data-options]").append(option);
      });
      this.answer.replaceChildren();
      this.outcome.append(which);
    }

    general({ text, message }, language) {
      const box = clone("general-template");
      box.setAttribute("aria-label", message);
      box.querySelector("[data-message]").textContent = message;
      box.querySelector("[data-text]").textContent = text;
      box.querySelector("[data-text]").lang = language;
      this.outcome.append(box);
    }

    holdsFor(message) {
      const line = clone("holds-for-template");
      line.textContent = message;
      this.answer.before(line);
    }

    // A source nothing shown rests on any more is not a source of this answer.
    pruneSources(data) {
      const cited = new Set(data.citations.map((citation) => citation.n));
      for (const line of [...this.sourceList.children])
        if (!cited.has(Number(line.querySelector('[data-fill="n"]').textContent))) line.remove();
      for (const n of this.links.keys()) if (!cited.has(n)) this.links.delete(n);
      this.sources.hidden = this.sourceList.children.length === 0;
    }

    error(data) {
      this.finish();
      field.value ||= this.question.textContent;
      const notice = clone("error-template");
      notice.textContent = data.error.message;
      this.outcome.append(notice);
    }

    finish() {
      this.ended = true;
      this.answer.classList.remove("reading");
      this.answer.setAttribute("aria-busy", "false");
    }

    // The answer as plain text, its chips as [1] and its sources below.
    plainText() {
      const answer = this.answer.cloneNode(true);
      for (const chip of answer.querySelectorAll(".chip")) chip.replaceWith(` [${chip.textContent}]`);
      const sources = [...this.links].map(([n, { href, title }]) => `[${n}] ${title} ${new URL(href, location.href)}`);
      return `${answer.textContent.replaceAll(JOINER, "").trim()}\n\n${sources.join("\n")}\n`;
    }

    async copyText() {
      const text = this.plainText();
      try {
        await navigator.clipboard.writeText(text);
        this.copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(this.answer);
        this.copy.textContent = "Selected: copy it now";
      }
    }
  }

  // --- the stream ----------------------------------------------------------------------------------
  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      buffer += value;
      let end;
      while ((end = buffer.indexOf("\n\n")) >= 0) {
        const lines = buffer.slice(0, end).split("\n");
        buffer = buffer.slice(end + 2);
        const name = lines.find((line) => line.startsWith("event: "));
        const data = lines.find((line) => line.startsWith("data: "));
        if (name && data) yield { name: name.slice(7), data: JSON.parse(data.slice(6)) };
      }
    }
  }

  const HANDLED = new Set(["retrieved", "citation", "sentence", "withdrawn", "done", "error"]);

  async function stream(exchange, body, address) {
    const response = await fetch(address, {
      method: "POST",
      body,
      headers: { Accept: "text/event-stream" },
      credentials: "same-origin",
    });
    const kind = response.headers.get("Content-Type") ?? "";
    if (kind.startsWith("text/event-stream")) {
      for await (const { name, data } of events(response.body)) if (HANDLED.has(name)) exchange[name](data);
    } else if (kind.startsWith("application/json")) {
      exchange.error(await response.json());
    } else if (response.redirected) {
      location.reload(); // the session has ended: the server leads to the sign-in page
    } else {
      exchange.error({ error: { message: "This page is out of date. Reload it and ask again." } });
    }
    if (!exchange.ended) exchange.error({ error: { message: UNREACHABLE } });
  }

  async function ask(question, body, address) {
    const exchange = new Exchange(question);
    for (const element of document.querySelectorAll("[data-welcome]")) element.hidden = true;
    for (const element of document.querySelectorAll("[data-follow-up]")) element.hidden = false;
    document.getElementById("problem")?.remove();
    thread.append(exchange.root);
    exchange.root.scrollIntoView({ block: "start" });
    progress.textContent = "Looking through what you may read.";
    form.querySelector("button").disabled = true;
    try {
      await stream(exchange, body, address);
    } catch {
      if (!exchange.ended) exchange.error({ error: { message: UNREACHABLE } });
    } finally {
      form.querySelector("button").disabled = false;
    }
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-ask]")) return;
    event.preventDefault();
    const body = new FormData(event.target);
    const question = body.get("question").trim();
    if (!question || form.querySelector("button").disabled) return;
    if (event.target === form) {
      field.value = "";
      field.placeholder = "Ask a follow-up, or something new…";
    }
    ask(question, body, event.target.action);
  });

  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
})();
