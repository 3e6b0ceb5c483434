// SPDX-License-Identifier: Apache-2.0
// What the server cannot do: listen for events, and draw plots.
(() => {
  "use strict";

  const live = document.querySelector(".live");
  const names = ["releases", "data-planes", "traffic"];

  const tell = (text, lost) => {
    if (!live || live.textContent === text) return;
    live.textContent = text;
    live.classList.toggle("lost", lost);
  };

  // An event is a name: what shows that part asks for it anew.
  const listen = () => {
    const events = new EventSource("/events");
    let before = false;
    const pass = (name) => document.body.dispatchEvent(new CustomEvent(name));
    events.addEventListener("ready", () => {
      tell("live", false);
      // What came meanwhile was heard by nobody.
      if (before) names.forEach(pass);
      before = true;
    });
    events.addEventListener("error", () => {
      tell("not live: connecting again", true);
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    });
    for (const name of names) events.addEventListener(name, () => pass(name));
  };
  if (live) listen();
})();
